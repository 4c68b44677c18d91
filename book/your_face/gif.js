// A GIF of frames that differ within a box only: one palette for all, the first frame whole, of the others the box.

const COLOURS = 256;

// Median cut: the box of colours with the longest side is halved until there are enough; its mean stands for each.
function paletteOf(samples) {
  const boxes = [samples];
  const spread = (box) => {
    const [low, high] = [[255, 255, 255], [0, 0, 0]];
    for (const colour of box)
      for (let c = 0; c < 3; c += 1) {
        low[c] = Math.min(low[c], colour[c]);
        high[c] = Math.max(high[c], colour[c]);
      }
    const sides = high.map((value, c) => value - low[c]);
    return [Math.max(...sides) * Math.sqrt(box.length), sides.indexOf(Math.max(...sides))];
  };
  const widest = [spread(samples)];
  while (boxes.length < COLOURS) {
    const at = widest.reduce((best, [size], i) => (size > widest[best][0] ? i : best), 0);
    if (widest[at][0] === 0) break;
    const box = boxes[at].sort((one, other) => one[widest[at][1]] - other[widest[at][1]]);
    const half = box.length >> 1;
    boxes.splice(at, 1, box.slice(0, half), box.slice(half));
    widest.splice(at, 1, spread(boxes[at]), spread(boxes[at + 1]));
  }
  return boxes.filter((box) => box.length).map((box) =>
    [0, 1, 2].map((c) => Math.round(box.reduce((sum, colour) => sum + colour[c], 0) / box.length)));
}

// From a colour to its nearest in the palette, asked once for all that share their first six bits.
function matcher(palette) {
  const known = new Int16Array(1 << 18).fill(-1);
  return (red, green, blue) => {
    const key = ((red >> 2) << 12) | ((green >> 2) << 6) | (blue >> 2);
    if (known[key] < 0) {
      let [best, least] = [0, Infinity];
      palette.forEach(([r, g, b], i) => {
        const far = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
        if (far < least) [best, least] = [i, far];
      });
      known[key] = best;
    }
    return known[key];
  };
}

// The codes of LZW, from nine bits on, in blocks of up to 255 bytes.
function lzw(indices) {
  const [clear, end] = [256, 257];
  const bytes = [];
  let [bits, held, width] = [0, 0, 9];
  const put = (code) => {
    held |= code << bits;
    for (bits += width; bits >= 8; bits -= 8, held >>>= 8) bytes.push(held & 255);
  };
  let table = new Map();
  let next = end + 1;
  put(clear);
  let prefix = indices[0];
  for (let i = 1; i < indices.length; i += 1) {
    const key = (prefix << 8) | indices[i];
    const code = table.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    put(prefix);
    if (next < 4096) {
      if (next === 1 << width) width += 1; // the reader is one entry behind
      table.set(key, next);
      next += 1;
    } else {
      put(clear);
      [table, next, width] = [new Map(), end + 1, 9];
    }
    prefix = indices[i];
  }
  put(prefix);
  if (next === 1 << width && width < 12) width += 1;
  put(end);
  if (bits) bytes.push(held & 255);
  const blocks = [];
  for (let i = 0; i < bytes.length; i += 255) blocks.push(Math.min(255, bytes.length - i), ...bytes.slice(i, i + 255));
  return [8, ...blocks, 0];
}

const short = (value) => [value & 255, value >> 8];
const text = (words) => [...words].map((letter) => letter.charCodeAt(0));

// `first` is the whole picture; `patches` are {patch, left, top}, one a frame, laid on what is there; `delay` is in
// hundredths of a second.
export function gif(first, patches, delay, comment) {
  const samples = [];
  for (const { data } of [first, ...patches.slice(0, 12).map(({ patch }) => patch)]) {
    const step = 4 * Math.max(1, Math.floor(data.length / 4 / 6000));
    for (let i = 0; i < data.length; i += step) samples.push([data[i], data[i + 1], data[i + 2]]);
  }
  const palette = paletteOf(samples);
  const nearest = matcher(palette);
  const colours = Array.from({ length: COLOURS }, (_, i) => palette[i] || [0, 0, 0]).flat();
  const image = ({ data, width, height }, left, top) => {
    const indices = new Uint8Array(width * height);
    for (let i = 0, k = 0; i < indices.length; i += 1, k += 4) indices[i] = nearest(data[k], data[k + 1], data[k + 2]);
    const shown = [0x21, 0xf9, 4, 4, ...short(delay), 0, 0]; // each frame stays, the next lies on it
    return [shown, [0x2c, ...short(left), ...short(top), ...short(width), ...short(height), 0], lzw(indices)];
  };
  const parts = [
    [...text("GIF89a"), ...short(first.width), ...short(first.height), 0xf7, 0, 0, ...colours],
    [0x21, 0xff, 11, ...text("NETSCAPE2.0"), 3, 1, 0, 0, 0],
    [0x21, 0xfe, comment.length, ...text(comment), 0],
  ];
  const whole = new ImageData(new Uint8ClampedArray(first.data), first.width, first.height);
  patches.forEach(({ patch, left, top }, number) => {
    if (number) return parts.push(...image(patch, left, top));
    for (let y = 0; y < patch.height; y += 1)
      whole.data.set(patch.data.subarray(4 * y * patch.width, 4 * (y + 1) * patch.width), 4 * ((top + y) * whole.width + left));
    parts.push(...image(whole, 0, 0));
  });
  parts.push([0x3b]);
  return new Blob(parts.map((part) => Uint8Array.from(part)), { type: "image/gif" });
}
