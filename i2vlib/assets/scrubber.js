(function (id, fps, sets, labels) {
  "use strict";
/*card*/

/*player*/

  function mount(root) {
    const pictures = [...root.querySelectorAll(".i2v-picture")];
    const stage = root.querySelector(".i2v-stage");
    const choices = [...root.querySelectorAll(".i2v-choice")];
    let rows = sets[0];
    let touched = pictures[0];
    const { show, go, play, pause, position, last } = player(root, {
      stage, fps, labels,
      paint: (index) => pictures.forEach((picture, row) => { picture.src = rows[row][index]; }),
      held: (target) => (touched = target.closest(".i2v-picture") || touched),
    });

    // What is chosen is shown growing; whoever asked for less motion sees its end.
    function choose(number) {
      rows = sets[number];
      choices.forEach((choice, place) => choice.setAttribute("aria-pressed", place === number));
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return go(position() || last);
      go(0);
      play(1);
    }
    choices.forEach((choice, number) => choice.addEventListener("click", () => choose(number)));

    root.i2vImages = sets.flat(2).map((source) => Object.assign(new Image(), { src: source })); // decoded ahead
    root.classList.add("i2v-live");
    show(0);
    whenSeen(root, stage, () => play(4), pause);
  }

  mountAll('.i2v-scrubber[data-clip="' + id + '"]', mount);
})
