import { cropMatrix, scaleOf, warp } from "./crop.js";
import { eyesIn, facesOf, meshNear } from "./detect.js";

// How strong each expression of a face that moves is, by AffineGAN's Eq. 5: how far its code has gone along f_Δ of the
// same face at rest. Between the two the head moves; so every frame is laid on the one at rest first.

const STEADY = [ // of the mesh: the points that no expression moves much, at forehead, temples, corners of the eyes, nose
  127, 234, 356, 454, 162, 389, 21, 251, 54, 284, 103, 332, 67, 297, 109, 338, 10, 168, 197, 195, 6, 5, 33, 133, 362, 263,
  9, 8, 151,
];
const TREMBLE = 2; // px of the crop: the same picture, read four times, is then .08 apart at most, and was .18
const EPSILON = 1e-8; // as in i2vlib/papers/affinegan/equations.py

// The similarity [a, b, c, d, e, f] that takes points as near to others as one can, by least squares.
export function laid(points, onto) {
  const middle = (of, axis) => of.reduce((sum, point) => sum + point[axis], 0) / of.length;
  const [x0, y0, u0, v0] = [middle(points, 0), middle(points, 1), middle(onto, 0), middle(onto, 1)];
  let [real, turn, length] = [0, 0, 0];
  points.forEach(([px, py], i) => {
    const [x, y, u, v] = [px - x0, py - y0, onto[i][0] - u0, onto[i][1] - v0];
    real += x * u + y * v;
    turn += x * v - y * u;
    length += x * x + y * y;
  });
  [real, turn] = [real / length, turn / length];
  return [real, -turn, u0 - real * x0 + turn * y0, turn, real, v0 - turn * x0 - real * y0];
}

// First the one similarity, then the other.
export function after([a, b, c, d, e, f], [p, q, r, s, t, u]) {
  return [p * a + q * d, p * b + q * e, p * c + q * f + r, s * a + t * d, s * b + t * e, s * c + t * f + u];
}

// Eq. 5 for every direction: codes of a frame and of the face at rest.
export function intensitiesOf(frame, rest, directions) {
  return directions.map((direction) => {
    let [along, length] = [0, 0];
    direction.forEach((value, i) => {
      along += (frame[i] - rest[i]) * value;
      length += value * value;
    });
    return Math.abs(along / (length + EPSILON));
  });
}

// Points as they are now, held back by what they were: those that moved by less than a length, taken together, tremble
// more than they move.
export function held(points, before, length) {
  const far = Math.sqrt(points.reduce((sum, [x, y], i) => sum + (x - before[i][0]) ** 2 + (y - before[i][1]) ** 2, 0) / points.length);
  const share = Math.min(1, far / length);
  return points.map((point, i) => point.map((value, axis) => before[i][axis] + share * (value - before[i][axis])));
}

// The face of a picture at rest, {eyes, steady, matrix}, against which others are read; nothing where there is none.
export async function faceAtRest(picture, size, readers) {
  const [face] = (await facesOf(picture, readers)).sort((one, other) => other.area - one.area);
  const mesh = face && (await meshNear(picture, face.eyes, readers));
  return mesh ? { eyes: face.eyes, steady: STEADY.map((n) => mesh[n]), matrix: cropMatrix(face.eyes, size) } : null;
}

// The same face in another picture, {eyes, steady, crop}, the crop as if its head had not moved. It is looked for where
// it was last, {eyes, steady}, then anywhere; nothing where it is not seen.
export async function faceOnRest(picture, rest, last, size, readers) {
  let mesh = await meshNear(picture, last.eyes, readers);
  if (!mesh) {
    const [face] = (await facesOf(picture, readers)).sort((one, other) => other.area - one.area);
    mesh = face && (await meshNear(picture, face.eyes, readers));
  }
  if (!mesh) return null;
  const steady = held(STEADY.map((n) => mesh[n]), last.steady, TREMBLE / scaleOf(rest.matrix));
  const matrix = after(laid(steady, rest.steady), rest.matrix);
  return { eyes: eyesIn(mesh, readers.numbers), steady, crop: warp(picture, matrix, size) };
}
