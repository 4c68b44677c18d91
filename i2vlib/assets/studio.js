(function (root, given) {
  "use strict";
/*drag*/

/*curve*/

/*camera*/

  const [kind, wire, data] = given;
  let said = 0;
  let waiting = null;

  // What is said in one frame of the screen is said once: the kernel hears the last of it.
  function say(message) {
    if (waiting === null) requestAnimationFrame(() => {
      const area = document.querySelector("." + wire + " textarea");
      const text = JSON.stringify({ ...waiting, said: Date.now() + "-" + (said += 1) });
      waiting = null;
      if (!area) return;
      area.value = text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      area.dispatchEvent(new Event("change", { bubbles: true }));
    });
    waiting = message;
  }

  function make(name, attributes, parent) {
    const node = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    (parent || root).appendChild(node);
    return node;
  }

  const curve = () => curvePlot(root, data, (points, at) => say({ points, at }));

  function pad() {
    const field = make("div", { class: "i2v-field", tabindex: 0, role: "group",
      "aria-label": "Two expressions at once; the arrow keys move the dot" });
    make("span", { class: "i2v-dot" }, field);
    const mark = square(field, [0.05, 0.05], (...at) => {
      mark(...at);
      say({ at });
    });
    mark(...data.at);
  }

  function brush() {
    const stage = make("div", { class: "i2v-brush" });
    make("img", { src: data.picture, alt: "The face to paint on", draggable: "false" }, stage);
    const shown = make("canvas", { width: 128, height: 128 }, stage);
    const mask = Object.assign(document.createElement("canvas"), { width: 128, height: 128 });
    const [ink, seen] = [mask.getContext("2d"), shown.getContext("2d")];
    const bar = make("div", { class: "i2v-tools" });
    const size = make("input", { type: "range", min: 4, max: 40, value: 14, "aria-label": "Size of the brush" }, bar);
    const wipe = make("button", { type: "button" }, bar);
    wipe.textContent = "Clear";

    function redraw() {
      seen.clearRect(0, 0, 128, 128);
      seen.globalCompositeOperation = "source-over";
      seen.drawImage(mask, 0, 0);
      seen.globalCompositeOperation = "source-in";
      seen.fillStyle = "rgba(59, 111, 212, 0.5)";
      seen.fillRect(0, 0, 128, 128);
    }
    function tell() {
      const flat = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
      const paper = flat.getContext("2d");
      paper.fillRect(0, 0, 64, 64);
      paper.drawImage(mask, 0, 0, 64, 64);
      say({ mask: flat.toDataURL("image/png") });
    }
    drags(shown, (event) => {
      const box = shown.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width * 128, (event.clientY - box.top) / box.height * 128];
      const soft = ink.createRadialGradient(x, y, 0, x, y, Number(size.value));
      soft.addColorStop(0.4, "rgba(255, 255, 255, 1)");
      soft.addColorStop(1, "rgba(255, 255, 255, 0)");
      ink.fillStyle = soft;
      ink.fillRect(0, 0, 128, 128);
      redraw();
    }, tell);
    wipe.addEventListener("click", () => { ink.clearRect(0, 0, 128, 128); redraw(); tell(); });
    size.addEventListener("keydown", (event) => event.stopPropagation());
  }

  function camera() {
    const button = make("button", { type: "button" });
    button.textContent = "Camera";
    let [film, end] = [null, null];
    button.addEventListener("click", async () => {
      try {
        if (end) {
          say({ photo: end(true).toDataURL("image/jpeg", 0.92) });
        } else {
          film = make("video", {});
          end = await filming(film);
          button.textContent = "Take the picture";
          return;
        }
      } catch (error) {
        say({ error: error.message });
      }
      film.remove();
      end = null;
      button.textContent = "Camera";
    });
  }

  root.addEventListener("keydown", (event) => event.stopPropagation());
  ({ curve, pad, brush, camera })[kind]();
})
