"""A frame of a model that carries its still, composed of the photo's own pixels: where they come from, what stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.faces import Found, Place
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig
from i2vlib.papers.fan import FAN, FANConfig
from tests.conftest import tiny_config
from tests.faces.test_faces import portrait, three

SIZE = 32
#: A face in a photo of 240 x 200: its eyes, so that the crop is as wide as `SIDE`, upright.
EYES, SIDE = np.array([[90.0, 80.0], [126.0, 80.0]]), 100.0


def turned(angle: float, side: float = SIDE) -> np.ndarray:
    """The eyes of a face turned by degrees, clockwise, whose crop is so wide."""
    across = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * side * faces.EYE_DISTANCE / 2
    return EYES.mean(0) + np.stack([-across, across])


def ramp() -> np.ndarray:
    """A photo that says where a pixel comes from: red is 1 + x, green 1 + y, of its left upper corner."""
    y, x = np.mgrid[:200, :240]
    return np.stack([x + 1, y + 1, np.full_like(x, 90)], -1).astype(np.uint8)


def noise(grey: bool = False) -> np.ndarray:
    values = np.random.default_rng(0).integers(20, 236, (200, 240, 1 if grey else 3), np.uint8)
    return np.repeat(values, 3, -1) if grey else values


def maps(flow=(0.0, 0.0), gate=1.0, shade=0.0, colour=(0.0, 0.0, 0.0)) -> np.ndarray:
    return np.repeat(np.float32([*flow, gate, shade, *colour]), SIZE * SIZE).reshape(7, SIZE, SIZE)


def place(photo: np.ndarray, eyes: np.ndarray = EYES, size: int = SIZE) -> Place:
    return Place.of(photo, faces.crop_matrix(eyes, size), size)


def middle(where: Place) -> tuple[int, int]:
    """The pixel, row and column, at the middle of a crop."""
    x, y = faces.transform(np.array([SIZE / 2, SIZE / 2]), where.back)
    return int(y), int(x)


@pytest.mark.parametrize("angle", [0, 30, -90, 135])
@pytest.mark.parametrize("side", [100.0, 60.0, 20.0])
def test_a_flow_leads_through_the_photo_turned_and_scaled_as_the_crop_is(angle, side):
    where, flow = place(ramp(), turned(angle, side)), np.array([2.0, -1.0])
    row, column = middle(where)
    radians = np.radians(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    x, y = np.array([column, row]) + turn @ flow * side / SIZE
    red, green, blue = where.composed(maps(flow))[row, column].astype(int)
    assert (red, green, blue) == pytest.approx((x + 1, y + 1, 90), abs=0.75)


def test_whole_pixels_move_as_they_are():
    photo = noise()
    where = place(photo, turned(0, 2 * SIZE))
    row, column = middle(where)
    made = where.composed(maps((1.0, -2.0)))
    assert np.array_equal(
        made[row - 8 : row + 8, column - 8 : column + 8], photo[row - 12 : row + 4, column - 6 : column + 10]
    )


def test_shade_multiplies_and_the_gate_lets_the_colour_through():
    photo = np.full((200, 240, 3), (200, 100, 0), np.uint8)
    where = place(photo)
    at = middle(where)
    assert where.composed(maps(shade=np.log(0.5)))[at].tolist() == [100, 50, 0]
    assert where.composed(maps(shade=0.5))[at].tolist() == [255, round(100 * np.exp(0.5)), 0]
    colour = (1.0, -1.0, 0.0)
    assert where.composed(maps(gate=0.0, colour=colour))[at].tolist() == pytest.approx([255, 0, 127.5], abs=0.6)
    half = where.composed(maps(gate=0.5, shade=np.log(0.5), colour=colour))[at].tolist()
    assert half == pytest.approx([(100 + 255) / 2, 25, 64], abs=0.8)


@pytest.mark.parametrize("faint", [0.0, 1e-4])
def test_where_nothing_changes_the_photo_stays_bit_for_bit(faint):
    photo = noise()
    said = maps() + faint * np.random.default_rng(1).uniform(-1, 1, (7, SIZE, SIZE))
    assert np.array_equal(place(photo, turned(20)).composed(said), photo)


@pytest.mark.parametrize("side", [100.0, 20.0])
def test_what_changes_ends_softly_within_the_crop(side):
    photo = np.full((200, 240, 3), 127, np.uint8)
    where = place(photo, turned(25, side))
    made = where.composed(maps((3.0, 2.0), gate=0.0, colour=(1.0, 1.0, 1.0))).astype(int)
    crop = faces.crop_matrix(turned(25, side), SIZE)
    y, x = np.mgrid[:200, :240] + 0.5
    inside = np.abs(faces.transform(np.stack([x, y], -1), crop) - SIZE / 2).max(-1)
    assert (made[inside > SIZE / 2 + SIZE / side] == 127).all() and made[middle(where)].min() == 255
    change = made[..., 0] - 127
    steepest = 2 * 128 * SIZE / side / (0.12 * SIZE)  # of a smooth step over the soft edge, on both of its axes
    assert np.abs(np.diff(change, axis=0)).max() <= steepest and np.abs(np.diff(change, axis=1)).max() <= steepest
    assert change[np.abs(inside - 0.49 * SIZE) < 0.01 * SIZE].max() < 20  # a hard edge jumps by 128


def test_a_part_that_changes_is_drawn_as_if_all_had_been():
    """The box around what changes is an economy alone."""
    photo, where = noise(), place(noise(), turned(15))
    part = maps()
    part[:2, 14:20, 10:16] = 2.5
    part[2, 18:22, 12:20] = 0.2
    alone = where.composed(part)
    part[3] = 0.004  # light that changes by half a grey level, everywhere
    both = where.composed(part).astype(int)
    assert np.abs(both - alone).max() <= 2 and (alone != photo).any(-1).mean() < 0.05


def test_a_grey_photo_is_composed_in_grey():
    rng = np.random.default_rng(2)
    said = np.repeat(rng.uniform(-1, 1, (1, SIZE, SIZE)), 7, 0) * np.array([4, 3, 0.5, 0.5, 1, 1, 1])[:, None, None]
    said[2] += 0.5
    made = place(noise(grey=True), turned(-35)).composed(said)
    assert np.ptp(made, -1).max() == 0 and (made != noise(grey=True)).any(-1).mean() > 0.1


def test_a_face_at_the_photos_edge_takes_its_pixels_from_within():
    photo = ramp()
    where = place(photo, turned(0) - [100, 80])
    made = where.composed(maps((-8.0, -8.0)))
    assert made.shape == photo.shape and made[4, 4].tolist() == [1, 1, 90]


# Clips


def clip_of(**changes) -> Clip:
    frames = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    said = np.stack([maps(), maps((1.0, 0.0)), maps((0.0, 2.0), shade=0.2)])
    return Clip(frames, **{"intensity": [0, 0.5, 1], "neutral": frames[0], "maps": said, **changes})


def found(eyes: np.ndarray = EYES) -> Found:
    return Found(eyes.mean(0), 40.0, eyes, 6400.0)


def test_a_clip_keeps_its_maps_through_slices():
    clip = clip_of()
    assert clip.maps.dtype == np.float16 and clip.maps.shape == (3, 7, SIZE, SIZE)
    assert np.array_equal(clip[::-1].maps, clip.maps[::-1]) and np.array_equal(clip[[2, 0]].maps, clip.maps[[2, 0]])
    assert clip[1].maps.shape == (1, 7, SIZE, SIZE)
    with pytest.raises(ValueError, match="maps"):
        replace(clip, frames=clip.frames[:2], intensity=None)
    with pytest.raises(ValueError, match="maps"):
        clip_of(maps=np.zeros((3, 6, SIZE, SIZE)))


def test_maps_are_laid_on_the_photo_whatever_the_frames_show():
    photo, clip = noise(), clip_of()
    laid = faces.paste_back(photo, clip, found())
    where = place(photo)
    assert np.array_equal(laid.frames, np.stack([where.composed(said) for said in clip.maps]))
    assert np.array_equal(laid.frames[0], photo) and np.array_equal(laid.neutral, photo) and laid.maps is None
    part = faces.paste_back(photo, clip[[2]], found())
    assert np.array_equal(part.frames[0], laid.frames[2])
    unknown = replace(clip, maps=None)
    assert not np.array_equal(faces.paste_back(photo, unknown, found()).frames[1], laid.frames[1])
    asked = faces.paste_back(photo, clip, found(), neutral=clip.neutral)
    assert np.array_equal(asked.frames, faces.paste_back(photo, unknown, found()).frames)


# One call, from a photo to its clip


def carrying(kind: type, size: int = SIZE) -> AffineGAN | FAN:
    """A model that carries, whose last layer says something of every map."""
    torch.manual_seed(0)
    config = {AffineGAN: AffineGANConfig, FAN: FANConfig}[kind]
    model = kind(config.carried(size=size, base_channels=8, expressions=("happy", "angry")))
    torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.3)
    return model.eval()


@pytest.fixture(params=[AffineGAN, FAN])
def model(request):
    return carrying(request.param)


def test_a_clip_of_a_crop_has_the_maps_that_it_was_made_by(model):
    still = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    clip = model.animate(still, "happy", [0, 0.5, 1])
    at_rest = maps()
    assert np.abs(clip.maps[0, :4].astype(float) - at_rest[:4]).max() < 1e-4
    again = Place.of(still, np.eye(2, 3), SIZE)
    inner = np.s_[SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4]
    off = np.abs(again.composed(clip.maps[2])[inner].astype(int) - clip.frames[2][inner])
    moved = np.abs(clip.frames[2][inner].astype(int) - still[inner])
    assert off.mean() < 0.35 * moved.mean()
    alone = model.animate(still, "happy", [1])
    assert np.array_equal(alone.maps[0], clip.maps[2]) and np.array_equal(alone.frames[0], clip.frames[2])


def test_a_whole_photo_is_one_call(model):
    photo = three()
    clip = model.animate(photo, "happy", [0, 1, 0.5, 0], whole=True, which=2, fps=7)
    crop = faces.align_face(photo, SIZE, which=2)
    by_hand = faces.paste_back(photo, model.animate(crop, "happy", [0, 1, 0.5, 0]), which=2)
    assert np.array_equal(clip.frames, by_hand.frames)
    assert clip.frames.shape == (4, *photo.shape) and np.array_equal(clip.neutral, photo)
    assert np.array_equal(clip.frames[0], photo) and np.array_equal(clip.frames[3], photo)
    assert clip.landmarks is None and clip.maps is None
    assert (clip.fps, clip.expression, clip.intensity.tolist()) == (7, "happy", [0, 1, 0.5, 0])
    changed = (clip.frames[1] != photo).any(-1)
    assert changed[:, 780:].sum() > 500 and not changed[:, :780].any()


def test_a_whole_photo_is_read_from_where_it_lies(model, tmp_path):
    from PIL import Image

    Image.fromarray(portrait()).save(tmp_path / "me.png")
    curves = {"happy": [0.0, 1.0], "angry": [0.5, 0.0]}
    clip = model.animate(tmp_path / "me.png", intensity=curves, whole=True, region=np.ones((8, 8)))
    assert np.array_equal(clip.frames, model.animate(portrait(), intensity=curves, whole=True).frames)
    nowhere = model.animate(portrait(), "happy", [1.0], whole=True, region=np.zeros((8, 8)))
    assert np.array_equal(nowhere.frames[0], portrait())
    with pytest.raises(faces.NoFaceError):
        model.animate(np.full((64, 64, 3), 127, np.uint8), "happy", whole=True)


def test_a_painted_model_is_aligned_animated_and_pasted():
    model = AffineGAN(tiny_config(size=SIZE)).eval()
    clip = model.animate(portrait(), intensity=[0, 1], whole=True)
    crop = model.animate(faces.align_face(portrait(), SIZE), intensity=[0, 1])
    assert crop.maps is None
    assert np.array_equal(clip.frames, faces.paste_back(portrait(), crop).frames)


def test_a_photo_of_one_tone_keeps_to_it(model):
    grey = np.repeat(portrait().mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    crop = model.animate(faces.align_face(grey, SIZE), "happy", [0, 1])
    assert np.ptp(crop.maps[:, 4:].astype(float), axis=1).max() == 0 and np.ptp(crop.frames, -1).max() == 0
    made = model.animate(grey, "happy", [0, 1], whole=True).frames
    assert np.array_equal(made[0], grey) and np.ptp(made, -1).max() == 0 and (made[1] != grey).any(-1).mean() > 0.005
    coloured = model.animate(portrait(), "happy", [1], whole=True).frames[0].astype(int)
    assert np.ptp(coloured - portrait(), axis=-1).max() > 20
