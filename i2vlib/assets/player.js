  // What scrubs: a slider, the keys, a button that plays, and a pointer across the stage. `paint(index)` shows a frame;
  // `held(target)` is the picture across which a drag measures, or nothing where a press is no drag.
  function player(root, { stage, fps, labels, paint, held }) {
    const last = labels.length - 1;
    const slider = root.querySelector(".i2v-slider");
    const button = root.querySelector(".i2v-play");
    const label = root.querySelector(".i2v-label");
    let position = 0;
    let run = 0; // counts starts and stops, so that a stale animation frame knows it is stale

    function show(index) {
      position = Math.min(Math.max(index, 0), last);
      paint(position);
      slider.value = position;
      slider.style.setProperty("--done", (last ? (100 * position) / last : 0) + "%");
      slider.setAttribute("aria-valuetext", labels[position]);
      label.textContent = labels[position];
    }

    function announce(playing) {
      root.classList.toggle("i2v-playing", playing);
      button.setAttribute("aria-label", playing ? "Pause" : "Play");
      button.title = playing ? "Pause (space)" : "Play back and forth (space)";
    }

    function pause() {
      run += 1;
      announce(false);
    }

    // Back and forth: `legs` times from one end to the other, counted from the first frame, or until somebody stops it.
    function play(legs) {
      if (!last) return;
      const mine = ++run;
      const start = performance.now() - (position * 1000) / fps;
      announce(true);
      (function tick() {
        if (mine !== run || !root.isConnected) return;
        const steps = Math.min(Math.floor(((performance.now() - start) * fps) / 1000), legs * last);
        const step = steps % (2 * last);
        const index = step <= last ? step : 2 * last - step;
        if (index !== position) show(index);
        if (steps === legs * last) return pause();
        requestAnimationFrame(tick);
      })();
    }

    const toggle = () => (root.classList.contains("i2v-playing") ? pause() : play(Infinity));
    const go = (index) => { pause(); show(index); };

    root.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const act = {
        ArrowRight: () => go(position + 1), ArrowUp: () => go(position + 1),
        ArrowLeft: () => go(position - 1), ArrowDown: () => go(position - 1),
        Home: () => go(0), End: () => go(last),
        " ": toggle,
      }[event.key];
      if (!act) return;
      if (event.key === " " && event.target.closest("button")) return; // the button clicks itself, in Firefox regardless
      event.preventDefault(); // or the range input takes a second step
      event.stopPropagation(); // or the notebook moves to another cell
      act();
    });

    slider.addEventListener("input", () => go(Number(slider.value)));
    button.addEventListener("click", toggle);

    let across = null;
    function drag(event) {
      const box = across.getBoundingClientRect();
      go(Math.round(((event.clientX - box.left) / box.width) * last));
    }
    stage.addEventListener("pointerdown", (event) => {
      if (event.button || !(across = held(event.target))) return;
      stage.setPointerCapture(event.pointerId);
      slider.focus({ preventScroll: true });
      drag(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) drag(event);
    });
    stage.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the focus on the slider
    stage.addEventListener("dragstart", (event) => event.preventDefault());

    return { show, go, play, pause, position: () => position, last };
  }
