(function (root, given) {
  "use strict";
/*square*/

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
    const svg = ["svg", "path", "circle", "line", "text"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    (parent || root).appendChild(node);
    return node;
  }

  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  function drags(node, move, end) {
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      node.setPointerCapture(event.pointerId);
      move(event, true);
    });
    node.addEventListener("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) move(event, false); });
    if (end) node.addEventListener("pointerup", end);
    node.addEventListener("keydown", (event) => event.stopPropagation()); // or the notebook moves to another cell
  }

  // Monotone cubic interpolation, as scipy's PchipInterpolator.
  function slopes(points) {
    const n = points.length;
    const h = points.slice(1).map((p, i) => p[0] - points[i][0]);
    const d = points.slice(1).map((p, i) => (p[1] - points[i][1]) / h[i]);
    if (n === 2) return [d[0], d[0]];
    const end = (h0, h1, d0, d1) => {
      const slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
      if (slope * d0 <= 0) return 0;
      return d0 * d1 <= 0 && Math.abs(slope) > 3 * Math.abs(d0) ? 3 * d0 : slope;
    };
    return points.map((_, i) => {
      if (i === 0) return end(h[0], h[1], d[0], d[1]);
      if (i === n - 1) return end(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
      if (d[i - 1] * d[i] <= 0) return 0;
      const [one, two] = [2 * h[i] + h[i - 1], h[i] + 2 * h[i - 1]];
      return (one + two) / (one / d[i - 1] + two / d[i]);
    });
  }

  function curve() {
    const [width, height, edge] = [440, 130, 14];
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, class: "i2v-curve", role: "group",
      "aria-label": "Intensity over time; each point can be moved with the arrow keys" });
    const x = (t) => edge + (t / data.seconds) * (width - 2 * edge);
    const y = (a) => height - edge - a * (height - 2 * edge);
    [0, 0.5, 1].forEach((a) => make("line", { x1: edge, x2: width - edge, y1: y(a), y2: y(a), class: "i2v-grid" }, svg));
    for (let t = 0; t <= data.seconds; t += data.seconds > 6 ? 5 : 0.5)
      make("line", { x1: x(t), x2: x(t), y1: y(0), y2: y(1), class: "i2v-grid" }, svg);
    const line = make("path", { class: "i2v-line" }, svg);
    let points = data.points.map((point) => [...point]);
    let dots = [];
    const gap = data.seconds / 200;

    function draw() {
      const slope = points.length > 1 ? slopes(points) : [0];
      const parts = [`M ${x(0)} ${y(points[0][1])} L ${x(points[0][0])} ${y(points[0][1])}`];
      points.slice(1).forEach(([t, a], i) => {
        const [before, third] = [points[i], (t - points[i][0]) / 3];
        parts.push(`C ${x(before[0] + third)} ${y(before[1] + third * slope[i])} ${x(t - third)} ` +
          `${y(a - third * slope[i + 1])} ${x(t)} ${y(a)}`);
      });
      line.setAttribute("d", parts.join(" ") + ` L ${x(data.seconds)} ${y(points[points.length - 1][1])}`);
      dots.forEach((dot, i) => {
        dot.setAttribute("cx", x(points[i][0]));
        dot.setAttribute("cy", y(points[i][1]));
        dot.setAttribute("aria-label", `${points[i][0].toFixed(2)} seconds, intensity ${points[i][1].toFixed(2)}`);
      });
    }

    function put(i, t, a) {
      const low = i ? points[i - 1][0] + gap : 0;
      const high = i < points.length - 1 ? points[i + 1][0] - gap : data.seconds;
      points[i] = [within(t, low, high), within(a, 0, 1)];
      draw();
      say({ points, at: points[i][0] });
    }

    function place(event) {
      const box = svg.getBoundingClientRect();
      const scale = width / box.width;
      return [((event.clientX - box.left) * scale - edge) / (width - 2 * edge) * data.seconds,
        (height - edge - (event.clientY - box.top) * scale) / (height - 2 * edge)];
    }

    function renew() {
      dots.forEach((dot) => dot.remove());
      dots = points.map((_, i) => {
        const dot = make("circle", { r: 7, class: "i2v-point", tabindex: 0, role: "slider" }, svg);
        drags(dot, (event) => put(i, ...place(event)));
        dot.addEventListener("dblclick", (event) => { event.stopPropagation(); remove(i); });
        dot.addEventListener("keydown", (event) => {
          const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
          if (event.key === "Delete" || event.key === "Backspace") remove(i);
          if (!step) return;
          event.preventDefault();
          put(i, points[i][0] + (step[0] * data.seconds) / 50, points[i][1] + step[1] / 20);
        });
        return dot;
      });
      draw();
    }

    function remove(i) {
      if (points.length < 3) return;
      points.splice(i, 1);
      renew();
      say({ points, at: points[Math.max(i - 1, 0)][0] });
    }

    svg.addEventListener("dblclick", (event) => {
      const [t, a] = place(event);
      if (points.some((point) => Math.abs(point[0] - t) < gap)) return;
      points = [...points, [within(t, 0, data.seconds), within(a, 0, 1)]].sort((one, other) => one[0] - other[0]);
      renew();
      say({ points, at: within(t, 0, data.seconds) });
    });
    renew();
  }

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
    let film = null;
    let stream = null;
    function stop() {
      if (stream) stream.getTracks().forEach((track) => track.stop());
      if (film) film.remove();
      film = stream = null;
      button.textContent = "Camera";
    }
    button.addEventListener("click", async () => {
      if (film) {
        const still = document.createElement("canvas");
        [still.width, still.height] = [film.videoWidth, film.videoHeight];
        still.getContext("2d").drawImage(film, 0, 0);
        stop();
        say({ photo: still.toDataURL("image/jpeg", 0.92) });
        return;
      }
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
        film = make("video", { autoplay: "", playsinline: "", muted: "" });
        film.srcObject = stream;
        await film.play();
        button.textContent = "Take the picture";
      } catch (error) {
        stop();
        say({ error: "No camera could be opened here. Upload a picture instead, or give its path." });
      }
    });
  }

  root.addEventListener("keydown", (event) => event.stopPropagation());
  ({ curve, pad, brush, camera })[kind]();
})
