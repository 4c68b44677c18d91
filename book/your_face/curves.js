import { LAST, stopOf, STOPS } from "./model.js";
import { played, readCurve } from "./timing.js";

// When: a curve over time, one of the presets or the reader's own, edited by its points, loaded, and played.

export class Curves {
  // `limits` are those of a curve; `go(stops)` shows so much of both expressions.
  constructor(root, presets, limits, go) {
    const find = (name) => root.querySelector(`.i2v-${name}`);
    [this.root, this.presets, this.limits, this.go, this.run] = [root, presets, limits, go, 0];
    [this.timing, this.choice] = [find("timing"), find("preset")];
    this.curve = presets[this.choice.value];
    this.choice.addEventListener("change", () => {
      this.curve = presets[this.choice.value] || this.curve;
      this.plot();
    });
    find("edit").addEventListener("click", () => {
      this.timing.hidden = !this.timing.hidden;
      find("edit").setAttribute("aria-expanded", !this.timing.hidden);
      this.plot();
    });
  }

  // A curve of the reader's own.
  take(curve) {
    this.curve = curve;
    this.choice.querySelector("[value='']").hidden = false;
    this.choice.value = "";
  }

  plot() {
    if (this.timing.hidden) return;
    this.timing.replaceChildren(curvePlot(this.timing, this.curve, (points) => this.take({ ...this.curve, points })));
  }

  // Takes a curve that was kept. Returned are the stops of its one or two expressions, {name: stop}, if the model knows
  // all that it names, and what there is to say of it.
  async load(file, known) {
    const next = readCurve(await file.text(), this.limits);
    const names = Object.keys(next.amounts).filter((each) => next.amounts[each]);
    const strange = names.filter((each) => !known.includes(each));
    if (names.length > 2) throw new Error(`This curve mixes ${names.length} expressions; this page shows one or two.`);
    const alone = !strange.length && names.length === 1 ? next.amounts[names[0]] : 1;
    this.take({ ...next, points: next.points.map(([t, a]) => [t, a * alone]) });
    this.plot();
    const most = Math.max(...this.curve.points.map((point) => point[1]));
    return {
      stops: strange.length ? {} : Object.fromEntries(names.map((name) => [name, stopOf(next.amounts[name])])),
      said: strange.length ? `The model here does not know ${strange.join(" and ")}; the curve moves what is chosen.`
        : most > STOPS[LAST] ? `The curve goes up to ${most.toFixed(2)}; this page stops at ${STOPS[LAST].toFixed(2)}.`
        : `The curve of ${file.name}: ${this.curve.seconds} seconds. Play it.`,
    };
  }

  // Plays it once, as far as `end`: the stops of both expressions where the curve is 1. There it stays if `stays`.
  play(end, stays) {
    const { fps } = this.curve;
    const shares = played(this.curve);
    const start = performance.now();
    const mine = (this.run += 1);
    for (const touch of ["pointerdown", "keydown"]) this.root.addEventListener(touch, () => { this.run += 1; }, { once: true });
    const tick = () => {
      const at = Math.floor(((performance.now() - start) * fps) / 1000);
      if (mine !== this.run) return;
      if (at < shares.length) {
        this.go(along(shares[at], end));
        requestAnimationFrame(tick);
      } else if (stays) this.go(end);
    };
    tick();
  }
}

// The stops of a share of the way.
export const along = (share, end) => end.map((stop) => Math.min(Math.round(share * stop), LAST));
