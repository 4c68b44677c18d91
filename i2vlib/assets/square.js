  // What is dragged in a square: a dot in a field, by a pointer or by the arrow keys. `moved(across, up)` is told shares of
  // the sides, from 0 to 1; a key moves by a step of each side. Returned is what puts the dot at such shares.
  function square(field, steps, moved) {
    const dot = field.querySelector(".i2v-dot");
    const within = (share) => Math.min(Math.max(share, 0), 1);
    let at = [0, 0];

    function drag(event) {
      const box = field.getBoundingClientRect();
      moved(within((event.clientX - box.left) / box.width), within((box.bottom - event.clientY) / box.height));
    }
    field.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      field.focus({ preventScroll: true });
      field.setPointerCapture(event.pointerId);
      drag(event);
    });
    field.addEventListener("pointermove", (event) => {
      if (field.hasPointerCapture(event.pointerId)) drag(event);
    });
    field.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation(); // or the notebook moves to another cell
      moved(...at.map((share, axis) => within(share + way[axis] * steps[axis])));
    });

    return (...shares) => {
      at = shares.map(within);
      dot.style.left = `${100 * at[0]}%`;
      dot.style.bottom = `${100 * at[1]}%`;
    };
  }
