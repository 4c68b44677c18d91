// How a change is laid out that the photo follows, between what makes it (carry.js) and what pastes it (paste.js).

export const CHANNELS = 9; // of a pixel: the flow, how much is drawn anew, what is added to the rest, what is drawn
export const PARTS = 64; // of a pixel and of a grey level, in which a change is counted; what is anew, in parts of parts

// A smooth step from 0 at `low` to 1 at `high`.
export const smooth = (value, low = 0, high = 1) => {
  const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
  return share * share * (3 - 2 * share);
};
