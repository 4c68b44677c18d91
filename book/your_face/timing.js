// A curve over time, as the book keeps it: {kind, seconds, fps, points, amounts} (i2vlib/curves.py). `intensities` is the
// book's own, put before.

const KIND = "i2vlib curve";
const FIELDS = ["amounts", "fps", "kind", "points", "seconds"];

// The curve in a file's text; whatever is wrong with it is said in a sentence.
export function readCurve(text, limits) {
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(isNumber);
  let kept;
  try {
    kept = JSON.parse(text);
  } catch {
    throw new Error("This file is no JSON. Give a curve that this page, or Curve.save of i2vlib, has written.");
  }
  if (!kept || kept.kind !== KIND || Object.keys(kept).sort().join() !== FIELDS.join())
    throw new Error(`This file is JSON, but keeps no curve: that is an object of ${FIELDS.join(", ")}, its kind “${KIND}”.`);
  const { points, amounts, seconds, fps } = kept;
  if (!Array.isArray(points) || !points.length || !points.every(isPoint))
    throw new Error("This curve's points are no list of (seconds, intensity), both numbers from 0 on. Mend the file.");
  if (!isNumber(seconds) || !seconds || seconds > limits.seconds || !isNumber(fps) || !fps || fps > limits.fps)
    throw new Error(`This curve lasts ${seconds} seconds at ${fps} frames a second; up to ${limits.seconds} at up to ${limits.fps} can be played.`);
  if (!amounts || typeof amounts !== "object" || Array.isArray(amounts) || !Object.values(amounts).every(isNumber))
    throw new Error("This curve's amounts are no numbers from 0 on, one an expression. Mend the file.");
  const sorted = [...points].sort(([one], [other]) => one - other);
  if (sorted.some(([t], i) => i && t === sorted[i - 1][0]))
    throw new Error("Two points of this curve share a moment. Move one of them.");
  return { kind: KIND, seconds, fps, points: sorted, amounts };
}

// The intensity of each frame of a curve.
export function played({ points, seconds, fps }) {
  return intensities(points, Array.from({ length: Math.max(1, Math.round(seconds * fps)) }, (_, i) => i / fps));
}

export function writtenCurve({ seconds, fps, points }, amounts) {
  const rounded = points.map((point) => point.map((value) => Math.round(1000 * value) / 1000));
  return JSON.stringify({ kind: KIND, seconds, fps, points: rounded, amounts }, null, 1);
}
