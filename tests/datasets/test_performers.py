"""Performers: the truth is true, and the cache holds what was rendered."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.clips import Clip
from i2vlib.datasets import penn_action, performers
from i2vlib.joints import ACTIONS, JOINTS, MIRRORED
from i2vlib.performers import fit
from i2vlib.performers.film import Order, known_truth

SIZE = 48


def digest(clip: Clip) -> str:
    parts = (clip.frames, *(clip.truth[name] for name in sorted(clip.truth)))
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


@pytest.fixture(scope="module")
def clips(body: object) -> dict[str, Clip]:
    """Two actions of a person whom no other set uses, with all that is known."""
    return {name: performers.clip(31_001, name, 4, SIZE, truth="all") for name in ("jumping_jacks", "golf_swing")}


def test_shapes_and_names(clips: dict[str, Clip]) -> None:
    for action, clip in clips.items():
        assert clip.frames.shape == (4, SIZE, SIZE, 3)
        assert (clip.subject, clip.expression, clip.fps) == ("performer 31001", action, performers.FPS)
        assert {name: (value.dtype, value.shape) for name, value in clip.truth.items()} == {
            "joints": (np.float32, (4, 13, 2)),
            "visible": (bool, (4, 13)),
            "person": (bool, (4, SIZE, SIZE)),
            "camera": (np.float32, (4, 3, 4)),
            "places": (np.float32, (4, 13, 3)),
            "depth": (np.float32, (4, SIZE, SIZE)),
            "flow": (np.float32, (4, SIZE, SIZE, 2)),
        }
        assert not clip.truth["flow"][-1].any() and clip.truth["flow"][0].any()


def test_the_tube_holds_the_person_with_a_margin(clips: dict[str, Clip]) -> None:
    for clip in clips.values():
        row, column = np.nonzero(clip.truth["person"].any(0))
        low, high = min(row.min(), column.min()), max(row.max(), column.max())
        assert abs(low - SIZE / 12) <= 1 and abs(high + 1 - SIZE * 11 / 12) <= 1


def test_joints_lie_in_the_person(clips: dict[str, Clip]) -> None:
    from scipy.ndimage import binary_dilation

    for clip in clips.values():
        for points, mask in zip(clip.truth["joints"], clip.truth["person"], strict=True):
            column, row = np.floor(points).astype(int).T
            assert binary_dilation(mask)[row, column].all()


def test_the_camera_takes_the_joints_to_the_picture(clips: dict[str, Clip]) -> None:
    for clip in clips.values():
        camera, places = clip.truth["camera"], clip.truth["places"]
        image = np.einsum("tij,tnj->tni", camera[..., :3], places) + camera[:, None, :, 3]
        np.testing.assert_allclose(image[..., :2] / image[..., 2:], clip.truth["joints"], atol=0.01)
        assert (places[..., 2] > 0).all() and (places[:, 0, 2] > places[:, 11, 2] + 0.5).all()


def test_the_mask_is_where_the_picture_has_a_person(clips: dict[str, Clip]) -> None:
    """What never holds a person or a shadow does not change; what changes most was or is the person."""
    for clip in clips.values():
        change = np.abs(np.diff(clip.frames.astype(int), axis=0)).max(-1)
        person = clip.truth["person"][1:] | clip.truth["person"][:-1]
        assert change[person].mean() > 4 * change[~person].mean()
        assert not change[:, : SIZE // 16].any()
        sharp = change > 60
        assert (sharp & person).sum() > 0.85 * sharp.sum()


def test_depth_is_that_of_the_person(clips: dict[str, Clip]) -> None:
    for clip in clips.values():
        mask, depth = clip.truth["person"], clip.truth["depth"]
        far = clip.truth["places"][0] @ clip.truth["camera"][0, 2, :3] + clip.truth["camera"][0, 2, 3]
        assert (depth[~mask] == 0).all() and depth[0][mask[0]].min() > far.min() - 0.4
        assert depth[0][mask[0]].max() < far.max() + 0.4


def test_flow_carries_a_frame_to_the_next(body: object) -> None:
    from scipy.ndimage import binary_erosion, map_coordinates

    clip = performers.clip(31_002, "baseball_swing", 3, 96, truth="all")
    flow, mask = clip.truth["flow"][0], clip.truth["person"]
    row, column = np.nonzero(binary_erosion(mask[0], iterations=2))
    there = np.stack([row, column]) + flow[row, column][:, ::-1].T
    inside = map_coordinates(mask[1].astype(float), there, order=1) > 0.99
    follow = np.stack([map_coordinates(clip.frames[1, ..., c].astype(float), there, order=1) for c in range(3)], 1)
    now, still = clip.frames[0][row, column].astype(float), clip.frames[1][row, column].astype(float)
    carried, kept = (np.abs(now - other)[inside].mean() for other in (follow, still))
    assert inside.mean() > 0.7 and np.abs(flow).max() > 0.5
    assert carried < 9 and carried < 0.8 * kept
    # Where the depth of the next frame is that of the same point, the joints move as the flow says.
    step = clip.truth["joints"][1] - clip.truth["joints"][0]
    head = np.floor(clip.truth["joints"][0, 0]).astype(int)
    np.testing.assert_allclose(flow[head[1], head[0]], step[0], atol=1.0)


def test_the_same_order_gives_the_same_bits_in_any_process(clips: dict[str, Clip]) -> None:
    code = (
        "from i2vlib.datasets import performers; from tests.datasets.test_performers import digest;"
        f"print(digest(performers.clip(31_001, 'golf_swing', 4, {SIZE}, truth='all')))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True).stdout
    assert told.split()[-1] == digest(clips["golf_swing"])


def test_people_and_actions_differ(body: object, clips: dict[str, Clip]) -> None:
    other = performers.clip(31_003, "jumping_jacks", 1, SIZE).frames[0]
    assert np.abs(other.astype(int) - clips["jumping_jacks"].frames[0]).mean() > 10
    assert np.abs(clips["golf_swing"].frames.astype(int) - clips["jumping_jacks"].frames).mean() > 5


# The cache


def small(**changes: object) -> performers.Performers:
    options = {"split": "validation", "size": 32, "subjects": 2, "actions": ("jump_rope", "golf_swing"), "frames": 2}
    return datasets.open("performers", **{**options, **changes})


def test_a_sequence_is_rendered_once_in_order_and_gets_more_truth_added(bodies: Path) -> None:
    clips = small(actions=("jump_rope", "golf_swing", "tennis_serve"))
    assert len(clips) == len(clips.missing()) == 6
    first = clips[0]
    assert [(clip.subject, clip.expression) for clip in clips] == [
        (f"performer {seed}", name) for seed in (10_000, 10_001) for name in clips.actions
    ]
    assert clips.missing() == [] and set(first.truth) == {"joints", "visible", "person", "camera"}
    assert digest(first) == digest(performers.clip(10_000, "jump_rope", 2, 32))
    more = small(subjects=1, actions="jump_rope", truth=("flow", "joints"))
    assert more.folder == clips.folder and more.missing() == [(10_000, "jump_rope")]
    assert digest(more[0]) == digest(performers.clip(10_000, "jump_rope", 2, 32, truth=("joints", "flow")))
    np.testing.assert_array_equal(more[0].frames, first.frames)
    assert clips.missing() == []


def test_a_file_that_cannot_be_read_is_rendered_again(bodies: Path) -> None:
    clips = small(subjects=1, actions="golf_swing")
    whole = clips[0]
    clips.path(10_000, "golf_swing").write_bytes(b"no clip")
    assert digest(small(subjects=1, actions="golf_swing")[0]) == digest(whole)


def test_splits_share_nobody_and_hold_all_actions() -> None:
    sequences = [datasets.open("performers", split) for split in ("train", "validation", "test")]
    assert [len(clips) for clips in sequences] == [64 * 8, 8 * 8, 16 * 8] and sequences[0].actions == ACTIONS
    seeds = [{seed for seed, _ in clips.keys} for clips in sequences]
    assert [min(some) for some in seeds] == [0, 10_000, 20_000] and max(seeds[0]) < 10_000 and max(seeds[1]) < 20_000
    assert {seed for seed, _ in datasets.open("performers", subjects=2, skip=5).keys} == {5, 6}
    assert (sequences[0].size, sequences[0].frames) == (64, 42) and len(JOINTS) == 13


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "eval"}, "splits train, validation, test; this one is 'eval'"),
        ({"subjects": 0}, "1 to 10,000 subjects; 0 were asked for"),
        ({"subjects": 2, "skip": 9_999}, "2 were asked for, after the first 9999"),
        ({"actions": "bowling"}, "Performers know no action 'bowling'. Choose from: baseball_pitch"),
        ({"actions": ()}, "at least one action"),
        ({"frames": 0}, "at least one frame; 0 were asked for"),
        ({"size": 8}, "at least 16 pixels wide; 8 were asked for"),
        ({"truth": "mouth"}, "Performers know no truth 'mouth'. Choose from: joints, visible"),
    ],
)
def test_what_cannot_be_is_said(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        datasets.open("performers", **options)


def test_they_are_described() -> None:
    text = datasets.describe("performers")
    assert "MakeHuman assets CC0" in text and "of 512 clips of the default size are rendered" in text


# Real motion --------------------------------------------------------------------------------------------------------


def labelled(action: str, frames: int, number: int) -> penn_action.Poses:
    """A sequence of Penn Action as its labels would have a performer: their left is the person's right."""
    known = known_truth(Order(31_000 + number, action, frames, truth=("joints", "visible")))
    order = list(MIRRORED)
    ends = np.concatenate([known["joints"].min(1), known["joints"].max(1)], 1)
    return penn_action.Poses(
        known["joints"][:, order], known["visible"][:, order], ends, action, (64, 64), True, number
    )


def test_people_move_as_in_real_clips(bodies: Path) -> None:
    motions = [labelled("golf_swing", 16, 1), labelled("golf_swing", 9, 2), labelled("jumping_jacks", 9, 3)]
    clips = performers.Performers("test", SIZE, 2, frames=12, motions=motions)
    # A swing that is too short is left out; who jumps goes back and forth; nobody swings a bat.
    assert clips.actions == ("golf_swing", "jumping_jacks") and len(clips) == 4
    poses, start = clips.motion(20_000, "golf_swing")
    assert poses.number == 1 and 0 <= start <= 4
    swing, jump = clips[0], clips[1]
    assert (swing.subject, swing.expression) == ("performer 20000", "golf_swing")
    assert swing.frames.shape == (12, SIZE, SIZE, 3) and swing.truth["joints"].shape == (12, 13, 2)
    # The same person, who moves as the one did who was filmed: left is left.
    wanted, _ = penn_action.own_sides(poses)
    wanted, made = wanted[start : start + 12], swing.truth["joints"]
    level = lambda x: (x - x.mean((0, 1))) / (x - x.mean((0, 1))).std()  # noqa: E731
    assert np.abs(level(wanted) - level(made)).mean() < 0.2
    assert np.abs(level(wanted[:, list(MIRRORED)]) - level(made)).mean() > 0.3
    # Eight steps there, three back.
    np.testing.assert_allclose(jump.truth["joints"][9:], jump.truth["joints"][7:4:-1], atol=1e-4)
    # The next time nothing is made again, and a performer who moves by the table is another file.
    assert not performers.Performers("test", SIZE, 2, frames=12, motions=motions).missing()
    plain = performers.Performers("test", SIZE, 2, frames=12, actions=clips.actions)
    assert len(plain.missing()) == 4


def test_one_foot_of_a_real_swing_stands(bodies: Path) -> None:
    clips = performers.Performers("test", SIZE, 1, frames=12, motions=[labelled("golf_swing", 12, 1)])
    pose, slid = clips.order(20_000, "golf_swing").pose, []
    for name in ("left_foot", "right_foot"):
        down = pose[name][:, 2] == 0
        assert down.mean() > 0.5
        slid.append(np.median(np.linalg.norm(np.diff(pose[name][:, :2], axis=0), axis=1)[down[1:] & down[:-1]]))
    assert min(slid) < 1e-6


def test_motions_that_cannot_be_had(bodies: Path, tmp_path: Path) -> None:
    short = [labelled("golf_swing", 9, 1)]
    with pytest.raises(ValueError, match="motions given holds no sequence of .*golf_swing.* with 12 frames in which"):
        performers.Performers("test", SIZE, 1, frames=12, motions=short)
    with pytest.raises(ValueError, match="no sequence of jump_rope with 9 frames"):
        performers.Performers("test", SIZE, 1, frames=9, actions="jump_rope", motions=short)
    with pytest.raises(ValueError, match="There is no folder at"):
        performers.Performers("test", SIZE, 1, motions=tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"takes as many poses; given were \[9\]"):
        Order(1, "golf_swing", 10, SIZE, pose={"pelvis": np.zeros((9, 3))})


def test_real_motion(real_data: Path, bodies: Path) -> None:
    folder = real_data / "penn-action-labels"
    if not folder.is_dir():
        pytest.skip("there are no labels of Penn Action in I2V_REAL_DATA")
    clips = datasets.open("performers", split="test", size=SIZE, subjects=1, frames=20, motions=folder)
    assert set(clips.actions) == set(ACTIONS)
    poses, _ = clips.motion(20_000, "jumping_jacks")
    joints, visible = penn_action.own_sides(poses)
    found = fit.fitted([(joints, visible)])[0]
    assert np.nanmean(found.errors(joints, visible)) < 0.03 * found.height
    # Who jumps is seen from the side from which the one was who was filmed.
    one, two = (JOINTS.index(f"{side}_shoulder") for side in ("left", "right"))
    made = clips[ACTIONS.index("jumping_jacks")].truth["joints"]
    sides = np.sign(made[:, one, 0] - made[:, two, 0])
    wanted = np.sign(np.median((joints[:, one, 0] - joints[:, two, 0])[visible[:, one] & visible[:, two]]))
    assert (sides == wanted).all()
