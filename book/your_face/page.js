import { cropMatrix, inverse, leftFirst, warp } from "./crop.js";
import { gif } from "./gif.js";
import { noted, offer } from "./files.js";
import { Frames, inHalves, Model, STOPS } from "./model.js";
import { played, readCurve, writtenCurve } from "./timing.js";
import { change, pasted, placeOf, region } from "./paste.js";

// The page: a photo, two eyes, an expression on a slider, files. `player`, `square`,
// `curvePlot` and `mountAll` are the book's own, put before.

const [SEEN, LEAST] = [800, 480]; // px, the longer side of the picture on the page, and what the shorter is enlarged to
const MOST = 4096; // px, that of a photo
const FPS = 12;
const [LAST, PEAK] = [STOPS.length - 1, STOPS.indexOf(1)]; // of the slider's stops
const COARSE = inHalves(7).map((at) => (at * LAST) / 6); // of the pad's, a side: what is drawn ahead
const LONGEST = 300; // frames of a GIF
const PATCHES = 40; // kept, of up to 2.5 MB each

function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
}

// A photo's file at its own resolution, upright, on white.
async function opened(blob) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    throw new Error("This file is no picture that the browser can read. Give a JPEG, PNG or WebP file.");
  }
  const scale = Math.min(1, MOST / Math.max(bitmap.width, bitmap.height));
  const [canvas, pen] = canvasOf(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

function mount(root, given) {
  const find = (name) => root.querySelector(`.i2v-${name}`);
  const [view, said, bar] = [find("picture"), find("said"), find("share")];
  const dots = [...root.querySelectorAll(".i2v-eye")];
  const pen = view.getContext("2d", { willReadFrequently: true });
  const model = { opening: null, name: given.model };
  const where = find("where");
  const [mask, ground] = canvasOf(128, 128); // what is painted, in the crop's pixels
  let photo = null; // its canvas, its eyes, where in it and in the view the crop lies
  let frames = null;
  let known = []; // the model's expressions
  let axes = [given.first, ""]; // those on the slider and, with a second, up the pad
  let up = 0; // the second's stop
  let [before, near] = [false, false];
  let patches = new Map(); // by frame, what of the view it changes
  let turn = 0; // counts photos, so that a late answer knows that it is late

  function say(text, share = null) {
    said.textContent = text;
    bar.hidden = share === null;
    if (share !== null) bar.value = share;
  }
  const state = (name) => { root.dataset.state = name; };
  const trouble = (error) => { state(photo ? "eyes" : "empty"); say(error.message); };

  // The picture ------------------------------------------------------------------------------------------------------

  // What of the photo is seen: all of it, or what lies around the face; and where in that the crop lies.
  function settle() {
    const { canvas, matrix, size } = photo;
    let [left, top, right, bottom] = [0, 0, canvas.width, canvas.height];
    if (near && matrix) {
      const box = placeOf(matrix, size, canvas.width, canvas.height);
      const edge = Math.round(0.35 * Math.max(box.width, box.height));
      [left, top] = [Math.max(0, box.left - edge), Math.max(0, box.top - edge)];
      [right, bottom] = [Math.min(right, box.left + box.width + edge), Math.min(bottom, box.top + box.height + edge)];
    }
    const [width, height] = [right - left, bottom - top];
    const scale = Math.min(SEEN / Math.max(width, height), Math.max(1, LEAST / Math.min(width, height)));
    [view.width, view.height] = [Math.round(width * scale), Math.round(height * scale)];
    pen.imageSmoothingQuality = "high";
    pen.drawImage(canvas, left, top, width, height, 0, 0, view.width, view.height);
    patches = new Map();
    if (!matrix) return;
    const [a, b, c, d, e, f] = matrix;
    photo.seen = [a / scale, b / scale, a * left + b * top + c, d / scale, e / scale, d * left + e * top + f];
    photo.place = placeOf(photo.seen, size, view.width, view.height);
    photo.still = pen.getImageData(photo.place.left, photo.place.top, photo.place.width, photo.place.height);
  }

  const stopsOf = (i, j = up) => known.map((name) => (name === axes[0] ? i : name === axes[1] ? j : 0));

  function patchOf({ frame }) {
    const made = patches.get(frame) || pasted(photo.still, photo.place, change(rest(), frame, photo.crop, photo.size, photo.mask));
    patches.delete(frame);
    patches.set(frame, made); // the last used last
    if (patches.size > PATCHES) patches.delete(patches.keys().next().value);
    return made;
  }
  const rest = () => frames.at(frames.rest).frame;

  function paint(stop) {
    mark(stop / LAST, up / LAST);
    if (!photo?.place) return;
    const found = !before && frames?.has(frames.rest) && frames.at(stopsOf(stop));
    pen.putImageData(found && found.frame !== rest() ? patchOf(found) : photo.still, photo.place.left, photo.place.top);
    if (found && !frames.has(stopsOf(stop))) frames.want(stopsOf(stop)).catch(trouble);
  }

  // The second expression: a slider of its own, and a pad of both.
  const second = find("up");
  const mark = square(find("field"), [1 / LAST, 1 / LAST], (...shares) => to(...shares.map((share) => Math.round(share * LAST))));
  function rise(stop) {
    up = stop;
    second.value = stop;
    second.style.setProperty("--done", `${(100 * stop) / LAST}%`);
    find("height").textContent = axes[1] && `${called(axes[1])} ${STOPS[stop].toFixed(2)}`;
    second.setAttribute("aria-valuetext", find("height").textContent);
  }
  function to(across, height) {
    rise(height);
    slide.go(across);
  }
  second.addEventListener("input", () => to(slide.position(), Number(second.value)));

  const labels = STOPS.map((a) => `intensity ${a.toFixed(2)}`);
  const slide = player(root, {
    stage: find("stage"), fps: FPS, labels, paint,
    held: (target) => (root.dataset.state === "ready" && target === view && where.value !== "brush" ? view : null),
  });
  for (const control of root.querySelectorAll("select, .i2v-up")) // whose keys are their own
    control.addEventListener("keydown", (event) => event.stopPropagation());

  // A photo, and its eyes --------------------------------------------------------------------------------------------

  async function choose(blob, eyes) {
    const mine = (turn += 1);
    slide.pause();
    state("loading");
    const began = performance.now();
    try {
      say("Reading the photo …");
      const canvas = await opened(blob);
      if (mine !== turn) return;
      photo = { canvas, began };
      frames?.end();
      frames = null;
      delete root.dataset.frames;
      root.classList.add("i2v-seen");
      settle();
      put(eyes || [[0.4 * canvas.width, 0.4 * canvas.height], [0.6 * canvas.width, 0.4 * canvas.height]]);
      if (eyes) return await crop();
      await search(mine);
    } catch (error) {
      if (mine === turn) trouble(error);
    }
  }

  function started() {
    const told = (text, share) => { if (root.dataset.state === "loading") say(text, share); };
    model.started ??= Model.start(given.root, model.name, told);
    model.started.catch(() => { model.started = null; });
    return model.started;
  }
  const opening = async () => (await started()).opened(model.name);

  // The reader has asked for the model, and the photo comes a moment later.
  const prepare = () => started().then((open) => Promise.all([open.reading(), opening()])).catch(() => {}); // told later
  for (const name of ["file", "camera"]) find(name).addEventListener("click", prepare);
  root.addEventListener("dragenter", ({ dataTransfer }) => { if (dataTransfer?.types.includes("Files")) prepare(); });

  // Finds the face: one is cropped at once, of several the reader chooses, and without one the reader shows the eyes.
  async function search(mine) {
    const { canvas } = photo;
    let found = [];
    let why = "No face was found here.";
    try {
      found = await (await started()).faces(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height));
    } catch (error) {
      why = `No face could be looked for: ${error.message}`;
    }
    if (mine !== turn) return;
    photo.found = found;
    root.dataset.found = found.length;
    root.classList.toggle("i2v-several", found.length > 1);
    if (found.length === 1) return pick(found[0]);
    opening().catch(() => {}); // while the reader chooses
    if (found.length) askForFace();
    else askForEyes(why);
  }

  const pick = ({ eyes }) => {
    put(eyes);
    return crop();
  };

  // A box around each face that was found, to be chosen.
  const boxes = Object.assign(document.createElement("div"), { className: "i2v-faces", role: "group", ariaLabel: "Which face" });
  find("stage").append(boxes);
  function askForFace() {
    const { canvas, found } = photo;
    const held = document.activeElement === document.body || root.contains(document.activeElement); // nowhere else
    clear("faces");
    boxes.replaceChildren(...found.map((face, i) => {
      const button = Object.assign(document.createElement("button"), {
        className: "i2v-box", type: "button", textContent: i + 1, ariaLabel: `Face ${i + 1} of ${found.length}, from the left`,
      });
      const share = (value, whole) => `${(100 * value) / whole}%`;
      const [x, y] = face.middle;
      Object.assign(button.style, {
        left: share(x - face.half, canvas.width), top: share(y - face.half, canvas.height),
        width: share(2 * face.half, canvas.width), height: share(2 * face.half, canvas.height),
      });
      button.addEventListener("click", () => pick(face).catch(trouble));
      return button;
    }));
    say(`${found.length} faces were found. Choose one.`);
    if (held) boxes.firstChild.focus();
  }
  find("another").addEventListener("click", askForFace);

  // The whole photo, and nothing drawn in it, while the reader is asked for something.
  function clear(name) {
    state(name);
    turn += 1; // whatever is still being looked for or drawn
    if (frames) frames.run += 1;
    delete root.dataset.frames;
    slide.pause();
    photo.matrix = photo.place = null;
    settle();
  }

  let clicked = 0;
  function askForEyes(why = "") {
    clear("eyes");
    clicked = 0;
    say(`${why} Click the middle of one eye, then of the other. Or move the two rings there, and press “These are the eyes”.`.trim());
  }

  function put(eyes) {
    photo.eyes = eyes;
    dots.forEach((dot, i) => {
      dot.style.left = `${(100 * eyes[i][0]) / photo.canvas.width}%`;
      dot.style.top = `${(100 * eyes[i][1]) / photo.canvas.height}%`;
    });
  }

  function placed(i, x, y) {
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    put(photo.eyes.map((eye, n) => (n === i ? [within(x, photo.canvas.width), within(y, photo.canvas.height)] : eye)));
  }

  const pointed = (event) => {
    const box = view.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * photo.canvas.width,
      ((event.clientY - box.top) / box.height) * photo.canvas.height];
  };

  view.addEventListener("click", (event) => {
    if (root.dataset.state !== "eyes") return;
    placed(clicked, ...pointed(event));
    clicked += 1;
    if (clicked === 1) say("And now the other eye.");
    else shown();
  });
  dots.forEach((dot, i) => {
    dot.addEventListener("pointerdown", (event) => { dot.setPointerCapture(event.pointerId); event.stopPropagation(); });
    dot.addEventListener("pointermove", (event) => { if (dot.hasPointerCapture(event.pointerId)) placed(i, ...pointed(event)); });
    dot.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const step = Math.max(1, photo.canvas.width / (event.shiftKey ? 20 : 200));
      placed(i, photo.eyes[i][0] + way[0] * step, photo.eyes[i][1] + way[1] * step);
    });
  });
  const shown = () => pick({ eyes: leftFirst(photo.eyes) }).catch(trouble);
  find("eyes").addEventListener("click", () => (root.dataset.state === "eyes" ? shown() : photo && askForEyes()));

  // Crops, and has the frames drawn, those of the chosen expression first.
  async function crop() {
    const mine = turn;
    const [[x0, y0], [x1, y1]] = photo.eyes;
    if (Math.hypot(x1 - x0, y1 - y0) < 4) throw new Error("The eyes lie in one place. Put a ring on each.");
    state("loading");
    const open = await opening();
    if (mine !== turn) return;
    const size = open.spec.size;
    const { canvas } = photo;
    const whole = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    photo.matrix = cropMatrix(photo.eyes, size);
    photo.size = size;
    photo.crop = warp({ data: whole.data, width: whole.width, height: whole.height, channels: 4 }, photo.matrix, size);
    settle();
    ground.clearRect(0, 0, size, size);
    photo.mask = maskOf();
    await begin(open);
  }

  // The crop in the hands of a model.
  async function begin(open) {
    known = open.spec.expressions;
    frames?.end();
    const mine = new Frames(open, photo.crop, photo.mask, (stops) => mine === frames && drawn(stops));
    frames = mine;
    patches = new Map();
    slide.show(0);
    choices.forEach((choice) => { choice.disabled = !known.includes(choice.dataset.name); });
    const [across, height] = axes.map((name) => (known.includes(name) ? name : ""));
    await act(across || known.find((name) => name !== height), height);
  }

  // Another model, fetched when it is asked for; if it cannot be, all stays as it was.
  const method = find("method");
  method.addEventListener("change", async () => {
    const [mine, former] = [turn, model.name];
    if (root.dataset.state !== "ready") {
      method.value = former; // one thing after the other
      return;
    }
    model.name = method.value;
    state("loading");
    photo.began = performance.now();
    try {
      const open = await opening();
      if (mine === turn && open.spec.name === model.name) await begin(open);
    } catch (error) {
      model.name = method.value = former;
      state("ready");
      say(error.message);
    }
  });

  function drawn(stops) {
    if (!photo.place) return; // the reader was asked for other eyes meanwhile
    if (!axes[1] && frames.has(frames.rest)) patchOf(frames.at(stops)); // ready before a drag asks for it
    root.dataset.drawn = frames.kept.size;
    if (root.dataset.state !== "ready" && frames.kept.size > 1) {
      state("ready");
      root.dataset.waited = Math.round(performance.now() - photo.began); // from the photo to the first drag
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) slide.show(PEAK);
      else slide.play(2);
    }
    paint(slide.position());
  }

  // Expressions ------------------------------------------------------------------------------------------------------

  const choices = [...root.querySelectorAll(".i2v-choice")];
  const other = find("other");
  const called = (name) => choices.find((choice) => choice.dataset.name === name).textContent;

  // One expression on the slider, or with another one both on the pad.
  async function act(across, height) {
    axes = [across, height === across ? axes[0] : height];
    choices.forEach((choice) => choice.setAttribute("aria-pressed", choice.dataset.name === across));
    other.value = axes[1];
    [...other.options].forEach((option) => { option.hidden = option.disabled = option.value === across || (option.value && !known.includes(option.value)); });
    root.classList.toggle("i2v-both", Boolean(axes[1]));
    STOPS.forEach((a, stop) => { labels[stop] = `${axes[1] ? called(across) : "intensity"} ${a.toFixed(2)}`; });
    rise(axes[1] ? up || PEAK / 2 : 0);
    slide.show(slide.position());
    find("slider").setAttribute("aria-label", `Intensity: ${called(across)}`);
    if (axes[1]) second.setAttribute("aria-label", `Intensity: ${called(axes[1])}`);
    find("across").textContent = `${called(across)} →`;
    find("upward").textContent = axes[1] && `↑ ${called(axes[1])}`;
    if (!frames) return;
    say("Drawing …", 0.9);
    root.dataset.frames = "drawing";
    const mine = frames;
    const began = performance.now();
    const there = frames.kept.size;
    if (!(await frames.ahead(ahead())) || mine !== frames) return;
    root.dataset.frames = "kept"; // all of them
    const made = frames.kept.size - there;
    if (made > 0) root.dataset.each = Math.round((performance.now() - began) / made); // ms a frame
    const lacks = known.length < choices.length ? ` ${given.models[model.name]} was taught ${known.map(called).join(", ")} alone.` : "";
    say((axes[1]
      ? `Drag the dot: both are added. ${COARSE.length ** 2} mixtures are kept, others are drawn as you reach them; ${root.dataset.each} ms each.`
      : `Drag the slider, or across the picture. ${STOPS.length} frames are kept; ${root.dataset.each} ms each, drawn in this page.`) + lacks);
  }

  // What is drawn before anybody asks: the slider's stops, or a coarse grid of the pad's.
  function ahead() {
    if (!axes[1]) return inHalves(STOPS.length).map((stop) => stopsOf(stop));
    const ranks = [...COARSE.keys()];
    const pairs = ranks.flatMap((i) => ranks.map((j) => [i, j])).sort((one, two) => Math.max(...one) - Math.max(...two));
    return pairs.map(([i, j]) => stopsOf(COARSE[i], COARSE[j]));
  }

  choices.forEach((choice) => choice.addEventListener("click", () => {
    act(choice.dataset.name, axes[1]).catch(trouble);
    if (frames && !slide.position()) slide.show(PEAK);
  }));
  other.addEventListener("change", () => {
    act(axes[0], other.value).catch(trouble);
    if (frames && axes[1] && !slide.position()) slide.show(PEAK);
  });

  // Where it acts: a part of the crop, or what is painted.
  function maskOf() {
    if (where.value !== "brush") return region(where.value, photo.size);
    const { data } = ground.getImageData(0, 0, photo.size, photo.size);
    return Float32Array.from({ length: photo.size ** 2 }, (_, i) => data[4 * i + 3] / 255);
  }

  function hold() {
    if (!photo?.place) return;
    photo.mask = maskOf();
    patches = new Map();
    frames.forget(photo.mask);
    act(...axes).catch(trouble);
    if (where.value === "brush") say("Paint on the face where the expression may act.");
  }
  where.addEventListener("change", () => { ground.clearRect(0, 0, mask.width, mask.height); hold(); });

  function dab(event) {
    const box = view.getBoundingClientRect();
    const [u, v] = [((event.clientX - box.left) / box.width) * view.width, ((event.clientY - box.top) / box.height) * view.height];
    const [a, b, c, d, e, f] = photo.seen;
    const [x, y] = [a * u + b * v + c, d * u + e * v + f];
    const soft = ground.createRadialGradient(x, y, 0, x, y, 14);
    soft.addColorStop(0.4, "rgba(59, 111, 212, 1)");
    soft.addColorStop(1, "rgba(59, 111, 212, 0)");
    ground.fillStyle = soft;
    ground.fillRect(0, 0, mask.width, mask.height);
    paint(slide.position());
    const [p, q, r, s, t, w] = inverse(photo.seen);
    pen.setTransform(p, s, q, t, r, w); // from the crop's pixels to the view's
    pen.globalAlpha = 0.5;
    pen.drawImage(mask, 0, 0);
    pen.globalAlpha = 1;
    pen.resetTransform();
  }
  view.addEventListener("pointerdown", (event) => {
    if (event.button || where.value !== "brush" || root.dataset.state !== "ready") return;
    view.setPointerCapture(event.pointerId);
    dab(event);
  });
  view.addEventListener("pointermove", (event) => { if (view.hasPointerCapture(event.pointerId)) dab(event); });
  view.addEventListener("pointerup", () => { if (where.value === "brush" && root.dataset.state === "ready") hold(); });

  const closer = find("closer");
  closer.addEventListener("click", () => {
    near = !near;
    closer.setAttribute("aria-pressed", near);
    settle();
    paint(slide.position());
  });

  const compare = find("before");
  compare.addEventListener("click", () => {
    before = !before;
    compare.setAttribute("aria-pressed", before);
    paint(slide.position());
  });

  // When -------------------------------------------------------------------------------------------------------------

  const timing = find("timing");
  const presets = find("preset");
  let curve = given.curves[presets.value];
  const loaded = presets.querySelector("[value='']"); // shown once the curve is the reader's own

  function follow(next, own) {
    curve = next;
    loaded.hidden = loaded.hidden && !own;
    if (own) presets.value = "";
    if (!timing.hidden) plot();
  }
  const plot = () => timing.replaceChildren(curvePlot(timing, curve, (points) => {
    curve = { ...curve, points };
    loaded.hidden = false;
    presets.value = "";
  }));
  presets.addEventListener("change", () => follow(given.curves[presets.value] || curve, false));
  find("edit").addEventListener("click", () => {
    timing.hidden = !timing.hidden;
    find("edit").setAttribute("aria-expanded", !timing.hidden);
    if (!timing.hidden) plot();
  });

  // A curve that was kept: its one or two expressions, if it names any, and its intensities.
  async function load(file) {
    const next = readCurve(await file.text(), given.limits);
    const names = Object.keys(next.amounts).filter((each) => next.amounts[each]);
    const strange = names.filter((each) => !known.includes(each));
    if (names.length > 2) throw new Error(`This curve mixes ${names.length} expressions; this page shows one or two.`);
    const alone = !strange.length && names.length === 1 ? next.amounts[names[0]] : 1;
    follow({ ...next, points: next.points.map(([t, a]) => [t, a * alone]) }, true);
    if (names.length && !strange.length) {
      const drawing = act(names[0], names[1] || "");
      if (names[1]) to(...names.map((each) => Math.min(Math.round(next.amounts[each] * PEAK), LAST)));
      await drawing;
    }
    const most = Math.max(...curve.points.map((point) => point[1]));
    say(strange.length ? `The model here does not know ${strange.join(" and ")}; the curve moves what is chosen.`
      : most > STOPS[LAST] ? `The curve goes up to ${most.toFixed(2)}; this page stops at ${STOPS[LAST].toFixed(2)}.`
      : `The curve of ${file.name}: ${curve.seconds} seconds. Play it.`);
  }
  const shelf = find("load").querySelector("input");
  shelf.addEventListener("change", () => {
    if (shelf.files.length) load(shelf.files[0]).catch((error) => say(error.message));
    shelf.value = "";
  });

  // What the curve's 1 is: the peak, or where the dot is.
  function reach() {
    const at = [slide.position(), up];
    return axes[1] ? (Math.max(...at) ? at : [PEAK, PEAK]) : [PEAK, 0];
  }
  const along = (share, end) => end.map((stop) => Math.min(Math.round(share * stop), LAST));

  function playCurve() {
    slide.pause();
    const { fps } = curve;
    const shares = played(curve);
    const end = reach();
    const start = performance.now();
    const mine = (playCurve.run = (playCurve.run || 0) + 1);
    for (const touch of ["pointerdown", "keydown"]) root.addEventListener(touch, () => { playCurve.run += 1; }, { once: true });
    (function tick() {
      const at = Math.floor(((performance.now() - start) * fps) / 1000);
      if (mine !== playCurve.run) return;
      if (at >= shares.length) return axes[1] && to(...end);
      const [across, height] = along(shares[at], end);
      rise(height);
      slide.show(across);
      requestAnimationFrame(tick);
    })();
  }
  find("run").addEventListener("click", playCurve);

  // Files ------------------------------------------------------------------------------------------------------------

  const name = () => ["your_face", ...axes.filter(Boolean)].join("_");

  // The photo at its own resolution with one frame in it.
  async function rendered(stops) {
    const [canvas, ink] = canvasOf(photo.canvas.width, photo.canvas.height);
    ink.drawImage(photo.canvas, 0, 0);
    await frames.draw(stops);
    const { frame } = frames.at(stops);
    if (frame === rest()) return canvas;
    const place = placeOf(photo.matrix, photo.size, canvas.width, canvas.height);
    const still = ink.getImageData(place.left, place.top, place.width, place.height);
    ink.putImageData(pasted(still, place, change(rest(), frame, photo.crop, photo.size, photo.mask)), place.left, place.top);
    return canvas;
  }

  // Frames side by side, two white pixels between them, each the view.
  async function strip(places) {
    const [width, height] = [Math.round((320 * view.width) / view.height), 320];
    const [canvas, ink] = canvasOf(places.length * (width + 2) - 2, height);
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, canvas.width, height);
    const there = [slide.position(), up];
    for (const at of places) await frames.draw(stopsOf(...at));
    places.forEach((at, column) => {
      to(...at);
      ink.drawImage(view, column * (width + 2), 0, width, height);
    });
    to(...there);
    return canvas;
  }

  const savers = {
    gif: async () => {
      const shares = played(curve);
      if (shares.length > LONGEST)
        throw new Error(`This curve has ${shares.length} frames; a GIF of this page has up to ${LONGEST}. Take a shorter one, or i2vlib.`);
      const { left, top } = photo.place;
      const end = reach();
      const parts = [];
      for (const share of shares) {
        const asked = stopsOf(...along(share, end));
        await frames.draw(asked);
        const found = frames.at(asked);
        parts.push({ left, top, patch: found.frame === rest() ? photo.still : patchOf(found) });
      }
      return gif(pen.getImageData(0, 0, view.width, view.height), parts, Math.round(100 / curve.fps), given.note);
    },
    png: async () => noted(await rendered(stopsOf(slide.position())), "image/png", given.note),
    webp: async () => noted(await rendered(stopsOf(slide.position())), "image/webp", given.note),
    strip: async () => noted(await strip([0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => along(share, reach()))), "image/png", given.note),
    json: async () => {
      const end = reach();
      const amounts = Object.fromEntries(axes.filter(Boolean).map((each, axis) => [each, STOPS[end[axis]]]));
      return new Blob([writtenCurve(curve, amounts)], { type: "application/json" });
    },
  };
  find("save").addEventListener("click", async () => {
    const kind = find("kind").value;
    const began = performance.now();
    slide.pause();
    say("Writing the file …");
    await new Promise((done) => setTimeout(done, 20)); // so that it is seen
    try {
      const blob = await savers[kind]();
      offer(blob, `${name()}.${kind === "strip" ? "png" : kind}`);
      root.dataset.saved = Math.round(performance.now() - began);
      say(`Saved: ${Math.ceil(blob.size / 1024)} KB, made in this page.`);
    } catch (error) {
      say(error.message);
    }
  });

  // Where a photo comes from -----------------------------------------------------------------------------------------

  const take = (files) => {
    const file = [...files].find(({ type }) => type.startsWith("image/"));
    if (!file) return false;
    closed();
    choose(file);
    return true;
  };
  const input = find("file").querySelector("input");
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (frames && file?.name.endsWith(".json")) load(file).catch((error) => say(error.message));
    else if (!take(event.dataTransfer.files)) say("That is no picture. Drop a JPEG, PNG or WebP file.");
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData && take(event.clipboardData.files)) event.preventDefault();
  });

  // The camera: asked for, shown, and let go of with the picture that is taken or when it is not wanted any more.
  let filmed = null;
  const camera = find("camera");
  function film(end) {
    filmed = end;
    find("film").hidden = !end;
    camera.setAttribute("aria-expanded", Boolean(end));
    camera.textContent = end ? "Close the camera" : "Use the camera";
  }
  camera.addEventListener("click", async () => {
    if (filmed) return closed();
    camera.disabled = true;
    try {
      say("Asking for the camera …");
      film(await filming(find("film").querySelector("video")));
      say("You see yourself as in a mirror; the picture will be as others see you, and stays here.");
      find("take").focus();
    } catch (error) {
      say(error.message);
    } finally {
      camera.disabled = false;
    }
  });
  function closed(taken = false) {
    const still = filmed?.(taken);
    film(null);
    return still;
  }
  find("take").addEventListener("click", () => choose(closed(true)));

  root.querySelectorAll(".i2v-example").forEach((button, i) => button.addEventListener("click", () => {
    const { picture, eyes } = given.examples[i];
    closed();
    const bytes = Uint8Array.from(atob(picture.split(",")[1]), (letter) => letter.charCodeAt(0));
    choose(new Blob([bytes], { type: "image/jpeg" }), eyes);
  }));

  root.i2vState = () => ({ ...photo, frames }); // for who looks under the hood, and for the tests
  root.classList.add("i2v-live");
  state("empty");
}

mountAll(".i2v-yours", (root) => mount(root, GIVEN));
