"""Actors: the truth is true, the faces do what they are told, and the cache holds what was rendered."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets, expressions, faces, regions
from i2vlib.actors import head as heads
from i2vlib.actors import light, mesh, people, scene
from i2vlib.actors.film import pose
from i2vlib.clips import Clip
from i2vlib.datasets import _rendered, actors
from i2vlib.expressions import BLENDSHAPES, EXPRESSIONS

Rendered = dict[tuple[int, str], Clip]


def digest(clip: Clip) -> str:
    parts = (clip.frames, clip.intensity, clip.landmarks, clip.blendshapes, *clip.truth.values())
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def opening(points: np.ndarray) -> np.ndarray:
    """Of the two eyes: height over width, (T,)."""
    left = np.linalg.norm(points[:, 37] - points[:, 41], axis=-1) / np.linalg.norm(
        points[:, 36] - points[:, 39], axis=-1
    )
    right = np.linalg.norm(points[:, 44] - points[:, 46], axis=-1) / np.linalg.norm(
        points[:, 42] - points[:, 45], axis=-1
    )
    return (left + right) / 2


# Truth


def test_shapes_and_the_neutral_frame(rendered: Rendered) -> None:
    for (seed, name), clip in rendered.items():
        assert clip.frames.shape == (3, 96, 96, 3)
        assert (clip.subject, clip.expression, clip.fps) == (f"actor-{seed}", name, 12)
        assert clip.intensity[0] == 0 and 0.85 <= clip.intensity.max() <= 1
        assert (clip.blendshapes[0] == 0).all() and (clip.blendshapes >= 0).all() and (clip.blendshapes <= 1).all()
        assert {key: (value.dtype, value.shape) for key, value in clip.truth.items()} == {
            "mouth": (bool, (3, 96, 96)),
            "eyes": (bool, (3, 96, 96)),
            "camera": (np.float32, (3, 3, 4)),
        }


def test_coefficients_are_the_peak_times_the_intensity(rendered: Rendered) -> None:
    for (seed, name), clip in rendered.items():
        peak = actors.peak_coefficients(seed, name)
        np.testing.assert_allclose(clip.blendshapes, clip.intensity[:, None] * peak, atol=1e-6)
        allowed = {label for shape in expressions.TABLE[name].recipe for label in expressions.sides(shape)}
        assert {BLENDSHAPES[i] for i in np.flatnonzero(peak)} == allowed


def test_the_eyes_of_the_neutral_frame_lie_where_the_crop_puts_them(rendered: Rendered) -> None:
    wanted = np.array(
        [[0.5 - faces.EYE_DISTANCE / 2, faces.EYE_LEVEL], [0.5 + faces.EYE_DISTANCE / 2, faces.EYE_LEVEL]]
    )
    for clip in rendered.values():
        eyes = clip.landmarks[0][[36, 39, 42, 45]].reshape(2, 2, 2).mean(1)
        np.testing.assert_allclose(eyes, wanted * 96, atol=0.01)


def test_the_camera_takes_the_mesh_to_the_landmarks(rendered: Rendered) -> None:
    for (seed, name), clip in rendered.items():
        shift = np.tensordot(people.own_gains(seed) * clip.blendshapes[2], mesh.canvas().head.facial, 1)
        moved = (people.person(seed).vertices + shift) @ pose(seed, name).T
        points = scene.project(clip.truth["camera"][2], mesh.landmark_rows() @ moved)
        np.testing.assert_allclose(points, clip.landmarks[2], atol=0.01)


def test_masks_follow_the_landmarks(rendered: Rendered) -> None:
    for clip in rendered.values():
        for points, mouth, eyes in zip(clip.landmarks, clip.truth["mouth"], clip.truth["eyes"], strict=True):
            y, x = np.nonzero(mouth)
            low, high = points[48:68].min(0), points[48:68].max(0)
            np.testing.assert_allclose([x.min(), y.min()], low - 0.5, atol=1.5)
            np.testing.assert_allclose([x.max(), y.max()], high - 0.5, atol=1.5)
            for eye in (points[36:42], points[42:48]):
                column, row = np.floor(eye.mean(0)).astype(int)
                assert eyes[row, column]
            assert not (mouth & eyes).any()


def test_a_mask_of_points_on_a_line_is_that_line() -> None:
    points = np.stack([np.linspace(10, 20, 6), 40 - np.linspace(10, 20, 6)], 1)
    mask = regions.hull([points], 32, 0.5)
    assert mask.any() and mask.sum() < 40


def test_landmarks_are_where_dlib_sees_them() -> None:
    pytest.importorskip("dlib")
    errors = []
    for seed in (31_003, 31_004, 31_005):
        for name in ("happy", "surprised"):
            clip = actors.clip(seed, name, frames=2, size=160)
            seen = faces.landmarks(clip.frames)
            errors.append(np.linalg.norm(seen - clip.landmarks, axis=-1) / (faces.EYE_DISTANCE * 160))
    errors = np.concatenate(errors)
    assert np.isfinite(errors).all()
    assert errors[:, 17:].mean() <= 0.06
    assert errors[:, 17:27].mean() <= 0.08 and errors[:, 48:].mean() <= 0.06


# Expressions


def test_faces_do_what_the_expression_says(rendered: Rendered) -> None:
    for (_, name), clip in rendered.items():
        points, apart = clip.landmarks, faces.EYE_DISTANCE * 96
        gap = (points[:, 66, 1] - points[:, 62, 1]) / apart
        width = (points[:, 54, 0] - points[:, 48, 0]) / apart
        brow = (points[:, 36:48, 1].mean(1) - points[:, 20:24, 1].mean(1)) / apart
        change = np.abs(clip.frames[2].astype(int) - clip.frames[0])
        # Lids are small, and dark on the dark: what they change is looked for where they are.
        moved, least = (change[clip.truth["eyes"][0]].mean(), 20) if name == "eyes_closed" else (change.mean(), 1.2)
        assert moved > least, f"{name} hardly shows: {moved}"
        if name == "happy":
            assert width[2] > 1.15 * width[0]
        if name == "surprised":
            assert gap[2] > gap[0] + 0.3 and brow[2] > brow[0]
        if name == "angry":
            assert brow[2] < brow[0] - 0.03
        if name == "eyes_closed":
            assert opening(points)[2] < 0.35 * opening(points)[0]


def test_happy_shows_teeth_and_surprise_the_dark_of_the_mouth(rendered: Rendered) -> None:
    for (_, name), clip in rendered.items():
        inside = regions.hull([clip.landmarks[2, 60:68]], 96, 0.5)
        light = clip.frames[2].mean(-1)[inside]
        if name == "happy":
            assert np.percentile(light, 95) > 110
        if name == "surprised":
            nose = clip.frames[2][tuple(np.floor(clip.landmarks[2, 30, ::-1]).astype(int))].mean()
            assert np.percentile(light, 30) < 0.75 * nose and inside.sum() > 100


def test_every_expression_of_the_book_has_a_recipe_of_its_own() -> None:
    assert all(expressions.TABLE[name].recipe for name in EXPRESSIONS)
    peaks = np.stack([actors.peak_coefficients(31_001, name) for name in EXPRESSIONS])
    apart = np.linalg.norm(peaks[:, None] - peaks[None], axis=-1) + 9 * np.eye(len(peaks))
    assert apart.min() > 0.5


def test_peaks_vary_by_subject_and_side() -> None:
    smile = [BLENDSHAPES.index("mouthSmileLeft"), BLENDSHAPES.index("mouthSmileRight")]
    peaks = np.stack([actors.peak_coefficients(seed, "happy")[smile] for seed in range(31_000, 31_040)])
    assert peaks.min() > 0.6 and peaks.std(0).min() > 0.03
    difference = np.abs(peaks[:, 0] - peaks[:, 1])
    assert 0 < difference.mean() < 0.15


# People


def test_the_same_arguments_give_the_same_bits(rendered: Rendered) -> None:
    people.person.cache_clear()
    assert digest(actors.clip(31_001, "happy", frames=3, size=96)) == digest(rendered[31_001, "happy"])


def test_people_differ(rendered: Rendered) -> None:
    one, other = rendered[31_001, "happy"].frames[0], rendered[31_002, "happy"].frames[0]
    assert np.abs(one.astype(int) - other).mean() > 12
    persons = [people.person(seed) for seed in (-1, 1, 2**40)]
    assert len({person.vertices.tobytes() for person in persons}) == len({p.albedo.tobytes() for p in persons}) == 3


@pytest.mark.slow
def test_skins_range_from_light_to_dark() -> None:
    skin = mesh.canvas().part == mesh.SKIN
    tones = np.array([np.median(people.person(seed).albedo[skin, 1]) for seed in range(31_000, 31_016)])
    assert tones.max() > 8 * tones.min() and tones.max() > 0.3


# Mesh


def test_phenotype_weights_are_those_of_anny(head: heads.Head) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("anny")
    from anny.models.phenotype import PHENOTYPE_LABELS, make_phenotype_anchors, phenotype_blendshape_weights

    rng = np.random.default_rng(0)
    for _ in range(5):
        values = dict(zip(PHENOTYPE_LABELS, rng.uniform(0, 1, len(PHENOTYPE_LABELS)), strict=True))
        expected = phenotype_blendshape_weights(
            torch.tensor([list(values.values())]),
            list(values),
            make_phenotype_anchors(torch.float64),
            torch.tensor(head.mask, dtype=torch.float64),
            extrapolate=False,
        )[0]
        weights = heads.phenotype_weights(values)
        row = np.array([weights[name] for name in head.variations])
        np.testing.assert_allclose(np.where(head.mask > 0, row, 1).prod(-1), expected.numpy(), atol=1e-6)


def test_subdivision_keeps_a_plane_flat_and_a_border_straight() -> None:
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0))
    corner = (np.arange(3)[:, None] * 4 + np.arange(3)).ravel()
    quads = np.stack([corner, corner + 1, corner + 5, corner + 4], 1)
    matrix, fine = heads.subdivide(quads, 16)
    points = matrix @ np.stack([x.ravel(), y.ravel(), 0.5 * x.ravel()], 1)
    assert fine.shape == (36, 4) and len(points) == 49
    np.testing.assert_allclose(np.asarray(matrix.sum(1)).ravel(), 1)
    np.testing.assert_allclose(points[:, 2], 0.5 * points[:, 0], atol=1e-12)
    assert points[:, :2].min() == 0 and points[:, :2].max() == 3


def test_subdivision_rounds_a_cube() -> None:
    cube = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], float)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    points = cube
    for _ in range(3):
        matrix, quads = heads.subdivide(quads, len(points))
        points = matrix @ points
    radius = np.linalg.norm(points, axis=1)
    assert radius.max() / radius.min() < 1.12 and radius.max() < 1.2


def test_what_is_covered_gets_no_light_from_above() -> None:
    grid = np.stack(np.meshgrid(np.linspace(-0.05, 0.05, 30), np.linspace(-0.05, 0.05, 30)), -1).reshape(-1, 2)
    low = np.concatenate([grid, np.zeros((900, 1))], 1)
    high = low[np.abs(low[:, 0]) < 0.02] + [0, 0, 0.03]
    points = np.concatenate([low, high]).astype(np.float32)
    reached = light.occlusion(
        points, np.tile(np.float32([0, 0, 1]), (len(points), 1)), np.array([[0.0, 0, 1]]), np.ones(1)
    )
    under = np.abs(low[:, 0]) < 0.012
    beside = np.abs(low[:, 0]) > 0.03
    assert reached[:900][under].max() < 0.01 and reached[:900][beside].min() > 0.99 and reached[900:].min() > 0.99


# The cache


def small(**changes: object) -> actors.Actors:
    options = {
        "split": "validation",
        "size": 32,
        "subjects": 2,
        "expressions": ("happy", "eyes_closed"),
        "frames": 3,
    }
    return datasets.open("actors", **{**options, **changes})


@pytest.mark.slow
def test_a_sequence_is_rendered_once_in_order_and_resumed(cache: Path) -> None:
    clips = small(expressions=("happy", "angry", "eyes_closed"))
    assert len(clips) == 6 and len(clips.missing()) == 6
    first = clips[0]
    assert clips.missing() == []
    assert [(clip.subject, clip.expression) for clip in clips] == [
        (f"actor-{seed}", name) for seed in (10_000, 10_001) for name in ("happy", "angry", "eyes_closed")
    ]
    # Rendered by other processes, read from a file: the same bits as rendered here.
    assert digest(first) == digest(actors.clip(10_000, "happy", frames=3, size=32))
    assert digest(clips[-1]) == digest(actors.clip(10_001, "eyes_closed", frames=3, size=32))
    assert not [path for path in clips.folder.iterdir() if path.suffix != ".npz"]

    lost = clips.path(10_001, "angry")
    before = {path.name: path.stat().st_mtime_ns for path in clips.folder.iterdir()}
    lost.unlink()
    assert small(expressions=clips.expressions)[4].expression == "angry"
    after = {path.name: path.stat().st_mtime_ns for path in clips.folder.iterdir()}
    assert [name for name in before if before[name] != after[name]] == [lost.name]


@pytest.mark.parametrize("spoil", ["cut", "empty", "garbage", "part"])
def test_a_file_that_cannot_be_read_is_rendered_again(cache: Path, spoil: str) -> None:
    clips = small(subjects=1, expressions="happy", frames=2)
    whole = clips[0]
    path = clips.path(10_000, "happy")
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "garbage": b"no clip", "part": data[:-300]}[spoil])
    assert digest(small(subjects=1, expressions="happy", frames=2)[0]) == digest(whole)
    assert path.read_bytes() == data or len(path.read_bytes()) == len(data)


def test_size_frames_and_mode_have_files_of_their_own(cache: Path) -> None:
    folders = {small(**changes).folder for changes in ({}, {"size": 48}, {"frames": 4}, {"mode": "full"})}
    assert len(folders) == 4 and all(folder.parent == cache for folder in folders)
    assert all(f"v{actors.RENDERER_VERSION}" in folder.name for folder in folders)


def test_splits_share_nobody() -> None:
    sequences = [datasets.open("actors", split=split) for split in ("train", "validation", "test")]
    assert [len(clips) for clips in sequences] == [64 * 4, 8 * 4, 16 * 4]
    seeds = [{seed for seed, _ in clips.keys} for clips in sequences]
    assert not (seeds[0] & seeds[1] | seeds[1] & seeds[2] | seeds[0] & seeds[2])
    assert max(seeds[0]) < 10_000 <= min(seeds[1]) and max(seeds[1]) < 20_000 <= min(seeds[2])


def killed(kind: _rendered.Kind, jobs: object) -> None:
    """Renders the clip of one person and dies at the next, as by the system when memory runs out."""
    (path, order), *_ = jobs
    if order.seed != 10_000:
        os.kill(os.getpid(), signal.SIGKILL)
    _rendered.render_into(kind, path, order)


def failing(kind: _rendered.Kind, jobs: object) -> None:
    raise OSError("nothing can be drawn here")


@pytest.mark.parametrize(("worker", "reason"), [(killed, "terminated"), (failing, "nothing can be drawn here")])
@pytest.mark.slow
def test_processes_that_die_are_reported(
    cache: Path, monkeypatch: pytest.MonkeyPatch, worker: Callable, reason: str
) -> None:
    clips = small(subjects=5, expressions="happy", frames=2)
    monkeypatch.setattr(_rendered, "rendered_all", worker)
    with pytest.raises(RuntimeError, match="5 clips") as caught:
        clips.render(workers=2)
    assert reason in str(caught.value) and "asked again, it goes on from there" in str(caught.value)
    there = {path.name: path.stat().st_mtime_ns for path in clips.folder.iterdir()} if clips.folder.is_dir() else {}
    assert len(clips.missing()) == 5 - len(there) >= 4
    monkeypatch.undo()
    monkeypatch.setenv("I2VLIB_CACHE", str(cache))
    clips.render(workers=1)
    assert clips.missing() == []
    assert there.items() <= {path.name: path.stat().st_mtime_ns for path in clips.folder.iterdir()}.items()


def test_an_interrupted_rendering_leaves_no_half_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = small(subjects=1, expressions="happy", frames=2)
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        clips[0]
    assert list(clips.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "eval"}, "eval"),
        ({"subjects": 0}, "1 to 10,000 subjects; 0 were asked for"),
        ({"subjects": 10_001}, "1 to 10,000 subjects; 10001 were asked for"),
        ({"expressions": ("happy", "smug")}, "no expression 'smug'. Choose one of: happy"),
        ({"expressions": ()}, "at least one expression"),
        ({"mode": "sudden"}, "mode is one of onset, full, .*, two_frames; this one is 'sudden'"),
        ({"frames": 1}, "mode 'onset' has at least 2 frames; 1 were asked for"),
        ({"frames": 4, "mode": "periodic"}, "mode 'periodic' has at least 5 frames; 4 were asked for"),
        ({"frames": 3, "mode": "two_frames"}, "mode 'two_frames' has two frames; 3 were asked for. Say frames=2"),
        ({"frames": 2, "mode": "full"}, "mode 'full' has at least 3 frames; 2 were asked for"),
        ({"size": 8}, "at least 16 pixels wide; 8 were asked for"),
    ],
)
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_people_are_driven_by_others_and_some_are_skipped(cache):
    options = {"split": "validation", "size": 16, "expressions": "happy", "frames": 3}
    later = actors.Actors(subjects=2, skip=1, **options)
    assert [seed for seed, _ in later.keys] == [10_001, 10_002]
    driven = actors.Actors(subjects=2, skip=1, driven_by=1, **options)
    assert driven[0].subject == later[0].subject
    assert np.array_equal(driven[0].blendshapes, later[1].blendshapes)
    assert np.array_equal(driven[1].blendshapes, later[0].blendshapes)
    with pytest.raises(ValueError, match="0 to.*1"):
        actors.Actors(subjects=2, driven_by=2, **options)
    with pytest.raises(ValueError, match="2 were.*9999"):
        actors.Actors(subjects=2, skip=9_999, **options)
