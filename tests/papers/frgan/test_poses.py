"""G_C of bodies: what the network is shown, what it is asked for, and that it learns motion."""

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

import i2vlib
from i2vlib.clips import Clip
from i2vlib.datasets.penn_action import Poses
from i2vlib.joints import MIRRORED
from i2vlib.papers.frgan.poses import PosePredictor, PosePredictorConfig, at_pace, joints_of

BODY = np.random.default_rng(5).uniform(-1, 1, (13, 2)).astype(np.float32)


def turning(frames: int = 30, phase: float = 0.0, centre: float = 50.0) -> np.ndarray:
    """A body of which every joint goes round its own place, once in 16 frames."""
    angle = phase + np.arange(frames) * 2 * np.pi / 16
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    return (centre + 20 * BODY + 6 * circle[:, None]).astype(np.float32)


def poses(joints: np.ndarray, visible: np.ndarray | None = None) -> Poses:
    visible = np.ones(joints.shape[:2], bool) if visible is None else visible
    return Poses(joints, visible, np.zeros((len(joints), 4), np.float32), "golf_swing", (100, 100), True, 1)


def tiny(**changes: object) -> PosePredictor:
    torch.manual_seed(0)
    values = {"seen": 4, "frames": 6, "code": 4, "hidden": 8, "clips_per_step": 2}
    return PosePredictor(PosePredictorConfig(**{**values, **changes})).eval()


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Configurations -----------------------------------------------------------------------------------------------------


def test_the_paper_is_villegas_and_others():
    paper = PosePredictorConfig.preset("paper")
    assert (paper.seen, paper.frames, paper.code, paper.hidden) == (10, 32, 32, 1024)
    assert (paper.outputs, paper.clips_per_step, paper.learning_rate, paper.betas[0]) == ("places", 256, 1e-3, 0)
    assert paper.weights == {"squared": 1, "distance": 0}
    assert not any((paper.mirror, paper.scale, paper.shift, paper.speed, paper.hide, paper.soon))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seen": 0}, "at least one pose"),
        ({"outputs": "angles"}, "outputs"),
        ({"weights": {"l1": 1.0}}, "no loss terms"),
    ],
)
def test_a_bad_config_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        PosePredictorConfig(**changes)


# The network --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outputs", ["places", "offsets", "steps"])
def test_without_weights_the_forecast_is_the_decoders_bias(outputs):
    model = tiny(outputs=outputs)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.fill_(0.25)
    last = torch.rand(2, 13, 2, generator=rng())
    made = model(torch.rand(2, 4, 13, 3, generator=rng()), last, 3)
    told = torch.tensor([0.25, 0.5, 0.75]).view(1, 3, 1, 1) if outputs == "steps" else 0.25
    wanted = told + (0 if outputs == "places" else last[:, None])
    assert torch.equal(made, torch.zeros(2, 3, 13, 2) + wanted)


def test_after_what_is_seen_the_recurrence_is_shown_nothing():
    """So a forecast of more poses begins with that of fewer, and follows from the seen poses alone."""
    model = tiny()
    seen, last = torch.rand(1, 4, 13, 3, generator=rng()), torch.zeros(1, 13, 2)
    torch.testing.assert_close(model(seen, last, 9)[:, :6], model(seen, last, 6))
    state, made = None, []
    for code in (*model.encoder(seen.flatten(2))[0], *torch.zeros(2, 4)):
        told, state = model.recurrence(code[None, None], state)
        made.append(model.decoder(told)[0, 0].view(13, 2))
    torch.testing.assert_close(model(seen, last, 2)[0], torch.stack(made[4:]))


def test_a_forecast_is_the_same_in_any_company():
    model = tiny()
    seen, last = torch.rand(5, 4, 13, 3, generator=rng()), torch.rand(5, 13, 2, generator=rng())
    torch.testing.assert_close(model(seen, last, 6)[3:4], model(seen[3:4], last[3:4], 6), atol=1e-6, rtol=0)


# A forecast ---------------------------------------------------------------------------------------------------------


def test_a_forecast_moves_and_grows_with_the_body():
    model, joints = tiny(), turning(4)
    made = model.forecast(joints, None, 5)
    assert made.shape == (5, 13, 2) and made.dtype == np.float32
    np.testing.assert_allclose(model.forecast(3 * joints + 7, None, 5), 3 * made + 7, atol=1e-3)
    np.testing.assert_array_equal(model.forecast(joints, None, 5), made)


def test_only_the_last_frames_and_what_is_visible_count():
    model, joints = tiny(), turning(6)
    visible = np.ones((6, 13), bool)
    visible[4, 2] = False
    made = model.forecast(joints, visible)
    assert len(made) == 32
    joints[:2], joints[4, 2] = 1e3, np.nan
    np.testing.assert_array_equal(model.forecast(joints, visible), made)
    np.testing.assert_array_equal(model.forecast(joints[2:]), made)


def test_offsets_begin_where_a_joint_was_seen_last_or_in_the_middle():
    model, joints, visible = tiny(outputs="offsets"), turning(4), np.ones((4, 13), bool)
    with torch.no_grad():
        model.decoder.weight.zero_()
        model.decoder.bias.zero_()
    visible[2:, 1] = visible[:, 5] = False
    made = model.forecast(joints, visible, 2)
    np.testing.assert_allclose(made[1, 0], joints[3, 0], atol=1e-4)
    np.testing.assert_allclose(made[0, 1], joints[1, 1], atol=1e-4)
    shown = joints[visible]
    np.testing.assert_allclose(made[0, 5], (shown.min(0) + shown.max(0)) / 2, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((turning(3),), "watches 4 poses; given were 3"),
        ((turning(4)[:, :12],), r"joints \(T, 13, 2\)"),
        ((turning(4), np.ones((3, 13), bool)), "Which joints are visible"),
        ((turning(4), np.zeros((4, 13), bool)), "In none of 4 frames is a joint visible"),
        ((turning(4), None, 0), "positive integer; given was 0"),
        ((turning(4), None, 2.5), "positive integer; given was 2.5"),
    ],
)
def test_what_cannot_be_forecast_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny().forecast(*arguments)


# What it learns from ------------------------------------------------------------------------------------------------


def test_a_sample_is_in_units_of_the_box_of_what_is_seen():
    joints = np.zeros((5, 13, 2), np.float32)
    joints[:, 1] = 8, 4  # the box of all is 8 wide and 4 high, its centre (4, 2)
    joints[4] = 12, 2
    sample = tiny(frames=1).example(poses(joints), rng())
    assert sample["seen"][0, 0].tolist() == [-0.5, -0.25, 1] and sample["seen"][3, 1].tolist() == [0.5, 0.25, 1]
    assert sample["last"][:2].tolist() == [[-0.5, -0.25], [0.5, 0.25]]
    assert sample["future"].tolist() == [[[1.0, 0.0]] * 13] and sample["visible"].tolist() == [[1.0] * 13]


def test_hidden_and_unknown_joints_are_zeros_and_an_end_is_as_hidden_ones():
    joints, visible = turning(7), np.ones((7, 13), bool)
    visible[:, 3] = False
    joints[:, 4] = np.nan
    found = [tiny().example(poses(joints, visible), rng(seed)) for seed in range(20)]
    for sample in found:
        assert not sample["seen"][:, 3:5].any() and not sample["last"][3:5].any()
        assert not sample["future"][:, 3:5].any() and not sample["visible"][:, 3:5].any()
        assert all(torch.isfinite(value).all() for value in sample.values())
    assert {int(sample["visible"][:, 0].sum()) for sample in found} == {1, 2, 3}  # from frame 2, 1 or 0 on


def test_no_gradient_comes_from_a_joint_that_is_not_visible():
    model, joints, visible = tiny(weights={"squared": 1.0, "distance": 1.0}), turning(), np.ones((30, 13), bool)
    visible[:, 6] = False
    batch = default_collate([model.example(poses(joints, visible), rng(seed)) for seed in range(2)])
    made = torch.rand(2, 6, 13, 2, generator=rng(), requires_grad=True)
    terms = model.generator_terms(batch, {"joints": made})
    (slope,) = torch.autograd.grad(terms["squared"] + terms["distance"], made)
    assert not slope[:, :, 6].any() and slope[:, :, 5].all()


def test_the_terms_are_as_worked_by_hand():
    model = tiny(weights={"squared": 1.0, "distance": 1.0})
    visible = torch.zeros(1, 2, 13)
    visible[0, 0, :2] = visible[0, 1, 7] = 1
    future = torch.zeros(1, 2, 13, 2)
    future[0, 0, 0], future[0, 1, 7] = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0])
    future[0, 1, 8] = 100.0
    terms = model.generator_terms({"future": future, "visible": visible}, {"joints": torch.zeros_like(future)})
    assert terms["squared"].item() == pytest.approx((25 + 4) / 3 / 2)  # per coordinate
    assert terms["distance"].item() == pytest.approx((5 + 0 + 2) / 3, abs=1e-3)
    assert set(tiny().generator_terms({"future": future, "visible": visible}, {"joints": future})) == {"squared"}


def test_soon_weighs_a_pose_by_how_far_ahead_it_is():
    visible, future = torch.ones(1, 2, 13), torch.zeros(1, 2, 13, 2)
    future[0, 0, :, 0], future[0, 1, :, 0] = 3.0, 6.0
    of = {
        soon: tiny(soon=soon).generator_terms({"future": future, "visible": visible}, {"joints": 0 * future})
        for soon in (0.0, 1.0)
    }
    assert of[0.0]["squared"].item() == pytest.approx((9 + 36) / 2 / 2)
    assert of[1.0]["squared"].item() == pytest.approx((9 + 36 / 2) / (1 + 1 / 2) / 2)


@pytest.mark.parametrize("outputs", ["offsets", "steps"])
def test_before_training_a_body_stands_still_or_is_anywhere(outputs):
    joints = turning(4)
    np.testing.assert_allclose(tiny(outputs=outputs).forecast(joints, None, 3), joints[[3, 3, 3]], atol=1e-4)
    assert np.abs(tiny().forecast(joints, None, 3) - joints[3]).max() > 1


def test_a_mirror_exchanges_the_sides_of_half_of_the_samples():
    plain, model = tiny(), tiny(mirror=True)
    mirrored = 0
    for seed in range(20):
        one, other = plain.example(poses(turning()), rng(seed)), model.example(poses(turning()), rng(seed))
        if not torch.equal(one["seen"], other["seen"]):
            mirrored += 1
            seen = one["seen"][:, MIRRORED] * torch.tensor([-1, 1, 1])
            torch.testing.assert_close(other["seen"], seen, atol=1e-5, rtol=0)
            torch.testing.assert_close(
                other["future"], one["future"][:, MIRRORED] * torch.tensor([-1, 1]), atol=1e-5, rtol=0
            )
    assert 5 <= mirrored <= 15


def test_scale_and_shift_move_what_is_seen_and_the_future_alike():
    plain = tiny().example(poses(turning()), rng(3))
    moved = tiny(scale=0.5, shift=0.2).example(poses(turning()), rng(3))
    before, after = plain["seen"][0, :, :2], moved["seen"][0, :, :2]
    grown = (after - after.mean(0)).norm() / (before - before.mean(0)).norm()
    assert 1 / 1.5 <= grown <= 1.5 and abs(grown - 1) > 0.01
    shift = after.mean(0) - grown * before.mean(0)
    assert 0 < shift.abs().max() <= 0.2 + 1e-5
    torch.testing.assert_close(moved["future"], grown * plain["future"] + shift, atol=1e-5, rtol=0)


def test_hiding_takes_joints_from_what_is_seen_and_from_nothing_else():
    plain, model = tiny().example(poses(turning()), rng(1)), tiny(hide=0.5).example(poses(turning()), rng(1))
    shown = model["seen"][..., 2].bool()
    assert 0 < shown.sum() < shown.numel() and torch.equal(model["seen"][shown], plain["seen"][shown])
    assert not model["seen"][~shown].any() and torch.equal(model["future"], plain["future"])


def test_a_pace_of_two_takes_every_other_frame_and_one_of_half_puts_one_between():
    joints, visible = turning(5), np.ones((5, 13), bool)
    visible[2, 0] = False
    fast, seen = at_pace(joints, visible, 2)
    assert len(fast) == 3 and seen[:, 0].tolist() == [True, False, True]
    np.testing.assert_array_equal(fast[:2], joints[[0, 2]])
    slow, seen = at_pace(joints, visible, 0.5)
    assert len(slow) == 9 and seen[:, 0].tolist() == [True, True, True, False, False, False, True, True, True]
    np.testing.assert_allclose(slow[1], (joints[0] + joints[1]) / 2, atol=1e-5)


def test_a_sequence_that_teaches_nothing_is_refused():
    with pytest.raises(ValueError, match="4 frames"):
        tiny().example(poses(turning(4)), rng())
    with pytest.raises(ValueError, match="Leave"):
        tiny().example(poses(turning(), np.zeros((30, 13), bool)), rng())


def test_joints_come_from_a_clips_truth_or_from_penn_action():
    frames, joints = np.zeros((6, 16, 16, 3), np.uint8), turning(6)
    clip = Clip(frames, truth={"joints": joints, "visible": np.ones((6, 13), bool)})
    assert (joints_of(clip)[0] == joints_of(poses(joints))[0]).all() and joints_of(clip)[1].all()
    assert joints_of(Clip(frames, truth={"joints": joints}))[1].all()
    with pytest.raises(ValueError, match="joints"):
        joints_of(Clip(frames))


def test_a_clip_is_redrawn_as_heatmaps_of_what_is_seen_and_of_the_forecast():
    joints = np.zeros((6, 13, 2), np.float32)
    joints[..., 0], joints[..., 1] = 4.5, np.linspace(3.5, 10.5, 13)
    clip = Clip(np.zeros((6, 16, 16, 3), np.uint8), truth={"joints": joints})
    model = tiny(outputs="offsets")
    whole = model.redraw(clip).frames
    assert whole.shape == clip.frames.shape and whole[0, 3, 4].tolist() == [254] * 3 and whole[0, 0, 15].max() == 0
    assert (model.redraw(clip, [0, 5]).frames == whole[[0, 5]]).all()


# Learning -----------------------------------------------------------------------------------------------------------


def taught(steps: int = 400, seed: int = 0) -> PosePredictor:
    model = tiny(hidden=32, outputs="offsets", learning_rate=1e-2, betas=(0.9, 0.99), decay=0.5, clips_per_step=8)
    data = [poses(turning(phase=phase)) for phase in np.linspace(0, 6, 24)]
    i2vlib.fit(model, data, steps, seed, progress=False, device="cpu")
    return model


def test_who_has_learnt_a_circle_beats_constant_velocity_and_constant_pose():
    model, whole = taught(), turning(10, phase=0.9, centre=80.0)
    made, ahead = model.forecast(whole[:4], None, 6), np.arange(1, 7)[:, None, None]
    error = lambda guess: np.linalg.norm(guess - whole[4:], axis=-1).mean(1)  # noqa: E731
    still, straight = error(whole[3][None]), error(whole[3] + ahead * (whole[3] - whole[2]))
    assert (error(made)[2:] < 0.7 * np.minimum(still, straight)[2:]).all()


def test_one_seed_gives_one_model_and_it_comes_back_from_its_file(tmp_path):
    first, second, other = (taught(3, seed) for seed in (1, 1, 2))
    joints = turning(4)
    np.testing.assert_array_equal(first.forecast(joints), second.forecast(joints))
    assert (first.forecast(joints) != other.forecast(joints)).any()
    first.save_pretrained(tmp_path)
    kept = i2vlib.load_pretrained(tmp_path, "cpu")
    assert kept.config == first.config and "<dt>picture</dt>" not in kept._repr_html_()
    np.testing.assert_allclose(kept.forecast(joints), first.forecast(joints), atol=0.05)  # half precision


def test_a_run_keeps_its_folder_for_poses_without_pictures_too(tmp_path):
    model = tiny()
    i2vlib.fit(model, [poses(turning())], 2, folder=tmp_path / "poses", progress=False, device="cpu")
    assert not (tmp_path / "poses" / "sample.png").exists()
    clip = Clip(np.zeros((30, 64, 64, 3), np.uint8), truth={"joints": turning(centre=32)})
    i2vlib.fit(tiny(), [clip], 2, folder=tmp_path / "clips", progress=False, device="cpu")
    assert (tmp_path / "clips" / "sample.png").exists()
