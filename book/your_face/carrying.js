import { change } from "./carry.js";
import { flowOf } from "./flow.js";

// What carries the photo along, away from the page and from what draws. Before it is asked for anything it tries how long
// that takes: a machine on which even the fastest of a few is slow gets what is added alone, for each frame alike.

const [FEW, SLOW, SIZE] = [4, 150, 128]; // changes; ms; px of a side

const [dark, bright] = [40, 140].map((level) => Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, i) => level + (i * 7919) % 97));
const spent = Array.from({ length: FEW }, () => {
  const began = performance.now();
  change(dark, bright, dark, SIZE, null, flowOf);
  return performance.now() - began;
});
const along = Math.min(...spent) > SLOW ? null : flowOf;

onmessage = ({ data: { id, given: { rest, frame, crop, size, mask } } }) => {
  const made = change(rest, frame, crop, size, mask, along);
  postMessage({ id, made }, [made.buffer]);
};
