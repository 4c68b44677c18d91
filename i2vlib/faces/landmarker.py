"""MediaPipe's face landmarker in pictures that stand alone: three networks, and the geometry between them.

The detector (BlazeFace, Bazarevsky et al. 2019) sees the whole picture at 128 by 128 pixels and places boxes with six
points, two of them the eyes. A square around each face, turned so that the eyes are level, goes to the second network
at 256 by 256 pixels, which places 478 points (Kartynnik et al. 2019, Grishchenko et al. 2020); 146 of these go to the
third, which names 52 scores (Grishchenko et al. 2023). Nothing here knows files or views; `with_mediapipe` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from i2vlib.faces.litert import Network

#: At most so many faces, the likeliest first.
FACES = 5
#: Below it a box, or what stands in a region, is no face.
PROBABLE = 0.5
#: The intersection over union above which two boxes are one face.
OVERLAP = 0.5
#: Side of a face's region over that of its box.
ENLARGED = 1.5

_DETECTOR, _LANDMARKS = 128, 256  # px, the sides of the networks' inputs
_STEPS = 32  # of a pixel, the places between two that are told apart

#: The points that the network of scores takes, in its order: all that surround eyes, brows, lips and face, the irises.
SCORED = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip


class Networks(NamedTuple):
    """The three networks of ``face_landmarker.task``."""

    detector: Network
    landmarks: Network
    blendshapes: Network


@dataclass(frozen=True, eq=False)
class Region:
    """A turned rectangle in a picture: its middle and its sides ``(2,)`` in pixels, its angle in radians."""

    middle: np.ndarray
    sides: np.ndarray
    angle: float = 0.0

    def points(self, inside: np.ndarray) -> np.ndarray:
        """Points ``(..., 2)`` of the rectangle, 0 to 1 along each side, in the picture's pixels."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return self.middle + (inside - 0.5) * self.sides @ np.array([[cosine, sine], [-sine, cosine]])


def faces(image: np.ndarray, networks: Networks) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each face's points ``(478, 2)`` in the picture's pixels and its 52 scores, of which the first is "neutral".

    Args:
        image: ``uint8 (H, W, 3)``.
        networks: the three.
    """
    found = []
    pixels = image.astype(np.float32)
    for region in regions(pixels, networks.detector):
        outputs = networks.landmarks(_cut(pixels, region, _LANDMARKS, repeat=True) / np.float32(255))
        points, presence = outputs[0].reshape(-1, 3), outputs[1].item()
        if _probability(presence) > PROBABLE:
            mesh = region.points(points[:, :2] / np.float64(_LANDMARKS))
            scores = networks.blendshapes(mesh[None, list(SCORED)].astype(np.float32))[0]
            found.append((mesh, scores.ravel()))
    return found


def regions(pixels: np.ndarray, detector: Network) -> list[Region]:
    """Where the faces of a picture ``float32 (H, W, 3)`` from 0 to 255 are, the likeliest first."""
    sides = np.array(pixels.shape[1::-1])
    whole = Region(sides / 2, np.full(2, sides.max()))
    offsets, logits = detector(_cut(pixels, whole, _DETECTOR, repeat=False) / np.float32(127.5) - 1)
    scores = _probability(logits.ravel().astype(np.float64))
    likely = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores >= PROBABLE)]
    boxes = _boxes(offsets.reshape(-1, 8, 2)[likely].astype(np.float64), _anchors()[likely])
    found = []
    for box in one_a_face(boxes, scores[likely])[:FACES]:
        low, high, one_eye, other_eye = whole.points(box[:4])
        across = other_eye - one_eye
        found.append(Region((low + high) / 2, (high - low) * ENLARGED, np.arctan2(across[1], across[0])))
    return found


def one_a_face(boxes: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
    """One box for each face: the mean, weighted by the scores, of all that overlap the likeliest.

    In place of picking one, which jumps from frame to frame (BlazeFace, section 3.4).

    Args:
        boxes: ``(N, P, 2)``, the likeliest first: two opposite corners, and further points.
        scores: ``(N,)``.
    """
    found = []
    while len(boxes):
        near = _overlap(boxes[0], boxes) > OVERLAP
        near[0] = True  # a box without an area overlaps nothing
        found.append(np.average(boxes[near], axis=0, weights=scores[near]))
        boxes, scores = boxes[~near], scores[~near]
    return found


def _overlap(one: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    shared = np.minimum(one[1], boxes[:, 1]) - np.maximum(one[0], boxes[:, 0])
    both = shared.clip(0).prod(1)
    area = (boxes[:, 1] - boxes[:, 0]).prod(1)
    return both / np.maximum(area + (one[1] - one[0]).prod() - both, np.finfo(float).tiny)


def _boxes(offsets: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Two corners and six points ``(N, 8, 2)``, 0 to 1, from what the detector says: middle, sides, points."""
    offsets = offsets / _DETECTOR
    middle, half = offsets[:, 0] + anchors, offsets[:, 1] / 2
    return np.concatenate([np.stack([middle - half, middle + half], 1), offsets[:, 2:] + anchors[:, None]], 1)


@cache
def _anchors() -> np.ndarray:
    """The 896 places ``(896, 2)`` at which the detector looks: twice in each of 16 by 16 cells, six times in 8 by 8."""
    grids = []
    for cells, times in ((16, 2), (8, 6)):
        y, x = np.mgrid[:cells, :cells]
        grids.append(np.stack([x, y], -1).reshape(-1, 2).repeat(times, 0) / cells + 0.5 / cells)
    return np.concatenate(grids)


def _probability(logit: np.ndarray | float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logit, -100, 100)))


def _cut(pixels: np.ndarray, region: Region, size: int, repeat: bool) -> np.ndarray:
    """A region of a picture ``float32 (H, W, 3)`` as a network sees it: ``(1, size, size, 3)``, rounded.

    Pixel (i, j) of the result is what lies at (i, j) / size of the region, weighted from the four pixels around;
    beyond the picture it is black, or the border is repeated. MediaPipe has OpenCV do this, which knows places to
    1/32 of a pixel.
    """
    across, down, start = _steps(region, size)
    x, y = np.arange(size), np.arange(size)[:, None]
    fine = np.rint((across[:, None, None] * x + (down[:, None, None] * y + start[:, None, None])) * _STEPS)
    (columns, right), (rows, low) = (
        _neighbours(line, length, repeat)
        for line, length in zip(fine.astype(np.int32), pixels.shape[1::-1], strict=True)
    )
    places = np.stack([row * pixels.shape[1] + column for row in rows for column in columns], -1)
    weights = np.stack([one * other for one in low for other in right], -1)
    # Each pixel is a weighted sum of four: whole numbers below 2^24, which float32 holds exactly.
    values = F.embedding_bag(
        torch.from_numpy(places.reshape(-1, 4)),
        torch.from_numpy(pixels.reshape(-1, 3)),
        per_sample_weights=torch.from_numpy(weights.reshape(-1, 4)),
        mode="sum",
    )
    return values.mul_(_STEPS**-2).add_(0.5).floor_().numpy().reshape(1, size, size, 3)


def _steps(region: Region, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step to the right and one down in a cut of a region, and where it starts, ``(2,)`` in the picture's pixels.

    They could be read off the region. But half of the places of a picture of 459 pixels lie just between two 32ths,
    and which is taken depends on the last bit: so the way there is solved for and inverted in single steps, as OpenCV
    does, with which all but one in a thousand agree.
    """
    corners = np.array([[0, 1], [0, 0], [1, 0]])
    known = np.column_stack([region.points(corners).astype(np.float32), np.ones(3)]).astype(np.float64)
    (a, b, c), (d, e, f) = np.linalg.solve(known, corners * float(size)).T
    scale = 1 / (a * e - b * d)
    return (
        np.array([e, -d]) * scale,
        np.array([-b, a]) * scale,
        np.array([b * f - c * e, c * d - a * f]) * scale,
    )


def _neighbours(fine: np.ndarray, length: int, repeat: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The two pixels of a line next to places in steps, held inside the line, and their weights."""
    first, past = fine // _STEPS, (fine & (_STEPS - 1)).astype(np.float32)
    inside = [one.clip(0, length - 1) for one in (first, first + 1)]
    weights = [_STEPS - past, past]
    if not repeat:
        weights = [weight * (one == first + i) for i, (weight, one) in enumerate(zip(weights, inside, strict=True))]
    return inside, weights
