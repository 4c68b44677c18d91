// Optical flow by iterative Lucas-Kanade (Le Besnerais and Champagnat 2005), from coarse to fine: where what is at a place
// of one picture was in the other. All pictures are square and grey here, Float32Array (size * size).

const [COARSEST, TURNS, SHARE] = [16, 2, 20]; // px of the coarsest; solved anew so often on each; the window's radius, of the side
const HELD = 1; // squared grey levels: where less is to be seen, the flow stays as it is around

// The brightness of a picture, Uint8Array (size * size * 3).
export function grey(picture) {
  return Float32Array.from({ length: picture.length / 3 }, (_, i) =>
    0.299 * picture[3 * i] + 0.587 * picture[3 * i + 1] + 0.114 * picture[3 * i + 2]);
}

// The mean of the window around each pixel; at a border, of what of it is there.
export function boxMean(values, size, radius) {
  const passed = (from, step, line) => {
    const out = new Float32Array(from.length);
    for (let n = 0; n < size; n += 1) {
      let sum = 0;
      const begin = n * line;
      for (let i = 0; i < radius; i += 1) sum += from[begin + i * step];
      for (let i = 0; i < size; i += 1) {
        if (i + radius < size) sum += from[begin + (i + radius) * step];
        if (i > radius) sum -= from[begin + (i - radius - 1) * step];
        out[begin + i * step] = sum / (Math.min(size - 1, i + radius) - Math.max(0, i - radius) + 1);
      }
    }
    return out;
  };
  return passed(passed(values, 1, size), size, 1);
}

// Half as wide and high: means of four.
export function halved(values, size) {
  const half = size / 2;
  return Float32Array.from({ length: half * half }, (_, i) => {
    const at = 2 * (i % half) + 2 * Math.floor(i / half) * size;
    return (values[at] + values[at + 1] + values[at + size] + values[at + size + 1]) / 4;
  });
}

// A map's value between four of its pixels; beyond the border, the border's. Places count from the middle of the first.
function between(values, size, x, y) {
  const [u, v] = [Math.min(Math.max(x, 0), size - 1), Math.min(Math.max(y, 0), size - 1)];
  const left = Math.min(Math.floor(u), size - 2);
  const top = Math.min(Math.floor(v), size - 2);
  const [across, down, k] = [u - left, v - top, top * size + left];
  const above = values[k] + across * (values[k + 1] - values[k]);
  const below = values[k + size] + across * (values[k + size + 1] - values[k + size]);
  return above + down * (below - above);
}

// Twice as wide and high as a map of some size, and so many times as much.
export function doubled(values, size, times = 1) {
  const out = new Float32Array(4 * size * size);
  for (let y = 0, i = 0; y < 2 * size; y += 1)
    for (let x = 0; x < 2 * size; x += 1, i += 1) out[i] = times * between(values, size, x / 2 - 0.25, y / 2 - 0.25);
  return out;
}

// One turn: what differs, where the second picture is taken from where the flow says, tells by how much the flow is to
// change; flows of a window are one.
function turned(one, other, size, [across, down], radius) {
  const area = size * size;
  const moved = new Float32Array(area);
  for (let i = 0; i < area; i += 1) moved[i] = between(other, size, (i % size) + across[i], Math.floor(i / size) + down[i]);
  const maps = Array.from({ length: 5 }, () => new Float32Array(area));
  for (let y = 0, i = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1, i += 1) {
      const [left, right] = [x ? i - 1 : i, x < size - 1 ? i + 1 : i];
      const [above, below] = [y ? i - size : i, y < size - 1 ? i + size : i];
      const p = (moved[right] - moved[left]) / Math.max(1, right - left);
      const q = (moved[below] - moved[above]) / Math.max(1, (below - above) / size);
      const wanted = one[i] - moved[i] + p * across[i] + q * down[i];
      maps[0][i] = p * p;
      maps[1][i] = p * q;
      maps[2][i] = q * q;
      maps[3][i] = p * wanted;
      maps[4][i] = q * wanted;
    }
  const [pp, pq, qq, pw, qw] = maps.map((map) => boxMean(map, size, radius));
  const around = [across, down].map((map) => boxMean(map, size, radius));
  for (let i = 0; i < area; i += 1) {
    const [a, d] = [pp[i] + HELD, qq[i] + HELD];
    const [u, v] = [pw[i] + HELD * around[0][i], qw[i] + HELD * around[1][i]];
    const all = a * d - pq[i] * pq[i];
    across[i] = (d * u - pq[i] * v) / all;
    down[i] = (a * v - pq[i] * u) / all;
  }
}

// The flow [across, down], in pixels: what is at p in `one` was at p + flow(p) in `other`.
export function flowOf(one, other, size) {
  let flow = [new Float32Array(size * size), new Float32Array(size * size)];
  if (size / 2 >= COARSEST) {
    const half = size / 2;
    flow = flowOf(halved(one, size), halved(other, size), half).map((map) => doubled(map, half, 2));
  }
  const radius = Math.max(2, Math.floor(size / SHARE));
  for (let turn = 0; turn < TURNS; turn += 1) turned(one, other, size, flow, radius);
  return flow;
}
