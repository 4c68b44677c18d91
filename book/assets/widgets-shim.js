// Stock ipywidgets meet the book's theme. Loaded on pages with widgets, before the widgets themselves.

// The theme's FontAwesome would replace the play button's <i> by an <svg> and break the link to the slider.
window.FontAwesomeConfig = { observeMutations: false };

// The widgets ask MathJax 2 to typeset their labels; the book has MathJax 3.
window.addEventListener("load", () => {
  const mathjax = window.MathJax;
  if (mathjax && !mathjax.Hub) {
    mathjax.Hub = {
      Queue: (...tasks) => {
        const elements = tasks.flat().filter((part) => part instanceof Element);
        if (mathjax.typesetPromise) mathjax.typesetPromise(elements.length ? elements : undefined);
      },
    };
  }
});
