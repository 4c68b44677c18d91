"""Condition maps M_t: which way the surface of the bare head turns at each pixel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from i2vlib.actors import mesh, people, shown, truth
from i2vlib.actors.drawing import Identifier
from i2vlib.actors.scene import WIDTH, project
from i2vlib.papers.frgan.condition.face import Face, by_name


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
        posed: the normals of the turned head, along the camera's axes: x right, y down, z away, so that z is
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


def map_tensor(maps: np.ndarray) -> Tensor:
    """``int8 (..., H, W, 3)`` of `condition_maps` to ``float32 (..., 3, H, W)`` in [-1, 1]."""
    return torch.from_numpy(np.array(maps, order="C")).movedim(-1, -3).float() / 127
