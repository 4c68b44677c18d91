"""What every method does around its networks when it plays: what it is given, and in which order steps are added."""

import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import i2vlib
from i2vlib import animation
from i2vlib.expressions import EXPRESSIONS
from i2vlib.faces import rest
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.papers.fan import FAN, FANConfig
from tests.conftest import moving_square, tiny_config


def test_a_mixture_adds_its_steps_in_one_order_whoever_is_named_first():
    rng = torch.Generator().manual_seed(0)
    base, one, two = ([torch.randn(1, 3, 4, 4, generator=rng)] for _ in range(3))
    rows = torch.rand(2, 2, generator=rng)
    (named,) = animation.mixture(base, {0: one, 1: two}, rows)
    (other,) = animation.mixture(base, {1: two, 0: one}, rows.flip(1))
    a, b = (rows[:, i, None, None, None] for i in (0, 1))
    assert torch.equal(named, other)
    assert torch.allclose(named, base[0] + a * one[0] + b * two[0], atol=1e-6)


@pytest.mark.parametrize("given", ["0.5", ["0.5"], b"1", [None], [[0, 1], [0]], ["a"], {"happy": "0.5"}, [1j]])
def test_an_intensity_that_is_no_number_is_refused_also_where_it_could_be_read_as_one(given):
    with pytest.raises(ValueError, match="0.*1"):
        animation.read_curves(given, "happy")


@pytest.mark.parametrize("given", [0.5, [0, 1], np.array([0.25]), torch.tensor([0.25]), [True], [np.float32(1), 0]])
def test_an_intensity_that_is_a_number_is_one_curve(given):
    (curve,) = animation.read_curves(given, "happy").values()
    assert curve.dtype == np.float32 and curve.tolist() == np.atleast_1d(np.asarray(given)).astype(float).tolist()


def test_a_driver_is_refused_where_nothing_could_follow_it():
    method = FAN(FANConfig.paper(size=16, base_channels=8, channel_cap=2))
    with pytest.raises(ValueError, match="FAN"):
        method.animate(moving_square().frames[0], driver=moving_square())
    with pytest.raises(ValueError, match="driver=.*intensity="):
        AffineGAN(tiny_config()).animate(moving_square().frames[0], intensity=[1], driver=moving_square())


@pytest.mark.parametrize(
    "method", [AffineGAN(tiny_config()), FAN(FANConfig.paper(size=16, base_channels=8, channel_cap=2))]
)
@pytest.mark.parametrize("intensity", [[1, 0, 0.5], [0.5, 1], [0.1] * 5])
def test_a_clip_knows_what_its_model_draws_at_rest(method, intensity):
    still, name = moving_square(size=16).frames[0], method.expressions[0]
    (rest,) = method.animate(still, name, [0]).frames
    clip = method.animate(still, name, intensity)
    assert len(clip) == len(intensity) and np.array_equal(clip.neutral, rest)
    mixed = method.animate(still, intensity={name: intensity, method.expressions[-1]: intensity[::-1]})
    assert np.array_equal(mixed.neutral, rest)


# Tones


def tinted(light: np.ndarray, cast: tuple[float, float, float]) -> np.ndarray:
    return (light[..., None] * (1 + np.array(cast))).round().clip(0, 255).astype(np.uint8)


@pytest.fixture
def light() -> np.ndarray:
    return np.random.default_rng(0).uniform(20, 190, (32, 32))


def test_frames_of_a_grey_still_are_grey_and_keep_their_lightness(light):
    frames = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)
    made = animation.in_tone_of(tinted(light, (0, 0, 0)), frames)
    assert np.ptp(made, -1).max() == 0
    assert made[0, 0, 0, 0] == round(float(frames[0, 0, 0] @ [0.299, 0.587, 0.114]))


def test_frames_of_a_sepia_still_are_sepia_beyond_its_lightest_pixel_too(light):
    still = tinted(light, (0.1, 0.0, -0.3))
    made = animation.in_tone_of(still, np.stack([still, np.full_like(still, 210)])).astype(int)
    assert np.abs(made[0] - still).max() <= 2
    red, green, blue = made[1, 0, 0]
    assert 15 <= red - green <= 25 and 50 <= green - blue <= 65  # as at the lightest pixel, about 190


def test_frames_of_a_still_in_colour_are_as_they_were(light):
    still = np.stack([light, light.T, light[::-1]], -1).astype(np.uint8)
    frames = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    assert animation.in_tone_of(still, frames) is frames


def test_a_grey_still_of_one_value_stays_grey():
    made = animation.in_tone_of(np.full((32, 32, 3), 90, np.uint8), np.full((1, 32, 32, 3), (200, 90, 40), np.uint8))
    assert np.ptp(made, -1).max() == 0 and made[0, 0, 0, 0] == round(0.299 * 200 + 0.587 * 90 + 0.114 * 40)


@pytest.mark.parametrize("kind", ["AffineGAN", "FAN"])
def test_a_method_answers_a_grey_still_in_grey(kind, light):
    torch.manual_seed(0)
    config = {"size": 32, "base_channels": 8, "channel_cap": 2}
    method = AffineGAN(tiny_config(**config)) if kind == "AffineGAN" else FAN(FANConfig.paper(**config))
    for cast, grey in (((0, 0, 0), True), ((0.3, 0, -0.5), False)):
        still = tinted(light, cast)
        still[:16] = still[:16, :, :: 1 if grey else -1]  # the colour of the upper half does not follow its lightness
        frames = method.animate(still, "happy", [0, 1]).frames
        assert (np.ptp(frames.astype(int), -1).max() == 0) == grey


# Regions


@pytest.mark.parametrize("intensity", [[0.5, 1], {"happy": [0.5, 1], "angry": [1, 0.5]}])
@pytest.mark.parametrize("made", [AffineGAN, FAN])
def test_a_direction_is_held_within_a_mask_at_every_level(made, intensity):
    method = made(tiny_config(expressions=("happy", "angry"))) if made is AffineGAN else tiny_fan()
    still = moving_square(size=16).frames[0]
    free = method.animate(still, "happy", intensity)
    whole = method.animate(still, "happy", intensity, region=np.ones((16, 16)))
    none = method.animate(still, "happy", intensity, region=np.zeros((16, 16)))
    assert np.array_equal(free.frames, whole.frames), "a mask of ones changes no bit"
    assert np.array_equal(none.frames, np.stack([free.neutral] * 2)) and (free.frames != free.neutral).any()
    part = np.zeros((16, 16), np.float32)
    part[8:] = 1
    some = method.animate(still, "happy", intensity, region=part).frames.astype(int)
    change = np.abs(some - free.neutral).mean((0, 2, 3))
    assert change[12:].mean() > 1.5 * change[:4].mean() and not np.array_equal(some, free.frames)


@pytest.mark.parametrize("made", [AffineGAN, FAN])
def test_what_animate_draws_with_draws_again_and_again(made):
    method = made(tiny_config(expressions=("happy", "angry"))) if made is AffineGAN else tiny_fan()
    still = moving_square(size=16).frames[0]
    mask = np.tri(16)
    clip = method.animate(still, intensity={"angry": [0, 0.5, 1], "happy": [1, 0.5, 0.5]}, region=mask)
    draw = method.drawer(still, ["angry", "happy"], region=mask)
    assert np.array_equal(draw(clip.intensity), clip.frames) and np.array_equal(
        draw(clip.intensity[1:2])[0], clip.frames[1]
    )
    alone = np.concatenate([draw(row[None], batch=1) for row in clip.intensity]).astype(int)
    assert np.abs(alone - clip.frames).max() <= 1


def tiny_fan() -> FAN:
    return FAN(FANConfig.paper(size=16, base_channels=8, channel_cap=2, expressions=("happy", "angry")))


def test_the_codes_are_masked_by_the_mean_of_what_each_covers():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    codes = [torch.full((1, 2, 4, 4), 2.0), torch.full((1, 2, 2, 2), 3.0), torch.full((1, 2, 1, 1), 4.0)]
    masked = animation.within(codes, mask)
    assert torch.equal(masked[0][0, 0, 0], torch.tensor([2.0, 2, 0, 0]))
    assert torch.equal(masked[1][0, 1, 1], torch.tensor([3.0, 0])) and torch.equal(
        masked[2], torch.full((1, 2, 1, 1), 2.0)
    )
    assert animation.within(codes, None) is codes


def test_a_clip_that_is_held_is_the_still_outside():
    still = np.full((2, 2, 3), 10, np.uint8)
    clip = i2vlib.Clip(np.full((3, 2, 2, 3), 20, np.uint8), fps=5, intensity=[0, 1, 1])
    blended = animation.confined(clip, still, torch.tensor([[[[0.0, 1], [0.5, 0.25]]]]))
    assert blended.frames[1, ..., 0].tolist() == [[10, 20], [15, 12]] and blended.fps == 5
    assert animation.confined(clip, still, None) is clip


@pytest.mark.parametrize("region", ["mouth", "eyes", "left", "right"])
def test_a_named_region_is_found_by_the_stills_landmarks(crop, region):
    found = animation.mask_of(region, crop)
    assert found.shape == (1, 1, 128, 128) and 0.05 < found.mean() < 0.6
    rows, columns = (found[0, 0].sum(axis) for axis in (1, 0))
    middle = lambda sums: float((sums * torch.arange(128)).sum() / sums.sum()) / 128  # noqa: E731
    wanted = {"mouth": (0.75, 0.5), "eyes": (0.3, 0.5), "left": (0.5, 0.25), "right": (0.5, 0.75)}[region]
    assert (middle(rows), middle(columns)) == pytest.approx(wanted, abs=0.07)


def test_a_named_region_without_a_face_or_a_reader_is_refused(monkeypatch):
    square = moving_square(size=64).frames[0]
    with pytest.raises(ValueError, match="'mouth'"):
        animation.mask_of("mouth", square)
    monkeypatch.setattr(animation, "points_of", lambda picture: None)
    with pytest.raises(ValueError, match="installed"):
        animation.mask_of("eyes", square)
    assert animation.mask_of(None, square) is None


# Crops


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A public-domain portrait, 512x600."""
    pytest.importorskip("ai_edge_litert", reason='reading faces needs pip install "i2vlib[faces]"')
    return i2vlib.load_image(Path(matplotlib.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg")


@pytest.fixture(scope="module")
def crop(photo) -> np.ndarray:
    return i2vlib.align_face(photo, 128)


def resized(picture: np.ndarray, width: int, height: int | None = None) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height or width), Image.Resampling.LANCZOS))


def told(picture: np.ndarray, size: int = 128) -> tuple[np.ndarray, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return animation.crop_of(picture, size), [str(one.message) for one in caught]


def test_a_photo_that_is_not_square_is_aligned_and_the_warning_says_so(photo, crop):
    made, said = told(photo)
    assert np.array_equal(made, crop)
    assert len(said) == 1 and "is 512x600 and no crop, so its face was aligned" in said[0]
    assert "i2vlib.align_face(photo, size=128)" in said[0] and "40 or more" not in said[0]


def test_a_warning_names_the_users_line(photo):
    with pytest.warns(UserWarning, match="no crop") as caught:
        AffineGAN(tiny_config()).animate(photo)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_crop_is_animated_without_a_word(photo, size):
    face = i2vlib.align_face(photo, size)
    made, said = told(face, 128)
    assert said == [] and made.shape == (128, 128, 3)


def test_rendered_actors_are_animated_without_a_word(rendered):
    for clip in rendered.values():
        assert [told(frame, 96)[1] for frame in clip.frames] == [[]] * len(clip)


def test_a_square_picture_that_is_no_crop_is_animated_as_it_is_with_a_warning(photo, crop):
    square = photo[:512]
    looser = resized(np.pad(crop, ((50, 50), (50, 50), (0, 0)), mode="edge"), 128)
    tilted = np.asarray(Image.fromarray(crop).rotate(20, Image.Resampling.BICUBIC))
    for picture, named in (
        (square, "times as far apart"),
        (looser, "0.5[567] times as far apart"),
        (tilted, "tilted by (19|20|21) degrees"),
    ):
        with pytest.warns(UserWarning, match=f"not the crop that models are trained on.*{named}.*i2vlib.align_face"):
            made = animation.crop_of(picture, 128)
        assert np.array_equal(made, animation.fit_to(picture, 128))


def test_a_face_below_forty_pixels_is_named(photo, crop):
    small = resized(photo, 82, 96)
    with pytest.warns(UserWarning, match="40 or"):
        animation.crop_of(small, 128)
    with pytest.warns(UserWarning, match="32x32.*26"):
        animation.crop_of(resized(crop, 32), 128)
    assert told(resized(crop, 32), 32)[1] == [], "a model of that size sees no less than it was trained on"


def test_a_picture_without_a_face_says_so(photo):
    with pytest.warns(UserWarning, match="64x64"):
        animation.crop_of(moving_square(size=64).frames[0], 64)
    with pytest.raises(ValueError, match="64x50"):
        animation.crop_of(moving_square(size=64).frames[0][:50], 64)


def test_a_picture_is_read_once(crop, monkeypatch):
    from i2vlib import faces

    reads, glance = [], faces.glance
    monkeypatch.setattr(faces, "glance", lambda *given: reads.append(given) or glance(*given))
    turned = np.ascontiguousarray(crop[:, ::-1])
    model = AffineGAN(tiny_config())
    for _ in range(3):
        told(turned)
        model.animate(turned)
    assert len(reads) == 1


def test_without_readers_nothing_is_looked_at(crop, monkeypatch):
    from i2vlib import faces

    def missing(*given):
        raise ImportError("not installed")

    monkeypatch.setattr(faces, "glance", missing)
    assert told(np.ascontiguousarray(crop[::-1]))[1] == []
    animation.look_at_start(np.ascontiguousarray(crop[::-1]), ["happy"])
    with pytest.raises(ValueError, match="90x128.*i2vlib.align_face"):
        told(np.ascontiguousarray(crop[:, :90]))


# What a still does already


@pytest.fixture(scope="module")
def smiling() -> np.ndarray:
    """A public-domain portrait of somebody who smiles, lips apart and eyes open: ``uint8 (128, 128, 3)``."""
    pytest.importorskip("ai_edge_litert", reason='reading faces needs pip install "i2vlib[faces]"')
    return i2vlib.align_face(skimage.data.astronaut(), 128)


def two_of_each(method: type, size: int = 16) -> torch.nn.Module:
    values = {"size": size, "base_channels": 8, "channel_cap": 2, "expressions": ("happy", "eyes_closed")}
    return method(method.Config.paper(**values))


@pytest.mark.parametrize("method", [AffineGAN, FAN])
def test_a_smile_on_a_smile_is_told_once_at_the_users_line(smiling, method):
    model = two_of_each(method)
    with pytest.warns(UserWarning, match="already smiles") as caught:
        model.animate(smiling, "happy", [0, 1])
    (one,) = caught
    assert one.filename == __file__ and f"at most {rest.SIGNS[0].threshold:.2f}" in str(one.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.animate(smiling, "eyes_closed", [0, 1])
    with pytest.warns(UserWarning, match="already smiles"):
        model.animate(smiling, intensity={"eyes_closed": [0, 1], "happy": [0, 0.5]})


@pytest.mark.parametrize("method", [AffineGAN, FAN])
def test_a_whole_photo_that_smiles_is_told_at_the_users_line_too(smiling, method):
    model = two_of_each(method, 64)
    with pytest.warns(UserWarning, match="already smiles") as caught:
        model.animate(skimage.data.astronaut(), "happy", [0, 1], whole=True)
    assert [one.filename for one in caught] == [__file__]


def test_a_slider_says_it_when_it_is_made_and_not_when_it_draws(smiling):
    with pytest.warns(UserWarning, match="already smiles"):
        draw = two_of_each(FAN).drawer(smiling, ["happy"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(np.zeros((2, 1)))


def test_nothing_is_said_of_a_face_at_rest_or_too_small_to_be_read(photo, crop, smiling, head):
    from i2vlib.datasets import actors

    at_rest = [actors.clip(10_002, size=128, intensity=[0], truth=(), cast=cast).frames[0] for cast in actors.CASTS]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for still in (photo, crop, resized(smiling, 40), moving_square(size=64).frames[0], *at_rest):
            animation.look_at_start(still, EXPRESSIONS)


def test_rendered_peaks_are_in_the_way(rendered):
    pytest.importorskip("ai_edge_litert", reason='reading faces needs pip install "i2vlib[faces]"')
    for (_, name), clip in rendered.items():
        if name != "angry":  # lowered brows are no sign
            with pytest.warns(UserWarning, match="face"):
                animation.look_at_start(clip.frames[-1], [name])
