import { pasted, placeOf } from "./paste.js";

// The picture on the page: what of a photo is seen, with a frame of its face pasted in.

const [SEEN, LEAST] = [800, 480]; // px, its longer side, and what the shorter is enlarged to
const PATCHES = 40; // kept, of up to 2.5 MB each

export class Picture {
  constructor(canvas) {
    [this.canvas, this.pen] = [canvas, canvas.getContext("2d", { willReadFrequently: true })];
    [this.near, this.place] = [false, null];
    this.forget();
  }

  // Shows a photo: all of it or, near, what lies around its crop. `place` is where in that the crop lies, if there is one.
  settle(photo) {
    const { canvas, matrix, size } = (this.photo = photo);
    let [left, top, right, bottom] = [0, 0, canvas.width, canvas.height];
    if (this.near && matrix) {
      const box = placeOf(matrix, size, canvas.width, canvas.height);
      const edge = Math.round(0.35 * Math.max(box.width, box.height));
      [left, top] = [Math.max(0, box.left - edge), Math.max(0, box.top - edge)];
      [right, bottom] = [Math.min(right, box.left + box.width + edge), Math.min(bottom, box.top + box.height + edge)];
    }
    const [width, height] = [right - left, bottom - top];
    const scale = Math.min(SEEN / Math.max(width, height), Math.max(1, LEAST / Math.min(width, height)));
    const view = Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    this.pen.imageSmoothingQuality = "high";
    this.pen.drawImage(canvas, left, top, width, height, 0, 0, view.width, view.height);
    this.forget();
    this.place = null;
    if (!matrix) return;
    const [a, b, c, d, e, f] = matrix;
    const seen = [a / scale, b / scale, a * left + b * top + c, d / scale, e / scale, d * left + e * top + f];
    this.place = placeOf(seen, size, view.width, view.height);
    this.still = this.pen.getImageData(this.place.left, this.place.top, this.place.width, this.place.height);
  }

  // What was pasted is to be pasted anew: what the expression may act on has changed, or what draws it.
  forget() {
    this.patches = new Map();
  }

  // The box of the crop with the photo following a frame's change; that at rest, which has none, leaves it as it is.
  patch({ moved }) {
    if (!moved) return this.still;
    const made = this.patches.get(moved) || pasted(this.still, this.place, moved);
    this.patches.delete(moved);
    this.patches.set(moved, made); // the last used last
    if (this.patches.size > PATCHES) this.patches.delete(this.patches.keys().next().value);
    return made;
  }

  // Puts a frame there; without any, the photo alone.
  show(drawn) {
    if (this.place) this.pen.putImageData(drawn ? this.patch(drawn) : this.still, this.place.left, this.place.top);
  }

  // Where a pointer is, in the picture's pixels.
  pointed({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.canvas.width, ((clientY - box.top) / box.height) * this.canvas.height];
  }
}
