// Stock ipywidgets meet the book's theme. Loaded on pages with widgets, before the theme's Font Awesome.

// Font Awesome would put an <svg> in the place of the play button's <i>, which the widget then looks for in vain, and
// the whole chain of links stops. Icons with this attribute count as replaced already, and are left alone.
new MutationObserver(() => {
  for (const icon of document.querySelectorAll(".jupyter-widgets i:not([data-fa-i2svg])")) icon.dataset.faI2svg = "";
}).observe(document, { childList: true, subtree: true });

// The widgets ask MathJax 2 to typeset their labels; the book has MathJax 3, or none on a page without mathematics.
window.addEventListener("load", () => {
  const mathjax = window.MathJax;
  if (mathjax && !mathjax.Hub) {
    mathjax.Hub = {
      Queue: (...tasks) => {
        const elements = tasks.flat().filter((part) => part instanceof Element);
        mathjax.startup?.promise.then(() => mathjax.typesetPromise(elements));
      },
    };
  }
});
