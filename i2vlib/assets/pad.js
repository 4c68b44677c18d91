(function (id, columns, pictures, names, values) {
  "use strict";
  const rows = pictures.length / columns;

  function mount(root) {
    const picture = root.querySelector(".i2v-picture");
    const field = root.querySelector(".i2v-field");
    const dot = root.querySelector(".i2v-dot");
    const label = root.querySelector(".i2v-label");
    const sliders = [...root.querySelectorAll("input")];
    const most = [columns - 1, rows - 1];

    function show(...wanted) {
      const at = wanted.map((index, axis) => Math.min(Math.max(index, 0), most[axis]));
      picture.src = pictures[at[1] * columns + at[0]];
      const said = at.map((index, axis) => names[axis] + " " + values[axis][index].toFixed(2));
      sliders.forEach((slider, axis) => {
        slider.value = at[axis];
        slider.setAttribute("aria-valuetext", said[axis]);
      });
      dot.style.left = (100 * at[0]) / (most[0] || 1) + "%";
      dot.style.bottom = (100 * at[1]) / (most[1] || 1) + "%";
      label.textContent = said.join(", ");
    }

    function drag(event) {
      const box = field.getBoundingClientRect();
      show(
        Math.round(((event.clientX - box.left) / box.width) * most[0]),
        Math.round(((box.bottom - event.clientY) / box.height) * most[1])
      );
    }
    field.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      field.setPointerCapture(event.pointerId);
      drag(event);
    });
    field.addEventListener("pointermove", (event) => {
      if (field.hasPointerCapture(event.pointerId)) drag(event);
    });
    sliders.forEach((slider) => {
      slider.addEventListener("input", () => show(...sliders.map((each) => Number(each.value))));
      slider.addEventListener("keydown", (event) => event.stopPropagation()); // or the notebook moves to another cell
    });

    root.i2vImages = pictures.map((source) => Object.assign(new Image(), { src: source })); // decoded ahead
    root.classList.add("i2v-live");
    show(0, 0);
  }

  (function find(tries) {
    const found = [...document.querySelectorAll('.i2v-pad[data-clip="' + id + '"]')];
    found.filter((root) => !root.i2vImages).forEach(mount);
    if (!found.length && tries) setTimeout(() => find(tries - 1), 50);
  })(100);
})
