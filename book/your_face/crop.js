// The book's one crop (i2vlib/faces/crop.py), on arrays: the same similarity, the same sampling.
// A picture is {data, width, height, channels}, its numbers row by row.

export const EYE_LEVEL = 0.31;
export const EYE_DISTANCE = 0.36;

// Two eyes, the one on the left first; of a head that lies on its side, as they were given.
export function leftFirst([one, other]) {
  const [across, down] = [other[0] - one[0], other[1] - one[1]];
  return across < 0 && -across >= Math.abs(down) ? [other, one] : [one, other];
}

// The similarity [a, b, c, d, e, f], x' = ax + by + c and y' = dx + ey + f, that takes two eyes, the one on the left
// first, to their place in a crop.
export function cropMatrix([left, right], size) {
  const [x, y] = [right[0] - left[0], right[1] - left[1]];
  const share = (EYE_DISTANCE * size) / (x * x + y * y);
  const [real, turn] = [x * share, -y * share];
  return [
    real, -turn, (0.5 - EYE_DISTANCE / 2) * size - real * left[0] + turn * left[1],
    turn, real, EYE_LEVEL * size - turn * left[0] - real * left[1],
  ];
}

export function inverse([a, b, c, d, e, f]) {
  const all = a * e - b * d;
  return [e / all, -b / all, (b * f - c * e) / all, -d / all, a / all, (c * d - a * f) / all];
}

// Where a place comes to lie.
export const through = ([a, b, c, d, e, f], [x, y]) => [a * x + b * y + c, d * x + e * y + f];

export const scaleOf = ([a, b, , d, e]) => Math.sqrt(Math.abs(a * e - b * d));

const TRIANGLE = [1, (x) => Math.max(0, 1 - Math.abs(x))];

// For each place of a line of another length, the places of the first that it stands for, weighed by a filter of some
// reach: torch's antialiased interpolation, with a triangle, and Pillow's with any. A longer line's filter is no wider.
export function shares(from, to, reach, filter) {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(middle - reach * wide + 0.5));
    const last = Math.min(from, Math.floor(middle + reach * wide + 0.5));
    const weights = Array.from({ length: last - first }, (_, j) => filter((j + first - middle + 0.5) / wide));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return [first, weights.map((weight) => weight / total)];
  });
}

// A smaller picture, or what of it lies in a box: from its left and top to before its right and low side.
export function shrunk({ data, width, height, channels }, toWidth, toHeight, [left, top, right, low] = [0, 0, toWidth, toHeight]) {
  const columns = shares(width, toWidth, ...TRIANGLE).slice(left, right);
  const rows = shares(height, toHeight, ...TRIANGLE).slice(top, low);
  const begin = rows[0][0];
  const end = rows.at(-1)[0] + rows.at(-1)[1].length;
  const row = columns.length * channels;
  const across = new Float32Array(row * (end - begin));
  for (let y = begin, at = 0; y < end; y += 1)
    for (let x = 0; x < columns.length; x += 1) {
      const first = columns[x][0];
      const weights = columns[x][1];
      for (let c = 0; c < channels; c += 1, at += 1) {
        let sum = 0;
        for (let j = 0, k = (y * width + first) * channels + c; j < weights.length; j += 1, k += channels)
          sum += weights[j] * data[k];
        across[at] = sum;
      }
    }
  const out = new Float32Array(rows.length * row);
  rows.forEach(([first, weights], y) => {
    for (let i = 0; i < row; i += 1) {
      let sum = 0;
      for (let j = 0, k = (first - begin) * row + i; j < weights.length; j += 1, k += row) sum += weights[j] * across[k];
      out[y * row + i] = sum;
    }
  });
  return { data: out, width: columns.length, height: rows.length, channels };
}

// The four weights of cubic convolution (A = -0.75, as torch has it) for a place between the second and the third.
const A = -0.75;
function cubic(t, into) {
  const [u, v, w] = [t + 1, 1 - t, 2 - t];
  into[0] = ((A * u - 5 * A) * u + 8 * A) * u - 4 * A;
  into[1] = ((A + 2) * t - (A + 3)) * t * t + 1;
  into[2] = ((A + 2) * v - (A + 3)) * v * v + 1;
  into[3] = ((A * w - 5 * A) * w + 8 * A) * w - 4 * A;
}

// The first three channels of a picture at a place (x, y), in pixels from its corner; beyond its border the border goes
// on, or with `zeros` there is nothing.
const [ACROSS, DOWN] = [new Float64Array(4), new Float64Array(4)];
export function sample({ data, width, height, channels }, x, y, into, zeros = false) {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  cubic(x - 0.5 - left, ACROSS);
  cubic(y - 0.5 - top, DOWN);
  let red = 0;
  let green = 0;
  let blue = 0;
  if (left > 0 && top > 0 && left + 2 < width && top + 2 < height) { // nearly always, and then fast
    const a = ACROSS[0];
    const b = ACROSS[1];
    const c = ACROSS[2];
    const d = ACROSS[3];
    const two = 2 * channels;
    const three = 3 * channels;
    for (let j = 0, k = ((top - 1) * width + left - 1) * channels; j < 4; j += 1, k += width * channels) {
      const weight = DOWN[j];
      red += weight * (a * data[k] + b * data[k + channels] + c * data[k + two] + d * data[k + three]);
      green += weight * (a * data[k + 1] + b * data[k + channels + 1] + c * data[k + two + 1] + d * data[k + three + 1]);
      blue += weight * (a * data[k + 2] + b * data[k + channels + 2] + c * data[k + two + 2] + d * data[k + three + 2]);
    }
  } else {
    for (let j = 0; j < 16; j += 1) {
      const [u, v] = [left - 1 + (j & 3), top - 1 + (j >> 2)];
      if (zeros && (u < 0 || v < 0 || u >= width || v >= height)) continue;
      const weight = DOWN[j >> 2] * ACROSS[j & 3];
      const k = (Math.min(Math.max(v, 0), height - 1) * width + Math.min(Math.max(u, 0), width - 1)) * channels;
      red += weight * data[k];
      green += weight * data[k + 1];
      blue += weight * data[k + 2];
    }
  }
  into[0] = red;
  into[1] = green;
  into[2] = blue;
}

// What of a picture a crop is sampled from, with the neighbours of each place.
function reached([a, b, c, d, e, f], size, width, height) {
  const ends = (p, q, r, length) => {
    const corners = [r, r + p * size, r + q * size, r + (p + q) * size];
    const first = Math.min(Math.max(Math.floor(Math.min(...corners)) - 3, 0), length - 1);
    return [first, Math.max(Math.min(Math.ceil(Math.max(...corners)) + 3, length), first + 1)];
  };
  const [[left, right], [top, low]] = [ends(a, b, c, width), ends(d, e, f, height)];
  return [left, top, right, low];
}

// A picture through a similarity as a crop of whole numbers, Uint8Array (size * size * 3): antialiased where it shrinks.
export function warp(picture, matrix, size) {
  let [source, back] = [picture, inverse(matrix)];
  const scale = scaleOf(matrix);
  if (scale < 1) {
    const [wide, high] = [picture.width, picture.height].map((length) => Math.max(1, Math.round(length * scale)));
    back = back.map((value, place) => value * (place < 3 ? wide / picture.width : high / picture.height));
    const box = reached(back, size, wide, high);
    source = shrunk(picture, wide, high, box);
    back[2] -= box[0];
    back[5] -= box[1];
  }
  const pixel = new Float64Array(3);
  const out = new Uint8ClampedArray(3 * size * size);
  for (let y = 0, k = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1, k += 3) {
      const [u, v] = [x + 0.5, y + 0.5];
      sample(source, back[0] * u + back[1] * v + back[2], back[3] * u + back[4] * v + back[5], pixel);
      for (let c = 0; c < 3; c += 1) out[k + c] = pixel[c];
    }
  return new Uint8Array(out.buffer);
}
