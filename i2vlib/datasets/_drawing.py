"""How an actor is drawn: colours painted on the mesh, light, occlusion, and the picture.

Everything is painted per vertex of a mesh as fine as the pixels of a face at 128 px, so that colours move with
the skin: fields (lips, brows, iris, hairline, ...) are computed once on the template, whose vertices mean the
same on everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType

import numpy as np

from i2vlib.datasets._head import Head, load_head, subdivide

#: Height of the eyes on the template, and the rings of edges around the mouth's opening that are lips.
EYE, LIP_RINGS = 0.7284, 7.0
SKIN, EYES, TEETH, TONGUE, LASH, LOCKS = range(6)


#: For each of dlib's 68 points the vertex, of the head subdivided once, that stands for it.
LANDMARKS = (
    10067, 18112, 18130, 7767, 17151, 7779, 1891, 17308, 7317, 19616, 4169, 12355, 19460, 12343, 20435,
    20417, 14525, 262, 6158, 6138, 6100, 6106, 10912, 10906, 10941, 10958, 2642, 132, 131, 6004, 294,
    6397, 6379, 6388, 11145, 11160, 5618, 16566, 1611, 2375, 47, 5677, 4644, 3901, 18881, 10453, 10512,
    2442, 17863, 9621, 6697, 466, 11453, 14089, 20169, 11337, 11521, 6797, 6783, 6581, 16912, 472, 6752,
    2839, 19226, 11552, 493, 6838,
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
        part: ``int (M,)`` part of each vertex, in the order skin, eye, teeth, tongue, lash, locks.
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
    outwards = normals(place, quads, _gather(quads, len(place)))[quads].mean(1)
    middle = place[quads].mean(1)
    seen = (outwards[:, 1] < 0.3) & (middle[:, 2] > 0.51) & (middle[:, 2] < 0.82)
    seen |= part[quads[:, 0]] == LOCKS
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
        medium_gather=_gather(first_quads, first.shape[0]),
        quads=quads,
        gather=_gather(quads, fine.shape[0]),
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


def _gather(quads: np.ndarray, count: int) -> object:
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


def triangles(quads: np.ndarray, place: np.ndarray, crossed: np.ndarray) -> np.ndarray:
    """The quads ``(Q, 4)`` cut into triangles ``(2 Q, 3)``, in an order in which they are drawn fast.

    Along a Z-curve through the points ``place (M, 3)``, neighbours being near one another in the list, a mesh takes
    half the time. But where surfaces cross, their depths are sometimes equal to the last bit, and then the later
    triangle is seen: quads that are ``crossed (Q,)`` come last and in their own order, first all first halves.
    """
    alone = quads[~crossed]
    middle = place[alone].mean(1)
    low, high = place.min(0), place.max(0)
    cell = ((middle - low) / np.maximum(high - low, 1e-9) * 1023).astype(np.int64)
    code = sum(((cell[:, axis] >> bit) & 1) << (3 * bit + axis) for bit in range(10) for axis in range(3))
    along = alone[np.argsort(code, kind="stable")]
    smooth = np.stack([along[:, [0, 1, 2]], along[:, [0, 2, 3]]], 1).reshape(-1, 3)
    return np.concatenate([smooth, quads[crossed][:, [0, 1, 2]], quads[crossed][:, [0, 2, 3]]])


def crossed(canvas: Canvas) -> np.ndarray:
    """Which quads ``bool (Q,)`` another surface may cross: all but the skin of the face away from eyes and mouth.

    Lashes cross lids, teeth lips, and locks the ears, the scalp and the neck.
    """
    (x, y, z), field = canvas.place.T, canvas.fields
    touched = (canvas.part != SKIN) | (field["cavity"] > 0) | (field["socket"] > 0)
    touched |= (field["lid_rings"] < 6) | (field["mouth_rings"] < 8)
    touched |= (np.abs(x) > 0.055) | (y > -0.06) | (z > 0.78) | (z < 0.62)
    return touched[canvas.quads].any(1)


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


def occlusion(points: np.ndarray, normal: np.ndarray, directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of light from `directions` ``(D, 3)`` that reaches each point, ``(K,)`` in [0, 1], cosine-weighted.

    A depth picture of the points is taken along each direction, with cells of 5 mm; a point more than 6 mm
    behind the front of its cell lies in shadow.
    """
    lit = np.zeros(len(points), np.float32)
    total = np.full(len(points), 1e-6, np.float32)
    for direction, weight in zip(directions, weights, strict=True):
        helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        u = np.cross(helper, direction)
        u /= np.linalg.norm(u)
        v = np.cross(direction, u)
        across, along = np.floor(points @ np.stack([u, v], 1).astype(np.float32) / 0.005).T.astype(np.int64, order="C")
        along -= along.min()
        cell = (across - across.min()) * (along.max() + 1) + along
        depth = points @ direction.astype(np.float32)
        front = np.full(cell.max() + 1, -9.0, np.float32)
        np.maximum.at(front, cell, depth)
        facing = np.maximum(normal @ direction.astype(np.float32), 0) * np.float32(weight)
        lit += facing * smoothstep(0.010, 0.005, front[cell] - depth)
        total += facing
    return lit / total


def srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to ``uint8`` sRGB."""
    linear = np.clip(linear, 0, 1)
    return (np.where(linear < 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255 + 0.5).astype(
        np.uint8
    )


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """sRGB in 0 to 255 to linear light in [0, 1]."""
    c = np.asarray(colour, dtype=np.float32) / 255
    return np.where(c < 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _pyvista() -> ModuleType:
    try:
        import pyvista
        from vtkmodules.vtkCommonCore import vtkLogger
    except ImportError as error:
        raise ImportError(
            f'Rendering actors needs pyvista ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    # Without a screen VTK finds another way to draw, but not without a warning in every process.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    return pyvista


def average(picture: np.ndarray, scale: int, background: np.ndarray) -> np.ndarray:
    """A picture averaged down by a whole number, over a background, rounded.

    Args:
        picture: ``uint8 (S * scale, S * scale, 4)``, every alpha 0 or 255: what is opaque and drawn without smoothing.
        background: ``float (S, S, 3)`` in 0 to 255.

    Returns:
        ``uint8 (S, S, 3)``.
    """
    drawn = picture[..., 3] > 0
    rest = 1 - _down(drawn, scale)
    result = np.empty(background.shape, np.uint8)
    for c in range(3):
        colour = _down(picture[..., c] * drawn, scale) + background[..., c] * rest
        result[..., c] = np.clip(colour + 0.5, 0, 255)
    return result


def _down(plane: np.ndarray, scale: int) -> np.ndarray:
    """The mean ``float32`` of each cell of `scale` by `scale` values of a plane of whole numbers under 256."""
    rows = sum(plane[i::scale].astype(np.uint16) for i in range(scale))
    return sum(rows[:, i::scale] for i in range(scale)).astype(np.float32) / np.float32(scale * scale)


class _Window:
    """A mesh before an orthographic camera, off-screen. Points are given in pixels (x right, y down) with a depth in
    pixels (larger is nearer), so that the projection is the caller's own."""

    def __init__(self, triangles: np.ndarray, count: int, side: int, size: int, colours: str, preference: str) -> None:
        pyvista = _pyvista()
        cells = np.concatenate([np.full((len(triangles), 1), 3), triangles], 1).ravel()
        self.mesh = pyvista.PolyData(np.zeros((count, 3), np.float32), cells)
        rows = count if preference == "point" else len(triangles)
        data = self.mesh.point_data if preference == "point" else self.mesh.cell_data
        data[colours] = np.zeros((rows, 3), np.uint8)
        self.plotter = pyvista.Plotter(off_screen=True, window_size=(side, side))
        self.plotter.ren_win.SetMultiSamples(0)
        self.plotter.add_mesh(
            self.mesh, scalars=colours, rgb=True, preference=preference, lighting=False, smooth_shading=False
        )
        camera = self.plotter.camera
        camera.parallel_projection = True
        camera.position, camera.focal_point, camera.up = (
            (size / 2, -size / 2, 4 * size),
            (size / 2, -size / 2, 0),
            (0, 1, 0),
        )
        camera.parallel_scale = size / 2
        camera.clipping_range = (size, 8 * size)

    def picture(self, points: np.ndarray) -> np.ndarray:
        """``uint8 (side, side, 4)`` of points ``(M, 3)``."""
        self.mesh.points = points * np.array([1, -1, 1], np.float32)
        self.mesh.Modified()
        self.plotter.render()
        return np.asarray(self.plotter.screenshot(transparent_background=True, return_img=True))

    def close(self) -> None:
        self.plotter.close()


class Renderer(_Window):
    """Draws one mesh of coloured vertices off-screen, again and again, at `scale` times the size and averaged down."""

    def __init__(self, triangles: np.ndarray, count: int, size: int, scale: int = 3) -> None:
        super().__init__(triangles, count, size * scale, size, "rgb", "point")
        self.size, self.scale = size, scale

    def draw(self, points: np.ndarray, colours: np.ndarray, background: np.ndarray) -> np.ndarray:
        """``uint8 (size, size, 3)`` of points ``(M, 3)``, colours ``uint8 (M, 3)`` over a background picture."""
        self.mesh["rgb"] = colours
        return average(self.picture(points), self.scale, background)


class Identifier(_Window):
    """Tells which of the triangles ``(K, 3)``, K under 2**24, is seen at the centre of each pixel."""

    def __init__(self, triangles: np.ndarray, count: int, size: int) -> None:
        super().__init__(triangles, count, size, size, "id", "cell")
        number = np.arange(len(triangles))
        self.triangles = triangles
        self.mesh.cell_data["id"] = np.stack([number >> 16, number >> 8 & 255, number & 255], 1).astype(np.uint8)

    def draw(self, points: np.ndarray) -> np.ndarray:
        """``int (size, size)`` of points ``(M, 3)``: the triangle's number, -1 where there is none."""
        picture = self.picture(points).astype(np.int64)
        number = picture[..., 0] << 16 | picture[..., 1] << 8 | picture[..., 2]
        return np.where(picture[..., 3] > 0, number, -1)
