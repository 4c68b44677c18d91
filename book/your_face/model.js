// The page's side of the model: its files are fetched as scripts, for a page opened from a folder may read nothing else,
// and handed to the Worker.

const parts = (window.i2vParts ??= {});

function fetched(name, root) {
  return new Promise((done, failed) => {
    if (parts[name]) return done(parts[name]);
    const script = Object.assign(document.createElement("script"), { src: `${root}${name}.js` });
    script.onload = () => (parts[name] ? done(parts[name]) : failed(new Error(`${name}.js is not whole.`)));
    script.onerror = () => failed(new Error(`${name}.js, a file of this book, could not be read.`));
    document.head.append(script);
  });
}

export class Model {
  // `said(text, share)` is told how far it is.
  static async open(root, name, said) {
    if (!window.Worker || !window.DecompressionStream || !window.WebAssembly)
      throw new Error("This browser lacks Workers, WebAssembly or DecompressionStream. Use one of 2023 or newer.");
    said("Fetching the runtime …", 0.1);
    const runtime = await fetched("runtime", root);
    said("Fetching the model …", 0.3);
    const model = await fetched(name, root);
    said("Unpacking both …", 0.6);
    const made = new Model(runtime.script, model.spec);
    await made.ask("start", { runtime, model });
    delete parts.runtime; // the Worker has its own copy
    delete parts[name];
    return made;
  }

  constructor(script, spec) {
    this.spec = spec;
    this.asked = new Map();
    this.count = 0;
    this.worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    this.worker.onmessage = ({ data: { id, made, error } }) => {
      const [done, failed] = this.asked.get(id);
      this.asked.delete(id);
      error ? failed(new Error(error)) : done(made);
    };
    this.worker.onerror = (event) => {
      for (const [, failed] of this.asked.values()) failed(new Error(event.message || "The model's Worker failed."));
      this.asked.clear();
    };
  }

  ask(kind, given) {
    const id = (this.count += 1);
    return new Promise((done, failed) => {
      this.asked.set(id, [done, failed]);
      this.worker.postMessage({ id, kind, given });
    });
  }
}

export const STOPS = GIVEN.stops; // the intensities of the slider

// The ends first, then the middles of what is open: whatever a drag asks for, something near it is there early.
export function inHalves(count) {
  const order = [0, count - 1];
  for (let step = count - 1; order.length < count; step = Math.ceil(step / 2))
    for (let at = 0; at < count; at += Math.max(1, Math.ceil(step / 2))) if (!order.includes(at)) order.push(at);
  return order;
}

// The frames of one face along the slider, drawn ahead and kept.
export class Frames {
  constructor(model, pixels, drawn) {
    [this.model, this.drawn, this.kept, this.run, this.age] = [model, drawn, new Map(), 0, 0];
    this.ready = model.ask("face", { pixels });
  }

  key(amounts, stop) {
    return stop ? `${amounts.join()} ${stop}` : "rest";
  }

  // The frame of a stop, or of the nearest that is there; none before the first.
  at(amounts, stop) {
    for (let off = 0; off < STOPS.length; off += 1)
      for (const near of [stop - off, stop + off])
        if (near >= 0 && this.kept.has(this.key(amounts, near))) return { stop: near, frame: this.kept.get(this.key(amounts, near)) };
    return null;
  }

  // Draws every stop of some amounts that is not there yet; another call takes over from this one. Before another mask,
  // `forget`.
  async ahead(amounts, mask) {
    const [mine, age] = [(this.run += 1), this.age];
    await this.ready;
    for (const stop of inHalves(STOPS.length)) {
      if (mine !== this.run) return false;
      const key = this.key(amounts, stop);
      if (this.kept.has(key)) continue;
      const frame = await this.model.ask("draw", { amounts: amounts.map((amount) => amount * STOPS[stop]), mask });
      if (age !== this.age) return false;
      this.kept.set(key, frame);
      this.drawn(stop);
    }
    return mine === this.run;
  }

  forget() {
    const rest = this.kept.get("rest");
    this.kept.clear();
    if (rest) this.kept.set("rest", rest);
    this.age += 1;
    this.run += 1;
  }
}
