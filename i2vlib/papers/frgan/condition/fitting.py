"""Finding the 3D model's face in pictures: least squares over landmarks, from a start that the scores give."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from i2vlib import faces
from i2vlib.actors import mesh, people
from i2vlib.actors.scene import camera_before
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from i2vlib.papers.frgan.condition.face import Face, by_name, landmark_mesh, project_landmarks, rotation
from i2vlib.papers.frgan.condition.scores import reader

#: Pixels, of 128, by which dlib's points miss a face whose shape is known (measured on actors): what a fit expects.
_NOISE = 1.5
#: The least doubt about a coefficient that MediaPipe's scores give.
_DOUBT = 0.02
#: Frames that decide on an identity, and the steps that each of the two searches may take.
_FEW, _STEPS = 3, 12


def fit_face(source: Clip | np.ndarray, neutral_first: bool = True) -> Face:
    r"""Fits the model to a clip or a picture by MediaPipe's scores and dlib's landmarks.

    .. math:: \min_{\alpha, \beta, \text{pose}} \sum_{t, j} \frac{\lVert \hat x_{t,j} - x_{t,j}\rVert^2}{2 \sigma^2}
              + \frac{\lVert z(\alpha) \rVert^2}{2} + \sum_{t,k} \frac{(\beta_{t,k} - \beta^0_{t,k})^2}{2 \tau_k^2}

    The landmarks :math:`\hat x` come through the differentiable mesh; :math:`z` is the identity in units of what varies
    between actors; :math:`\beta^0` is what a `Reader` makes of MediaPipe's scores, and :math:`\tau_k` its error. One
    identity is fitted to all frames, and a pose and an expression to each.

    Args:
        source: a clip, or one picture ``uint8 (H, W, 3)``: best the book's crop (`faces.align_clip`), since small faces
            are read badly.
        neutral_first: the first of several frames shows the neutral face: scores are counted from there. Otherwise,
            and for a picture, they are counted from those of a usual neutral face.

    Returns:
        The face, with a ``residual``. In frames without a face, pose and expression are their neighbours'. A picture's
        landmarks are enough: without scores its coefficients begin at 0.

    Raises:
        NoFaceError: no frame shows a face, or the first one does not though it counts as neutral.
    """
    frames = source.frames if isinstance(source, Clip) else np.asarray(source)[None]
    reading = faces.measure(frames, identity=False)
    scored = np.isfinite(reading.blendshapes).any(1) | (len(frames) == 1)
    read = np.isfinite(reading.landmarks).all((1, 2)) & scored
    relative = neutral_first and len(frames) > 1
    if not read.any() or (relative and not read[0]):
        where = "the first frame, which counts as neutral" if relative and read.any() else f"the {len(frames)} frame(s)"
        raise faces.NoFaceError(f"No face was found in {where}. Use pictures of one face, well lit and unobstructed.")
    nearest = np.abs(np.arange(len(frames))[:, None] - np.flatnonzero(read)).argmin(1)
    of = np.flatnonzero(read)[nearest]
    scores = reading.blendshapes[of]
    start = reader()(scores, scores[0] if relative else None)
    with limited_threads():
        face = _minimised(reading.landmarks[of], start, frames.shape[1:3])
    distance = np.linalg.norm(face.landmarks() - reading.landmarks[of], axis=-1).mean(-1)
    return replace(face, residual=np.where(read, distance, np.nan).astype(np.float32))


def fit_crop(crop: np.ndarray) -> Face:
    """`fit_face` of a crop made by `i2vlib.align_face`; the `usual` face, with a warning, where no face is found again.

    Args:
        crop: ``uint8 (S, S, 3)``.
    """
    try:
        return fit_face(crop)
    except faces.NoFaceError:
        warnings.warn(
            f"No face was found again in this crop of {len(crop)} pixels, so it moves as a usual face does, whose eyes "
            "are where i2vlib.align_face puts them. If the motion does not fit, give align_face a larger or better lit "
            "photo of one face, and animate that crop.",
            stacklevel=3,
        )
        return usual(len(crop))


def usual(size: int) -> Face:
    """Nobody's face, neutral and one frame long, where it lies in the book's crop of ``size`` pixels: the mean of the
    actors."""
    eyes = [[(0.5 + side * faces.EYE_DISTANCE / 2) * size, faces.EYE_LEVEL * size] for side in (-1, 1)]
    camera = _camera(size)
    shift = _begun_at(camera.new_tensor([eyes]), camera)
    rows = torch.cat([torch.zeros_like(shift), shift, shift.new_zeros(1, len(BLENDSHAPES))], 1)
    found = torch.from_numpy(_identities()[0]), rows[:, 6:], _pose(rows), camera
    return Face(*(value.float().contiguous().numpy() for value in found), size)


@contextmanager
def limited_threads() -> Iterator[None]:
    """PyTorch's and the linear algebra's work on one thread for a while, and then on as many as before.

    The matrices of a fit are small: more threads gain nothing, and two fits at once wait for each other's.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with people.one_thread():
            yield
    finally:
        torch.set_num_threads(threads)


def _minimised(points: np.ndarray, start: np.ndarray, shape: tuple[int, int]) -> Face:
    """The face nearest to landmarks ``(T, 68, 2)`` in pictures of a shape and to coefficients ``(T, 52)``.

    The identity is settled on a few frames, each with its own pose and expression; then these on every frame.
    """
    mean, spread = (torch.from_numpy(x).double() for x in _identities())
    camera = _camera(max(shape))
    wanted, begun = torch.tensor(points).double(), torch.tensor(start).double()
    noise = _NOISE / 128 * torch.linalg.vector_norm(wanted[:, 36] - wanted[:, 45], dim=-1).mean() / 0.5
    doubt = torch.tensor(reader().doubt).double().clamp_min(_DOUBT)
    # Of each frame three angles, a shift in metres and the coefficients.
    eyes = wanted[:, [36, 39, 42, 45]].unflatten(1, (2, 2)).mean(2)
    frames = torch.cat([torch.zeros_like(wanted[:, 0, :1]).expand(-1, 3), _begun_at(eyes, camera), begun], 1)

    def apart(identity: Tensor, rows: Tensor, chosen: Sequence[int]) -> Tensor:
        drawn = project_landmarks(identity, rows[:, 6:], _pose(rows), camera)
        own = (rows[:, 6:] - begun[chosen]) / doubt
        return torch.cat([((drawn - wanted[chosen]) / noise).flatten(), own.flatten()])

    few = sorted({0, *np.linspace(0, len(points) - 1, _FEW).round().astype(int).tolist()})
    count, width = spread.shape[1], frames.shape[1]
    begin = torch.cat([begun.new_zeros(count), frames[few].flatten()])
    joint = lambda x: torch.cat([apart(mean + spread @ x[:count], x[count:].view(-1, width), few), x[:count]])  # noqa: E731
    both = _least_squares(joint, begin, torch.arange(len(begin)) >= count, width, count)
    identity = mean + spread @ both[:count]
    for index in range(len(frames)):
        alone = lambda row, i=index: apart(identity, row[None], [i])  # noqa: E731
        frames[index] = _least_squares(alone, frames[index], torch.ones(width, dtype=torch.bool), width, 0)
    found = identity, frames[:, 6:], _pose(frames), camera
    return Face(*(value.float().contiguous().numpy() for value in found), max(shape))


def _pose(rows: Tensor) -> Tensor:
    """The poses ``(T, 3, 4)`` of rows that begin with three angles and a shift: heads turn about the eyes' middle."""
    turned, middle = rotation(rows[:, :3]), rows.new_tensor([0.0, 0.0, mesh.EYE])
    return torch.cat([turned, (middle - turned @ middle + rows[:, 3:6])[..., None]], -1)


def _least_squares(
    residuals: Callable[[Tensor], Tensor], begin: Tensor, of_frames: Tensor, width: int, first: int
) -> Tensor:
    """Where the sum of squares is least, coefficients between 0 and 1.

    Args:
        begin: the variables, those of frames from ``first`` on in rows of ``width`` whose first six are a pose.
        of_frames: ``bool``, which of the variables those are.
    """
    from scipy.optimize import least_squares

    column = (torch.arange(len(begin)) - first) % width
    bounded = (of_frames & (column >= 6)).numpy()
    jacobian = torch.func.jacfwd(residuals)
    inside = np.clip(begin.numpy(), np.where(bounded, 1e-3, -np.inf), np.where(bounded, 1 - 1e-3, np.inf))
    found = least_squares(
        lambda x: residuals(torch.from_numpy(x)).numpy(),
        inside,
        jac=lambda x: jacobian(torch.from_numpy(x)).numpy(),
        bounds=(np.where(bounded, 0.0, -np.inf), np.where(bounded, 1.0, np.inf)),
        max_nfev=_STEPS,
        x_scale="jac",
    )
    return torch.from_numpy(found.x)


def _begun_at(eyes: Tensor, camera: Tensor) -> Tensor:
    """The shift ``(T, 3)`` that brings the eyes to their places in the picture, ``(T, 2, 2)``."""
    far = float(camera[2] @ camera.new_tensor([0.0, 0.0, mesh.EYE, 1.0]))
    size = float(torch.linalg.vector_norm(camera[0, :3]))
    apart = torch.linalg.vector_norm(eyes[:, 1] - eyes[:, 0], dim=-1)
    rest = landmark_mesh().template
    own = float(torch.linalg.vector_norm(rest[[42, 45]].mean(0) - rest[[36, 39]].mean(0)))
    deep = size * own / apart - far
    middle = torch.cat([eyes.mean(1), torch.ones_like(apart)[:, None]], 1) * (far + deep)[:, None]
    place = torch.linalg.solve(camera[:, :3], (middle - camera[:, 3]).T).T
    return place - place.new_tensor([0.0, float(rest[[36, 39, 42, 45], 1].mean()), mesh.EYE])


def _camera(size: int) -> Tensor:
    """The camera ``float64 (3, 4)`` before the mean of the actors, who looks into it."""
    return torch.tensor(camera_before(people.neutral_head(*by_name(_identities()[0])), 1.0, size)).double()


@lru_cache(maxsize=1)
def _identities(draws: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """The mean ``(148,)`` of actors' identities, and the root ``(148, 148)`` of their covariance."""
    rng = np.random.default_rng(0)
    names = mesh.canvas().head.local_names
    shapes = [people.drawn_shape(rng, names) for _ in range(draws)]
    values = np.array([[*phenotype.values(), *local.values()] for phenotype, local in shapes])
    scale, axes = np.linalg.eigh(np.cov(values.T))
    return values.mean(0).astype(np.float32), (axes * np.sqrt(np.maximum(scale, 0))).astype(np.float32)
