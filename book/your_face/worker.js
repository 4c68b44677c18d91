// The model, away from the page: ONNX Runtime is put before this script, in one Blob. It opens no connection: what it
// needs is handed to it, and the page's policy, which it inherits, would refuse any.

import { warp } from "./crop.js";
import { DETECTOR, facesOf, LANDMARKS } from "./detect.js";
import { faceOnRest, faceAtRest, intensitiesOf } from "./reading.js";

let readers;
const models = {}; // by name: what it is, its networks, what they say of the face, and where it may move

async function start({ glue, wasm }) {
  const script = new Blob([glue], { type: "text/javascript" });
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
  ort.env.logLevel = "error"; // what it cannot fold is no matter
  ort.env.wasm.numThreads = 1; // more would need headers that static hosts do not send
}

const session = (graph) => ort.InferenceSession.create(graph, { logSeverityLevel: 3 });

async function open({ spec, still, directions, decoder }) {
  const networks = { still: await session(still), directions: await session(directions), decoder: await session(decoder) };
  models[spec.name] = { spec, ...networks, codes: {}, mask: null };
  return spec;
}

// A network that takes one picture, rows, columns, channels, as a function from its numbers to those of its outputs.
async function reader(graph, size) {
  const made = await session(graph);
  return async (values) => {
    const outputs = await made.run({ [made.inputNames[0]]: new ort.Tensor("float32", values, [1, size, size, 3]) });
    return made.outputNames.map((name) => outputs[name].data);
  };
}

async function read({ detector, landmarks, numbers }) {
  readers = { detector: await reader(detector, DETECTOR), landmarks: await reader(landmarks, LANDMARKS), numbers };
}

const find = (picture) => facesOf(picture, readers);

// A crop, Uint8Array (size * size * 3), as the encoders take it.
function input(pixels, size) {
  const area = size * size;
  const still = new Float32Array(3 * area);
  for (let i = 0; i < area; i += 1) for (let c = 0; c < 3; c += 1) still[c * area + i] = pixels[3 * i + c] / 127.5 - 1;
  return { still: new ort.Tensor("float32", still, [1, 3, size, size]) };
}

// A still, once: its own code, and the direction of every expression.
async function face({ name, pixels }) {
  const { spec: { size }, still, directions, codes } = models[name];
  for (const code of Object.values(codes)) code.dispose();
  const given = input(pixels, size);
  models[name].codes = { ...(await still.run(given)), ...(await directions.run(given)) };
}

let watched = null; // a face that is read: at rest, and where it was last

// The innermost of what a network says of a crop.
async function innermost(network, crop, size) {
  const made = await network.run(input(crop, size));
  return made[network.outputNames.at(-1)].data;
}

// A picture of a face at rest, against which others are read from now on: its crop, or nothing where there is no face.
async function watch({ name, picture }) {
  const { spec: { size, expressions }, still, directions } = models[name];
  const rest = await faceAtRest(picture, size, readers);
  if (!rest) return null;
  const crop = warp(picture, rest.matrix, size);
  const along = await innermost(directions, crop, size);
  const length = along.length / expressions.length;
  watched = {
    rest, last: rest, code: await innermost(still, crop, size),
    directions: expressions.map((_, n) => along.subarray(n * length, (n + 1) * length)),
  };
  return { crop, intensities: expressions.map(() => 0) };
}

// Another picture of that face: its crop, and how strong each expression is in it; nothing where it is not seen.
async function measure({ name, picture }) {
  const { spec: { size }, still } = models[name];
  const found = await faceOnRest(picture, watched.rest, watched.last, size, readers);
  if (!found) return null;
  watched.last = found;
  return { crop: found.crop, intensities: intensitiesOf(await innermost(still, found.crop, size), watched.code, watched.directions) };
}

// Where expressions may act from now on: a mask (size x size), or nothing: everywhere.
async function hold({ name, mask }) {
  const { spec: { size } } = models[name];
  models[name].mask = mask || new Float32Array(size * size).fill(1);
}

// The frame of an intensity an expression.
async function draw({ name, amounts }) {
  const { spec: { size }, decoder, codes, mask } = models[name];
  const area = size * size;
  const { frame } = await decoder.run({
    ...codes,
    intensity: new ort.Tensor("float32", Float32Array.from(amounts), [amounts.length]),
    mask: new ort.Tensor("float32", mask, [1, 1, size, size]),
  });
  const pixels = new Uint8ClampedArray(3 * area); // which rounds as well
  for (let i = 0, k = 0; i < area; i += 1, k += 3) {
    pixels[k] = (frame.data[i] + 1) * 127.5;
    pixels[k + 1] = (frame.data[area + i] + 1) * 127.5;
    pixels[k + 2] = (frame.data[2 * area + i] + 1) * 127.5;
  }
  frame.dispose();
  return new Uint8Array(pixels.buffer);
}

// One thing after the other, in the order asked; but what is wanted `now` is first, and of several such only the last:
// the others are answered with nothing.

const acts = { start, read, find, open, face, hold, draw, watch, measure };
const asked = [];
let wanted = null;
let busy = false;
const answer = (id, made) => postMessage({ id, made }, made instanceof Uint8Array ? [made.buffer] : []);

const doorbell = new MessageChannel();
const delivered = () => new Promise((done) => { // what has come meanwhile
  doorbell.port1.onmessage = done;
  doorbell.port2.postMessage(null);
});

async function work() {
  busy = true;
  for (let next; (next = wanted || asked.shift()); await delivered()) {
    if (next === wanted) wanted = null;
    try {
      answer(next.id, await acts[next.kind](next.given));
    } catch (error) {
      postMessage({ id: next.id, error: String(error?.message || error) });
    }
  }
  busy = false;
}

onmessage = ({ data }) => {
  if (data.given.now) {
    if (wanted) answer(wanted.id, null);
    wanted = data;
  } else asked.push(data);
  if (!busy) work();
};
