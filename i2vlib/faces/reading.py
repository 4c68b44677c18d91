"""What the readers see in frames: landmarks, blendshapes, identity, and the lead of an expression."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES, named
from i2vlib.faces import models, with_dlib, with_face_alignment, with_mediapipe
from i2vlib.faces.views import View, stacked, views
from i2vlib.faces.with_mediapipe import MESH_68

if TYPE_CHECKING:
    import dlib

BACKENDS = ("dlib", "face-alignment", "mediapipe")


@dataclass(frozen=True, eq=False)
class Reading:
    """What the readers found in T frames; NaN where they found nothing.

    Attributes:
        landmarks: ``float32 (T, 68, 2)``, dlib's, in pixels.
        detected: ``bool (T,)``, whether dlib's own detector found the face.
        blendshapes: ``float32 (T, 52)`` in [0, 1], MediaPipe's.
        embeddings: ``float32 (T, 128)``, dlib's, about unit length; NaN where ``detected`` is False.
    """

    landmarks: np.ndarray
    detected: np.ndarray
    blendshapes: np.ndarray
    embeddings: np.ndarray


def landmarks(frames: np.ndarray, backend: str = "dlib") -> np.ndarray:
    """The 68 landmarks of the largest face in each frame.

    Where dlib's detector misses a face, the box of MediaPipe's mesh (if that can be read) places dlib's landmark model.
    face-alignment is given the same boxes, so of its weights only the landmark network's are downloaded.
    MediaPipe's 68 are `MESH_68` of its 478. On twelve real clips and stills they lie 4.1 % of the distance between the
    outer eye corners away from dlib's, 3.2 % over the 51 inner points: jaw 6.8 %, brows 5.7 %, nose 2.0 %, eyes 1.7 %,
    mouth 3.3 %. (Two clips of a hazy face, where it is dlib that is wrong, make up a quarter of the mouth's.)

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        backend: one of `BACKENDS`.

    Returns:
        ``float32 (T, 68, 2)``, pixels; NaN where no face was found.

    Raises:
        ValueError: another backend, or frames of another form.
        ImportError: the backend is not installed.
        RuntimeError: face-alignment's weights cannot be had.
    """
    return glance(frames, backend)[0]


def blendshapes(frames: np.ndarray) -> np.ndarray:
    """The blendshape scores of the largest face in each frame, by MediaPipe.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 52)`` in [0, 1], columns as in `BLENDSHAPES`; ``tongueOut``, which the reader lacks, and the rows
        of frames without a face are NaN.

    Raises:
        ValueError: frames of another form.
        ImportError: ai-edge-litert, which runs its networks, is not installed.
        RuntimeError: its model is not on this machine and cannot be downloaded.
    """
    return glance(frames)[1]


def glance(frames: np.ndarray, backend: str = "mediapipe") -> tuple[np.ndarray, np.ndarray]:
    """The landmarks and the blendshape scores of the largest face in each frame, of one look by one reader.

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        backend: one of `BACKENDS`.

    Returns:
        ``float32 (T, 68, 2)`` as of `landmarks`, and ``float32 (T, 52)`` as of `blendshapes`, which only MediaPipe
        reads: of another reader, NaN.

    Raises:
        ValueError, ImportError, RuntimeError: as `landmarks`.
    """
    if backend not in BACKENDS:
        raise ValueError(f"There is no landmark backend {backend!r}. Choose from: {', '.join(BACKENDS)}.")
    shown = views(frames)
    scores: list[np.ndarray | None] = [None] * len(shown)
    if backend == "mediapipe":
        meshes = [with_mediapipe.mesh_of(view) for view in shown]
        points = [one and view.back(one[0][list(MESH_68)]) for view, one in zip(shown, meshes, strict=True)]
        scores = [one and one[1] for one in meshes]
    elif backend == "dlib":
        points = [with_dlib.landmarks(view, box_of(view)) for view in shown]
    else:
        points = [with_face_alignment.landmarks(view, box_of(view)) for view in shown]
    return stacked(points, (68, 2)), stacked(scores, (len(BLENDSHAPES),))


def embed(frames: np.ndarray) -> np.ndarray:
    """The identity vectors of the largest face in each frame, by dlib's ResNet.

    Two pictures of one person are usually less than 0.6 apart (L2). Only dlib's own detector counts here: a face that
    it misses is a miss, as the papers' average content distance has it.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 128)``; NaN where no face was detected.

    Raises:
        ValueError: frames of another form.
        ImportError: dlib or its models are not installed.
    """
    return stacked([with_dlib.embedding(view, with_dlib.detect(view)) for view in views(frames)], (128,))


def boxes(frames: np.ndarray) -> np.ndarray:
    """The square around the largest face in each frame: dlib's detector's, or where it misses the face, MediaPipe's.

    dlib's square reaches from the brows to the chin, and lies a little left of the face's middle.

    Args:
        frames: ``uint8 (T, H, W, 3)``.

    Returns:
        ``float32 (T, 4)``: left, top, right, bottom in pixels, beyond the frame where the face is cut; NaN where no
        face was found.

    Raises:
        ValueError: frames of another form.
        ImportError: dlib or its models are not installed.
    """
    found = [(view, box_of(view)) for view in views(frames)]
    sides = [
        None if box is None else view.back(np.array([[box.left(), box.top()], [box.right() + 1, box.bottom() + 1]]))
        for view, box in found
    ]
    return stacked([None if four is None else four.ravel() for four in sides], (4,))


def measure(frames: np.ndarray, identity: bool = True) -> Reading:
    """Everything that the readers see, with one detection a frame: about 0.03 s a frame, and 0.08 s more for
    identity.

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        identity: whether to compute the embeddings; NaN otherwise.

    Raises:
        ValueError, ImportError, RuntimeError: as `landmarks`, `blendshapes` and `embed`.
    """
    points, detected, scores, identities = [], [], [], []
    for view in views(frames):
        mesh = with_mediapipe.mesh_of(view)
        box = with_dlib.detect(view)
        detected.append(box is not None)
        points.append(with_dlib.landmarks(view, box if box is not None or mesh is None else mesh_box(mesh[0])))
        scores.append(None if mesh is None else mesh[1])
        identities.append(with_dlib.embedding(view, box) if identity else None)
    return Reading(
        stacked(points, (68, 2)),
        np.array(detected),
        stacked(scores, (len(BLENDSHAPES),)),
        stacked(identities, (128,)),
    )


def read(clip: Clip) -> Clip:
    """A copy of the clip whose landmarks (dlib) and blendshapes (MediaPipe) are measured on its frames."""
    reading = measure(clip.frames, identity=False)
    return replace(clip, landmarks=reading.landmarks, blendshapes=reading.blendshapes)


def extractors() -> dict[str, str]:
    """The readers and their versions, by what they read; for the head of a table of measurements."""
    return {
        "identity": f"dlib_face_recognition_resnet_model_v1, {_version('face_recognition_models')}",
        "landmarks": f"shape_predictor_68_face_landmarks, {_version('face_recognition_models')}",
        "detector": f"dlib HOG frontal face detector, {_version('dlib-bin', 'dlib')}",
        "blendshapes": f"face_landmarker.task {models.LANDMARKER.sha256[:8]}, {_version('ai-edge-litert')}",
    }


def lead(source: Clip | np.ndarray, expression: str) -> np.ndarray:
    """An expression's lead, frame by frame: the score that shows it.

    Args:
        source: a clip that has been `read`, or blendshapes ``(T, 52)``.
        expression: one of `i2vlib.EXPRESSIONS`.

    Returns:
        ``float32 (T,)``: the mean of the scores of its `Expression.lead`, in [0, 1]. For puffed cheeks, which
        need a clip with landmarks, the width of the cheeks (points 3 to 13 and 4 to 12) over the distance of the
        outer eye corners. NaN where unread.

    Raises:
        ValueError: an expression that the book does not know, or a source that lacks what its lead is read from.
    """
    wanted = named(expression).lead
    if not wanted:
        points = source.landmarks if isinstance(source, Clip) else None
        if points is None:
            raise ValueError(f"The lead of {expression} is a distance between landmarks: give i2vlib.faces.read(clip).")
        distance = lambda i, j: np.linalg.norm(points[:, i] - points[:, j], axis=-1)  # noqa: E731
        return ((distance(3, 13) + distance(4, 12)) / 2 / distance(36, 45)).astype(np.float32)
    scores = source.blendshapes if isinstance(source, Clip) else np.asarray(source)
    if scores is None or scores.ndim != 2 or scores.shape[1] != len(BLENDSHAPES):
        shape = "none" if scores is None else scores.shape
        raise ValueError(
            f"A lead is read from blendshapes (T, {len(BLENDSHAPES)}); given were {shape}. "
            "Use i2vlib.faces.read(clip) first."
        )
    return scores[:, [BLENDSHAPES.index(name) for name in wanted]].mean(1).astype(np.float32)


def box_of(view: View) -> dlib.rectangle | None:
    """Where the largest face is: by dlib's detector, or else by MediaPipe, if it is there."""
    box = with_dlib.detect(view)
    if box is not None:
        return box
    try:
        mesh = with_mediapipe.mesh_of(view)
    except (ImportError, RuntimeError):
        mesh = None
    return None if mesh is None else mesh_box(mesh[0])


def mesh_box(points: np.ndarray) -> dlib.rectangle:
    """The box that dlib's detector would give: on real faces, a square as large as the mesh, about its middle."""
    low, high = points.min(0), points.max(0)
    centre, half = (low + high) / 2, (high - low).mean() / 2
    return with_dlib.package().rectangle(*(int(v) for v in np.round([*(centre - half), *(centre + half)])))


def _version(*packages: str) -> str:
    for package in packages:
        try:
            return f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{packages[0]} missing"
