import { inverse, sample, scaleOf, shrunk } from "./crop.js";

// A crop that was animated, back in the photo: its change from the frame at rest is put there, soft at the edge, so
// that skin, hair and grain stay the photo's own (the last term of i2vlib/faces/paste.py).

const EDGE = 0.12; // of the crop's side

const smooth = (value) => {
  const share = Math.min(Math.max(value, 0), 1);
  return share * share * (3 - 2 * share);
};

// 1 inside a crop, falling to 0 at its edge.
export function soft(size) {
  const ramp = Array.from({ length: size }, (_, i) => smooth((0.5 - Math.abs((i + 0.5) / size - 0.5)) / EDGE));
  return Float32Array.from({ length: size * size }, (_, i) => ramp[i % size] * ramp[Math.floor(i / size)]);
}

// Where an expression may act: a part of the crop, whose eyes always lie in one place, with a soft border; all: nothing.
export function region(name, size) {
  const sides = {
    below: (x, y) => y - 0.47, above: (x, y) => 0.47 - y, left: (x) => 0.5 - x, right: (x) => x - 0.5,
  };
  if (!sides[name]) return null;
  return Float32Array.from({ length: size * size }, (_, i) =>
    smooth(0.5 + sides[name](((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size) / 0.12));
}

function chroma(frame) {
  let sum = 0;
  for (let i = 0; i < frame.length; i += 3)
    sum += Math.max(frame[i], frame[i + 1], frame[i + 2]) - Math.min(frame[i], frame[i + 1], frame[i + 2]);
  return (3 * sum) / frame.length;
}

// What is added to the photo, in the crop's pixels: held within a mask, and grey where the photo is, since a model tints
// what is grey.
export function change(rest, frame, crop, size, mask) {
  const window = soft(size);
  const colour = Math.min(1, chroma(crop) / Math.max(chroma(rest), 1));
  const out = new Float32Array(frame.length);
  for (let i = 0, k = 0; i < window.length; i += 1, k += 3) {
    const share = window[i] * (mask ? mask[i] : 1);
    const [red, green, blue] = [frame[k] - rest[k], frame[k + 1] - rest[k + 1], frame[k + 2] - rest[k + 2]];
    const grey = (red + green + blue) / 3;
    out[k] = share * (grey + colour * (red - grey));
    out[k + 1] = share * (grey + colour * (green - grey));
    out[k + 2] = share * (grey + colour * (blue - grey));
  }
  return { data: out, width: size, height: size, channels: 3 };
}

// Where in a picture of some size a crop lies: its box, and the way from the picture to the crop.
export function placeOf(matrix, size, width, height) {
  const [a, b, c, d, e, f] = inverse(matrix);
  const corners = [[0, 0], [size, 0], [0, size], [size, size]].map(([x, y]) => [a * x + b * y + c, d * x + e * y + f]);
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const left = Math.max(0, Math.floor(Math.min(...xs)));
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const [right, bottom] = [Math.min(width, Math.ceil(Math.max(...xs))), Math.min(height, Math.ceil(Math.max(...ys)))];
  return { matrix, size, left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

// Where between the pixels of a change, by the one to the left above in a frame of two more a side, one can be sampled
// that is seen: if any of the 16 around is a quarter of a level, since their weights sum up to less than two.
function seenIn({ data, width, height }) {
  const [wide, high] = [width + 4, height + 4];
  const across = new Uint8Array(wide * high);
  for (let y = 0, k = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, k += 3)
      if (Math.max(Math.abs(data[k]), Math.abs(data[k + 1]), Math.abs(data[k + 2])) >= 0.25)
        across.fill(1, (y + 2) * wide + x, (y + 2) * wide + x + 4);
  const out = across.slice();
  for (let k = 2 * wide; k < across.length; k += 1)
    if (across[k]) {
      out[k - 2 * wide] = out[k - wide] = 1;
      if (k + wide < out.length) out[k + wide] = 1;
    }
  return out;
}

// The pixels of the box with a change in them; where that is nothing they are the photo's, bit for bit.
export function pasted(pixels, place, added) {
  const { matrix: [a, b, c, d, e, f], size, left, top, width, height } = place;
  const fewer = scaleOf(place.matrix);
  const side = Math.max(1, Math.round(size / fewer));
  const [values, ratio] = fewer > 1 ? [shrunk(added, side, side), side / size] : [added, 1];
  const seen = seenIn(values);
  const wide = values.width + 4;
  const out = new Uint8ClampedArray(pixels.data);
  const pixel = new Float64Array(3);
  for (let y = 0, k = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, k += 4) {
      const p = a * (left + x + 0.5) + b * (top + y + 0.5) + c;
      const q = d * (left + x + 0.5) + e * (top + y + 0.5) + f;
      if (p < 0 || q < 0 || p > size || q > size) continue;
      if (!seen[wide * Math.floor(q * ratio + 1.5) + Math.floor(p * ratio + 1.5)]) continue;
      sample(values, p * ratio, q * ratio, pixel, true);
      for (let channel = 0; channel < 3; channel += 1) out[k + channel] = pixels.data[k + channel] + pixel[channel];
    }
  return new ImageData(out, width, height);
}
