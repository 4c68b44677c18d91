(function (id, fps, clips) {
  "use strict";
/*card*/

  // The exact binomial interval (Clopper and Pearson): where each tail holds a fortieth, found by halving.
  function interval(count, of) {
    const tail = (p, from, to) => {
      let sum = 0;
      for (let k = from; k <= to; k += 1) {
        let term = 1;
        for (let i = 1; i <= k; i += 1) term *= ((of - k + i) / i) * p;
        sum += term * Math.pow(1 - p, of - k);
      }
      return sum;
    };
    const solve = (above) => {
      let low = 0, high = 1;
      for (let step = 0; step < 60; step += 1) {
        const middle = (low + high) / 2;
        if (above(middle)) high = middle; else low = middle;
      }
      return (low + high) / 2;
    };
    return [
      count ? solve((p) => tail(p, count, of) > 0.025) : 0,
      count < of ? solve((p) => tail(p, 0, count) < 0.025) : 1,
    ];
  }

  const percent = (share) => Math.round(100 * share) + " %";
  const spread = (count, of) => interval(count, of).map(percent).join(" to ");

  function mount(root) {
    const picture = root.querySelector(".i2v-picture");
    const status = root.querySelector(".i2v-status");
    const ask = root.querySelector(".i2v-ask");
    const result = root.querySelector(".i2v-result");
    let answers = [];
    let run = 0; // counts starts and stops, so that a stale animation frame knows it is stale

    const stop = () => { run += 1; };

    // Three times from the first frame to the last, with a rest at the end of each.
    function play() {
      const frames = clips[answers.length]?.frames;
      if (!frames) return;
      const mine = ++run;
      const start = performance.now();
      const length = frames.length + Math.round(fps * 0.8);
      (function tick() {
        if (mine !== run || !root.isConnected) return;
        const step = Math.floor(((performance.now() - start) * fps) / 1000);
        const source = frames[Math.min(step < 3 * length ? step % length : frames.length, frames.length - 1)];
        if (picture.getAttribute("src") !== source) picture.src = source;
        if (step < 3 * length) requestAnimationFrame(tick);
      })();
    }

    function show() {
      stop();
      const done = answers.length === clips.length;
      ask.hidden = done;
      result.hidden = !done;
      if (done) return tell();
      picture.src = clips[answers.length].frames[0];
      status.textContent = "Is this video real? " + (answers.length + 1) + " of " + clips.length;
    }

    function answer(said) {
      if (answers.length === clips.length) return;
      answers.push(said);
      show();
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
    }

    function tell() {
      const of = (source) => clips.map((clip, i) => [clip, answers[i]]).filter(([clip]) => clip.source === source);
      const lines = ["made", "real"].filter((source) => of(source).length).map((source) => {
        const called = of(source).filter(([, said]) => said === "real").length;
        const total = of(source).length;
        return "Of " + total + " " + source + " clips you called " + called + " real: " + percent(called / total)
          + " (95 % interval " + spread(called, total) + ").";
      });
      const right = clips.filter((clip, i) => clip.source === answers[i]).length;
      const judged = clips.filter((clip) => clip.score !== null);
      const judge = judged.filter((clip) => (clip.score > 0.5) === (clip.source === "real")).length;
      root.querySelector(".i2v-score").textContent = "You were right about " + right + " of " + clips.length + " ("
        + spread(right, clips.length) + "); a coin is right about half.";
      root.querySelector(".i2v-lines").textContent = lines.join(" ")
        + (judged.length ? " The judge network was right about " + judge + " of these " + judged.length + "." : "");
      root.querySelector(".i2v-shown").replaceChildren(...clips.map((clip, i) => {
        const card = document.createElement("div");
        const last = new Image();
        last.src = clip.frames[clip.frames.length - 1];
        last.alt = clip.name + ", the last frame";
        const words = document.createElement("span");
        words.className = clip.source === answers[i] ? "" : "i2v-wrong";
        words.textContent = (clip.source === answers[i] ? "✓ " : "✗ ") + clip.source + ", you said " + answers[i]
          + (clip.score === null ? "" : ", the judge: " + percent(clip.score) + " real");
        card.append(last, words);
        return card;
      }));
      const rows = clips.map((clip, i) => [i, clip.source, ...clip.who, answers[i]].join(","));
      root.querySelector(".i2v-save").href = "data:text/csv;charset=utf-8,"
        + encodeURIComponent(["order,source,subject,expression,answer", ...rows].join("\n") + "\n");
    }

    root.querySelectorAll("[data-answer]").forEach((button) => {
      button.addEventListener("click", () => answer(button.dataset.answer));
    });
    root.querySelector(".i2v-again").addEventListener("click", play);
    root.querySelector(".i2v-restart").addEventListener("click", () => { answers = []; show(); });
    root.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const act = { r: () => answer("real"), m: () => answer("made"), p: play }[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      event.stopPropagation(); // or the notebook takes the key for a command
      act();
    });

    root.i2vImages = clips.flatMap((clip) => clip.frames).map((source) => Object.assign(new Image(), { src: source })); // decoded ahead
    root.classList.add("i2v-live");
    show();
    whenSeen(root, picture, play, stop);
  }

  mountAll('.i2v-rating[data-clip="' + id + '"]', mount);
})
