(function (id) {
  "use strict";
/*card*/

  function mount(root) {
    const claims = [...root.querySelectorAll(".i2v-claim")];
    const tiles = [...root.querySelectorAll(".i2v-tile")];
    const buttons = [...root.querySelectorAll("button")];
    const count = root.querySelector(".i2v-count");
    const chosen = { paper: "", verdict: "" };

    function filter() {
      const out = (part) => Object.keys(chosen).some((key) => chosen[key] && part.dataset[key] !== chosen[key]);
      claims.forEach((claim) => { claim.hidden = out(claim); });
      tiles.forEach((tile) => tile.classList.toggle("i2v-out", out(tile)));
      buttons.forEach((button) => button.setAttribute("aria-pressed", chosen[button.dataset.key] === button.value));
      const shown = claims.filter((claim) => !claim.hidden).length;
      count.textContent = shown + " of " + claims.length + " claims";
    }
    buttons.forEach((button) => button.addEventListener("click", () => {
      chosen[button.dataset.key] = button.value;
      filter();
    }));
    // A tile leads to its claim, whatever is filtered out.
    tiles.forEach((tile) => tile.addEventListener("click", () => {
      if (!tile.classList.contains("i2v-out")) return;
      chosen.paper = chosen.verdict = "";
      filter();
    }));
    // In a notebook a chapter is a notebook.
    if (!/\.html$/.test(location.pathname)) {
      root.querySelectorAll("a[data-chapter]").forEach((link) => { link.href = link.dataset.chapter + ".ipynb"; });
    }
    root.querySelectorAll(".i2v-filters").forEach((row) => { row.hidden = false; });
    filter();
  }

  mountAll('.i2v-ledger[data-ledger="' + id + '"]', mount);
})
