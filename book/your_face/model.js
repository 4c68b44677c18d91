import { Remote } from "./remote.js";

// The page's side of the model: its files are fetched as scripts, for a page opened from a folder may read nothing else,
// and handed to the Worker.

const parts = (window.i2vParts ??= {});
const coming = new Map();

// Waits until a file is there.
function fetched(name, root) {
  if (parts[name]) return Promise.resolve();
  if (!coming.has(name))
    coming.set(name, new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: `${root}${name}.js` });
      script.onload = () => (parts[name] ? done() : failed(new Error(`${name}.js is not whole.`)));
      script.onerror = () => failed(new Error(`${name}.js, a file of this book, could not be read.`));
      document.head.append(script);
    }).finally(() => coming.delete(name)));
  return coming.get(name);
}

// What as_text of book/i2vbook/pages/your_face.py has packed: 15 bits a character, and first how many bytes are filling.
async function unpacked(text) {
  const bytes = new Uint8Array(Math.floor(((text.length - 1) * 15) / 8) - (text.charCodeAt(0) - 0x3000));
  let [held, bits] = [0, 0];
  for (let i = 1, k = 0; i < text.length; i += 1) {
    held = (held << 15) | (text.charCodeAt(i) - 0x3000);
    for (bits += 15; bits > 7; k += 1) bytes[k] = held >> (bits -= 8); // what is above a byte falls away
    held &= 127;
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const contents = new Map();

// What a file holds, texts unpacked into bytes: here, while the Worker is at work.
function content(name, root) {
  if (!contents.has(name)) {
    contents.set(name, fetched(name, root).then(async () => {
      const entries = Object.entries(parts[name]);
      delete parts[name];
      return Object.fromEntries(await Promise.all(entries.map(async ([key, value]) =>
        [key, typeof value === "string" ? await unpacked(value) : value])));
    }));
    contents.get(name).catch(() => contents.delete(name));
  }
  return contents.get(name);
}

// The same, for good: it is forgotten here.
async function taken(name, root) {
  const made = await content(name, root);
  contents.delete(name);
  return made;
}

const buffersOf = (made) => Object.values(made).filter((value) => value instanceof Uint8Array).map(({ buffer }) => buffer);

export class Model extends Remote {
  // Fetches the runtime and begins the Worker; the other files are fetched meanwhile. `said(text, share)` is told how
  // far it is.
  static async start(root, name, said) {
    if (!window.Worker || !window.DecompressionStream || !window.WebAssembly)
      throw new Error("This browser lacks Workers, WebAssembly or DecompressionStream. Use one of 2023 or newer.");
    said("Fetching the runtime …", 0.1);
    for (const file of ["faces", name]) fetched(file, root).catch(() => {}); // told where it is waited for
    const { script, carrying, ...runtime } = await taken("runtime", root);
    const made = Object.assign(new Model(script), { root, said, handed: new Map(), carrier: new Remote(carrying) });
    made.ask("start", runtime, buffersOf(runtime)).catch(() => {}); // whatever is asked next says so too
    content("faces", root).catch(() => {}).then(() => content(name, root)).catch(() => {});
    return made;
  }

  // Has what finds a face ready.
  reading() {
    return this.hand("read", "faces");
  }

  // The faces of a picture, {middle, half, eyes, area} in its pixels, from left to right.
  async faces({ data, width, height }) {
    this.said("Fetching what finds a face …", 0.2);
    await this.reading();
    this.said("Looking for the face …", 0.4);
    return this.ask("find", { data, width, height, channels: 4 }, [data.buffer]);
  }

  // The networks of a name that animate a face, and what they are.
  async opened(name) {
    this.said("Fetching the model …", 0.5);
    const spec = await this.hand("open", name);
    return { spec, carrier: this.carrier, ask: (kind, given, moved) => this.ask(kind, { name, ...given }, moved) };
  }

  // Gives the Worker a file, once.
  hand(kind, name) {
    if (!this.handed.has(name)) {
      this.handed.set(name, taken(name, this.root).then((made) => this.ask(kind, made, buffersOf(made))));
      this.handed.get(name).catch(() => this.handed.delete(name));
    }
    return this.handed.get(name);
  }
}

export const STOPS = GIVEN.stops; // the intensities of the slider
export const [LAST, PEAK] = [STOPS.length - 1, STOPS.indexOf(1)]; // of its stops
export const stopOf = (a) => Math.min(Math.round(a * PEAK), LAST); // the nearest to an intensity

const KEPT = 200; // frames kept, of 48 KB each, and their changes, of 288

// The ends first, then the middles of what is open: whatever a drag asks for, something near it is there early.
export function inHalves(count) {
  const order = [0, count - 1];
  for (let step = count - 1; order.length < count; step = Math.ceil(step / 2))
    for (let at = 0; at < count; at += Math.max(1, Math.ceil(step / 2))) if (!order.includes(at)) order.push(at);
  return order;
}

// The frames of one face, by the stop of every expression; drawn ahead or when they are asked for, and kept.
export class Frames {
  constructor(model, pixels, mask, drawn) {
    [this.model, this.pixels, this.mask, this.drawn] = [model, pixels, mask, drawn];
    [this.kept, this.coming, this.run, this.age, this.wanted] = [new Map(), new Map(), 0, 0, null];
    this.ready = Promise.all([model.ask("face", { pixels }), model.ask("hold", { mask })]);
    this.ready.catch(() => {}); // whatever is asked next says so
    this.rest = model.spec.expressions.map(() => 0);
  }

  has(stops) {
    return this.kept.has(stops.join());
  }

  // The frame of some stops, or of the nearest that are there and show no expression that was not asked for; none
  // before the first.
  at(stops) {
    const asked = this.kept.get(stops.join());
    if (asked) return asked;
    let [best, least] = [null, Infinity];
    for (const each of this.kept.values()) {
      const far = each.stops.reduce((sum, stop, n) => sum + (stop && !stops[n] ? Infinity : (stop - stops[n]) ** 2), 0);
      if (far < least) [best, least] = [each, far];
    }
    return best;
  }

  draw(stops) {
    const key = stops.join();
    if (this.kept.has(key)) return Promise.resolve();
    if (!this.coming.has(key)) {
      const made = this.made(stops, key).finally(() => { if (this.coming.get(key) === made) this.coming.delete(key); });
      this.coming.set(key, made);
    }
    return this.coming.get(key);
  }

  async made(stops, key, now = false) {
    const { age } = this;
    await this.ready;
    const frame = await this.model.ask("draw", { amounts: stops.map((stop) => STOPS[stop]), now });
    if (!frame || age !== this.age) return; // another was wanted meanwhile
    const moved = stops.some(Boolean) ? await this.moved(frame) : null;
    if (age !== this.age) return;
    this.kept.set(key, { stops, frame, moved });
    if (this.kept.size > KEPT) this.kept.delete([...this.kept.keys()].find((old) => old !== this.rest.join()));
    this.drawn(stops);
  }

  // How a frame differs from that at rest.
  async moved(frame) {
    await this.draw(this.rest);
    const { pixels: crop, mask, model: { spec: { size } } } = this;
    return this.model.carrier.ask("change", { rest: this.at(this.rest).frame, frame, crop, size, mask });
  }

  // Has a frame drawn before any that is drawn ahead; of several that are asked for meanwhile, the last alone.
  async want(stops) {
    const key = stops.join();
    if (this.kept.has(key) || key === this.wanted) return;
    this.wanted = key;
    try {
      await this.made(stops, key, true);
    } finally {
      if (this.wanted === key) this.wanted = null;
    }
  }

  // Draws what of a list is not there yet, one while the one before it is shown; another call takes over from this one.
  async ahead(list) {
    const mine = (this.run += 1);
    let before = null;
    for (const stops of list) {
      const next = this.draw(stops);
      next.catch(() => {}); // told when it is waited for
      await before;
      if (mine !== this.run) return false;
      before = next;
    }
    await before;
    return mine === this.run;
  }

  // Draws nothing more: another face or another model has come.
  end() {
    this.run += 1;
  }

  // All but the frame at rest, which no mask changes, is to be drawn anew.
  forget(mask) {
    const rest = this.kept.get(this.rest.join());
    this.mask = mask;
    this.kept.clear();
    this.coming.clear();
    if (rest) this.kept.set(this.rest.join(), rest);
    this.ready = this.ready.then(() => this.model.ask("hold", { mask }));
    this.ready.catch(() => {});
    [this.age, this.wanted] = [this.age + 1, null];
    this.end();
  }
}
