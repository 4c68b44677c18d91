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

  // The intensity at some moments; before the first point and after the last one the curve stays where it is.
  function intensities(points, times) {
    const slope = points.length > 1 ? slopes(points) : [0];
    const last = points.length - 1;
    return times.map((t) => {
      if (t <= points[0][0]) return points[0][1];
      if (t >= points[last][0]) return points[last][1];
      const i = points.findIndex((point) => point[0] > t) - 1;
      const [[t0, a0], [t1, a1]] = [points[i], points[i + 1]];
      const [h, s] = [t1 - t0, (t - t0) / (t1 - t0)];
      const a = (1 + 2 * s) * (1 - s) ** 2 * a0 + s * s * (3 - 2 * s) * a1 + h * s * (1 - s) * ((1 - s) * slope[i] - s * slope[i + 1]);
      return within(a, Math.min(a0, a1), Math.max(a0, a1));
    });
  }

  // A curve over time whose points are dragged. A double click makes a point, or removes one; so do the keys + and
  // delete. `changed(points, at)` is told the points, and the moment of the one that was moved.
  function curvePlot(parent, data, changed) {
    function make(name, attributes, into) {
      const node = document.createElementNS("http://www.w3.org/2000/svg", name);
      Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
      return into.appendChild(node);
    }
    const [width, height, edge] = [440, 130, 14];
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, class: "i2v-curve", role: "group",
      "aria-label": "Intensity over time: the arrow keys move a point, + adds one after it, delete removes it" }, parent);
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
        const [t, a] = points[i].map((value) => value.toFixed(2));
        const said = { label: `Point ${i + 1} of ${points.length}`, valuemin: 0, valuemax: 1, valuenow: a,
          valuetext: `${t} seconds, intensity ${a}` };
        Object.entries(said).forEach(([name, value]) => dot.setAttribute(`aria-${name}`, value));
      });
    }

    function put(i, t, a) {
      const low = i ? points[i - 1][0] + gap : 0;
      const high = i < points.length - 1 ? points[i + 1][0] - gap : data.seconds;
      points[i] = [within(t, low, high), within(a, 0, 1)];
      draw();
      changed(points, points[i][0]);
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
          const step = arrow(event);
          if (event.key === "Delete" || event.key === "Backspace") remove(i);
          if (event.key === "+" && i < points.length - 1)
            add((points[i][0] + points[i + 1][0]) / 2, (points[i][1] + points[i + 1][1]) / 2, i + 1);
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
      dots[Math.min(i, dots.length - 1)].focus();
      changed(points, points[Math.max(i - 1, 0)][0]);
    }

    function add(t, a, focus = null) {
      const point = [within(t, 0, data.seconds), within(a, 0, 1)];
      if (points.some(([other]) => Math.abs(other - point[0]) < gap)) return;
      points = [...points, point].sort((one, two) => one[0] - two[0]);
      renew();
      if (focus !== null) dots[focus].focus();
      changed(points, point[0]);
    }

    svg.addEventListener("dblclick", (event) => add(...place(event)));
    renew();
    return svg;
  }
