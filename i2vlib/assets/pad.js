(function (id, columns, pictures, names, values) {
  "use strict";
  const rows = pictures.length / columns;
/*card*/

/*drag*/

  function mount(root) {
    const picture = root.querySelector(".i2v-picture");
    const field = root.querySelector(".i2v-field");
    const label = root.querySelector(".i2v-label");
    const sliders = [...root.querySelectorAll("input")];
    const most = [columns - 1, rows - 1];
    let run = 0; // counts starts and stops of the tour

    function show(...wanted) {
      const at = wanted.map((index, axis) => Math.min(Math.max(index, 0), most[axis]));
      picture.src = pictures[at[1] * columns + at[0]];
      const said = at.map((index, axis) => names[axis] + " " + values[axis][index].toFixed(2));
      sliders.forEach((slider, axis) => {
        slider.value = at[axis];
        slider.setAttribute("aria-valuetext", said[axis]);
      });
      mark(...at.map((index, axis) => index / (most[axis] || 1)));
      label.textContent = said.join(", ");
    }

    // Once around the border of the pad: along one axis, up the other, and back.
    function tour() {
      const mine = ++run;
      const start = performance.now();
      (function step() {
        if (mine !== run || !root.isConnected) return;
        const done = (performance.now() - start) / 1500;
        const along = Math.min(done % 1, 1);
        const corners = [[along, 0], [1, along], [1 - along, 1], [0, 1 - along], [0, 0]];
        show(...corners[Math.min(Math.floor(done), 4)].map((share, axis) => Math.round(share * most[axis])));
        if (done < 4) requestAnimationFrame(step);
      })();
    }

    const rest = () => { run += 1; };
    const mark = square(field, most.map((last) => 1 / (last || 1)), (...shares) =>
      show(...shares.map((share, axis) => Math.round(share * most[axis]))));
    sliders.forEach((slider) => {
      slider.addEventListener("input", () => show(...sliders.map((each) => Number(each.value))));
      slider.addEventListener("keydown", (event) => event.stopPropagation()); // or the notebook moves to another cell
    });

    root.i2vImages = pictures.map((source) => Object.assign(new Image(), { src: source })); // decoded ahead
    root.classList.add("i2v-live");
    show(0, 0);
    root.addEventListener("keydown", rest, true);
    whenSeen(root, picture, tour, rest);
  }

  mountAll('.i2v-pad[data-clip="' + id + '"]', mount);
})
