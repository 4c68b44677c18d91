// The model, away from the page: ONNX Runtime is put before this script, in one Blob. It opens no connection: what it
// needs is handed to it, and the page's policy, which it inherits, would refuse any.

import { DETECTOR, facesOf, LANDMARKS } from "./detect.js";

let readers;
const models = {}; // by name: what it is, its networks, and what they say of the face

async function start({ glue, wasm }) {
  const script = new Blob([glue], { type: "text/javascript" });
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
  ort.env.logLevel = "error"; // what it cannot fold is no matter
  ort.env.wasm.numThreads = 1; // more would need headers that static hosts do not send
}

const session = (graph) => ort.InferenceSession.create(graph, { logSeverityLevel: 3 });

async function open({ spec, encoder, decoder }) {
  models[spec.name] = { spec, encoder: await session(encoder), decoder: await session(decoder), codes: {} };
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

// A still, once: its own code, and the direction of every expression.
async function face({ name, pixels }) {
  const { spec: { size }, encoder, codes } = models[name];
  const area = size * size;
  const still = new Float32Array(3 * area);
  for (let i = 0; i < area; i += 1) for (let c = 0; c < 3; c += 1) still[c * area + i] = pixels[3 * i + c] / 127.5 - 1;
  for (const code of Object.values(codes)) code.dispose();
  models[name].codes = await encoder.run({ still: new ort.Tensor("float32", still, [1, 3, size, size]) });
}

// The frame of an intensity an expression, held within a mask (size x size) if there is one.
async function draw({ name, amounts, mask }) {
  const { spec: { size }, decoder, codes } = models[name];
  const area = size * size;
  const { frame } = await decoder.run({
    ...codes,
    intensity: new ort.Tensor("float32", Float32Array.from(amounts), [amounts.length]),
    mask: new ort.Tensor("float32", mask || new Float32Array(area).fill(1), [1, 1, size, size]),
  });
  const pixels = new Uint8Array(3 * area);
  for (let i = 0; i < area; i += 1)
    for (let c = 0; c < 3; c += 1)
      pixels[3 * i + c] = Math.min(255, Math.max(0, Math.round((frame.data[c * area + i] + 1) * 127.5)));
  frame.dispose();
  return pixels;
}

let before = Promise.resolve(); // one thing after the other, in the order asked
onmessage = ({ data: { id, kind, given } }) => {
  before = before
    .then(() => ({ start, read, find, open, face, draw })[kind](given))
    .then((made) => postMessage({ id, made }), (error) => postMessage({ id, error: String(error?.message || error) }));
};
