"""A face as the 3D model has it, and the model's landmarks, differentiable in all that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2vlib.actors import mesh, people
from i2vlib.actors.head import ANCHORS
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES

#: What of the truth of actors a face is known by.
FACE = ("camera", "identity", "pose")
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions", "african", "asian", "caucasian")


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


def by_name(identity: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """An identity ``(148,)`` as phenotype and local changes by name."""
    names = mesh.canvas().head.local_names
    count = len(PHENOTYPES)
    phenotype = np.clip(identity[:count], [0] * 6 + [1e-6] * 3, 1)
    return dict(zip(PHENOTYPES, phenotype, strict=True)), dict(zip(names, identity[count:], strict=True))


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
