"""What moves on the book's first page, made when the book is built, from the weights that are shipped."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

import i2vlib
from i2vlib import datasets, store, video
from i2vlib.book.checkout import BOOK

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


def photograph() -> np.ndarray:
    """The strip on the README: the portrait, and what AffineGAN makes of it, ``uint8 (330, 1650, 3)``."""
    model, photo = i2vlib.load_pretrained("affinegan"), portrait()
    face = i2vlib.align_face(photo, size=SIZE)
    asked = [("happy", 0.45, None), ("happy", 0.9, None), ("happy", 0.9, "right"), ("contempt", 1.0, None)]
    made = [i2vlib.paste_back(photo, model.animate(face, name, [a], region=where)) for name, a, where in asked]
    return np.hstack([photo[HEAD], *(clip.frames[0][HEAD] for clip in made)])


def main() -> None:
    """Draws ``book/assets/photograph.jpg`` anew."""
    buffer = io.BytesIO()
    Image.fromarray(photograph()).save(buffer, "JPEG", quality=90)
    store.write_file(BOOK / "assets/photograph.jpg", buffer.getvalue())


def _still(seed: int) -> np.ndarray:
    return datasets.actors.clip(seed, "happy", mode="onset", frames=2, size=SIZE).frames[0]


if __name__ == "__main__":
    main()
