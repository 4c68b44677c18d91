import { Brush } from "./brush.js";
import { Curves } from "./curves.js";
import { Expressions } from "./expressions.js";
import { eyeRings, faceBoxes } from "./eyes.js";
import { offer } from "./files.js";
import { Meter } from "./meter.js";
import { Methods } from "./methods.js";
import { Frames, PEAK, stopOf, STOPS } from "./model.js";
import { cropped, opened, pixelsOf } from "./photo.js";
import { Picture } from "./picture.js";
import { SAVERS } from "./saving.js";
import { photoSources } from "./sources.js";

// The page: its parts, and what goes from one to another. It is in one state: "empty", "loading", "faces" or "eyes" while
// the reader is asked for them, or "ready". `player`, `square`, `curvePlot`, `filming` and `mountAll` are the book's own,
// put before.

const FPS = 12;

function mount(root, given) {
  const find = (name) => root.querySelector(`.i2v-${name}`);
  const state = (name) => { root.dataset.state = name; };
  const ready = () => root.dataset.state === "ready";
  let photo = null; // {canvas, began, found, eyes, size, matrix, crop, mask}
  let frames = null; // of its face
  let turn = 0; // counts photos and questions, so that a late answer knows that it is late

  function say(text, share = null) {
    find("said").textContent = text;
    find("share").hidden = share === null;
    if (share !== null) find("share").value = share;
  }
  const trouble = (error) => { state(photo ? "eyes" : "empty"); say(error.message); };

  // The picture, and what moves it ------------------------------------------------------------------------------------

  const picture = new Picture(find("picture"));
  let before = false;

  function paint(stop) {
    expressions.point(stop);
    if (!picture.place) return;
    const asked = expressions.stops(stop);
    const found = !before && frames?.has(frames.rest) && frames.at(asked);
    picture.show(found || null);
    if (found && !frames.has(asked)) frames.want(asked).catch(trouble);
  }

  const labels = STOPS.map((a) => `intensity ${a.toFixed(2)}`);
  const expressions = new Expressions(root, given.first, labels, {
    moved: (...stops) => to(stops),
    chosen: (across, height) => {
      const fewer = expressions.both && !height;
      act(across, height).catch(trouble);
      if (frames && !fewer && !slide.position()) slide.show(PEAK);
    },
    across: () => slide.position(),
  });
  const brush = new Brush(find("where"), find("ring"), picture, { may: ready, seen: () => paint(slide.position()), held: hold });
  const slide = player(root, {
    stage: find("stage"), fps: FPS, labels, paint,
    held: (target) => (ready() && target === picture.canvas && !brush.chosen ? target : null),
  });
  for (const control of root.querySelectorAll("select, video, .i2v-up")) // whose keys are their own
    control.addEventListener("keydown", (event) => event.stopPropagation());

  const at = () => [slide.position(), expressions.up];
  // So much of both; `show` leaves alone what is playing.
  function show([across, height]) {
    expressions.rise(height);
    slide.show(across);
  }
  function to(stops) {
    slide.pause();
    show(stops);
  }

  // One expression or two, and their frames drawn ahead.
  async function act(across, height) {
    expressions.choose(across, height);
    slide.show(slide.position());
    if (!frames) return;
    say("Drawing …", 0.9);
    root.dataset.frames = "drawing";
    const [mine, began, there] = [frames, performance.now(), frames.kept.size];
    if (!(await frames.ahead(expressions.ahead())) || mine !== frames) return;
    root.dataset.frames = "kept"; // all of them
    const made = frames.kept.size - there;
    if (made > 0) root.dataset.each = Math.round((performance.now() - began) / made); // ms a frame
    const { known, choices, called } = expressions;
    const lacks = known.length < choices.length ? ` ${given.models[methods.name]} was taught ${known.map(called).join(", ")} alone.` : "";
    say(expressions.help(root.dataset.each) + lacks);
  }

  function hold() {
    if (!picture.place) return;
    photo.mask = brush.mask();
    picture.forget();
    frames.forget(photo.mask);
    act(...expressions.axes).catch(trouble);
    if (brush.chosen) say("Paint on the face where the expression may act; by keyboard: arrow keys move the ring, the space bar paints.");
  }

  function pressed(button, act) {
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      act(on);
      paint(slide.position());
    });
  }
  pressed(find("before"), (on) => { before = on; });
  pressed(find("closer"), (on) => {
    picture.near = on;
    picture.settle(photo);
    brush.place();
  });

  // A photo, and its eyes --------------------------------------------------------------------------------------------

  const rings = eyeRings([...root.querySelectorAll(".i2v-eye")], picture, {
    asked: () => root.dataset.state === "eyes",
    clicked: (count) => (count === 1 ? say("And now the other eye.") : shown()),
  });
  const boxes = faceBoxes(find("stage"), (face) => pick(face.eyes));

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
      picture.settle(photo);
      rings.put(eyes || [[0.4 * canvas.width, 0.4 * canvas.height], [0.6 * canvas.width, 0.4 * canvas.height]], canvas);
      if (eyes) await crop(eyes);
      else await search(mine);
    } catch (error) {
      if (mine === turn) trouble(error);
    }
  }

  // Finds the face: one is cropped at once, of several the reader chooses, and without one the reader shows the eyes.
  async function search(mine) {
    let found = [];
    let why = "No face was found here.";
    try {
      found = await (await methods.started()).faces(pixelsOf(photo.canvas));
    } catch (error) {
      why = `No face could be looked for: ${error.message}`;
    }
    if (mine !== turn) return;
    photo.found = found;
    root.dataset.found = found.length;
    root.classList.toggle("i2v-several", found.length > 1);
    if (found.length === 1) return pick(found[0].eyes);
    methods.opened().catch(() => {}); // while the reader chooses
    if (found.length) askForFace();
    else askForEyes(why);
  }

  // The whole photo, and nothing drawn in it, while the reader is asked for something.
  function ask(what, text) {
    state(what);
    turn += 1; // whatever is still being looked for or drawn
    if (frames) frames.run += 1;
    delete root.dataset.frames;
    slide.pause();
    photo.matrix = null;
    picture.settle(photo);
    say(text);
  }
  function askForFace() {
    const { canvas, found } = photo;
    const held = document.activeElement === document.body || root.contains(document.activeElement); // nowhere else
    ask("faces", `${found.length} faces were found. Choose one.`);
    boxes(found, canvas, held);
  }
  function askForEyes(why = "") {
    ask("eyes", `${why} Click the middle of one eye, then of the other. Or move the two rings there, and press “These are the eyes”.`.trim());
    rings.ask();
  }
  const pick = (eyes) => {
    const mine = turn;
    rings.put(eyes, photo.canvas);
    return crop(eyes).catch((error) => { if (mine === turn) trouble(error); });
  };
  const shown = () => pick(rings.eyes());
  find("another").addEventListener("click", askForFace);
  find("eyes").addEventListener("click", () => (root.dataset.state === "eyes" ? shown() : photo && askForEyes()));

  // The model ----------------------------------------------------------------------------------------------------------

  const methods = new Methods(find("method"), given, {
    told: (text, share) => { if (root.dataset.state === "loading") say(text, share); },
    may: ready,
    chosen: instead,
  });

  // Crops, and has the frames drawn, those of the chosen expression first.
  async function crop(eyes) {
    const mine = turn;
    state("loading");
    const open = await methods.opened();
    if (mine !== turn) return;
    Object.assign(photo, cropped(photo.canvas, eyes, open.spec.size));
    picture.settle(photo);
    brush.clear(photo.size);
    photo.mask = brush.mask();
    await begin(open);
  }

  // The crop in the hands of a model.
  async function begin(open) {
    frames?.end();
    const mine = new Frames(open, photo.crop, photo.mask, (stops) => mine === frames && drawn(stops));
    frames = mine;
    picture.forget();
    expressions.teach(open.spec.expressions);
    slide.show(0);
    await act(...expressions.axes);
  }

  function drawn(stops) {
    if (!picture.place) return; // the reader was asked for other eyes meanwhile
    if (!expressions.both && frames.has(frames.rest)) picture.patch(frames.at(stops)); // ready before a drag asks for it
    root.dataset.drawn = frames.kept.size;
    if (!ready() && frames.kept.size > 1) {
      state("ready");
      root.dataset.waited = Math.round(performance.now() - photo.began); // from the photo to the first drag
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) slide.show(PEAK);
      else slide.play(2);
    }
    paint(slide.position());
  }

  // Another method, fetched when it is asked for; if it cannot be, all stays as it was.
  async function instead(former) {
    const mine = turn;
    state("loading");
    photo.began = performance.now();
    try {
      const open = await methods.opened();
      if (mine === turn && open.spec.name === methods.name) await begin(open);
    } catch (error) {
      methods.use(former);
      state("ready");
      say(error.message);
    }
  }

  // Curves and files ---------------------------------------------------------------------------------------------------

  const curves = new Curves(root, given.curves, given.limits, show);
  // What the curve's 1 is: the peak, or where the dot is.
  const reach = () => (!expressions.both ? [PEAK, 0] : at().some(Boolean) ? at() : [PEAK, PEAK]);
  find("run").addEventListener("click", () => {
    slide.pause();
    curves.play(reach(), expressions.both);
  });

  async function load(file) {
    const { stops, said } = await curves.load(file, expressions.known);
    const names = Object.keys(stops);
    if (names.length) {
      const drawing = act(names[0], names[1] || "");
      if (names[1]) to(names.map((each) => stops[each]));
      await drawing;
    }
    say(said);
  }
  const loads = (file) => load(file).catch((error) => say(error.message));
  const shelf = find("load").querySelector("input");
  shelf.addEventListener("change", () => {
    if (shelf.files.length) loads(shelf.files[0]);
    shelf.value = "";
  });

  find("save").addEventListener("click", async () => {
    const kind = find("kind").value;
    const began = performance.now();
    slide.pause();
    say("Writing the file …");
    await new Promise((done) => setTimeout(done, 20)); // so that it is seen
    try {
      const scene = { photo, frames, picture, expressions, curve: curves.curve, at: at(), end: reach(), note: given.note };
      const blob = await SAVERS[kind](scene);
      offer(blob, `${["your_face", ...expressions.axes.filter(Boolean)].join("_")}.${kind === "strip" ? "png" : kind}`);
      root.dataset.saved = Math.round(performance.now() - began);
      say(`Saved: ${Math.ceil(blob.size / 1024)} KB, made in this page.`);
    } catch (error) {
      say(error.message);
    }
    paint(slide.position());
  });

  // A face moves the photo.
  const meter = new Meter(root, {
    say,
    reader: () => methods.reader(),
    chosen: () => expressions.axes[0],
    called: expressions.called,
    moved: (amount) => { if (ready()) slide.go(stopOf(amount)); },
    kept: (points, seconds) => {
      curves.take({ ...curves.curve, points, seconds: Math.min(seconds, given.limits.seconds) });
      curves.plot();
      say("The curve is what was read off the clip. Play it, edit it, save it.");
    },
  });

  photoSources(root, given.examples, {
    choose, say, prepare: () => methods.prepare(),
    load: (file) => Boolean(frames && loads(file)),
  });
  // What an address asks for: an example, what acts on it, who draws; and "figure" alone with its picture and sliders.
  function begun(asked) {
    const figure = asked.has("figure");
    document.documentElement.classList.toggle("i2v-figure", figure);
    picture.near = figure;
    find("closer").setAttribute("aria-pressed", figure);
    if (asked.get("method") in given.models) methods.use(asked.get("method"));
    const [across, height] = ["across", "height"].map((side) => asked.get(side) || "");
    if (expressions.called(across)) expressions.choose(across, expressions.called(height) ? height : "");
    root.querySelectorAll(".i2v-example")[asked.get("person")]?.click();
  }

  root.i2vState = () => ({ ...photo, place: picture.place, frames, meter }); // for who looks under the hood, and for the tests
  root.classList.add("i2v-live");
  state("empty");
  begun(new URLSearchParams(location.hash.slice(1)));
}

mountAll(".i2v-yours", (root) => mount(root, GIVEN));
