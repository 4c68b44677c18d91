"""The truth of every pixel: parts, normals and depth belong to the mesh, the camera and each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.actors import mesh, people, scene, truth
from i2vlib.actors.film import Order, take_of
from i2vlib.clips import Clip
from i2vlib.datasets import actors

SIZE = 128


@pytest.fixture(scope="module")
def known() -> dict[int, Clip]:
    """Two people, one with long hair, neutral and happy, with all that can be known."""
    return {seed: actors.clip(seed, "happy", frames=2, size=SIZE, truth="all") for seed in (31_001, 31_002)}


def part(clip: Clip, frame: int, name: str) -> np.ndarray:
    return clip.truth["parts"][frame] == actors.PARTS.index(name)


def positions(clip: Clip, frame: int) -> np.ndarray:
    """Where in the world, in metres, the surface under each pixel lies, ``(S, S, 3)``."""
    camera, depth = clip.truth["camera"][frame].astype(np.float64), clip.truth["depth"][frame]
    column, row = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    rays = np.stack([column, row, np.ones_like(row)], -1) * depth[..., None]
    return (rays - camera[:, 3]) @ np.linalg.inv(camera[:, :3]).T


def test_shapes_and_types(known: dict[int, Clip]) -> None:
    for clip in known.values():
        shapes = {name: (value.dtype, value.shape[1:]) for name, value in clip.truth.items()}
        masks = dict.fromkeys(("mouth", "eyes", *truth.PART_MASKS), (np.dtype(bool), (SIZE, SIZE)))
        assert tuple(clip.truth) == actors.TRUTH
        assert shapes == masks | {
            "camera": (np.float32, (3, 4)),
            "identity": (np.float32, actors.identity(0).shape),
            "pose": (np.float32, (3, 4)),
            "parts": (np.uint8, (SIZE, SIZE)),
            "normals": (np.int8, (SIZE, SIZE, 3)),
            "depth": (np.float32, (SIZE, SIZE)),
            "flow_to_first": (np.float32, (SIZE, SIZE, 2)),
            "seen_in_first": (np.bool_, (SIZE, SIZE)),
        }


def test_more_truth_does_not_change_the_rest(known: dict[int, Clip]) -> None:
    plain = actors.clip(31_001, "happy", frames=2, size=SIZE)
    full = known[31_001]
    assert tuple(plain.truth) == truth.DEFAULT
    for name in ("frames", "landmarks", "blendshapes", "intensity"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(full, name))
    for name, value in plain.truth.items():
        np.testing.assert_array_equal(value, full.truth[name])


# Parts


def test_every_pixel_shows_one_part(known: dict[int, Clip]) -> None:
    for clip in known.values():
        assert clip.truth["parts"].max() < len(actors.PARTS)
        counted = sum(clip.truth[name].astype(int) for name in truth.PART_MASKS)
        rest = np.isin(clip.truth["parts"], [actors.PARTS.index(n) for n in ("eyeball", "mouth_inside", "lashes")])
        assert (counted + rest == 1).all()
        for name in truth.PART_MASKS:
            np.testing.assert_array_equal(clip.truth[name], clip.truth["parts"] == actors.PARTS.index(name))
            assert clip.truth[name].any() or name == "hair"


def test_the_background_is_what_is_not_drawn(known: dict[int, Clip]) -> None:
    from scipy.ndimage import binary_erosion

    for seed, clip in known.items():
        empty = people.draw_background(people.person(seed).background, SIZE)
        for frame, behind in zip(clip.frames, clip.truth["background"], strict=True):
            away = np.abs(frame - empty).max(-1)
            # Single hairs pass between the centres of pixels.
            assert (away[binary_erosion(behind, border_value=1)] > 1).sum() < 0.02 * behind.size
            assert (away[binary_erosion(~behind)] > 3).mean() > 0.95


def test_parts_lie_where_the_landmarks_say(known: dict[int, Clip]) -> None:
    from scipy.ndimage import binary_dilation

    for clip in known.values():
        for frame in range(2):
            points = clip.landmarks[frame]
            row, column = np.floor(points[:, ::-1]).astype(int).T
            assert clip.truth["skin"][frame][row[27:31], column[27:31]].all()
            for eye in (slice(36, 42), slice(42, 48)):
                x, y = np.floor(points[eye].mean(0)).astype(int)
                assert clip.truth["eyes"][frame, y, x] and part(clip, frame, "eyeball")[y, x]
            brows = binary_dilation(clip.truth["brows"][frame], iterations=3)
            # Their outer ends are thin, and hair may hang over them.
            assert brows[row[18:26], column[18:26]].mean() >= 0.5
            inside = part(clip, frame, "mouth_inside")
            assert not (inside & ~binary_dilation(clip.truth["mouth"][frame], iterations=1)).any()
            beside = part(clip, frame, "eyeball") & ~binary_dilation(clip.truth["eyes"][frame], iterations=3)
            assert not beside.any()
        assert part(clip, 1, "mouth_inside").sum() > part(clip, 0, "mouth_inside").sum()


# Flow


def test_nothing_has_moved_in_the_first_frame(known: dict[int, Clip]) -> None:
    for clip in known.values():
        assert not clip.truth["flow_to_first"][0].any() and clip.truth["seen_in_first"][0].all()
        assert not clip.truth["flow_to_first"][1][clip.truth["background"][1]].any()


def test_the_flow_leads_from_landmarks_to_landmarks(known: dict[int, Clip]) -> None:
    """Where it is smooth, so that it can be asked between the centres of pixels, and they are seen."""
    from scipy.ndimage import map_coordinates

    for clip in known.values():
        flow, (first, now) = clip.truth["flow_to_first"][1], clip.landmarks
        at = now[:, ::-1].T - 0.5
        row, column = np.floor(at).astype(int)
        around = np.stack([flow[row + i, column + j] for i in (0, 1) for j in (0, 1)])
        seen = np.all([clip.truth["skin"][1][row + i, column + j] for i in (0, 1) for j in (0, 1)], 0)
        smooth = seen & (np.ptp(around, axis=0).max(-1) < 0.5)
        landed = now + np.stack([map_coordinates(flow[..., c], at, order=1) for c in (0, 1)], 1)
        off = np.linalg.norm(landed - first, axis=1)[smooth]
        moved = np.linalg.norm(now - first, axis=1)[smooth]
        assert smooth.sum() >= 15 and moved.max() > 2
        assert off.max() < 1 / 3, (off, np.flatnonzero(smooth))


def test_the_flow_of_a_head_that_turns_is_its_pose(cache: Path) -> None:
    """A face at rest is rigid: through depth and pose each of its points can be followed by hand."""
    clip = actors.clip(31_001, "happy", size=SIZE, intensity=[0, 0, 0], truth="all", nuisance=actors.Nuisance(drift=6))
    skin = clip.truth["skin"][2]
    now, then = clip.truth["pose"][[2, 0]].astype(np.float64)
    rest = (positions(clip, 2)[skin] - now[:, 3]) @ now[:, :3]
    seen = np.c_[rest @ then[:, :3].T + then[:, 3], np.ones(len(rest))] @ clip.truth["camera"][0].T
    row, column = np.nonzero(skin)
    followed = seen[:, :2] / seen[:, 2:] - np.stack([column, row], 1) - 0.5
    off = np.linalg.norm(clip.truth["flow_to_first"][2][skin] - followed, axis=1)
    assert np.linalg.norm(followed, axis=1).mean() > 1
    assert np.quantile(off, 0.99) < 0.02 and off.max() < 0.5
    # Hair bends with the head.
    hair = clip.truth["hair"][2]
    assert np.linalg.norm(clip.truth["flow_to_first"][2][hair], axis=1).mean() > 1


def test_what_is_hidden_in_the_first_frame_is_said_to_be(known: dict[int, Clip]) -> None:
    for clip in known.values():
        inside = part(clip, 1, "mouth_inside") & ~part(clip, 0, "mouth_inside")
        seen = clip.truth["seen_in_first"][1]
        assert inside.sum() > 50 and seen[inside].mean() < 0.2
        assert seen[clip.truth["background"].all(0)].all() and seen.mean() > 0.9


def test_the_first_frame_warped_by_the_flow_is_the_later_one(known: dict[int, Clip]) -> None:
    from scipy.ndimage import map_coordinates

    for clip in known.values():
        flow, (first, now) = clip.truth["flow_to_first"][1], clip.frames.astype(np.float64)
        column, row = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
        at = [row + flow[..., 1], column + flow[..., 0]]
        warped = np.stack([map_coordinates(first[..., c], at, order=1, mode="nearest") for c in range(3)], -1)
        asked = clip.truth["seen_in_first"][1] & (np.linalg.norm(flow, axis=-1) > 1)
        # Of 255; light falls otherwise on what has turned.
        off, copied = (np.abs(made - now)[asked].mean() for made in (warped, first))
        assert off < 7 and off < 0.75 * copied


# Depth and normals


def test_depth_brings_every_pixel_back_onto_the_mesh(known: dict[int, Clip]) -> None:
    from scipy.spatial import cKDTree

    for seed, clip in known.items():
        scene = take_of(Order(seed, "happy", size=SIZE)).stage()
        for frame, a in enumerate(clip.intensity):
            points, _ = scene.skin(scene.head(float(a)))
            seen = clip.truth["skin"][frame]
            apart, _ = cKDTree(points).query(positions(clip, frame)[seen])
            # The corners of a quad are about 1.3 mm from its middle at most, on a face.
            assert np.median(apart) < 0.0007 and np.quantile(apart, 0.99) < 0.002
            assert (clip.truth["depth"][frame][~clip.truth["background"][frame]] > 0.5).all()
            assert (clip.truth["depth"][frame][clip.truth["background"][frame]] == 0).all()


def test_depth_is_that_of_the_projected_landmarks(known: dict[int, Clip]) -> None:
    for seed, clip in known.items():
        scene = take_of(Order(seed, "happy", size=SIZE)).stage()
        for frame, a in enumerate(clip.intensity):
            corners = mesh.landmark_rows() @ scene.head(float(a))
            far = corners @ clip.truth["camera"][frame, 2, :3] + clip.truth["camera"][frame, 2, 3]
            shown = [27, 28, 29, 30, 50, 51, 52, 56, 57, 58]
            column, row = np.floor(clip.landmarks[frame][shown]).astype(int).T
            np.testing.assert_allclose(clip.truth["depth"][frame][row, column], far[shown], atol=0.003)


def test_normals_are_of_unit_length_and_face_the_camera(known: dict[int, Clip]) -> None:
    for clip in known.values():
        normals = clip.truth["normals"] / np.float32(truth.NORMAL_SCALE)
        behind = clip.truth["background"]
        assert (normals[behind] == 0).all()
        np.testing.assert_allclose(np.linalg.norm(normals[~behind], axis=-1), 1, atol=0.01)
        assert (normals[clip.truth["skin"]][:, 2] < 0.1).mean() > 0.99


def test_normals_are_those_of_the_depth(known: dict[int, Clip]) -> None:
    from scipy.ndimage import binary_erosion

    for clip in known.values():
        for frame in range(2):
            axes = truth.axes(clip.truth["camera"][frame])
            places = positions(clip, frame) @ axes.T
            across, down = np.gradient(places, axis=1), np.gradient(places, axis=0)
            slope = np.cross(down, across)
            slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12)
            normals = clip.truth["normals"][frame] / np.float32(truth.NORMAL_SCALE)
            smooth = binary_erosion(clip.truth["skin"][frame], iterations=3) & (normals[..., 2] < -0.7)
            angle = np.degrees(np.arccos((slope * normals).sum(-1).clip(-1, 1)))[smooth]
            assert smooth.sum() > 4000
            assert np.median(angle) < 3 and np.quantile(angle, 0.95) < 15


def test_weights_of_a_triangle_count_distance() -> None:
    corners = np.array([[[0, 0], [4, 0], [0, 4]]] * 4, float)
    at = np.array([[0, 0], [2, 0], [4 / 3, 4 / 3], [-1, 0]])
    flat = truth.corner_shares(at, corners, np.ones((4, 3)))
    np.testing.assert_allclose(flat[:3], [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], atol=1e-9)
    assert (flat >= 0).all() and flat.sum(1) == pytest.approx(1)
    # Halfway in the picture between a depth of 1 and one of 3 is a quarter of the way in space.
    np.testing.assert_allclose(truth.corner_shares(at[1:2], corners[:1], np.array([[1.0, 3, 1]])), [[0.75, 0.25, 0]])


# Identity


@pytest.mark.slow
def test_identity_is_the_subjects_and_nobody_elses(known: dict[int, Clip]) -> None:
    one, other = (known[seed].truth["identity"] for seed in (31_001, 31_002))
    assert (one[0] == one[1]).all() and one.shape == other.shape
    assert np.abs(one[0] - other[0]).max() > 0.1
    again = actors.clip(31_001, "sad", frames=2, size=16, truth="identity").truth["identity"]
    np.testing.assert_array_equal(again, one)
    assert len({actors.identity(seed).tobytes() for seed in range(31_000, 31_012)}) == 12


# Asking for it


@pytest.mark.parametrize("truth", ["shoes", ("mouth", "shoes")])
def test_unknown_truth(truth: object) -> None:
    with pytest.raises(ValueError, match="'shoes'"):
        actors.clip(1, truth=truth)
    with pytest.raises(ValueError, match="'shoes'"):
        datasets.open("actors", truth=truth)


def test_no_truth_at_all() -> None:
    assert actors.clip(31_001, frames=2, size=16, truth=()).truth == {}


def small(**options: object) -> actors.Actors:
    usual = {"split": "validation", "size": 32, "subjects": 1, "expressions": ("happy", "sad"), "frames": 3}
    return datasets.open("actors", **usual | options)


def same(one: Clip, other: Clip) -> bool:
    names = ("frames", "intensity", "landmarks", "blendshapes")
    fields = [np.array_equal(getattr(one, name), getattr(other, name)) for name in names]
    truth = [np.array_equal(one.truth[name], other.truth[name]) for name in other.truth]
    return all(fields) and list(one.truth) == list(other.truth) and all(truth)


def test_a_file_with_less_truth_is_completed_without_drawing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = small()
    before = [plain[0], plain[1]]
    path = plain.path(10_000, "happy")
    drawn = path.stat().st_size
    expected = actors.clip(10_000, "happy", frames=3, size=32, truth=("skin", "depth"))
    more = small(truth=("depth", "skin"))
    assert more.folder == plain.folder and len(more.missing()) == 2
    monkeypatch.setattr(scene.Scene, "picture", lambda *_: pytest.fail("a picture was drawn again"))
    assert same(more[0], expected)
    assert more.missing() == [] and path.stat().st_size != drawn
    # Who asks for less gets less, the same bits, and a file that knows more is kept.
    completed = path.read_bytes()
    assert same(small()[0], before[0]) and path.read_bytes() == completed
    # What is added later joins what is there.
    assert small(truth="identity")[0].truth["identity"].shape[0] == 3
    assert same(small(truth=("skin", "depth"))[0], expected)
    everything = small(truth="all")[0]
    assert tuple(everything.truth) == actors.TRUTH
    assert same(small(truth="all")[0], everything)


@pytest.mark.slow
def test_full_truth_by_other_processes(cache: Path) -> None:
    clips = small(subjects=3, truth="all", nuisance=actors.Nuisance(blinks=2, gaze=5, drift=2, noise=1))
    clips.render(workers=2)
    assert clips.missing() == []
    expected = actors.clip(10_002, "sad", frames=3, size=32, truth="all", nuisance=clips.nuisance)
    assert same(clips[5], expected)
