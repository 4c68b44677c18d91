"""What moves on the book's first page, made when the book is built, from the weights that are shipped."""

from __future__ import annotations

import numpy as np

import i2vlib
from i2vlib import datasets, video

#: Test people, whom no network has been trained on, by seed.
ACTORS = (20_006, 20_003, 20_001, 20_005)
#: What stands on the buttons; the first is shown at the start.
EXPRESSIONS = {"a smile": "happy", "contempt": "contempt", "surprise": "surprised", "anger": "angry"}
FRAMES = 10
SIZE = 128  # px
#: Rows and columns of the photograph that are shown: the page is lighter by the rest.
HEAD = slice(80, 410), slice(115, 445)


def player() -> str:
    """A photograph and four test actors under one slider, by AffineGAN, as HTML: `video.choice`."""
    model = i2vlib.load_pretrained("affinegan")
    stills = {f"actor {seed}": _still(seed) for seed in ACTORS}
    photo = portrait()
    photographed = i2vlib.align_face(photo, size=SIZE)
    intensity = np.linspace(0, 1, FRAMES)
    sets = {
        button: {
            "Grace Hopper, 1984": i2vlib.paste_back(
                photo, model.animate(photographed, expression, intensity=intensity)
            ).frames[:, HEAD[0], HEAD[1]],
            **{name: model.animate(still, expression, intensity=intensity).frames for name, still in stills.items()},
        }
        for button, expression in EXPRESSIONS.items()
    }
    labels = [f"intensity {value:.2f}" for value in intensity]
    return video.choice(sets, fps=12, labels=labels, title="each made of one still, by AffineGAN")


def portrait() -> np.ndarray:
    """Grace Hopper as the US Navy portrayed her in 1984, public domain, from matplotlib's sample data: ``uint8``."""
    from matplotlib import cbook

    return i2vlib.load_image(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def _still(seed: int) -> np.ndarray:
    return datasets.actors.clip(seed, "happy", mode="onset", frames=2, size=SIZE).frames[0]
