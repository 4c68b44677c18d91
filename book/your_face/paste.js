import { inverse, sample, scaleOf, shrunk, through } from "./crop.js";
import { CHANNELS, PARTS, smooth } from "./layout.js";

// A crop that was animated, back in the photo, which follows its change (carry.js) at its own resolution: what Place.carried
// of i2vlib/faces/paste.py does.

const [WAYS, LEVELS] = [[1 / 16, 1 / 16, 1 / 64], [1 / 4, 1 / 4, 1 / 4]]; // of a change, what is seen

// Where an expression may act: a part of the crop, whose eyes always lie in one place, with a soft border; all: nothing.
export function region(name, size) {
  const sides = {
    below: (x, y) => y - 0.47, above: (x, y) => 0.47 - y, left: (x) => 0.5 - x, right: (x) => x - 0.5,
  };
  if (!sides[name]) return null;
  return Float32Array.from({ length: size * size }, (_, i) =>
    smooth(0.5 + sides[name](((i % size) + 0.5) / size, (Math.floor(i / size) + 0.5) / size) / 0.12));
}

// Where in a picture of some size a crop lies: its box, and the way from the picture to the crop.
export function placeOf(matrix, size, width, height) {
  const back = inverse(matrix);
  const corners = [[0, 0], [size, 0], [0, size], [size, size]].map((corner) => through(back, corner));
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const left = Math.max(0, Math.floor(Math.min(...xs)));
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const [right, bottom] = [Math.min(width, Math.ceil(Math.max(...xs))), Math.min(height, Math.ceil(Math.max(...ys)))];
  return { matrix, size, left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

// Where between the pixels of a change, by the one to the left above in a frame of two more a side, one can be sampled
// that is seen: if any of the 16 around has a quarter of a level or a sixteenth of a pixel, since their weights sum up to
// less than two.
function seenIn({ data, width, height, channels }, least) {
  const [wide, high] = [width + 4, height + 4];
  const across = new Uint8Array(wide * high);
  for (let y = 0, k = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, k += channels)
      if (Math.abs(data[k]) >= least[0] || Math.abs(data[k + 1]) >= least[1] || Math.abs(data[k + 2]) >= least[2])
        across.fill(1, (y + 2) * wide + x, (y + 2) * wide + x + 4);
  const out = across.slice();
  for (let k = 2 * wide; k < across.length; k += 1)
    if (across[k]) {
      out[k - 2 * wide] = out[k - wide] = 1;
      if (k + wide < out.length) out[k + wide] = 1;
    }
  return out;
}

// Three of a change's channels as a picture, in pixels and levels.
function channelsFrom(moved, size, first, parts) {
  const data = new Float32Array(3 * size * size);
  for (let i = 0, k = 0; k < data.length; i += CHANNELS, k += 3)
    for (let c = 0; c < 3; c += 1) data[k + c] = moved[i + first + c] / parts[c];
  return { data, width: size, height: size, channels: 3 };
}

// The pixels of the box with a change in them: each is the photo's, taken from where it was; gives way to what is drawn
// anew, as far as that is; and gets what is added. Where the change is nothing they are the photo's, bit for bit.
export function pasted(pixels, place, moved) {
  const { matrix: [a, b, c, d, e, f], size, left, top, width, height } = place;
  const [p, q, , s, t] = inverse(place.matrix);
  const fewer = scaleOf(place.matrix);
  const side = Math.max(1, Math.round(size / fewer));
  const ratio = fewer > 1 ? side / size : 1;
  const [ways, added, drawn] = [[0, [PARTS, PARTS, PARTS * PARTS]], [3, [PARTS, PARTS, PARTS]], [6, [PARTS, PARTS, PARTS]]]
    .map(([first, parts]) => channelsFrom(moved, size, first, parts))
    .map((map) => (fewer > 1 ? shrunk(map, side, side) : map));
  const [follows, adds] = [seenIn(ways, WAYS), seenIn(added, LEVELS)];
  const wide = ways.width + 4;
  const photo = { data: pixels.data, width, height, channels: 4 };
  const out = new Uint8ClampedArray(pixels.data);
  const [way, more, instead, detail] = [0, 1, 2, 3].map(() => new Float64Array(3));
  for (let y = 0, k = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1, k += 4) {
      const u = a * (left + x + 0.5) + b * (top + y + 0.5) + c;
      const v = d * (left + x + 0.5) + e * (top + y + 0.5) + f;
      if (u < 0 || v < 0 || u > size || v > size) continue;
      const at = wide * Math.floor(v * ratio + 1.5) + Math.floor(u * ratio + 1.5);
      if (!follows[at] && !adds[at]) continue;
      for (let n = 0; n < 3; n += 1) detail[n] = pixels.data[k + n];
      if (follows[at]) {
        sample(ways, u * ratio, v * ratio, way, true);
        const [across, down, anew] = way;
        sample(photo, x + 0.5 + p * across + q * down, y + 0.5 + s * across + t * down, detail);
        if (anew > 0) {
          sample(drawn, u * ratio, v * ratio, instead, true);
          for (let n = 0; n < 3; n += 1) detail[n] += Math.min(anew, 1) * (instead[n] - detail[n]);
        }
      }
      sample(added, u * ratio, v * ratio, more, true);
      for (let n = 0; n < 3; n += 1) out[k + n] = detail[n] + more[n];
    }
  return new ImageData(out, width, height);
}
