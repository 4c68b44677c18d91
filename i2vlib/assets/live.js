(function (id) {
  "use strict";
/*card*/

  // The page with the model takes the place of a picture of it when a button is pressed. A notebook has no such page
  // beside it, and links to the text.
  function mount(root) {
    if (!/\.html$/.test(location.pathname)) return;
    const [button, link] = [root.querySelector("button"), root.querySelector("a")];
    link.href = link.dataset.page;
    button.hidden = false;
    button.addEventListener("click", () => {
      const frame = Object.assign(document.createElement("iframe"), { title: root.querySelector("img").alt });
      frame.src = root.dataset.page;
      root.querySelector(".i2v-stage").replaceChildren(frame);
      button.remove();
      frame.focus();
    });
  }

  mountAll('.i2v-within[data-live="' + id + '"]', mount);
})
