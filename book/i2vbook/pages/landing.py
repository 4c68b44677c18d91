"""What moves on the book's first page, made when the book is built, from the weights that are shipped."""

from __future__ import annotations

import numpy as np
from PIL import Image

import i2vlib
from i2vbook.checkout import BOOK
from i2vlib import datasets, video

#: Lifelike people who validate, by seed: no network has been trained on them.
ACTORS = (10_000, 10_003, 10_002, 10_006)
#: What stands on the buttons; the first is shown at the start.
EXPRESSIONS = {"a smile": "happy", "contempt": "contempt", "surprise": "surprised", "anger": "angry"}
FRAMES = 10
#: The side of a rendered person's picture on the page, in pixels.
SIDE = 160
#: On the README, beside the portrait: what all of them do; and the side of each, in pixels.
SHOWN = ("happy", "surprised", "angry", "eyes_closed")
TILE = 140
#: Rows and columns of the photograph that are shown: the page is lighter by the rest.
HEAD = slice(80, 410), slice(115, 445)


def player() -> str:
    """A photograph and four rendered people under one slider, by AffineGAN, as HTML: `video.choice`.

    Each is animated whole, so its own pixels are carried.
    """
    model, photo = i2vlib.load_pretrained("affinegan"), datasets.portrait()
    intensity = np.linspace(0, 1, FRAMES)
    stills = {f"rendered person {number}": _still(seed, SIDE) for number, seed in enumerate(ACTORS, 1)}

    def moving(still: np.ndarray, expression: str) -> np.ndarray:
        return model.animate(still, expression, intensity, whole=True).frames

    sets = {
        button: {
            "Grace Hopper, 1984": moving(photo, expression)[:, HEAD[0], HEAD[1]],
            **{name: moving(still, expression) for name, still in stills.items()},
        }
        for button, expression in EXPRESSIONS.items()
    }
    labels = [f"intensity {value:.2f}" for value in intensity]
    return video.choice(sets, fps=12, labels=labels, title="each made of one still, by AffineGAN")


def teaser() -> np.ndarray:
    """What moves at the top of the README: the portrait and three rendered people, ``uint8 (T, 140, 560, 3)``.

    Each expression of `SHOWN` comes and goes. The photograph is animated whole, at its own size, and then cropped.
    """
    model, photo = i2vlib.load_pretrained("affinegan"), datasets.portrait()
    wave = np.sin(np.linspace(0, np.pi, 11)) ** 2
    stills = [_still(seed, 256) for seed in ACTORS[:3]]
    shown = []
    for expression in SHOWN:
        faces = [model.animate(photo, expression, wave, whole=True).frames[:, HEAD[0], HEAD[1]]]
        faces += [model.animate(still, expression, wave, whole=True).frames for still in stills]
        shown.append(np.concatenate([_resized(frames) for frames in faces], 2))
    return np.concatenate(shown)


def main() -> None:
    """Draws ``book/assets/moving.webp`` anew."""
    video.save(teaser(), BOOK / "assets/moving.webp", fps=12)


def _resized(frames: np.ndarray) -> np.ndarray:
    side = (TILE, TILE)
    return np.stack([np.asarray(Image.fromarray(frame).resize(side, Image.Resampling.LANCZOS)) for frame in frames])


def _still(seed: int, side: int) -> np.ndarray:
    return datasets.actors.clip(seed, "happy", frames=2, size=side, cast="lifelike").frames[0]


if __name__ == "__main__":
    main()
