"""The exact truth of a frame, beside its intensity, coefficients and landmarks: what each pixel shows, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from i2vlib import regions
from i2vlib.actors import mesh
from i2vlib.actors.people import Person

#: What `parts` counts: every pixel shows exactly one of them.
PARTS = ("background", "skin", "brows", "hair", "eyeball", "mouth_inside", "lashes", "glasses")
#: The masks that are pixels of one part.
PART_MASKS = ("skin", "brows", "hair", "background")
#: Everything that a clip of actors can know in its `truth`, and what it knows unless asked for more.
TRUTH = (
    "mouth", "eyes", "camera", "identity", "pose", "parts", *PART_MASKS, "normals", "depth", "flow_to_first",
    "seen_in_first",
)  # fmt: skip
DEFAULT = ("mouth", "eyes", "camera")
#: What needs the surface under each pixel.
SURFACE = ("parts", *PART_MASKS, "normals", "depth", "flow_to_first", "seen_in_first")
#: Of these, what needs the first frame's surface beside a frame's own.
FIRST = ("flow_to_first", "seen_in_first")
#: Normals are whole numbers: this many to the unit.
NORMAL_SCALE = 127

_HAIR, _BROW, _CAVITY = 0.5, 0.3, 0.5
_STEEPEST, _NEAR = 5.0, 0.001
_BITS = ("mouth", "eyes", "seen_in_first")


def wanted(truth: str | Iterable[str], known: Sequence[str] = TRUTH, whose: str = "Actors") -> tuple[str, ...]:
    """Names of what is `known`, in its order, from some of them or "all".

    Raises:
        ValueError: a name is none of them.
    """
    names = known if truth == "all" else (truth,) if isinstance(truth, str) else tuple(truth)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{whose} know no truth {unknown[0]!r}. Choose from: {', '.join(known)}; or give 'all'.")
    return tuple(name for name in known if name in names)


def stored(names: Iterable[str]) -> tuple[str, ...]:
    """Under which names a file holds them: the masks of single parts are read off `parts`."""
    kept = {"parts" if name in PART_MASKS else name for name in names}
    return tuple(name for name in TRUTH if name in kept)


def derived(truth: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The names asked for out of what is `stored`."""
    masks = {name: PARTS.index(name) for name in PART_MASKS}
    return {name: truth["parts"] == masks[name] if name in masks else truth[name] for name in names}


def hulls(points: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """The masks ``bool (T, size, size)`` of mouth and eyes: hulls of landmarks ``(T, 68, 2)``, half a pixel grown."""
    mouth = np.stack([regions.hull([p[48:68]], size, 0.5) for p in points])
    eyes = np.stack([regions.hull([p[36:42], p[42:48]], size, 0.5) for p in points])
    return {"mouth": mouth, "eyes": eyes}


def surface(
    ids: np.ndarray,
    triangles: np.ndarray,
    points: np.ndarray,
    normal: np.ndarray,
    flat: np.ndarray,
    camera: np.ndarray,
    who: Person,
    canvas: mesh.Canvas,
    first: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """What the surface under the centre of each pixel is.

    Args:
        ids: ``int (S, S)``, the triangle that is seen there, -1 for none.
        triangles: ``int (K, 3)`` of vertices.
        points, normal: ``(M, 3)``, in metres and of unit length, in the world.
        flat: ``(M, 2)``, the points in pixels.
        camera: ``(3, 4)``.
        first: ``(M, 3)``, the points in the first frame, where they are asked for.

    Returns:
        ``parts`` uint8 (S, S), indices into `PARTS`; ``normals`` int8 (S, S, 3), 127 to the unit, along the camera's
        axes (x right, y down, z away from it); ``depth`` float32 (S, S), metres along the camera's axis; and of the
        first frame ``flow_to_first`` float32 (S, S, 2), in pixels from a pixel's centre to where the same point was,
        and ``first_depth`` float32 (S, S), how far away. All but parts are 0 where nothing is.
    """
    far = points @ camera[2, :3] + camera[2, 3]
    seen, corners, share = below(ids, triangles, flat, far)
    mix = lambda values: np.einsum("nk,nk...->n...", share, values[corners])  # noqa: E731
    parts, depth = np.zeros(ids.shape, np.uint8), np.zeros(ids.shape, np.float32)
    parts[seen], depth[seen] = _labels(mix, corners, who, canvas), mix(far)
    found = {"parts": parts, "normals": normal_map(seen, mix(normal) @ axes(camera).T), "depth": depth}
    if first is not None:
        flow, before = np.zeros((*ids.shape, 2), np.float32), np.zeros(ids.shape, np.float32)
        now, then = (mix(place @ camera[:, :3].T + camera[:, 3]) for place in (points, first))
        flow[seen], before[seen] = then[:, :2] / then[:, 2:] - now[:, :2] / now[:, 2:], then[:, 2]
        found |= {"flow_to_first": flow, "first_depth": before}
    return found


def seen_before(frame: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray], pixel: float) -> np.ndarray:
    """Whether what a pixel shows is seen in the first frame too, ``bool (S, S)``: nothing lies before it there.

    Args:
        frame, first: what `surface` tells of a frame and of the first one.
        pixel: its width in metres, over which a slope may lie nearer by its own steepness.
    """
    side = len(frame["depth"])
    row, column = np.indices((side, side))
    there = np.floor(frame["flow_to_first"] + np.stack([column, row], -1) + 0.5).astype(int)
    inside = ((there >= 0) & (there < side)).all(-1)
    at = tuple(there.clip(0, side - 1).transpose(2, 1, 0).swapaxes(1, 2)[::-1])
    of = lambda parts: np.isin(parts, [PARTS.index("background"), PARTS.index("hair")])  # noqa: E731
    part, before = frame["parts"], first["parts"][at]
    across, down, away = first["normals"][at].astype(np.float32).transpose(2, 0, 1)
    steep = np.minimum(np.hypot(across, down) / np.maximum(np.abs(away), 1), _STEEPEST)
    near = frame["first_depth"] <= first["depth"][at] + pixel * steep + _NEAR
    return inside & np.where(of(part) | of(before), part == before, near)


def below(
    ids: np.ndarray, triangles: np.ndarray, flat: np.ndarray, far: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What lies under the centres of pixels: whether anything ``bool (S, S)``, and of those n pixels where something
    does the corners ``int (n, 3)`` of its triangle with their weights ``(n, 3)``. Arguments as `surface`, and how far
    each point is from the camera."""
    seen = ids >= 0
    row, column = np.nonzero(seen)
    corners = triangles[ids[seen]]
    return seen, corners, corner_shares(np.stack([column, row], 1) + 0.5, flat[corners], far[corners])


def normal_map(seen: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Normals ``(n, 3)`` of any length at the n pixels ``seen (S, S)``, as ``int8 (S, S, 3)``, 0 elsewhere."""
    drawn = np.zeros((*seen.shape, 3), np.int8)
    unit = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    drawn[seen] = np.rint(unit * NORMAL_SCALE)
    return drawn


def corner_shares(at: np.ndarray, corners: np.ndarray, far: np.ndarray) -> np.ndarray:
    """How much of each corner of a triangle is in the point seen at a place of the picture.

    Args:
        at: ``(n, 2)``, in pixels.
        corners: ``(n, 3, 2)``, in pixels; `far` ``(n, 3)``, their depths.

    Returns:
        ``(n, 3)``, at least 0, each row adding up to 1; a place just outside goes to the triangle's edge.
    """
    a, b, c = (corners[:, i].astype(np.float64) for i in range(3))
    cross = lambda u, v: u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]  # noqa: E731
    area = cross(b - a, c - a)
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    flat = np.stack([cross(b - at, c - at), cross(c - at, a - at), cross(a - at, b - at)], 1) / area[:, None]
    # Straight lines in the picture are not evenly divided in space: what is far away counts less.
    share = flat.clip(0, None) / far
    return share / share.sum(1, keepdims=True)


def axes(camera: np.ndarray) -> np.ndarray:
    """The camera's axes ``(3, 3)``, a row each: right and down in the picture, and away from the camera."""
    away = camera[2, :3] / np.linalg.norm(camera[2, :3])
    right = camera[0, :3] - (camera[0, :3] @ away) * away
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(away, right), away]).astype(np.float32)


def _labels(mix: object, corners: np.ndarray, who: Person, canvas: mesh.Canvas) -> np.ndarray:
    part, number = canvas.part[corners[:, 0]], PARTS.index
    label = np.full(len(corners), number("skin"), np.uint8)
    label[mix(canvas.fields["cavity"]) > _CAVITY] = number("mouth_inside")
    label[mix(who.brows) > _BROW] = number("brows")
    label[mix(who.hair) > _HAIR] = number("hair")
    for drawn, name in (
        (mesh.EYES, "eyeball"),
        (mesh.TEETH, "mouth_inside"),
        (mesh.TONGUE, "mouth_inside"),
        (mesh.LASH, "lashes"),
    ):
        label[part == drawn] = number(name)
    return label


def to_bits(truth: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Truth as a file holds it: bits of masks eight to the byte."""
    return {name: np.packbits(value, axis=-1) if name in _BITS else value for name, value in truth.items()}


def from_bits(arrays: Mapping[str, np.ndarray], names: Sequence[str], width: int) -> dict[str, np.ndarray]:
    """The inverse of `to_bits`, for the names asked for. Raises `KeyError` if the file lacks one."""
    truth = {}
    for name in stored(names):
        value = arrays[name]
        truth[name] = np.unpackbits(value, axis=-1, count=width).astype(bool) if name in _BITS else value
    return derived(truth, names)
