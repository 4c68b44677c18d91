"""Training samples out of clips: which frames are drawn, and where points go."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib import joints, samples
from i2vlib.clips import Clip
from tests.conftest import moving_square

CORNERS = {0: 16, 8: 8, 17: 26, 21: 22, 27: 27, 31: 35, 33: 33, 36: 45, 37: 44, 39: 42, 40: 47, 41: 46,
           48: 54, 51: 51, 55: 59, 57: 57, 60: 64, 62: 62, 65: 67, 66: 66}  # fmt: skip


def changed(clip, index, seed, looks=0.0):
    """The frames, masks and points of one sample, augmented by a seed."""
    change = samples.change_of(clip, True, torch.Generator().manual_seed(seed), looks)
    return samples.training_frames(clip, index, 32, change)


def dotted(size: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two black frames with a soft dot at landmark 36, points elsewhere for the others, a mask of the left half."""
    rng = np.random.default_rng(0)
    points = torch.from_numpy(rng.uniform(20, 44, (2, 68, 2))).float()
    points[:, 36] = torch.tensor([[18.0, 24.5], [21.0, 40.0]])
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    distance = (x - points[:, 36, 0, None, None]) ** 2 + (y - points[:, 36, 1, None, None]) ** 2
    frames = (2 * torch.exp(-distance / 8) - 1).unsqueeze(1).repeat(1, 3, 1, 1)
    mask = torch.zeros(2, 1, size, size)
    mask[..., : size // 2] = 1
    return frames, mask, points


def centre(frames: torch.Tensor) -> torch.Tensor:
    light = ((frames + 1) / 2).mean(1)
    at = torch.arange(frames.shape[-1]) + 0.5
    total = light.sum((1, 2))
    return torch.stack([(light.sum(1) * at).sum(1) / total, (light.sum(2) * at).sum(1) / total], 1)


def test_a_dot_and_its_landmark_stay_together_and_a_flip_changes_sides():
    flips = []
    for seed in range(12):
        frames, mask, points = dotted()
        changed = samples.Augmentation.draw(torch.Generator().manual_seed(seed))
        frames, mask = changed.lit(changed.moved(frames)), changed.moved(mask, "nearest")
        points = changed.moved_points(points, frames.shape[-1])
        flips.append(bool(mask[..., 32:].sum() > mask[..., :32].sum()))
        dot = points[:, 45 if flips[-1] else 36]
        assert (dot - centre(frames)).norm(dim=1).max() < 0.1, seed
    assert 0 < sum(flips) < 12


def test_an_expression_of_one_side_is_never_mirrored():
    """Mirrored half of the time, contempt was learnt as a smile of both sides."""
    sided = moving_square(size=32, expression="contempt")
    left = np.zeros((6, 32, 32), bool)
    left[:, :, :16] = True
    for name, mirrored in (("contempt", {False}), ("happy", {False, True})):
        clip = replace(sided, expression=name, truth={"mouth": left})
        shown = [changed(clip, [0], s) for s in range(12)]
        assert {bool(mask[..., 16:].sum() > mask[..., :16].sum()) for _, mask, _ in shown} == mirrored


def test_left_and_right_landmarks_change_places():
    assert sorted(samples.MIRRORED) == list(range(68))
    assert all(samples.MIRRORED[samples.MIRRORED[i]] == i for i in range(68))
    assert all(samples.MIRRORED[i] == j and samples.MIRRORED[j] == i for i, j in CORNERS.items())


def test_a_training_sample_without_landmarks_has_none_and_draws_the_same():
    bare = moving_square(size=32)
    points = np.random.default_rng(0).uniform(8, 24, (6, 68, 2))
    known = Clip(bare.frames, landmarks=points, truth=bare.truth)
    shown = [changed(c, [0, 3], 1) for c in (bare, known)]
    assert torch.equal(shown[0][0], shown[1][0]) and torch.equal(shown[0][1], shown[1][1])
    assert shown[0][2].isnan().all() and shown[1][2].isfinite().all()
    plain = samples.training_frames(known, [5, 2], 32, None)[2]
    assert np.allclose(plain, points[[5, 2]], atol=1e-5)


def of_a_body() -> Clip:
    """Thirteen joints, the last of which is hidden in frame 3."""
    visible = np.ones((6, 13), bool)
    visible[3, 12] = False
    places = np.random.default_rng(1).uniform(8, 24, (6, 13, 2))
    return Clip(moving_square(size=32).frames, truth={"joints": places, "visible": visible})


def test_the_points_of_a_body_are_its_joints_and_nothing_is_said_of_hidden_ones():
    clip = of_a_body()
    points = samples.stated_points(clip)
    assert points.dtype == np.float32 and np.isnan(points[3, 12]).all() and np.isfinite(points).sum() == 6 * 26 - 2
    assert np.allclose(points[:3], clip.truth["joints"][:3])
    all_seen = samples.stated_points(Clip(clip.frames, truth={"joints": clip.truth["joints"]}))
    assert np.allclose(all_seen, clip.truth["joints"])
    landmarks = np.zeros((6, 68, 2), np.float32)
    assert samples.stated_points(Clip(clip.frames, landmarks=landmarks, truth=clip.truth)).shape == (6, 68, 2)
    assert samples.stated_points(moving_square()) is None


def test_joints_move_with_their_picture_and_in_a_mirror_left_is_right():
    clip = of_a_body()
    plain = samples.training_frames(clip, [0, 3], 32, None)[2]
    assert np.allclose(plain[0], clip.truth["joints"][0]) and plain[1, 12].isnan().all()
    still = samples.Augmentation(torch.ones(1), torch.zeros(2), True, torch.ones(1), torch.ones(1), torch.ones(3))
    turned = still.moved_points(plain, 32)
    assert torch.allclose(turned[0, :, 0], 32 - plain[0, list(joints.MIRRORED), 0], atol=1e-5)
    assert torch.allclose(turned[0, :, 1], plain[0, list(joints.MIRRORED), 1], atol=1e-5)
    assert turned[1, 11].isnan().all() and turned[1, 12].isfinite().all()


@pytest.mark.parametrize(("first", "count"), [(0, 6), (1, 5)])
def test_frames_are_drawn_once_each_while_there_are_enough(first, count):
    clip, rng = moving_square(), torch.Generator().manual_seed(0)
    assert sorted(samples.drawn(clip, count, first, False, rng)) == list(range(first, 6))
    many = samples.drawn(clip, 60, first, False, rng)
    assert len(many) == 60 and set(many) == set(range(first, 6))


PLAIN = samples.Look(warmth=0, blur=0, grain=0, seed=0, contrast=1, saturation=1, sepia=0, quality=None)


def coloured(count: int = 2, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(5)) * 1.2 - 0.6


def test_a_look_that_changes_nothing_changes_nothing():
    frames = coloured()
    assert torch.allclose(PLAIN.on(frames), frames, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ({"saturation": 0.0}, (0.5870, 0.5870, 0.5870)),  # Rec. 601 of pure green
        ({"saturation": 0.0, "sepia": 1.0}, (0.6340, 0.5811, 0.4226)),
        ({"saturation": 0.5}, (0.2935, 0.7935, 0.2935)),
        ({"contrast": 0.5}, (1 / 6, 2 / 3, 1 / 6)),  # about the mean, a third
        ({"contrast": 0.5, "warmth": 0.2}, (1 / 6, 2 / 3, 1 / 6)),  # there is neither red nor blue to change
    ],
)
def test_a_look_by_hand_on_green(change, made):
    green = torch.tensor([-1.0, 1.0, -1.0])[:, None, None].repeat(1, 1, 8, 8)
    shown = (replace(PLAIN, **change).on(green) + 1) / 2
    assert torch.allclose(shown[0, :, 3, 4], torch.tensor(made), atol=1e-4)


def test_grain_stays_where_it_is_from_frame_to_frame():
    grainy = replace(PLAIN, grain=0.05, seed=3)
    still = torch.zeros(2, 3, 64, 64)
    first, second = grainy.on(still)
    assert torch.equal(first, second) and 0.08 < float(first.std()) < 0.12
    assert not torch.equal(first, replace(grainy, seed=4).on(still)[0])


def test_a_blur_spreads_a_dot_and_keeps_its_light():
    dot = torch.zeros(1, 3, 17, 17)
    dot[..., 8, 8] = 1
    soft = samples.blurred(dot, 1.0)
    weights = torch.exp(-(torch.arange(-3.0, 4) ** 2) / 2)
    assert torch.allclose(soft[0, 0, 8, 5:12], weights * weights[3] / weights.sum() ** 2, atol=1e-6)
    assert torch.allclose(soft.sum((2, 3)), torch.ones(1, 3), atol=1e-5)
    assert samples.blurred(dot, 0.3) is dot


def test_a_poor_jpeg_is_worse_than_a_good_one():
    frames = coloured()
    good, poor = (float((samples.as_jpeg(frames, q) - frames).abs().mean()) for q in (95, 30))
    assert 0 < good < poor


def test_looks_are_drawn_by_the_generator_and_cost_no_draw_where_there_are_none():
    draw = lambda looks, rng: samples.Augmentation.draw(rng, looks=looks)  # noqa: E731
    one, other = (torch.Generator().manual_seed(2) for _ in range(2))
    assert draw(0.0, one).look is None and samples.Augmentation.draw(other).look is None
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))
    looks = [draw(1.0, torch.Generator().manual_seed(s)).look for s in range(200)]
    assert looks[:5] == [draw(1.0, torch.Generator().manual_seed(s)).look for s in range(5)]
    grey = [look for look in looks if look.saturation == 0]
    assert 40 <= len(grey) <= 80 and 8 <= sum(look.sepia > 0 for look in looks) <= 35
    assert all(look.saturation == 0 for look in looks if look.sepia) and len({look.seed for look in looks}) == 200


def test_a_share_of_the_samples_looks_like_a_photograph():
    clip = moving_square(size=32)
    shown = [changed(clip, [0, 5], s, looks=0.5)[0] for s in range(60)]
    plain = [changed(clip, [0, 5], s)[0] for s in range(60)]
    assert 18 <= sum(torch.equal(a, b) for a, b in zip(shown, plain, strict=True)) <= 42
