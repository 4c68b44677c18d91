import { inverse } from "./crop.js";
import { region } from "./paste.js";
import { canvasOf } from "./photo.js";

// Where an expression may act: a part of the crop, or what the reader paints.

const [RADIUS, COLOUR] = [14, "59, 111, 212"]; // in the crop's pixels

export class Brush {
  // `may()` says whether it may be painted now, `seen()` shows the picture without paint, `held()` is told that where it
  // acts has changed.
  constructor(where, picture, { may, seen, held }) {
    [this.where, this.picture, this.seen] = [where, picture, seen];
    [this.canvas, this.pen] = canvasOf(1, 1);
    const view = picture.canvas;
    view.addEventListener("pointerdown", (event) => {
      if (event.button || !this.chosen || !may()) return;
      view.setPointerCapture(event.pointerId);
      this.dab(event);
    });
    view.addEventListener("pointermove", (event) => { if (view.hasPointerCapture(event.pointerId)) this.dab(event); });
    view.addEventListener("pointerup", () => { if (this.chosen && may()) held(); });
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
  }

  // The mask that is chosen, Float32Array (size * size), or nothing: everywhere.
  mask() {
    const { width: size } = this.canvas;
    if (!this.chosen) return region(this.where.value, size);
    const { data } = this.pen.getImageData(0, 0, size, size);
    return Float32Array.from({ length: size ** 2 }, (_, i) => data[4 * i + 3] / 255);
  }

  dab(event) {
    const { matrix } = this.picture.place;
    const [u, v] = this.picture.pointed(event);
    const [a, b, c, d, e, f] = matrix;
    const [x, y] = [a * u + b * v + c, d * u + e * v + f];
    const soft = this.pen.createRadialGradient(x, y, 0, x, y, RADIUS);
    soft.addColorStop(0.4, `rgba(${COLOUR}, 1)`);
    soft.addColorStop(1, `rgba(${COLOUR}, 0)`);
    this.pen.fillStyle = soft;
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.seen();
    const [p, q, r, s, t, w] = inverse(matrix);
    const { pen } = this.picture;
    pen.setTransform(p, s, q, t, r, w); // from the crop's pixels to the picture's
    pen.globalAlpha = 0.5;
    pen.drawImage(this.canvas, 0, 0);
    pen.globalAlpha = 1;
    pen.resetTransform();
  }
}
