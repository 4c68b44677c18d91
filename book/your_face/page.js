import { cropMatrix, warp } from "./crop.js";
import { gif } from "./gif.js";
import { noted, offer } from "./files.js";
import { Frames, Model, STOPS } from "./model.js";
import { change, pasted, placeOf } from "./paste.js";

// The page: a photo, two eyes, an expression on a slider, files. `player` and `mountAll` are the book's own, put before.

const SEEN = 960; // px, the longer side of the picture on the page
const MOST = 4096; // px, that of a photo
const FPS = 12;

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
  const model = { opening: null, name: "affinegan" };
  let photo = null; // its canvas, the scale of the view, where the crop lies
  let frames = null;
  let amounts = [];
  let before = false;
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

  const paintPhoto = () => pen.drawImage(photo.canvas, 0, 0, view.width, view.height);

  function patchOf(found) {
    if (!patches.has(found.frame)) {
      const added = change(frames.at(amounts, 0).frame, found.frame, photo.crop, photo.size, photo.mask);
      patches.set(found.frame, pasted(photo.still, photo.place, added));
    }
    return patches.get(found.frame);
  }

  function paint(stop) {
    if (!photo?.place) return;
    const found = !before && stop > 0 && frames?.kept.has("rest") && frames.at(amounts, stop);
    pen.putImageData(found && found.stop ? patchOf(found) : photo.still, photo.place.left, photo.place.top);
    root.dataset.shown = before ? 0 : found ? found.stop : 0;
  }

  const slide = player(root, {
    stage: find("stage"), fps: FPS, labels: STOPS.map((a) => `intensity ${a.toFixed(2)}`), paint,
    held: (target) => (root.dataset.state === "ready" && target === view ? view : null),
  });

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
      const scale = Math.min(1, SEEN / Math.max(canvas.width, canvas.height));
      [view.width, view.height] = [Math.round(canvas.width * scale), Math.round(canvas.height * scale)];
      photo = { canvas, scale: view.width / canvas.width, began };
      frames = null;
      root.classList.add("i2v-seen");
      paintPhoto();
      opening().catch(trouble); // while the reader finds the eyes
      put(eyes || [[0.4 * canvas.width, 0.4 * canvas.height], [0.6 * canvas.width, 0.4 * canvas.height]]);
      if (eyes) return await crop();
      askForEyes();
    } catch (error) {
      if (mine === turn) trouble(error);
    }
  }

  function opening() {
    model.opening ??= Model.open(given.root, model.name, (text, share) => { if (root.dataset.state === "loading") say(text, share); });
    model.opening.catch(() => { model.opening = null; });
    return model.opening;
  }

  let clicked = 0;
  function askForEyes() {
    state("eyes");
    clicked = 0;
    paintPhoto();
    say("Click the middle of one eye, then of the other. Or move the two rings there, and press “These are the eyes”.");
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
    else crop().catch(trouble);
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
  find("eyes").addEventListener("click", () =>
    root.dataset.state === "eyes" ? crop().catch(trouble) : photo && askForEyes());

  // Crops, and has the frames drawn, those of the chosen expression first.
  async function crop() {
    const mine = turn;
    const [[x0, y0], [x1, y1]] = photo.eyes;
    if (Math.hypot(x1 - x0, y1 - y0) < 4) throw new Error("The eyes lie in one place. Put a ring on each.");
    state("loading");
    const open = await opening();
    if (mine !== turn) return;
    const size = open.spec.size;
    const { canvas, scale } = photo;
    const whole = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const matrix = cropMatrix(photo.eyes, size);
    photo.size = size;
    photo.crop = warp({ data: whole.data, width: whole.width, height: whole.height, channels: 4 }, matrix, size);
    photo.matrix = matrix;
    photo.place = placeOf(matrix.map((value, i) => (i % 3 < 2 ? value / scale : value)), size, view.width, view.height);
    paintPhoto();
    const { left, top, width, height } = photo.place;
    photo.still = pen.getImageData(left, top, width, height);
    patches = new Map();
    frames = new Frames(open, photo.crop, drawn);
    slide.show(0);
    await act(photo.chosen || given.first);
  }

  function drawn() {
    root.dataset.drawn = frames.kept.size;
    if (root.dataset.state !== "ready" && frames.kept.size > 1) {
      state("ready");
      root.dataset.waited = Math.round(performance.now() - photo.began); // from the photo to the first drag
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) slide.show(20);
      else slide.play(2);
    }
    paint(slide.position());
  }

  // Expressions ------------------------------------------------------------------------------------------------------

  const choices = [...root.querySelectorAll(".i2v-choice")];
  async function act(name) {
    choices.forEach((choice) => choice.setAttribute("aria-pressed", choice.dataset.name === name));
    if (!photo) return;
    photo.chosen = name;
    const mine = frames;
    amounts = (await opening()).spec.expressions.map((each) => (each === name ? 1 : 0));
    patches = new Map();
    paint(slide.position());
    say("Drawing …", 0.9);
    const began = performance.now();
    const there = frames.kept.size;
    if (!(await frames.ahead(amounts, photo.mask)) || mine !== frames) return;
    const made = frames.kept.size - there;
    if (made) root.dataset.each = Math.round((performance.now() - began) / made); // ms a frame
    say(`Drag the slider, or across the picture. ${STOPS.length} frames are kept; ${root.dataset.each} ms each, drawn in this page.`);
  }
  choices.forEach((choice) => choice.addEventListener("click", () => {
    act(choice.dataset.name).catch(trouble);
    if (frames && !slide.position()) slide.show(20);
  }));

  const compare = find("before");
  compare.addEventListener("click", () => {
    before = !before;
    compare.setAttribute("aria-pressed", before);
    paint(slide.position());
  });

  // Files ------------------------------------------------------------------------------------------------------------

  const curve = () => given.curves[find("curve").value];
  const name = () => `your_face_${photo.chosen}`;

  function playCurve() {
    slide.pause();
    const { stops, fps } = curve();
    const start = performance.now();
    const mine = (playCurve.run = (playCurve.run || 0) + 1);
    root.addEventListener("pointerdown", () => { playCurve.run += 1; }, { once: true });
    (function tick() {
      const at = Math.floor(((performance.now() - start) * fps) / 1000);
      if (mine !== playCurve.run || at >= stops.length) return;
      slide.show(stops[at]);
      requestAnimationFrame(tick);
    })();
  }
  find("run").addEventListener("click", playCurve);

  // The photo at its own resolution with one frame in it.
  function rendered(stop) {
    const [canvas, ink] = canvasOf(photo.canvas.width, photo.canvas.height);
    ink.drawImage(photo.canvas, 0, 0);
    if (!stop) return canvas;
    const place = placeOf(photo.matrix, photo.size, canvas.width, canvas.height);
    const still = ink.getImageData(place.left, place.top, place.width, place.height);
    const added = change(frames.at(amounts, 0).frame, frames.at(amounts, stop).frame, photo.crop, photo.size, photo.mask);
    ink.putImageData(pasted(still, place, added), place.left, place.top);
    return canvas;
  }

  // Frames side by side, two white pixels between them, each the view.
  function strip(stops) {
    const [width, height] = [Math.round((320 * view.width) / view.height), 320];
    const [canvas, ink] = canvasOf(stops.length * (width + 2) - 2, height);
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, canvas.width, height);
    const there = slide.position();
    stops.forEach((stop, column) => {
      slide.show(stop);
      ink.drawImage(view, column * (width + 2), 0, width, height);
    });
    slide.show(there);
    return canvas;
  }

  const savers = {
    gif: async () => {
      const { stops, fps } = curve();
      const { left, top } = photo.place;
      const parts = stops.map((stop) => ({ left, top, patch: stop ? patchOf(frames.at(amounts, stop)) : photo.still }));
      return gif(pen.getImageData(0, 0, view.width, view.height), parts, Math.round(100 / fps), given.note);
    },
    png: () => noted(rendered(slide.position()), "image/png", given.note),
    webp: () => noted(rendered(slide.position()), "image/webp", given.note),
    strip: () => noted(strip([0, 4, 8, 12, 16, 20]), "image/png", given.note),
    json: async () => {
      const { kept } = curve();
      return new Blob([JSON.stringify({ ...kept, amounts: { [photo.chosen]: 1 } }, null, 1)], { type: "application/json" });
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
    if (file) choose(file);
    return Boolean(file);
  };
  const input = find("file").querySelector("input");
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!take(event.dataTransfer.files)) say("That is no picture. Drop a JPEG, PNG or WebP file.");
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData && take(event.clipboardData.files)) event.preventDefault();
  });
  root.querySelectorAll(".i2v-example").forEach((button, i) => button.addEventListener("click", () => {
    const { picture, eyes } = given.examples[i];
    const bytes = Uint8Array.from(atob(picture.split(",")[1]), (letter) => letter.charCodeAt(0));
    choose(new Blob([bytes], { type: "image/jpeg" }), eyes);
  }));

  root.i2vState = () => ({ ...photo, frames }); // for who looks under the hood, and for the tests
  root.classList.add("i2v-live");
  state("empty");
}

mountAll(".i2v-yours", (root) => mount(root, GIVEN));
