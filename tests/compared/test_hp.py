"""HP: its equations by hand, what its two halves learn from, and where the landmarks of a still come from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib import animation
from i2vlib.clips import to_frames, to_tensor
from i2vlib.compared import HP, HPConfig
from i2vlib.compared.hp import WIDTH, by_analogy, from_the_middle, gaussians, mismatched, pose_error
from i2vlib.training import fit
from tests.conftest import moving_square
from tests.papers.frgan.test_kinds import body


def tiny(**changes):
    return HP(HPConfig.small(**{"size": 16, "base_channels": 4, "hidden": 8, "frames": 5, **changes}))


def faced(size=16, frames=5):
    """A clip with landmarks on a circle, which grows from frame to frame."""
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    radii = np.linspace(0.2, 0.4, frames)[:, None, None] * size
    points = size / 2 + radii * np.stack([np.cos(turn), np.sin(turn)], 1)
    return replace(moving_square(size=size, frames=frames), landmarks=points.astype(np.float32))


def batch_of(system, **changes):
    rng = torch.Generator().manual_seed(0)
    rows = [system.example(faced(**changes), rng) for _ in range(2)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_a_landmark_is_a_gaussian_at_its_place_and_an_unknown_one_is_nothing():
    points = torch.full((1, 68, 2), torch.nan)
    points[0, 0] = torch.tensor([0.25, -0.75])  # of 8 pixels: the centre of column 4.5, row .5
    maps = gaussians(points, 8, 1 / 8)  # one pixel
    assert maps.shape == (1, 68, 8, 8) and maps[0, 1:].abs().max() == 0
    assert maps[0, 0].argmax().item() in (8 * 0 + 4, 8 * 1 + 4)
    # (x, y) = (5, 1) in pixels, between the centres 4.5 and 5.5, .5 and 1.5
    assert maps[0, 0, 0, 4].item() == pytest.approx(np.exp(-0.25), abs=1e-6)
    assert maps[0, 0, 1, 6].item() == pytest.approx(np.exp(-(1.5**2 + 0.5**2) / 2), abs=1e-6)


def test_an_analogy_adds_what_has_changed():
    image, to, of = (torch.full((1, 1, 1, 1, 1), value) for value in (0.5, 3.0, 1.0))
    assert by_analogy(image, to, of).item() == 2.5
    assert torch.equal(by_analogy(image, of, of), image)


def test_the_error_of_a_pose_counts_what_is_known():
    real = torch.zeros(1, 1, 68, 2)
    made = torch.zeros(1, 1, 68, 2)
    made[..., 0, :] = torch.tensor([3.0, 4.0])
    assert pose_error(made, real) == pytest.approx(25 / 68)
    real[..., 2:, :] = torch.nan
    assert pose_error(made, real) == pytest.approx(25 / 2)
    made.requires_grad_()
    pose_error(made, torch.full_like(real, torch.nan)).backward()
    assert made.grad.abs().max() == 0


def test_a_true_frame_of_other_landmarks_is_half_of_what_is_wrong():
    zero = torch.zeros(2, 1)
    assert mismatched(zero, zero, zero) == pytest.approx(2 * np.log(2))
    assert mismatched(zero + 30, zero, zero - 30) == pytest.approx(np.log(2) / 2)
    assert mismatched(zero + 30, zero - 30, zero + 4) == pytest.approx(np.log1p(np.exp(4)) / 2)


def test_the_judge_is_shown_each_frame_beside_the_landmarks_of_the_later_one():
    system = tiny(pairs=2)
    batch, shown = batch_of(system), []
    system.discriminator.register_forward_pre_hook(lambda _, given: shown.append(given[0]))
    system.discriminator_terms(batch, system.outputs(batch))
    real, _, other = shown
    later = [batch["frames"][n, m] for n in range(2) for m in batch["moments"][n]]
    assert torch.equal(real[:, :3], torch.stack(later))
    assert torch.equal(other[:, :3], batch["frames"][:, 0].repeat_interleave(2, 0))
    assert len({one[:, 3:].double().sum().item() for one in shown}) == 1
    points = batch["points"][1, batch["moments"][1, 1]][None]
    assert torch.allclose(other[3, 3:], gaussians(points, 16, WIDTH)[0])


def test_landmarks_that_stay_leave_the_code_of_the_still():
    system = tiny().eval()
    still, points = torch.rand(1, 3, 16, 16), torch.rand(1, 68, 2) - 0.5
    with torch.no_grad():
        drawn = system.draw(still, points, points[:, None])[:, 0]
        moved = system.draw(still, points, points[:, None] + 0.2)[:, 0]
        assert torch.allclose(drawn, system.decoder(system.image(still)), atol=1e-5)
    assert not torch.allclose(drawn, moved, atol=1e-5)


def test_a_new_forecaster_leaves_the_face_at_rest_and_the_clip_begins_with_the_still():
    system = tiny().eval()
    still, points = torch.rand(1, 3, 16, 16), torch.rand(1, 68, 2) - 0.5
    made = system.clip(still, torch.tensor([0]), points)
    assert made["images"].shape == (1, 5, 3, 16, 16) and torch.equal(made["images"][:, 0], still)
    assert torch.equal(made["points"], points[:, None].expand(-1, 4, -1, -1))


def test_frames_are_drawn_of_what_is_forecast_for_the_expression():
    system = tiny(expressions=("happy", "angry")).eval()
    torch.nn.init.normal_(system.offsets.weight)
    still, points = torch.rand(2, 3, 16, 16), torch.rand(2, 68, 2) - 0.5
    with torch.no_grad():
        made = system.clip(still, torch.tensor([0, 1]), points)
        other = system.clip(still[:1], torch.tensor([1]), points[:1])
        again = system.draw(still, points, made["points"])
        alone = system.clip(still[1:], torch.tensor([1]), points[1:])["images"]
    assert torch.equal(made["images"][:, 1:], again)
    assert torch.allclose(made["images"][1:], alone, atol=1e-5)
    assert not torch.allclose(made["points"][:1], other["points"])


def gradients(parameters):
    return [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in parameters]


def test_each_side_of_the_game_teaches_its_own_and_the_forecaster_hears_of_landmarks_alone():
    system = tiny(pairs=2)
    torch.nn.init.normal_(system.offsets.weight)
    batch = batch_of(system)
    outputs = system.outputs(batch)
    terms = system.discriminator_terms(batch, outputs)
    assert set(terms) == {"adversarial"}
    terms["adversarial"].backward()
    assert all(p.grad is None for p in system.generator_parameters())
    assert all(gradients([system.discriminator.score.weight, system.discriminator.features[0].weight]))
    system.zero_grad()
    terms = system.generator_terms(batch, outputs)
    assert set(terms) == set(HPConfig.TERMS)
    forecaster = [p for part in (system.pose, system.recurrence, system.offsets) for p in part.parameters()]
    drawing = [system.image.levels[0].weight, system.structure.levels[0].weight, system.decoder.levels[0].weight]
    pose = terms.pop("pose")
    sum(terms.values()).backward(retain_graph=True)
    assert all(gradients(drawing)) and not any(gradients(forecaster))
    system.zero_grad()
    pose.backward()
    assert all(gradients(p for p in forecaster if p.ndim == 2)) and not any(gradients(drawing))


def test_the_error_is_squared_and_that_of_moving_pixels_is_not():
    system = tiny()
    batch = batch_of(system)
    real = batch["frames"][torch.arange(2)[:, None], batch["moments"]]
    made = {"images": real + 0.1, "points": batch["points"][:, 1:]}
    terms = system.generator_terms(batch, made)
    assert terms["reconstruction"] == pytest.approx(0.01, abs=1e-6) and terms["pose"] == 0
    assert terms["reconstruction_moving"] == pytest.approx(0.1, abs=1e-5)


def test_a_sample_has_the_clips_own_landmarks_moved_with_it():
    system, clip = tiny(augment=False), faced()
    sample = system.example(clip, torch.Generator().manual_seed(1))
    assert torch.allclose((sample["points"] + 1) * 8, torch.from_numpy(clip.landmarks), atol=1e-5)
    assert len(set(sample["moments"].tolist())) == 3 and sample["moments"].min() >= 1
    with pytest.raises(ValueError, match="68 landmarks.*0"):
        system.example(moving_square(), torch.Generator())
    with pytest.raises(ValueError, match="68"):
        system.example(replace(body(), expression="happy"), torch.Generator())


def test_it_is_trained_by_fit_from_its_seed_and_makes_a_clip_again():
    weights, made = [], []
    for _ in range(2):
        system = tiny(clips_per_step=2, pairs=2)
        history = fit(system, [faced()], 2, seed=3, log_every=1, progress=False, device="cpu")
        assert history.filter(like="generator/").notna().all().all()
        weights.append(torch.cat([p.detach().flatten() for p in system.parameters()]))
        made.append(system.redraw(faced()).frames)
    assert torch.equal(*weights) and np.array_equal(*made) and made[0].shape == (5, 16, 16, 3)


def test_the_landmarks_of_a_still_are_given_or_read(monkeypatch):
    system, clip = tiny().eval(), faced()
    asked = []
    monkeypatch.setattr(animation, "points_of", lambda still: asked.append(still) or clip.landmarks[0])
    monkeypatch.setattr(animation, "crop_of", lambda face, size: face)
    read = system.animate(clip.frames[0], "happy")
    assert len(asked) == 1
    given = system.animate(clip.frames[0], "happy", landmarks=clip.landmarks[0])
    assert len(asked) == 1 and np.array_equal(read.frames, given.frames) and len(given) == 5
    monkeypatch.setattr(animation, "points_of", lambda still: None)
    with pytest.raises(ValueError, match="read"):
        system.animate(clip.frames[0], "happy")


# Of bodies ----------------------------------------------------------------------------------------------------------


def of_bodies(**changes):
    return tiny(**{"size": 64, "shows": "bodies", "expressions": ("golf_swing",), "first": 1, **changes})


def test_a_hidden_joint_sets_out_from_the_middle_of_those_that_are_seen():
    points = torch.tensor([[[0.0, 0.2], [torch.nan, torch.nan], [0.4, 0.6]]])
    assert from_the_middle(points).tolist()[0][1] == pytest.approx([0.2, 0.4])
    assert torch.equal(from_the_middle(points)[:, ::2], points[:, ::2])
    system = of_bodies().eval()
    torch.nn.init.normal_(system.offsets.weight)
    hidden = torch.full((1, 13, 2), torch.nan)
    hidden[:, :2] = torch.tensor([-0.5, 0.5])
    made = system.clip(torch.rand(1, 3, 64, 64), torch.tensor([0]), hidden)
    assert made["points"].shape == (1, 4, 13, 2) and all(value.isfinite().all() for value in made.values())


def test_a_sample_of_a_body_has_its_joints_and_nothing_of_those_that_are_hidden():
    system, clip = of_bodies(augment=False), body(6, size=64)
    points = system.example(clip, torch.Generator().manual_seed(1))["points"]
    seen = clip.truth["visible"][1:]
    assert points.shape == (5, 13, 2) and np.array_equal(points.isfinite().all(-1).numpy(), seen)
    assert np.allclose((points.numpy()[seen] + 1) * 32, clip.truth["joints"][1:][seen], atol=1e-4)
    dark = replace(clip, truth={**clip.truth, "visible": np.zeros_like(clip.truth["visible"])})
    with pytest.raises(ValueError, match="13 landmarks.*1"):
        system.example(dark, torch.Generator())


def test_it_learns_from_bodies_some_of_whose_joints_are_hidden():
    system = of_bodies(clips_per_step=2)
    history = fit(system, [body(6, size=64)], 2, seed=3, log_every=1, progress=False, device="cpu")
    assert history.filter(like="generator/").notna().all().all()
    assert all(parameter.isfinite().all() for parameter in system.parameters())


def test_a_body_is_drawn_by_poses_that_are_given_or_forecast():
    system, clip = of_bodies().eval(), body(5, size=64)
    joints = np.where(clip.truth["visible"][..., None], clip.truth["joints"], np.nan).astype(np.float32)
    given = torch.from_numpy(joints / 32 - 1)[None]
    with torch.no_grad():
        by_true = system.draw(to_tensor(clip.frames[:1]), given[:, 0], given[:, 1:])[0]
        by_own = system.clip(to_tensor(clip.frames[:1]), torch.tensor([0]), given[:, 0])["images"][0]
    followed, redrawn = system.followed(clip).frames, system.redraw(clip).frames
    assert np.abs(followed[1:] - to_frames(by_true).astype(int)).max() <= 1
    assert np.abs(redrawn - to_frames(by_own).astype(int)).max() <= 1
    assert np.array_equal(followed[0], clip.frames[0]) and not np.array_equal(followed, redrawn)
    assert system.followed(replace(clip, truth={})) is None and system.followed(faced(size=64)) is None
    assert tiny().eval().followed(faced()).frames.shape == (5, 16, 16, 3)


def test_the_joints_of_a_body_are_given_and_never_read(monkeypatch):
    system, clip = of_bodies().eval(), body(5, size=64)
    monkeypatch.setattr(animation, "points_of", lambda still: pytest.fail("a body has no face to be read"))
    with pytest.raises(ValueError, match="13 landmarks"):
        system.animate(clip.frames[0])
    with pytest.raises(ValueError, match=r"Give landmarks, \(13, 2\)"):
        system.animate(clip.frames[0], landmarks=np.full((13, 2), np.nan))
    with pytest.raises(ValueError, match="13"):
        system.animate(clip.frames[0], landmarks=np.zeros((68, 2)))
    assert len(system.animate(clip.frames[0], landmarks=clip.truth["joints"][0])) == 5


def test_frames_that_are_drawn_are_later_ones():
    with pytest.raises(ValueError, match="1.*4"):
        tiny(pairs=5)
    paper = HPConfig.paper()
    assert (paper.size, paper.frames, paper.hidden, paper.learning_rate) == (128, 10, 1024, 1e-4)
