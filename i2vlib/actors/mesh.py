"""The mesh that an actor is drawn on, and fields on its vertices.

It is as fine as the pixels of a face at 128 px, so that colours painted on its vertices move with the skin. Fields
(lips, iris, lids, ears, ...) are computed once on the template, whose vertices mean the same on everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors.head import Head, load_head, subdivide

#: Height of the eyes on the template, and the rings of edges around the mouth's opening that are lips.
EYE, LIP_RINGS = 0.7284, 7.0
#: Nothing lower on the template comes into a frame.
BOTTOM = 0.56
SKIN, EYES, TEETH, TONGUE, LASH = range(5)

#: For each of dlib's 68 points the vertex, of the head subdivided once, that stands for it.
LANDMARKS = (
    9792, 17323, 17341, 7492, 16362, 7504, 1891, 16519, 7042, 18827, 4169, 12080, 18671, 12068, 19646, 19628, 14250,
    262, 5883, 5863, 5825, 5831, 10637, 10631, 10666, 10683, 2642, 132, 131, 5729, 294, 6122, 6104, 6113, 10870,
    10885, 5343, 15777, 1611, 2375, 47, 5402, 4644, 3901, 18092, 10178, 10237, 2442, 17074, 9346, 6422, 466, 11178,
    13814, 19380, 11062, 11246, 6522, 6508, 6306, 16123, 472, 6477, 2839, 18437, 11277, 493, 6563,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Canvas:
    """The fine mesh over the `Head`, and the fields painted on it.

    Attributes:
        head: the coarse mesh, N vertices.
        fine: sparse ``(M, N)`` from coarse to fine vertices.
        medium: sparse ``(K, N)`` to the mesh, subdivided once, on which occlusion is computed and landmarks lie;
            ``up`` ``(M, K)`` from there to the fine one, ``blur`` ``(K, K)`` the mean of the neighbours.
        quads: ``int (Q, 4)`` of the fine mesh; ``gather`` sparse ``(M, Q)`` adds the quads around a vertex.
        part: ``int (M,)`` part of each vertex, in the order skin, eye, teeth, tongue, lash.
        place: ``float32 (M, 3)`` the vertices on the template.
        fields: named ``float32 (M,)``.
    """

    head: Head
    fine: object
    medium: object
    up: object
    blur: object
    medium_quads: np.ndarray
    medium_gather: object
    quads: np.ndarray
    gather: object
    part: np.ndarray
    place: np.ndarray
    fields: dict[str, np.ndarray]


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 at `low`, 1 at `high` (which may be the smaller), with flat ends."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """sRGB in 0 to 255 to linear light in [0, 1]."""
    c = np.asarray(colour, dtype=np.float32) / 255
    return np.where(c < 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def across(place: np.ndarray) -> np.ndarray:
    """Metres ``(...)`` from the middle line along the skin, of places ``(..., 3)`` on the template."""
    side = np.abs(place[..., 0])
    along = side + 0.7 * np.clip(place[..., 1] + 0.14, 0, None) * np.minimum(side / 0.05, 1)
    # Ears stand out of the skin: they are moved away, so that what is painted before them does not lie on them too.
    ears = smoothstep(0.0625, 0.068, side) * smoothstep(0.774, 0.766, place[..., 2])
    return np.sign(place[..., 0]) * (along + 0.03 * ears)


@lru_cache(maxsize=1)
def canvas() -> Canvas:
    """The canvas, built in about a second and kept."""
    from scipy import sparse

    head = load_head()
    count = len(head.template)
    first, first_quads = subdivide(head.quads, count)
    first_part = np.tile(head.part, 4)
    blocks, quads, parts, size = [], [], [], 0
    for eyes in (False, True):
        matrix, fine_quads = subdivide(first_quads, first.shape[0])
        chosen = (np.tile(first_part, 4) == EYES) == eyes
        fine_quads, fine_part = fine_quads[chosen], np.tile(first_part, 4)[chosen]
        if eyes:
            further, fine_quads = subdivide(fine_quads, matrix.shape[0])
            matrix, fine_part = further @ matrix, np.tile(fine_part, 4)
        used, fine_quads = np.unique(fine_quads, return_inverse=True)
        fine_quads = fine_quads.reshape(-1, 4)
        part = np.zeros(len(used), dtype=int)
        part[fine_quads.ravel()] = np.repeat(fine_part, 4)
        blocks.append(matrix.tocsr()[used])
        quads.append(fine_quads + size)
        parts.append(part)
        size += len(used)
    up = sparse.vstack(blocks).tocsr().astype(np.float32)
    first = first.astype(np.float32)
    fine, quads, part = (up @ first).tocsr(), np.concatenate(quads), np.concatenate(parts)
    place = fine @ head.template
    outwards = normals(place, quads, gather(quads, len(place)))[quads].mean(1)
    middle = place[quads].mean(1)
    seen = (outwards[:, 1] < 0.3) & (middle[:, 2] > 0.51) & (middle[:, 2] < 0.82)
    used, quads = np.unique(quads[seen], return_inverse=True)
    quads = quads.reshape(-1, 4)
    up, fine, part, place = up[used], fine[used], part[used], place[used]
    edges = np.concatenate([first_quads[:, [i, (i + 1) % 4]] for i in range(4)])
    near = sparse.csr_matrix((np.ones(len(edges), np.float32), (edges[:, 0], edges[:, 1])), (first.shape[0],) * 2)
    near = near + near.T
    blur = sparse.diags(1 / np.maximum(np.asarray(near.sum(1)).ravel(), 1)).astype(np.float32) @ near
    return Canvas(
        head=head,
        fine=fine,
        medium=first,
        up=up,
        blur=blur.tocsr(),
        medium_quads=first_quads,
        medium_gather=gather(first_quads, first.shape[0]),
        quads=quads,
        gather=gather(quads, fine.shape[0]),
        part=part,
        place=place,
        fields=_fields(head, fine, place, part),
    )


@lru_cache(maxsize=1)
def landmark_rows() -> object:
    """Sparse ``(68, N)`` from the vertices of the head to the landmarks."""
    return canvas().medium[list(LANDMARKS)]


def eye_corners(vertices: np.ndarray) -> np.ndarray:
    """The two corners of each eye ``(2, 2, 3)``, image-left eye first, of the vertices of a head."""
    return (landmark_rows() @ vertices)[[36, 39, 42, 45]].reshape(2, 2, 3)


def gather(quads: np.ndarray, count: int) -> object:
    """Sparse ``(count, Q)`` that adds up what belongs to the quads ``(Q, 4)`` around each vertex."""
    from scipy import sparse

    ones = np.ones(quads.size, np.float32)
    return sparse.csr_matrix((ones, (quads.ravel(), np.repeat(np.arange(len(quads)), 4))), (count, len(quads)))


def normals(points: np.ndarray, quads: np.ndarray, gather: object) -> np.ndarray:
    """Unit normals ``float32 (M, 3)`` of a quad mesh, outwards."""
    a, b, c, d = (np.take(points, corner, axis=0) for corner in quads.T)
    # By hand, for numpy's cross and norm run over the three coordinates in the innermost loop: 2.5 times slower.
    (u0, u1, u2), (v0, v1, v2) = (c - a).T, (d - b).T
    outwards = np.stack([u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0], 1)
    x, y, z = (sums := gather @ outwards).T
    return sums / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-12)[:, None]


def _rings(head: Head, start: np.ndarray, most: int) -> np.ndarray:
    """Distance from the vertices `start` in edges, up to `most`."""
    skin = head.quads[head.part == SKIN]
    edges = np.concatenate([skin[:, [i, (i + 1) % 4]] for i in range(4)])
    distance = np.full(len(head.template), float(most))
    distance[start] = 0
    for _ in range(most):
        np.minimum.at(distance, edges[:, 1], distance[edges[:, 0]] + 1)
        np.minimum.at(distance, edges[:, 0], distance[edges[:, 1]] + 1)
    return distance


def _moved(head: Head, name: str) -> np.ndarray:
    """Where the local change `name` moves the template, 0 to 1."""
    shift = np.linalg.norm(head.local[2 * head.local_names.index(name)], axis=-1)
    return shift / shift.max()


def _fields(head: Head, fine: object, place: np.ndarray, part: np.ndarray) -> dict[str, np.ndarray]:
    skin = head.part == SKIN
    inside = {label: np.unique(head.quads[skin & (head.label == label)]) for label in range(4)}
    mouth = np.intersect1d(inside[0], inside[1])
    lids = np.concatenate([np.intersect1d(inside[0], inside[2]), np.intersect1d(inside[0], inside[3])])
    cavity = np.zeros(len(head.template))
    cavity[np.setdiff1d(inside[1], mouth)] = 1
    socket = np.zeros(len(head.template))
    socket[np.setdiff1d(np.concatenate([inside[2], inside[3]]), lids)] = 1
    ears = np.maximum(_moved(head, "l-ear-scale-incr"), _moved(head, "r-ear-scale-incr")) > 0.02
    x, is_skin = place[:, 0], part == SKIN
    rings = fine @ np.minimum(_rings(head, mouth, 12), 12)
    lid_rings = fine @ np.minimum(_rings(head, lids, 8), 8)
    fields = {
        "mouth_rings": rings,
        "lid_rings": lid_rings,
        "cavity": fine @ cavity,
        "socket": fine @ socket,
        "ears": fine @ ears.astype(float),
        "lips": smoothstep(LIP_RINGS + 0.5, LIP_RINGS - 1.0, rings) * is_skin,
    }
    angle = np.zeros(len(place))
    around = np.zeros(len(place))
    for side in (-1, 1):
        chosen = (part == EYES) & (x * side > 0)
        points = place[chosen]
        centre = (points.max(0) + points.min(0)) / 2
        ray = points - centre
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        angle[chosen] = np.degrees(np.arccos(np.clip(-ray[:, 1], -1, 1)))
        around[chosen] = np.arctan2(ray[:, 2], ray[:, 0] * side)
    fields["iris_angle"], fields["iris_around"] = angle, around
    return {name: np.asarray(value, dtype=np.float32) for name, value in fields.items()}


@lru_cache(maxsize=2)
def eye_rims(mesh: Canvas) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each eye the vertices of its ball, and those along the rim of its upper lid."""
    side, place = np.sign(mesh.place[:, 0]), mesh.place
    rim = (mesh.part == SKIN) & (mesh.fields["lid_rings"] < 0.75) & (mesh.fields["socket"] < 0.5)
    found = []
    for s in (-1, 1):
        ball = np.flatnonzero((mesh.part == EYES) & (side == s))
        mine = np.flatnonzero(rim & (side == s))
        x = np.abs(place[mine, 0])
        middle = np.interp(x, [x.min(), x.max()], place[mine, 2][[x.argmin(), x.argmax()]])
        found.append((ball, mine[place[mine, 2] > middle]))
    return found


@lru_cache(maxsize=2)
def pupils(mesh: Canvas) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each eye the vertices of its ball, and those around the middle of its pupil."""
    angle = mesh.fields["iris_angle"]
    return [(ball, ball[angle[ball] < 9]) for ball, _ in eye_rims(mesh)]
