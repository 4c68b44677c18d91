"""A body fitted to joints: what a performer did is found again, by its joints alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib.joints import JOINTS
from i2vlib.performers import fit, footing
from i2vlib.performers.film import Order, known_truth
from i2vlib.performers.skeleton import CHANNELS

SEEN = ("jumping_jacks", "golf_swing")


def filmed(action: str, frames: int = 24) -> dict[str, np.ndarray]:
    return known_truth(Order(31_002, action, frames, truth=("joints", "visible", "places")))


def test_the_motion_of_a_performer_is_found_again(bodies: Path) -> None:
    """Seen by a camera at some metres, of another shape, with the hidden joints hidden: within 2 % of the height, and
    within 5 % where a body of usual shape takes the motion."""
    truths = [filmed(action) for action in SEEN]
    clips = [(truth["joints"], truth["visible"]) for truth in truths]
    for truth, clip, found in zip(truths, clips, fit.fitted(clips), strict=True):
        assert set(found.pose) == set(CHANNELS)
        assert {name: values.shape for name, values in found.pose.items()} == {
            name: (24, size) for name, size in CHANNELS.items()
        }
        off = found.errors(*clip)
        assert np.isnan(off).sum() == (~clip[1]).sum()
        assert np.nanmean(off) < 0.02 * found.height
        assert np.nanmean(found.errors(*clip, fit.performed(found, *clip))) < 0.05 * found.height
        # As tall as it is in the picture: the head over the ankles of somebody who stands is a little less.
        upright = np.ptp(truth["joints"][..., 1], axis=1).max()
        assert 0.8 < found.height / upright < 1.35


def test_hidden_joints_say_nothing(bodies: Path) -> None:
    truth = filmed("jumping_jacks")
    joints, visible = truth["joints"].copy(), truth["visible"].copy()
    visible[8:12] = False  # as if somebody had walked by
    visible[:, JOINTS.index("left_wrist")] = False
    moved = np.where(visible[..., None], joints, 1e4).astype(np.float32)
    gone = np.where(visible[..., None], joints, np.nan).astype(np.float32)
    one, other = fit.fitted([(moved, visible)])[0], fit.fitted([(gone, visible)])[0]
    np.testing.assert_array_equal(one.joints, other.joints)
    assert np.isfinite(one.joints).all() and np.nanmean(one.errors(joints, visible)) < 0.02 * one.height
    # Where nothing is seen the body goes on from what it did to what it does.
    between = np.linalg.norm(one.joints[8:12] - joints[8:12], axis=-1)[truth["visible"][8:12]]
    assert between.mean() < 0.12 * one.height


def test_a_fit_is_made_once(bodies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = filmed("jumping_jacks", 12)
    clip = truth["joints"], truth["visible"]
    first = fit.fitted([clip])[0]
    (path,) = (bodies / f"fits-v{fit.FIT_VERSION}").iterdir()
    descended = fit._descended
    monkeypatch.setattr(fit, "_descended", None)
    again = fit.fitted([clip])[0]
    for name, values in first.pose.items():
        np.testing.assert_array_equal(again.pose[name], values)
    assert np.array_equal(again.joints, first.joints) and again.height == first.height
    # One that is cut short is made again, and the same.
    path.write_bytes(path.read_bytes()[:200])
    monkeypatch.setattr(fit, "_descended", descended)
    np.testing.assert_array_equal(fit.fitted([clip])[0].joints, first.joints)


def test_what_cannot_be_fitted(bodies: Path) -> None:
    joints, visible = np.zeros((9, 13, 2), np.float32), np.ones((9, 13), bool)
    with pytest.raises(ValueError, match=r"\(T, 13, 2\) and which are visible, \(T, 13\); of clip 1 the shapes are"):
        fit.fitted([(joints, visible), (joints[:, :5], visible)])
    hidden = visible.copy()
    hidden[2:, 5:] = False
    with pytest.raises(ValueError, match="6 visible joints in at least 8 frames; clip 0 has them in 2 of 9. Leave"):
        fit.fitted([(joints, hidden)])
    unknown = np.where(hidden[..., None], joints, np.nan)
    with pytest.raises(ValueError, match="clip 0 has them in 2 of 9"):
        fit.fitted([(unknown, visible)])


def test_the_torch_body_is_the_skeleton(body: object) -> None:
    """The joints that the descent moves are where `Skeleton.posed` has them, the same being told."""
    import torch

    rng = np.random.default_rng(0)
    unknowns = fit._held()[0].repeat(1, 6) + torch.from_numpy(rng.normal(0, 0.12, (30, 6))).float()
    told = fit._named(unknowns)
    told["look"][:] = 0  # the head of a skeleton does not roll
    skeleton = fit.reference()
    with torch.no_grad():
        wanted = fit._joints(told, skeleton).permute(2, 0, 1).numpy()
    made = skeleton.joints(*skeleton.posed(fit._told(told, 1.0)))
    made = made - made[:, [7, 8]].mean(1, keepdims=True)
    upper = slice(1, 9)
    np.testing.assert_allclose(made[:, upper], wanted[:, upper], atol=0.015)


def test_a_foot_that_is_down_stays_down_and_in_its_place(body: object) -> None:
    """A body that walks by in the picture of a camera that follows it, half a step a foot."""
    skeleton = fit.reference()
    times = np.arange(40)
    down = np.stack([times % 20 < 12, (times + 10) % 20 < 12], 1)
    stride = np.stack([0.3 - 0.05 * (times % 20), 0.3 - 0.05 * ((times + 10) % 20)], 1)
    stride[~down] = np.nan
    for side in range(2):
        known = np.flatnonzero(down[:, side])
        stride[:, side] = np.interp(times, known, stride[known, side])
    height = np.where(down, 0, 0.12) - 0.8
    ankles = np.stack([np.tile([0.1, -0.1], (40, 1)), -stride, height], -1)
    pose = footing.floored(np.zeros((40, 2)), ankles, np.zeros((40, 2)), skeleton)
    for side, name in enumerate(("left_foot", "right_foot")):
        foot = pose[name]
        standing = down[:, side]
        assert (foot[standing, 2] == 0).all() and (foot[~standing, 2] > 0).mean() > 0.5
        both = standing[1:] & standing[:-1]
        assert np.abs(np.diff(foot[:, :2], axis=0)[both]).max() * skeleton.leg < 0.012
    # It has gone two metres forwards, a step of a metre for each time that a foot was put down.
    assert 1.5 < np.ptp(pose["pelvis"][:, 0]) * skeleton.leg < 2.2


def test_who_hops_leaves_the_floor(body: object) -> None:
    skeleton = fit.reference()
    hop = 0.15 * np.maximum(0, np.sin(2 * np.pi * np.arange(40) / 16))
    ankles = np.tile(np.array([[0.1, 0, -0.85], [-0.1, 0, -0.85]]), (40, 1, 1))
    pose = footing.floored(np.stack([np.zeros(40), hop], 1), ankles, np.zeros((40, 2)), skeleton)
    rise = (pose["pelvis"][:, 2] - pose["pelvis"][:, 2].min()) * skeleton.leg
    np.testing.assert_allclose(rise, hop, atol=0.036)
    assert pose["left_foot"][hop > 0.14, 2].min() > 0 and pose["left_foot"][hop > 0.1, 4].min() > 20
