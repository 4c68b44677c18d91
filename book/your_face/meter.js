import { canvasOf, pixelsOf } from "./photo.js";

// A live meter: how strong the expression on the slider is in a face that a camera or a clip shows, as AffineGAN reads it
// (reading.js); it moves the photo. Pictures go to the Worker, and nowhere else. It says how strong, not which: the
// innermost directions of the expressions are much alike, so a smile moves anger as well.

const WATCHED = 480; // px, the longer side of what is read
const LEAST_PEAK = 0.05; // below that, noise would be enlarged
const POINTS = 60; // of a curve that is kept, at most

export class Meter {
  // `reader()` promises the model that reads, {spec, ask}; `chosen()` names the expression on the slider, `called(name)` in
  // words; `moved(amount)` is told how strong it is, `kept(points, seconds)` a curve, `say(text)` what is wrong.
  constructor(root, told) {
    const find = (name) => root.querySelector(`.i2v-${name}`);
    Object.assign(this, { told, panel: find("meter"), button: find("mirror"), gauge: find("gauge"), keep: find("keep") });
    this.video = this.panel.querySelector("video");
    this.pen = find("crop").getContext("2d");
    [this.run, this.stop, this.model] = [0, null, null];
    const opens = (how) => this.open(how).catch((error) => {
      this.close();
      told.say(error.message);
    });
    this.button.addEventListener("click", () => (this.stop ? this.close() : opens(() => filming(this.video))));
    const input = find("clip").querySelector("input");
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (file) opens(() => playing(this.video, file));
      input.value = "";
    });
    find("rest").addEventListener("click", () => this.begin());
    find("peak").addEventListener("click", () => this.peak());
    find("end").addEventListener("click", () => this.close());
    this.keep.addEventListener("click", () => this.curve());
  }

  // Begins with what `how` shows in the video; it promises what ends that.
  async open(how) {
    this.close();
    const mine = this.run;
    const { say, reader } = this.told;
    say("Opening what is to be read …");
    const stop = await how();
    if (mine !== this.run) return stop(); // closed, or opened anew, meanwhile
    this.stop = stop;
    this.panel.hidden = false;
    this.button.setAttribute("aria-expanded", true);
    this.button.textContent = "Close the meter";
    this.keep.hidden = !Number.isFinite(this.video.duration);
    this.model = await reader();
    if (mine === this.run) this.begin();
    while (mine === this.run) {
      const next = Promise.race([shown(this.video), new Promise((done) => { this.again = done; })]);
      await this.read(mine); // what is shown meanwhile is left out
      await next;
    }
  }

  // The face is at rest now: what comes is read against it.
  begin() {
    [this.rested, this.gain, this.last, this.readings] = [false, 1, null, []];
    this.told.say("Looking for a face at rest …");
    this.again?.();
  }

  async read(mine) {
    const { video, model, rested } = this;
    const at = video.currentTime;
    const scale = Math.min(1, WATCHED / Math.max(video.videoWidth, video.videoHeight));
    const [canvas, pen] = canvasOf(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pixelsOf(canvas);
    const found = await model.ask(rested ? "measure" : "watch", { picture }, [picture.data.buffer]);
    if (mine !== this.run || rested !== this.rested) return;
    if (!found) return this.told.say("No face is seen here. Turn towards the camera, in more light.");
    if (!rested) this.told.say("Read against your face at rest. At its strongest, press “This is my peak”: that counts as 1 from then on.");
    this.rested = true;
    this.last = found;
    this.show(at);
  }

  // What is read, of the expression on the slider.
  get reading() {
    return this.last.intensities[this.model.spec.expressions.indexOf(this.told.chosen())];
  }

  show(at) {
    const { crop } = this.last;
    const { size } = this.model.spec;
    const image = new ImageData(size, size);
    for (let i = 0, k = 0; k < crop.length; i += 4, k += 3) image.data.set([crop[k], crop[k + 1], crop[k + 2], 255], i);
    this.pen.putImageData(image, 0, 0);
    const [name, amount] = [this.told.called(this.told.chosen()), this.reading * this.gain];
    const [label, gauge, value] = this.gauge.children;
    label.textContent = name;
    gauge.ariaLabel = `How strong ${name} is`;
    gauge.value = amount;
    value.textContent = this.gain === 1 ? amount.toFixed(2) : `${amount.toFixed(2)} (${this.reading.toFixed(2)} read)`;
    this.readings.push([at, amount]);
    this.told.moved(amount);
  }

  // What is read now counts as 1.
  peak() {
    if (!this.last) return;
    this.gain = 1 / Math.max(this.reading, LEAST_PEAK);
    this.show(this.video.currentTime);
  }

  // What was read off a clip, once through, as a curve over time.
  curve() {
    const { duration } = this.video;
    const all = new Map(this.readings.map(([at, amount]) => [Math.min(at, duration).toFixed(2), amount]));
    const points = [...all].map(([at, amount]) => [Number(at), amount]).sort(([one], [other]) => one - other);
    const step = Math.ceil(points.length / POINTS);
    if (points.length > 1) this.told.kept(points.filter((_, n) => n % step === 0), duration);
    else this.told.say("Nothing was read yet. Play the clip.");
  }

  close() {
    this.run += 1;
    if (this.stop) this.told.say("The meter is closed, and what it read is let go.");
    this.stop?.();
    this.stop = null;
    this.panel.hidden = true;
    this.button.setAttribute("aria-expanded", false);
    this.button.textContent = "Move it with your face";
  }
}

// A clip's file in a video, from its first picture on, with the browser's own controls. Promised is what ends it.
async function playing(video, file) {
  const address = URL.createObjectURL(file);
  const stop = () => {
    video.pause();
    video.removeAttribute("src");
    video.load();
    video.controls = false;
    URL.revokeObjectURL(address);
  };
  Object.assign(video, { muted: true, controls: true, srcObject: null, src: address });
  video.style.transform = "";
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error("This file is no clip that the browser can play. Give an MP4 or WebM file."));
  }).catch((error) => { stop(); throw error; });
  return stop;
}

// The next picture of a video.
function shown(video) {
  return new Promise((done) => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(done);
    else requestAnimationFrame(done);
  });
}
