"""The second look: the first is left alone, its people are painted on the same heads, and its truth is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.datasets import _hair, _people, _skin, _truth, actors

#: The green of frame 0 of 31_001, happy, in 4 by 4 blocks of the 96 pixels, with the heads of renderer version 2.
GOLDEN = (
    (82.1, 115.6, 134.4, 85.6),
    (82.8, 101.6, 125.3, 106.3),
    (41.2, 99.9, 131.7, 59.2),
    (20.1, 100.5, 126.0, 31.8),
)


def test_the_first_look_is_as_it_was() -> None:
    clip = actors.clip(31_001, "happy", size=96, intensity=[0])
    np.testing.assert_array_equal(clip.frames, actors.clip(31_001, "happy", size=96, intensity=[0], look=1).frames)
    blocks = clip.frames[0, ..., 1].reshape(4, 24, 4, 24).mean((1, 3))
    np.testing.assert_allclose(blocks, GOLDEN, atol=0.5)
    assert datasets.open("actors").folder.name == "actors-v2-128px-12f-onset"


def test_looks_share_the_truth_but_not_the_picture() -> None:
    one, two = (actors.clip(31_001, "surprised", size=64, intensity=[0, 1], look=look) for look in (1, 2))
    np.testing.assert_array_equal(one.landmarks, two.landmarks)
    np.testing.assert_array_equal(one.blendshapes, two.blendshapes)
    for name in ("mouth", "eyes", "camera"):
        np.testing.assert_array_equal(one.truth[name], two.truth[name])
    assert np.abs(one.frames.astype(int) - two.frames).mean() > 5


def test_the_second_look_gives_the_same_bits_again() -> None:
    first = actors.clip(31_002, "happy", size=64, intensity=[0, 1], look=2)
    _people.person.cache_clear()
    actors.clip(31_001, "happy", size=64, intensity=[0], look=2)
    again = actors.clip(31_002, "happy", size=64, intensity=[0, 1], look=2)
    np.testing.assert_array_equal(first.frames, again.frames)


def test_what_pixels_show_agrees_with_landmarks_and_picture() -> None:
    for seed in (31_001, 31_003):
        clip = actors.clip(seed, "surprised", size=96, intensity=[0, 1], truth="all", look=2)
        parts = clip.truth["parts"]
        eyeball, inside = (parts == _truth.PARTS.index(name) for name in ("eyeball", "mouth_inside"))
        assert (eyeball & ~clip.truth["eyes"]).sum() < 0.25 * eyeball.sum() and eyeball.any()
        assert inside[1].sum() > 60 and (inside[1] & clip.truth["mouth"][1]).sum() > 0.9 * inside[1].sum()
        seen = parts != _truth.PARTS.index("background")
        assert (clip.truth["depth"][seen] > 0.5).all() and (clip.truth["depth"][~seen] == 0).all()
        assert (np.linalg.norm(clip.truth["normals"][seen].astype(float), axis=-1) > 120).all()


def test_tones_cover_the_ten_anchors_evenly() -> None:
    names = _people.drawing.canvas().head.local_names
    tones = []
    for seed in range(600):
        phenotype, _ = _people._shape(_people.generator(seed, "shape"), names)
        tones.append(_skin.tone_of(_people.generator(seed, "paint-2"), phenotype))
    counts = np.bincount(tones, minlength=10)
    assert len(counts) == 10 and counts.min() > 30 and counts.max() < 95
    light = [_skin._colour(np.random.default_rng(0), tone).mean() for tone in range(10)]
    assert light[0] > 0.35 and light[9] < 0.06 and (np.diff(light)[2:] < 0).all()


def test_haircuts_are_all_drawn_and_hair_stays_off_the_eyes() -> None:
    rng = np.random.default_rng(0)
    cuts = {_hair.choose(rng, woman, 0.7).name for woman in (True, False) for _ in range(150)}
    assert cuts == set(_hair.CUTS)
    for seed in (31_001, 31_002, 31_004):
        clip = actors.clip(seed, "happy", size=64, intensity=[0], truth=("eyes", "hair"), look=2)
        assert (clip.truth["hair"] & clip.truth["eyes"]).sum() < 0.3 * clip.truth["eyes"].sum()


def test_pale_faces_are_not_burnt_out() -> None:
    for seed in (31_001, 31_005, 31_006):
        frame = actors.clip(seed, "happy", size=64, intensity=[0], look=2).frames[0]
        assert (frame.min(-1) > 248).mean() < 0.01


def test_an_unknown_look_is_refused(cache: Path) -> None:
    with pytest.raises(ValueError, match="the looks 1 and 2; this one is 3"):
        actors.clip(1, look=3)
    with pytest.raises(ValueError, match="the looks 1 and 2; this one is 0"):
        datasets.open("actors", look=0)
    two = datasets.open("actors", "validation", 32, subjects=1, expressions="happy", frames=2, look=2)
    assert two.folder.name.startswith("actors-look2-") and two[0].frames.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(two[0].frames, actors.clip(10_000, "happy", frames=2, size=32, look=2).frames)
