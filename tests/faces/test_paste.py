"""Laying an animated crop back into its photo: what changes, what stays, and where the detail comes from."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage

from i2vlib import faces
from i2vlib.clips import Clip
from tests.faces.test_faces import NOISE, crop, portrait, three

SIZE = 128


def lifted(picture: np.ndarray, by: float = 4.0) -> np.ndarray:
    """A crop whose mouth region is lifted by some hundred-and-twenty-eighths of its side, fading out around it."""
    size = len(picture)
    y, x = np.mgrid[:size, :size] + 0.5
    weight = np.exp(-(((x / size - 0.5) / 0.15) ** 2) - ((y / size - 0.75) / 0.1) ** 2)
    grid = np.stack([x, y + by / SIZE * size * weight], -1) / size * 2 - 1
    values = torch.tensor(picture).movedim(-1, 0).double()[None]
    moved = F.grid_sample(values, torch.from_numpy(grid)[None], "bicubic", "border", align_corners=False)[0]
    return moved.round().clamp(0, 255).byte().movedim(0, -1).numpy()


def soft(picture: np.ndarray) -> np.ndarray:
    """As a network draws it: a little blurred, a little warmer."""
    blurred = np.asarray(Image.fromarray(picture).resize((64, 64)).resize((len(picture),) * 2), int)
    return np.clip(blurred + [8, 0, -8], 0, 255).astype(np.uint8)


def detail(picture: np.ndarray) -> float:
    """The mean size of what a picture holds beyond a blur of it."""
    grey = picture.mean(-1)
    return float(
        np.abs(grey[1:-1, 1:-1] * 4 - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]).mean()
    )


def fine(picture: np.ndarray) -> np.ndarray:
    grey = picture.mean(-1)
    return (grey - ndimage.gaussian_filter(grey, 3)).ravel()


def large(factor: int = 2) -> np.ndarray:
    """The portrait enlarged, with a grain that no crop of 128 pixels holds."""
    grain = np.random.default_rng(0).normal(0, 12, (512 * factor, 512 * factor, 1))
    enlarged = Image.fromarray(portrait()).resize((512 * factor,) * 2, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(enlarged) + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("photo", [portrait, large])
def test_at_rest_the_photo_stays_as_it_is_bit_for_bit(photo):
    rest = soft(crop())
    clip = Clip(np.stack([rest, soft(lifted(crop()))]), neutral=rest)
    pasted = faces.paste_back(photo(), clip)
    assert pasted.frames.shape == (2, *photo().shape) and np.array_equal(pasted.frames[0], photo())
    assert np.array_equal(pasted.neutral, photo())
    changed = (pasted.frames[1] != photo()).any(-1)
    assert 0.001 < changed.mean() < 0.1, "the mouth alone has changed"


def test_a_warp_is_recovered_with_the_photos_own_detail():
    photo, points = large(), faces.eyes_of(large())
    matrix, full = faces.crop_matrix(points, SIZE), 400
    close = faces.crop_matrix(points, full)
    small = faces.warp(photo, matrix, SIZE)
    pasted = faces.paste_back(photo, soft(lifted(small)), neutral=soft(small))
    laid = faces.paste_back(photo, soft(lifted(small)))
    true = lifted(faces.warp(photo, close, full)).astype(int)
    area = np.s_[int(0.6 * full) : int(0.88 * full), int(0.35 * full) : int(0.65 * full)]
    seen = [faces.warp(picture, close, full)[area] for picture in (pasted, laid, photo)]
    errors = [np.abs(one - true[area]).mean() for one in seen]
    assert errors[0] < 0.8 * min(errors[1:]), errors
    follows = [np.corrcoef(fine(one), fine(true[area]))[0, 1] for one in seen]
    assert follows[0] > 0.15 + max(follows[1:]), follows
    assert detail(seen[0]) > 0.75 * detail(true[area]) > 1.5 * detail(seen[1])


def test_what_is_uncovered_is_drawn_without_the_photos_detail():
    """Teeth where lips were: the lips' edges do not shine through them."""
    photo, rest = large(), crop()
    white = rest.copy()
    white[88:98, 50:78] = 250
    pasted = faces.paste_back(photo, white, neutral=rest)
    close = faces.crop_matrix(faces.eyes_of(photo), SIZE * 3)
    made, before = (faces.warp(picture, close, SIZE * 3)[272:286, 168:216] for picture in (pasted, photo))
    assert made.mean() > 235 and detail(made) < 0.5 * detail(before)


def test_the_colours_of_the_network_cancel():
    rest = soft(crop())
    moved = soft(lifted(crop()))
    pasted = faces.paste_back(portrait(), moved, neutral=rest).astype(int)
    laid = faces.paste_back(portrait(), moved).astype(int)
    warmth = [(one - portrait())[..., 0].mean() - (one - portrait())[..., 2].mean() for one in (pasted, laid)]
    assert abs(warmth[0]) < 0.05 * warmth[1]


def test_a_grey_photo_stays_grey():
    grey = np.repeat(portrait().mean(-1, keepdims=True).astype(np.uint8), 3, -1)
    rest = faces.align_face(grey, SIZE)
    teeth = soft(lifted(rest))
    teeth[88:98, 50:78] = [170, 160, 220]
    pasted = faces.paste_back(grey, teeth, neutral=soft(rest))
    assert np.ptp(pasted, axis=-1).max() <= 1 and (pasted != grey).any(-1).mean() > 0.005
    coloured = faces.paste_back(portrait(), teeth, neutral=soft(crop()))
    assert np.ptp(coloured.astype(int) - portrait(), axis=-1).max() > 30


@pytest.mark.parametrize("angle", [30, -90])
def test_a_turned_photo_changes_where_its_face_is(angle):
    turned = np.asarray(Image.fromarray(portrait()).rotate(angle, Image.Resampling.BICUBIC, expand=True))
    rest = faces.align_face(turned, SIZE)
    pasted = faces.paste_back(turned, lifted(rest, 6), neutral=rest)
    again = faces.warp(pasted, faces.crop_matrix(faces.eyes_of(turned), SIZE), SIZE).astype(int)
    mouth = np.s_[84:108, 48:80]
    assert (
        np.abs(again - lifted(rest, 6))[mouth].mean() < 0.35 * np.abs(rest.astype(int) - lifted(rest, 6))[mouth].mean()
    )


def test_a_face_at_the_photos_edge_is_pasted_within_it():
    whole = faces.paste_back(portrait()[:, 150:], lifted(crop(), 6), neutral=crop())
    assert whole.shape == (512, 362, 3) and (whole != portrait()[:, 150:]).any()


def test_a_face_smaller_than_its_crop_is_changed_without_aliasing():
    small = np.ascontiguousarray(three()[60:360, :320])
    rest = faces.align_face(small, 256)
    stripes = rest.copy()
    stripes[::2] = 255 - stripes[::2]  # a pattern that the photo cannot hold: grey from afar
    pasted = faces.paste_back(small, stripes)
    centre = faces.eyes_of(small).mean(0).astype(int)
    middle = pasted[centre[1] : centre[1] + 12, centre[0] - 6 : centre[0] + 6].astype(float)
    assert np.abs(middle - 127.5).max() < 30


def test_the_neutral_frame_is_the_clips_own_or_that_of_intensity_0():
    rest, moved = soft(crop()), soft(lifted(crop()))
    wanted = faces.paste_back(portrait(), moved, neutral=rest)
    known = faces.paste_back(portrait(), Clip(moved[None], intensity=[1.0], neutral=rest))
    found = faces.paste_back(portrait(), Clip(np.stack([moved, rest]), intensity=[1.0, 0.0]))
    mixed = faces.paste_back(portrait(), Clip(np.stack([moved, rest]), intensity=[[1.0, 0.0], [0.0, 0.0]]))
    assert np.array_equal(known.frames[0], wanted)
    assert np.array_equal(found.frames[0], wanted) and np.array_equal(mixed.frames[0], wanted)
    never = faces.paste_back(portrait(), Clip(moved[None], intensity=[1.0]))
    assert np.array_equal(never.frames[0], faces.paste_back(portrait(), moved)), "it is laid in as it is"


def test_without_opencv_the_flow_is_scikit_images(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    pasted = faces.paste_back(portrait(), lifted(crop(), 6), neutral=crop())
    again = faces.warp(pasted, faces.crop_matrix(faces.eyes_of(portrait()), SIZE), SIZE).astype(int)
    assert np.abs(again - lifted(crop(), 6))[84:108, 48:80].mean() < 6


def test_faces_are_found_as_they_are_numbered():
    found = faces.find(three())
    assert len(found) == 3 and [face.middle[0] for face in found] == sorted(face.middle[0] for face in found)
    for number, face in enumerate(found):
        again = faces.warp(three(), faces.crop_matrix(face.eyes, 64), 64)
        assert np.array_equal(again, faces.align_face(three(), 64, which=number))
    with pytest.raises(faces.NoFaceError, match="face"):
        faces.find(NOISE)


@pytest.mark.parametrize("neutral", [np.zeros((64, 64, 3), np.uint8), np.zeros((128, 128, 3))])
def test_a_neutral_frame_of_another_form_is_refused(neutral):
    with pytest.raises(ValueError, match="uint8.*128"):
        faces.paste_back(portrait(), crop(), neutral=neutral)


def test_paste_back_changes_the_face_and_nothing_else():
    same = faces.paste_back(portrait(), crop(256))
    assert np.abs(same.astype(int) - portrait()).mean() < 0.2
    pasted = faces.paste_back(portrait(), np.stack([crop(), 255 - crop()]))
    assert pasted.shape == (2, 512, 512, 3)
    changed = np.abs(pasted[1].astype(int) - portrait()).max(-1) > 30
    rows, columns = np.nonzero(changed)
    centre = faces.eye_centres(faces.landmarks(portrait()[None])[0]).mean(0)
    assert changed.mean() < 0.06 and abs(columns.mean() - centre[0]) < 10
    assert not changed[200:].any() and np.array_equal(pasted[1][300:], portrait()[300:])
    brighter = faces.paste_back(portrait(), np.minimum(crop(256), 195) + 60).astype(int) - portrait()
    row = brighter[int(centre[1]) + 20].mean(-1)
    assert row.max() > 40 and np.abs(np.diff(row)).max() < 15  # the edge is soft: a hard one jumps by 60


def test_paste_back_refuses_what_is_no_crop():
    with pytest.raises(ValueError, match="align_face"):
        faces.paste_back(portrait(), np.zeros((64, 32, 3), np.uint8))
    with pytest.raises(faces.NoFaceError, match="this photo"):
        faces.paste_back(NOISE, crop())


def test_a_clip_is_laid_back_as_a_clip():
    points = faces.landmarks(crop()[None])
    clip = Clip(np.stack([crop()]), 7, subject="me", landmarks=points, truth={"mouth": np.zeros((1, 128, 128), bool)})
    laid = faces.paste_back(portrait(), clip)
    assert (laid.fps, laid.subject, dict(laid.truth)) == (7, "me", {})
    assert np.array_equal(laid.frames, faces.paste_back(portrait(), clip.frames))
    there = faces.landmarks(portrait()[None])[0]
    assert np.linalg.norm(laid.landmarks[0] - there, axis=1).mean() < 0.04 * np.linalg.norm(there[36] - there[45])


def test_the_face_that_was_chosen_is_the_one_that_changes():
    grey = np.full((1, 64, 64, 3), 127, np.uint8)
    changed = (faces.paste_back(three(), grey, which=2)[0] != three()).any(-1)
    assert changed[:, 780:].sum() > 2000 and not changed[:, :780].any()


def test_a_face_that_was_found_is_not_looked_for_again(monkeypatch):
    grey = np.full((1, 64, 64, 3), 127, np.uint8)
    found, pasted = faces.find(three())[2], faces.paste_back(three(), grey, which=2)
    monkeypatch.setattr(faces.crop, "_faces", lambda *given, **named: pytest.fail("it was looked for"))
    assert np.array_equal(faces.paste_back(three(), grey, which=found), pasted)
