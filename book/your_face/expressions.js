import { inHalves, LAST, PEAK, STOPS } from "./model.js";

// Which expressions are on the slider and, with a second one, up the pad; and how much of the second. How much of the
// first is the slider's.

const COARSE = inHalves(7).map((at) => (at * LAST) / 6); // of the pad's stops, a side: what is drawn ahead

export class Expressions {
  // `moved(across, height)` is told stops that are asked for on the pad or its slider, `chosen(across, height)` the names
  // of expressions that are.
  constructor(root, first, labels, { moved, chosen, across }) {
    const find = (name) => root.querySelector(`.i2v-${name}`);
    [this.root, this.find, this.labels] = [root, find, labels];
    [this.known, this.axes, this.up] = [[], [first, ""], 0];
    this.choices = [...root.querySelectorAll(".i2v-choice")];
    this.called = (name) => this.choices.find((choice) => choice.dataset.name === name)?.textContent;
    this.mark = square(find("field"), [1 / LAST, 1 / LAST], (...shares) => moved(...shares.map((share) => Math.round(share * LAST))));
    find("up").addEventListener("input", () => moved(across(), Number(find("up").value)));
    for (const choice of this.choices) choice.addEventListener("click", () => chosen(choice.dataset.name, this.axes[1]));
    find("other").addEventListener("change", () => chosen(this.axes[0], find("other").value));
  }

  get both() {
    return Boolean(this.axes[1]);
  }

  // The expressions that a model knows; of those that are on show, what is left.
  teach(known) {
    this.known = known;
    this.choices.forEach((choice) => { choice.disabled = !known.includes(choice.dataset.name); });
    const [across, height] = this.axes.map((name) => (known.includes(name) ? name : ""));
    this.choose(across || known.find((name) => name !== height), height);
  }

  // One expression on the slider, or with another one both on the pad.
  choose(across, height) {
    const { find, known, called } = this;
    this.axes = [across, height === across ? this.axes[0] : height];
    this.choices.forEach((choice) => choice.setAttribute("aria-pressed", choice.dataset.name === across));
    find("other").value = this.axes[1];
    [...find("other").options].forEach((option) => {
      option.hidden = option.disabled = option.value === across || (option.value && !known.includes(option.value));
    });
    this.root.classList.toggle("i2v-both", this.both);
    STOPS.forEach((a, stop) => { this.labels[stop] = `${this.both ? called(across) : "intensity"} ${a.toFixed(2)}`; });
    this.rise(this.both ? this.up || PEAK / 2 : 0);
    find("slider").setAttribute("aria-label", `Intensity: ${called(across)}`);
    if (this.both) find("up").setAttribute("aria-label", `Intensity: ${called(this.axes[1])}`);
    find("across").textContent = `${called(across)} →`;
    find("upward").textContent = this.both ? `↑ ${called(this.axes[1])}` : "";
  }

  // So much of the second.
  rise(stop) {
    const [slider, said] = [this.find("up"), this.find("height")];
    slider.value = this.up = stop;
    slider.style.setProperty("--done", `${(100 * stop) / LAST}%`);
    said.textContent = this.both ? `${this.called(this.axes[1])} ${STOPS[stop].toFixed(2)}` : "";
    slider.setAttribute("aria-valuetext", said.textContent);
  }

  // Shows on the pad how much of both there is.
  point(across) {
    this.mark(across / LAST, this.up / LAST);
  }

  // The stop of every expression that the model knows.
  stops(across, height = this.up) {
    return this.known.map((name) => (name === this.axes[0] ? across : name === this.axes[1] ? height : 0));
  }

  // What is drawn before anybody asks: the slider's stops, or a coarse grid of the pad's.
  ahead() {
    if (!this.both) return inHalves(STOPS.length).map((stop) => this.stops(stop));
    const ranks = [...COARSE.keys()];
    const pairs = ranks.flatMap((i) => ranks.map((j) => [i, j])).sort((one, two) => Math.max(...one) - Math.max(...two));
    return pairs.map(([i, j]) => this.stops(COARSE[i], COARSE[j]));
  }

  // What to do, once so many milliseconds a frame were spent.
  help(each) {
    return this.both
      ? `Drag the dot: both are added. ${COARSE.length ** 2} mixtures are kept, others are drawn as you reach them; ${each} ms each.`
      : `Drag the slider, or across the picture. ${STOPS.length} frames are kept; ${each} ms each, drawn in this page.`;
  }
}
