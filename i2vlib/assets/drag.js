  // Calls `move(event)` while a pointer drags a thing, and `end` once it is let go. Its keys are its own.
  function drags(node, move, end) {
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      node.setPointerCapture(event.pointerId);
      move(event);
    });
    node.addEventListener("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) move(event); });
    if (end) node.addEventListener("pointerup", end);
    node.addEventListener("keydown", (event) => event.stopPropagation()); // or the notebook moves to another cell
  }

  const within = (value, low, high) => Math.min(Math.max(value, low), high);

  // Which way an arrow key points: [across, up], or nothing.
  function arrow(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return null;
    return { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  }

  // What is dragged in a square: a dot in a field, by a pointer or by the arrow keys. `moved(across, up)` is told shares of
  // the sides, from 0 to 1; a key moves by a step of each side. Returned is what puts the dot at such shares.
  function square(field, steps, moved) {
    const dot = field.querySelector(".i2v-dot");
    let at = [0, 0];
    const tell = (...shares) => moved(...shares.map((share) => within(share, 0, 1)));

    drags(field, (event) => {
      const box = field.getBoundingClientRect();
      tell((event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height);
    });
    field.addEventListener("keydown", (event) => {
      const way = arrow(event);
      if (!way) return;
      event.preventDefault();
      tell(...at.map((share, axis) => share + way[axis] * steps[axis]));
    });

    return (...shares) => {
      at = shares;
      dot.style.left = `${100 * at[0]}%`;
      dot.style.bottom = `${100 * at[1]}%`;
    };
  }
