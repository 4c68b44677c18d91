import { sample } from "./crop.js";
import { doubled, grey, halved } from "./flow.js";
import { CHANNELS, PARTS, smooth } from "./layout.js";

// How a frame differs from the one at rest, for the photo to follow (i2vlib/faces/paste.py, whose numbers these are):
// skin, hair and grain are the photo's and carried along; what the network adds is the change that this leaves over; and
// where something is covered or uncovered (teeth, lids), the drawn pixels stand alone, in the photo's colours.

const [EDGE, CHANGED, MISFIT, COLOUR, ANEW] = [0.12, 1 / 42, 1 / 100, 1 / 20, 1 / 80]; // of the crop's side
const [FOLLOWED, DRAWN] = [[1, 5], [14, 40]]; // grey levels, from none to all

// 1 inside a crop, falling to 0 at its edge.
export function soft(size) {
  const ramp = Array.from({ length: size }, (_, i) => smooth(0.5 - Math.abs((i + 0.5) / size - 0.5), 0, EDGE));
  return Float32Array.from({ length: size * size }, (_, i) => ramp[i % size] * ramp[Math.floor(i / size)]);
}

// A map through a Gaussian, as scipy's: cut off at four deviations, and mirrored at the border.
export function blurred(map, size, deviation) {
  const reach = Math.floor(4 * deviation + 0.5);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, j) => Math.exp(-(((j - reach) / deviation) ** 2) / 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const kernel = Float32Array.from(weights, (weight) => weight / total);
  const places = Int32Array.from({ length: size + 2 * reach }, (_, j) => {
    const at = (((j - reach) % (2 * size)) + 2 * size) % (2 * size);
    return at < size ? at : 2 * size - 1 - at;
  });
  const line = new Float32Array(size + 2 * reach);
  const passed = (from, step, next) => {
    const out = new Float32Array(from.length);
    for (let n = 0; n < size; n += 1) {
      for (let j = 0; j < line.length; j += 1) line[j] = from[n * next + places[j] * step];
      for (let i = 0; i < size; i += 1) {
        let sum = 0;
        for (let j = 0; j < kernel.length; j += 1) sum += kernel[j] * line[i + j];
        out[n * next + i * step] = sum;
      }
    }
    return out;
  };
  return passed(passed(map, 1, size), size, 1);
}

// The largest of each pixel and those around it.
function widened(map, size) {
  const along = (from, step, next) => {
    const out = from.slice();
    for (let n = 0; n < size; n += 1)
      for (let i = 0, k = n * next; i < size; i += 1, k += step) {
        if (i && from[k - step] > out[k]) out[k] = from[k - step];
        if (i < size - 1 && from[k + step] > out[k]) out[k] = from[k + step];
      }
    return out;
  };
  return along(along(map, 1, size), size, 1);
}

// The three colours of a picture, Uint8Array (size * size * 3).
function planesOf(picture) {
  const planes = [0, 1, 2].map(() => new Float32Array(picture.length / 3));
  for (let i = 0, k = 0; k < picture.length; i += 1, k += 3) for (let c = 0; c < 3; c += 1) planes[c][i] = picture[k + c];
  return planes;
}

// The same, each pixel taken from where a flow says.
function followed(picture, size, [across, down]) {
  const planes = [0, 1, 2].map(() => new Float32Array(size * size));
  const pixel = new Float64Array(3);
  const source = { data: picture, width: size, height: size, channels: 3 };
  for (let i = 0; i < size * size; i += 1) {
    sample(source, (i % size) + 0.5 + across[i], Math.floor(i / size) + 0.5 + down[i], pixel);
    for (let c = 0; c < 3; c += 1) planes[c][i] = pixel[c];
  }
  return planes;
}

function chroma(frame) {
  let sum = 0;
  for (let i = 0; i < frame.length; i += 3)
    sum += Math.max(frame[i], frame[i + 1], frame[i + 2]) - Math.min(frame[i], frame[i + 1], frame[i + 2]);
  return (3 * sum) / frame.length;
}

// Three colours with a share of their distance from grey: models tint what is grey, and a grey photo is to stay grey.
function coloured(planes, share) {
  for (let i = 0; i < planes[0].length; i += 1) {
    const middle = (planes[0][i] + planes[1][i] + planes[2][i]) / 3;
    for (const plane of planes) plane[i] = middle + share * (plane[i] - middle);
  }
}

// How far three colours are from nothing.
function far([red, green, blue]) {
  const out = new Float32Array(red.length);
  for (let i = 0; i < out.length; i += 1) out[i] = (Math.abs(red[i]) + Math.abs(green[i]) + Math.abs(blue[i])) / 3;
  return out;
}

// What is left of a picture's three colours without others.
function without(planes, others) {
  return planes.map((plane, c) => plane.map((value, i) => value - others[c][i]));
}

// The change, Int16Array (size * size * CHANNELS) in `PARTS`, held within a mask. Frames and the photo's crop are
// Uint8Array (size * size * 3); `along(one, other, size)` is the flow; without it the change is what is added, and no more.
export function change(rest, frame, crop, size, mask, along) {
  const window = soft(size);
  if (mask) for (let i = 0; i < window.length; i += 1) window[i] *= mask[i];
  const none = new Float32Array(size * size);
  const share = Math.min(1, chroma(crop) / Math.max(chroma(rest), 1));
  const drawn = planesOf(frame);
  let [flow, before, anew, tint] = [[none, none], planesOf(rest), none, [none, none, none]];
  let left = without(drawn, before);

  if (along) {
    const changed = blurred(far(left), size, CHANGED * size);
    flow = along(grey(frame), grey(rest), size);
    for (let i = 0; i < window.length; i += 1) {
      const held = window[i] * smooth(changed[i], FOLLOWED[0], FOLLOWED[1]);
      flow[0][i] *= held;
      flow[1][i] *= held;
    }
    before = followed(rest, size, flow);
    left = without(drawn, before);
  }
  coloured(left, share);
  coloured(before, share);
  if (along) {
    const misfit = blurred(far(left), size, MISFIT * size);
    let most = 0;
    for (let i = 0; i < misfit.length; i += 1) most = Math.max(most, misfit[i] = smooth(misfit[i], DRAWN[0], DRAWN[1]));
    if (most) {
      anew = blurred(widened(misfit, size), size, ANEW * size);
      tint = followed(crop, size, flow).map((plane, c) => {
        for (let i = 0; i < plane.length; i += 1) plane[i] -= before[c][i];
        return doubled(blurred(halved(plane, size), size / 2, (COLOUR * size) / 2), size / 2); // half as fine is fine enough
      });
    }
  }

  const out = new Int16Array(CHANNELS * size * size);
  for (let i = 0, k = 0; i < window.length; i += 1, k += CHANNELS) {
    out[k] = Math.round(PARTS * flow[0][i]);
    out[k + 1] = Math.round(PARTS * flow[1][i]);
    out[k + 2] = Math.round(PARTS * PARTS * window[i] * anew[i]);
    for (let c = 0; c < 3; c += 1) {
      out[k + 3 + c] = Math.round(PARTS * window[i] * left[c][i]);
      out[k + 6 + c] = Math.round(PARTS * (before[c][i] + tint[c][i]));
    }
  }
  return out;
}
