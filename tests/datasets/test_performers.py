"""Performers: the truth is true, and the cache holds what was rendered."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from i2vlib import datasets
from i2vlib.clips import Clip, to_tensor
from i2vlib.datasets import performers
from i2vlib.joints import ACTIONS, JOINTS
from i2vlib.papers.carried import carry

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
            "surface": (np.float16, (4, SIZE, SIZE, 3)),
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


def test_points_of_the_body_lead_to_where_the_flow_does_and_carry_a_frame_to_any_other(body: object) -> None:
    from i2vlib.surfaces import flow_between

    clip = performers.clip(31_002, "baseball_swing", 13, 64, truth=("person", "flow", "surface"))
    surface, person = clip.truth["surface"], clip.truth["person"]
    assert np.array_equal(np.isfinite(surface).all(-1), person)
    flow, seen = flow_between(surface[0], surface[1])
    on_body = seen & person[0]
    off = np.abs(flow - clip.truth["flow"][0]).max(-1)[on_body]
    assert on_body.sum() > 0.8 * person[0].sum() and np.median(off) < 0.1 and np.quantile(off, 0.95) < 0.4
    flow, seen = flow_between(surface[12], surface[0])
    on_body = seen & person[12]
    carried = carry(to_tensor(clip.frames[:1]), torch.from_numpy(flow).permute(2, 0, 1)[None])[0]
    now, still = to_tensor(clip.frames[12]), to_tensor(clip.frames[0])
    errors = [float((now - other).abs().mean(0)[on_body].mean()) for other in (carried, still)]
    assert np.abs(flow[on_body]).max() > 5 and errors[0] < 0.5 * errors[1]
    assert not flow[~person[12]].any() and np.array_equal(seen[~person[12]], ~person[0][~person[12]])


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
        ({"split": "eval"}, "eval"),
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
