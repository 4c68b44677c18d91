import { leftFirst } from "./crop.js";

// The eyes, where the reader has to show them, and the faces of which one is to be chosen.

const JITTER = 3; // px that a hand may move during a click

const share = (value, whole) => `${(100 * value) / whole}%`;

// Two rings over a picture of the whole photo, put on the eyes by clicks, by dragging them and by the arrow keys. Clicks
// count while `asked()`; `clicked` is told after the first and the second.
export function eyeRings(rings, picture, { asked, clicked }) {
  let [eyes, photo, clicks] = [null, null, 0];

  function put(next, canvas = photo) {
    [eyes, photo] = [next, canvas];
    rings.forEach((ring, i) => {
      ring.style.left = share(eyes[i][0], photo.width);
      ring.style.top = share(eyes[i][1], photo.height);
    });
  }

  function placed(i, [x, y]) {
    put(eyes.map((eye, n) => (n === i ? [within(x, 0, photo.width), within(y, 0, photo.height)] : eye)));
  }

  function pointed(event) {
    const [x, y] = picture.pointed(event);
    return [(x / picture.canvas.width) * photo.width, (y / picture.canvas.height) * photo.height];
  }

  function click(event) {
    if (!asked()) return;
    placed(clicks, pointed(event));
    clicks += 1;
    clicked(clicks);
  }

  picture.canvas.addEventListener("click", click);
  rings.forEach((ring, i) => {
    let [from, dragged] = [null, false];
    ring.addEventListener("pointerdown", (event) => {
      [from, dragged] = [event, false];
      ring.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    ring.addEventListener("pointermove", (event) => {
      if (!ring.hasPointerCapture(event.pointerId)) return;
      dragged ||= Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) > JITTER;
      if (dragged) placed(i, pointed(event));
    });
    // A ring may lie on the eye that is clicked: that is a click there, unless it ends a drag or comes from a key.
    ring.addEventListener("click", (event) => { if (event.detail && !dragged) click(event); });
    ring.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const step = Math.max(1, photo.width / (event.shiftKey ? 20 : 200));
      placed(i, eyes[i].map((value, axis) => value + way[axis] * step));
    });
  });

  return { put, ask: () => { clicks = 0; }, eyes: () => leftFirst(eyes) };
}

// A button around each face that was found in a photo. Returned is what shows them; `chosen` is told the face.
export function faceBoxes(stage, chosen) {
  const boxes = Object.assign(document.createElement("div"), { className: "i2v-faces", role: "group", ariaLabel: "Which face" });
  stage.append(boxes);

  return (faces, { width, height }, focused) => {
    boxes.replaceChildren(...faces.map((face, i) => {
      const button = Object.assign(document.createElement("button"), {
        className: "i2v-box", type: "button", textContent: i + 1, ariaLabel: `Face ${i + 1} of ${faces.length}, from the left`,
      });
      const { middle: [x, y], half } = face;
      Object.assign(button.style, {
        left: share(x - half, width), top: share(y - half, height), width: share(2 * half, width), height: share(2 * half, height),
      });
      button.addEventListener("click", () => chosen(face));
      return button;
    }));
    if (focused) boxes.firstChild.focus();
  };
}
