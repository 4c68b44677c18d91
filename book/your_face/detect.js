import { cropMatrix, EYE_DISTANCE, EYE_LEVEL, inverse, scaleOf, shares, through, warp } from "./crop.js";

// The faces of a photo, found as i2vlib.faces finds them with MediaPipe's networks alone: the detector sees all of a
// picture, the second network a turned square around each face (views.py, landmarker.py, and `find` of crop.py).
// `readers` are {detector, landmarks, numbers}: two functions from an input to outputs, and what Python has written.

export const [DETECTOR, LANDMARKS] = [128, 256]; // px, the sides of the networks' inputs
const STEPS = 32; // of a pixel, the places between two that are told apart
const [PAD, SMALL, LARGE] = [0.4, 256, 1024];
const TURNS = [30, -30, 60, -60, 90, -90];
const TURNED = 512;

const halves = 1.5 * 2 ** 52;
const even = (value) => value + halves - halves; // to the nearest whole number, of two to the even one
const probability = (logit) => 1 / (1 + Math.exp(-logit));
const mean = (one, other) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];

// A picture as the detector gets it: grown by its own border, and scaled, as Pillow does it.

const BOX = [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)];
const CUBIC = [2, (x) => {
  const u = Math.abs(x);
  return u < 1 ? (1.5 * u - 2.5) * u * u + 1 : u < 2 ? ((-0.5 * u + 2.5) * u - 4) * u + 2 : 0;
}];

export function viewOf(picture, photo = Math.min(picture.width, picture.height) > SMALL) {
  const { data, width, height, channels } = picture;
  const least = Math.min(width, height);
  const pad = even(PAD * least);
  const grown = [width + 2 * pad, height + 2 * pad];
  const scale = Math.min(Math.max(1, SMALL / least), LARGE / Math.max(...grown));
  const [wide, high] = grown.map((side) => Math.max(1, even(side * scale)));
  const filter = scale > 1 ? CUBIC : BOX;
  const within = (at, most) => Math.min(Math.max(at - pad, 0), most - 1);
  const taps = (from, to, most, step) => shares(from, to, ...filter).map(([first, weights]) => {
    const places = weights.map((_, j) => step * within(first + j, most));
    return places.every((place) => place === places[0]) ? { places: [places[0]], weights: [1] } : { places, weights };
  });
  const across = new Uint8ClampedArray(3 * wide * height);
  const columns = taps(grown[0], wide, width, channels);
  for (let y = 0, k = 0; y < height; y += 1)
    for (let x = 0, row = channels * width * y; x < wide; x += 1, k += 3) {
      const { places, weights } = columns[x];
      let red = 0.5, green = 0.5, blue = 0.5;
      for (let j = 0; j < weights.length; j += 1) {
        const at = row + places[j];
        const weight = weights[j];
        red += weight * data[at];
        green += weight * data[at + 1];
        blue += weight * data[at + 2];
      }
      across[k] = Math.floor(red);
      across[k + 1] = Math.floor(green);
      across[k + 2] = Math.floor(blue);
    }
  const out = new Uint8ClampedArray(3 * wide * high);
  taps(grown[1], high, height, 3 * wide).forEach(({ places, weights }, y) => {
    for (let i = 0, k = 3 * wide * y; i < 3 * wide; i += 1) {
      let sum = 0.5;
      for (let j = 0; j < weights.length; j += 1) sum += weights[j] * across[places[j] + i];
      out[k + i] = Math.floor(sum);
    }
  });
  const exact = [wide / grown[0], high / grown[1]];
  return {
    image: { data: out, width: wide, height: high, channels: 3 }, photo, scale: exact,
    back: ([x, y]) => [x / exact[0] - pad, y / exact[1] - pad],
  };
}

// A point of a region {middle, sides, angle}, 0 to 1 along each side, in the picture's pixels.
function inRegion({ middle, sides, angle = 0 }, [u, v]) {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [(u - 0.5) * sides[0], (v - 0.5) * sides[1]];
  return [middle[0] + x * cosine - y * sine, middle[1] + x * sine + y * cosine];
}

// A region as a network sees it, Float32Array (size * size * 3) of whole numbers: places are known to 1/32 of a pixel;
// beyond the picture it is black, or the border is repeated.
export function cut({ data, width, height }, region, size, repeat) {
  const [[px, py], [ox, oy], [qx, qy]] = [[0, 1], [0, 0], [1, 0]].map((corner) => inRegion(region, corner).map(Math.fround));
  const [ax, ay, bx, by] = [(qx - ox) / size, (qy - oy) / size, (px - ox) / size, (py - oy) / size];
  const out = new Float32Array(3 * size * size);
  const within = (value, length) => (value < 0 ? 0 : value < length ? value : length - 1);
  for (let y = 0, k = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1, k += 3) {
      const u = even((ax * x + (bx * y + ox)) * STEPS);
      const v = even((ay * x + (by * y + oy)) * STEPS);
      const left = Math.floor(u / STEPS);
      const top = Math.floor(v / STEPS);
      const right = u - STEPS * left;
      const low = v - STEPS * top;
      let red = 0, green = 0, blue = 0;
      for (let j = 0; j < 2; j += 1) {
        const row = within(top + j, height);
        if (!repeat && row !== top + j) continue;
        for (let i = 0; i < 2; i += 1) {
          const column = within(left + i, width);
          if (!repeat && column !== left + i) continue;
          const weight = (i ? right : STEPS - right) * (j ? low : STEPS - low);
          const at = 3 * (row * width + column);
          red += weight * data[at];
          green += weight * data[at + 1];
          blue += weight * data[at + 2];
        }
      }
      out[k] = Math.floor(red / STEPS ** 2 + 0.5);
      out[k + 1] = Math.floor(green / STEPS ** 2 + 0.5);
      out[k + 2] = Math.floor(blue / STEPS ** 2 + 0.5);
    }
  return out;
}

// The places at which the detector looks: twice in each of 16 by 16 cells, six times in 8 by 8.
const ANCHORS = [[16, 2], [8, 6]].flatMap(([cells, times]) => Array.from({ length: cells * cells * times }, (_, i) => {
  const cell = Math.floor(i / times);
  return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
}));

function overlap([[left, top], [right, low]], [[left2, top2], [right2, low2]]) {
  const both = Math.max(0, Math.min(right, right2) - Math.max(left, left2)) * Math.max(0, Math.min(low, low2) - Math.max(top, top2));
  const all = (right - left) * (low - top) + (right2 - left2) * (low2 - top2) - both;
  return both / Math.max(all, Number.MIN_VALUE);
}

// One box a face, of `boxes` {points, score}, the likeliest first: the mean, weighed by the scores, of all that overlap
// the likeliest.
export function oneAFace(boxes, least) {
  const found = [];
  for (let left = boxes; left.length; ) {
    const near = left.filter((box, i) => i === 0 || overlap(left[0].points, box.points) > least);
    const total = near.reduce((sum, { score }) => sum + score, 0);
    found.push(left[0].points.map((_, n) => [0, 1].map((axis) =>
      near.reduce((sum, { points, score }) => sum + score * points[n][axis], 0) / total)));
    left = left.filter((box) => !near.includes(box));
  }
  return found;
}

async function regions(image, { detector, numbers }) {
  const longest = Math.max(image.width, image.height);
  const whole = { middle: [image.width / 2, image.height / 2], sides: [longest, longest] };
  const input = cut(image, whole, DETECTOR, false).map((value) => Math.fround(value / 127.5) - 1);
  const [offsets, logits] = await detector(input);
  const boxes = [];
  logits.forEach((logit, n) => {
    const score = probability(logit);
    if (score < numbers.probable) return;
    const [x, y] = ANCHORS[n];
    const of = (i) => [offsets[16 * n + 2 * i] / DETECTOR, offsets[16 * n + 2 * i + 1] / DETECTOR];
    const [[u, v], [wide, high]] = [of(0), of(1)];
    const points = [[u + x - wide / 2, v + y - high / 2], [u + x + wide / 2, v + y + high / 2]];
    for (let i = 2; i < 8; i += 1) points.push([of(i)[0] + x, of(i)[1] + y]);
    boxes.push({ points, score });
  });
  boxes.sort((one, other) => other.score - one.score);
  return oneAFace(boxes, numbers.overlap).slice(0, numbers.faces).map((points) => {
    const [low, high, one, other] = points.slice(0, 4).map((point) => inRegion(whole, point));
    return {
      middle: mean(low, high), sides: [0, 1].map((axis) => (high[axis] - low[axis]) * numbers.enlarged),
      angle: Math.atan2(other[1] - one[1], other[0] - one[0]),
    };
  });
}

// The points of every face of a picture that is looked at once.
async function meshesOf(image, readers) {
  const found = [];
  for (const region of await regions(image, readers)) {
    const input = cut(image, region, LANDMARKS, true).map((value) => value / 255);
    const [points, presence] = await readers.landmarks(input);
    if (probability(presence[0]) <= readers.numbers.probable) continue;
    found.push(Array.from({ length: points.length / 3 }, (_, n) =>
      inRegion(region, [points[3 * n] / LANDMARKS, points[3 * n + 1] / LANDMARKS])));
  }
  return found;
}

function part({ data, width }, left, top, wide, high) {
  const out = new Uint8ClampedArray(3 * wide * high);
  for (let y = 0; y < high; y += 1)
    out.set(data.subarray(3 * ((top + y) * width + left), 3 * ((top + y) * width + left + wide)), 3 * wide * y);
  return { data: out, width: wide, height: high, channels: 3 };
}

// A photo in which no face is found is looked at again in nine overlapping windows of half its size.
async function meshes({ image, photo }, readers) {
  const found = await meshesOf(image, readers);
  if (found.length || !photo) return found;
  const [wide, high] = [image.width >> 1, image.height >> 1];
  for (let i = 0; i < 3; i += 1)
    for (let j = 0; j < 3; j += 1) {
      const [left, top] = [(wide * j) >> 1, (high * i) >> 1];
      for (const mesh of await meshesOf(part(image, left, top, wide, high), readers))
        if (mesh.every(([x, y]) => x > 0 && x < wide && y > 0 && y < high))
          found.push(mesh.map(([x, y]) => [x + left, y + top]));
    }
  return found;
}

function boxOf(mesh) {
  const [xs, ys] = [0, 1].map((axis) => mesh.map((point) => point[axis]));
  const [low, high] = [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)]];
  return { low, high, area: (high[0] - low[0]) * (high[1] - low[1]) };
}

// The faces of a view, largest first, in the picture's pixels: {middle, half, eyes, area}.
async function upright(view, readers) {
  const found = [];
  const boxed = (await meshes(view, readers)).map((mesh) => ({ mesh, ...boxOf(mesh) }));
  for (const { mesh, low, high, area } of boxed.sort((one, other) => other.area - one.area)) {
    const middle = view.back(mean(low, high));
    if (found.some((other) => Math.max(Math.abs(middle[0] - other.middle[0]), Math.abs(middle[1] - other.middle[1])) <= other.half))
      continue;
    const eyes = eyesIn(mesh, readers.numbers).map(view.back);
    const half = (high[0] - low[0] + high[1] - low[1]) / 4 / view.scale[0];
    found.push({ middle, half, eyes, area: area / (view.scale[0] * view.scale[1]) });
  }
  return found;
}

// A face looked at again in its crop: nothing, unless the crop shows one with its eyes where they belong; its eyes are
// those that are read there.
async function again(picture, face, readers) {
  const matrix = cropMatrix(face.eyes, SMALL);
  const crop = { data: warp(picture, matrix, SMALL), width: SMALL, height: SMALL, channels: 3 };
  const there = await upright(viewOf(crop), readers);
  const wanted = [0.5 - EYE_DISTANCE / 2, 0.5 + EYE_DISTANCE / 2].map((x) => [x * SMALL, EYE_LEVEL * SMALL]);
  const near = ({ eyes }) => eyes.every((eye, i) => eye.every((value, axis) => Math.abs(value - wanted[i][axis]) < 0.1 * SMALL));
  if (!there.some(near)) return [];
  return [{ ...face, eyes: there[0].eyes.map((eye) => through(inverse(matrix), eye)) }];
}

// The points of the largest face of a picture near two eyes that were seen a moment ago, in the picture's pixels; none
// where there is none any more.
export async function meshNear(picture, eyes, readers) {
  const matrix = cropMatrix(eyes, SMALL);
  const view = viewOf({ data: warp(picture, matrix, SMALL), width: SMALL, height: SMALL, channels: 3 });
  const found = (await meshes(view, readers)).sort((one, other) => boxOf(other).area - boxOf(one).area);
  return found.length ? found[0].map((point) => through(inverse(matrix), view.back(point))) : null;
}

export const eyesIn = (mesh, { eyes }) => eyes.map(([one, other]) => mean(mesh[one], mesh[other]));

// The similarity that turns a picture about its middle into a square that holds it, and that square's side.
function turned({ width, height }, degrees) {
  const diagonal = Math.hypot(width, height);
  const [scale, angle] = [Math.min(1, TURNED / diagonal), (degrees * Math.PI) / 180];
  const [cosine, sine] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const side = Math.max(1, even(scale * diagonal));
  return [[
    cosine, -sine, side / 2 - (cosine * width - sine * height) / 2,
    sine, cosine, side / 2 - (sine * width + cosine * height) / 2,
  ], side];
}

// Every face of a picture {data, width, height, channels} from left to right, {middle, half, eyes, area}; of turned
// copies, if there is none upright.
export async function facesOf(picture, readers) {
  let found = [];
  const seen = async (face) => found.push(...(await again(picture, face, readers)));
  for (const face of await upright(viewOf(picture), readers)) await seen(face);
  for (const degrees of TURNS) {
    if (found.length) break;
    const [matrix, side] = turned(picture, degrees);
    const copy = { data: warp(picture, matrix, side), width: side, height: side, channels: 3 };
    const back = inverse(matrix);
    for (const { middle, half, eyes, area } of await upright(viewOf(copy, false), readers))
      await seen({
        middle: through(back, middle), half: half * scaleOf(back), eyes: eyes.map((eye) => through(back, eye)),
        area: area * scaleOf(back) ** 2,
      });
  }
  return found.sort((one, other) => one.middle[0] - other.middle[0]);
}
