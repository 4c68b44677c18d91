"""What of the mesh is drawn: fine where a face is painted finely or moves finely, coarser elsewhere, and no more.

Four fine quads that came out of one are drawn as that one again. Where it touches a fine one it is a fan around its
middle, with a corner at each vertex of its neighbours, so that nothing shows between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.mesh import Canvas

#: The box ``(2, 3)`` of the Z-curve along which triangles are drawn: their order decides which of two equally deep is
#: seen.
_BOX = np.array([[-1, -0.16775548458099365, 0], [1, 0.023066384717822075, 1]], np.float32)


@dataclass(frozen=True, eq=False)
class Shown:
    """The mesh that is drawn, of m vertices.

    Attributes:
        canvas: the `Canvas` of these vertices alone; its quads are those that normals are made from.
        rows: ``int (m,)``, which vertices of the whole canvas they are.
        triangles: ``int (K, 3)``, over the m vertices.
    """

    canvas: Canvas
    rows: np.ndarray
    triangles: np.ndarray


def along_a_curve(faces: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Faces ``(Q, k)`` in an order in which they are drawn fast.

    Along a Z-curve through the points ``place (M, 3)``, neighbours being near one another in the list, a mesh takes
    half the time.
    """
    middle = place[faces].mean(1)
    low, high = _BOX
    cell = ((middle - low) / (high - low) * 1023).astype(np.int64)
    code = sum(((cell[:, axis] >> bit) & 1) << (3 * bit + axis) for bit in range(10) for axis in range(3))
    return faces[np.argsort(code, kind="stable")]


def halves(quads: np.ndarray) -> np.ndarray:
    """The quads ``(Q, 4)`` cut into triangles ``(2 Q, 3)``."""
    return np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3)


def merged(quads: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draws some groups of four fine quads as one.

    Args:
        quads: ``int (Q, 4)``, in the order of `subdivide`: a corner of the coarse quad, the middle of an edge, the
            middle of the quad, the middle of the edge before.
        whole: ``bool (Q,)``, the same for all quads around a middle: whether they are to become one.

    Returns:
        Triangles ``(K, 3)`` without gaps, and the quads ``(n, 4)`` that stand for the mesh when normals are computed.
    """
    by_middle = np.argsort(quads[:, 2], kind="stable")
    middle, count = np.unique(quads[:, 2], return_counts=True)
    full = np.repeat(count == 4, count)
    joined = np.zeros(len(quads), bool)
    joined[by_middle] = full
    joined &= whole
    fine = quads[~joined]
    groups = quads[by_middle[joined[by_middle]]].reshape(-1, 4, 4)
    corner, edge, centre = groups[:, :, 0], groups[:, :, 1], groups[:, 0, 2]
    held = np.zeros(quads.max() + 1, bool)
    held[fine] = True
    split = held[edge]
    fan = split.any(1)
    ahead = np.roll(corner, -1, 1)
    spokes = np.repeat(centre[:, None], 4, 1)
    whole_edges = fan[:, None] & ~split
    pieces = [
        halves(fine),
        halves(corner[~fan]),
        np.stack([spokes, corner, ahead], -1)[whole_edges],
        np.stack([spokes, corner, edge], -1)[split],
        np.stack([spokes, edge, ahead], -1)[split],
    ]
    return np.concatenate(pieces), np.concatenate([fine, corner[~fan], groups[fan].reshape(-1, 4)])


@lru_cache(maxsize=1)
def shown() -> Shown:
    """The mesh that is drawn, made once and kept."""
    whole = mesh.canvas()
    kept = _kept(whole)
    quads = whole.quads[kept]
    triangles, faces = merged(quads, ~_finely(whole)[quads[:, 2]])
    triangles = np.concatenate([along_a_curve(triangles, whole.place), _lashes()])
    faces = np.concatenate([faces, whole.quads[whole.part[whole.quads[:, 0]] == mesh.LASH]])
    rows = np.unique(np.concatenate([triangles.ravel(), faces.ravel()]))
    number = np.zeros(len(whole.place), np.int64)
    number[rows] = np.arange(len(rows))
    own = replace(
        whole,
        fine=whole.fine[rows],
        up=whole.up[rows],
        quads=number[faces],
        gather=mesh.gather(number[faces], len(rows)),
        part=whole.part[rows],
        place=whole.place[rows],
        fields={name: values[rows] for name, values in whole.fields.items()},
    )
    return Shown(own, rows, number[triangles])


def _kept(whole: Canvas) -> np.ndarray:
    """Which quads of the canvas ``(Q,)`` can be seen: none below the frame, deep in a socket or behind in an eye."""
    quads, fields = whole.quads, whole.fields
    part = whole.part[quads[:, 0]]
    kept = (part != mesh.LASH) & (whole.place[quads, 2].max(1) > mesh.BOTTOM)
    deep = (fields["socket"][quads].min(1) > 0.9) & (fields["lid_rings"][quads].min(1) > 5.5)
    behind = (part == mesh.EYES) & (fields["iris_angle"][quads].min(1) > 100)
    return kept & ~(deep & (part == mesh.SKIN)) & ~behind


def _finely(whole: Canvas) -> np.ndarray:
    """Around which vertices ``(M,)`` the mesh stays fine: irises, lids, brows, nose, lips and teeth."""
    x, y, z = np.abs(whole.place[:, 0]), *whole.place[:, 1:].T
    fields = whole.fields
    lids = (fields["lid_rings"] < 5) & (fields["socket"] < 0.5)
    mouth = (fields["mouth_rings"] < 9) & (fields["cavity"] < 0.9)
    nose = (x < 0.023) & (z > 0.674) & (z < 0.708) & (y < -0.11)
    brows = (x < 0.06) & (z > 0.7385) & (z < 0.756) & (y < -0.08)
    skin = (whole.part == mesh.SKIN) & (lids | mouth | nose | brows)
    return skin | (whole.part == mesh.TEETH) | ((whole.part == mesh.EYES) & (fields["iris_angle"] < 42))


@lru_cache(maxsize=1)
def near_vertices() -> np.ndarray:
    """The vertices of the whole canvas that a frame can show, finely everywhere."""
    whole = mesh.canvas()
    part = whole.part[whole.quads[:, 0]]
    kept = (part != mesh.LASH) & (whole.place[whole.quads, 2].max(1) > mesh.BOTTOM)
    return np.unique(np.concatenate([whole.quads[kept].ravel(), _lashes().ravel()]))


@lru_cache(maxsize=1)
def _lashes() -> np.ndarray:
    """Triangles ``(n, 3)`` of single lashes, cut out of the strips of the mesh."""
    from scipy.spatial import cKDTree

    canvas = mesh.canvas()
    quads = canvas.quads[canvas.part[canvas.quads[:, 0]] == mesh.LASH]
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), 1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(edges[times == 1])
    rim = canvas.place[np.concatenate([rim for _, rim in mesh.eye_rims(canvas)])]
    triangles = []
    for side in (-1, 1):
        mine = border[np.sign(canvas.place[border, 0]) == side]
        away, _ = cKDTree(rim).query(canvas.place[mine])
        order = mine[np.argsort(away)]
        along = lambda chosen: chosen[np.argsort(np.abs(canvas.place[chosen, 0]))]  # noqa: E731
        roots, tips = along(order[: len(order) // 2]), along(order[len(order) // 2 :])
        count = min(len(roots), len(tips)) - 1
        triangles += [(roots[i], roots[i + 1], tips[i]) for i in range(count)]
    return np.array(triangles)
