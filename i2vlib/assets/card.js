  // Starts when at least half of an element is seen, or it fills half of the view, and rests when it is not; the first
  // touch of the card ends that for good. Whoever asked for less motion sees none that they did not start.
  function whenSeen(root, watched, start, rest) {
    if (!window.IntersectionObserver || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    let seen = false;
    const steps = Array.from({ length: 11 }, (_, step) => step / 10);
    const observer = new IntersectionObserver((entries) => {
      const entry = entries[entries.length - 1];
      const view = entry.rootBounds ? entry.rootBounds.height : innerHeight;
      const now = entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= view / 2;
      if (now !== seen) (seen = now) ? start() : rest();
    }, { threshold: steps });
    observer.observe(watched);
    const touched = (event) => {
      observer.disconnect();
      if (event.type === "pointerdown" && !event.target.closest("button")) rest(); // a button or a key says itself what to do
    };
    for (const touch of ["pointerdown", "keydown"]) root.addEventListener(touch, touched, true);
  }

  // Mounts each card that a selector finds and that is not mounted yet; a notebook may show it after it has run this.
  function mountAll(selector, mount, tries = 100) {
    const found = [...document.querySelectorAll(selector)];
    found.filter((root) => !root.i2vMounted).forEach((root) => {
      root.i2vMounted = true;
      mount(root);
    });
    if (!found.length && tries) setTimeout(() => mountAll(selector, mount, tries - 1), 50);
  }
