import { change } from "./carry.js";
import { flowOf } from "./flow.js";

// What carries the photo along, away from the page and from what draws: one change after the other. A machine on which
// even the fastest of the first few takes too long gets what is added alone.

const [FEW, SLOW] = [4, 150]; // changes; ms
const spent = [];

onmessage = ({ data: { id, rest, frame, crop, size, mask } }) => {
  const began = performance.now();
  const slow = spent.length >= FEW && Math.min(...spent) > SLOW;
  const moved = change(rest, frame, crop, size, mask, slow ? null : flowOf);
  if (spent.length < FEW) spent.push(performance.now() - began);
  postMessage({ id, moved }, [moved.buffer]);
};
