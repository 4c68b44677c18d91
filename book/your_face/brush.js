import { inverse, scaleOf, through } from "./crop.js";
import { region } from "./paste.js";
import { canvasOf } from "./photo.js";

// Where an expression may act: a part of the crop, or what the reader paints, with a pointer or with a ring that arrow
// keys move and the space bar presses on the face.

const [RADIUS, COLOUR] = [14, "59, 111, 212"]; // in the crop's pixels
const STEP = 4; // of them, that a key moves the ring

export class Brush {
  // `may()` says whether it may be painted now, `seen()` shows the picture without paint, `held()` is told that where it
  // acts has changed.
  constructor(where, ring, picture, { may, seen, held }) {
    [this.where, this.ring, this.picture, this.seen] = [where, ring, picture, seen];
    [this.canvas, this.pen] = canvasOf(1, 1);
    const view = picture.canvas;
    const dab = (event) => this.dab(through(picture.place.matrix, picture.pointed(event)));
    view.addEventListener("pointerdown", (event) => {
      if (event.button || !this.chosen || !may()) return;
      view.setPointerCapture(event.pointerId);
      dab(event);
    });
    view.addEventListener("pointermove", (event) => { if (view.hasPointerCapture(event.pointerId)) dab(event); });
    view.addEventListener("pointerup", () => { if (this.chosen && may()) held(); });
    ring.addEventListener("keydown", (event) => {
      const way = arrow(event);
      if (way) this.move(way.map((each, axis) => this.at[axis] + (axis ? -each : each) * STEP * (event.shiftKey ? 4 : 1)));
      else if ([" ", "Enter"].includes(event.key)) this.dab(this.at);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    ring.addEventListener("keyup", (event) => { if ([" ", "Enter"].includes(event.key) && may()) held(); });
    where.addEventListener("change", () => {
      this.clear();
      held();
    });
  }

  get chosen() {
    return this.where.value === "brush";
  }

  // Nothing is painted on a crop of some size.
  clear(size = this.canvas.width) {
    Object.assign(this.canvas, { width: size, height: size });
    this.place();
  }

  // Puts the ring, if it may be used, on the middle of the face.
  place() {
    this.ring.hidden = !this.chosen || !this.picture.place;
    if (!this.ring.hidden) this.move([this.canvas.width / 2, this.canvas.height / 2]);
  }

  // Puts the ring on a place of the crop, or on the nearest in it.
  move(at) {
    this.at = at.map((value) => within(value, 0, this.canvas.width));
    const { matrix } = this.picture.place;
    const { width, height } = this.picture.canvas;
    const [x, y] = through(inverse(matrix), this.at);
    const size = (2 * RADIUS) / scaleOf(matrix);
    Object.assign(this.ring.style, {
      left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%`, width: `${(100 * size) / width}%`,
    });
  }

  // The mask that is chosen, Float32Array (size * size), or nothing: everywhere.
  mask() {
    const { width: size } = this.canvas;
    if (!this.chosen) return region(this.where.value, size);
    const { data } = this.pen.getImageData(0, 0, size, size);
    return Float32Array.from({ length: size ** 2 }, (_, i) => data[4 * i + 3] / 255);
  }

  // Paints around a place of the crop.
  dab([x, y]) {
    const soft = this.pen.createRadialGradient(x, y, 0, x, y, RADIUS);
    soft.addColorStop(0.4, `rgba(${COLOUR}, 1)`);
    soft.addColorStop(1, `rgba(${COLOUR}, 0)`);
    this.pen.fillStyle = soft;
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.seen();
    const [p, q, r, s, t, w] = inverse(this.picture.place.matrix);
    const { pen } = this.picture;
    pen.setTransform(p, s, q, t, r, w); // from the crop's pixels to the picture's
    pen.globalAlpha = 0.5;
    pen.drawImage(this.canvas, 0, 0);
    pen.globalAlpha = 1;
    pen.resetTransform();
  }
}
