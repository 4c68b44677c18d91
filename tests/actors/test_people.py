"""The people behind actors: their pixels stay, their truth is true, tones and haircuts are all there."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from i2vlib import datasets
from i2vlib.actors import hair, mesh, people, shown, skin, truth
from i2vlib.datasets import actors
from i2vlib.expressions import BLENDSHAPES

#: The green of frame 0 of 31_001, happy, in 4 by 4 blocks of the 96 pixels, of this renderer version.
GOLDEN = (
    (41.4, 77.8, 83.3, 48.8),
    (46.1, 72.1, 95.5, 62.8),
    (42.6, 68.3, 92.2, 60.2),
    (34.7, 57.6, 72.9, 54.9),
)


def test_pixels_are_those_that_models_learnt() -> None:
    clip = actors.clip(31_001, "happy", size=96, intensity=[0])
    blocks = clip.frames[0, ..., 1].reshape(4, 24, 4, 24).mean((1, 3))
    np.testing.assert_allclose(blocks, GOLDEN, atol=0.5)
    assert datasets.open("actors").folder.name == f"actors-v{actors.RENDERER_VERSION}-128px-12f-onset"


def test_dark_skin_is_exposed_and_stays_darker_than_light_skin() -> None:
    shown = {}
    for seed in (31_000, 31_002):
        clip = actors.clip(seed, "happy", size=64, intensity=[0], truth="all")
        skin = clip.truth["parts"][0] == truth.PARTS.index("skin")
        shown[people.person(seed).tone] = np.median(clip.frames[0][skin])
    assert sorted(shown) == [3, 9] and 45 < shown[9] < 0.6 * shown[3]


def test_people_come_out_the_same_after_others() -> None:
    first = actors.clip(31_002, "happy", size=64, intensity=[0, 1])
    people.person.cache_clear()
    actors.clip(31_001, "happy", size=64, intensity=[0])
    again = actors.clip(31_002, "happy", size=64, intensity=[0, 1])
    np.testing.assert_array_equal(first.frames, again.frames)


DRAWN = """
import hashlib
from i2vlib.datasets import actors
clip = actors.clip(10_002, "sad", frames=3, size=32, truth="all", nuisance=actors.Nuisance(gaze=5, drift=2))
print(hashlib.sha256(clip.frames.tobytes() + clip.truth["depth"].tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_people_come_out_the_same_on_any_number_of_threads() -> None:
    drawn = set()
    for threads in ("1", "2"):
        environment = dict(os.environ, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
        run = subprocess.run([sys.executable, "-c", DRAWN], env=environment, capture_output=True, text=True, check=True)
        drawn.add(run.stdout)
    assert len(drawn) == 1


def test_what_pixels_show_agrees_with_landmarks_and_picture() -> None:
    for seed in (31_001, 31_003):
        clip = actors.clip(seed, "surprised", size=96, intensity=[0, 1], truth="all")
        parts = clip.truth["parts"]
        eyeball, inside = (parts == truth.PARTS.index(name) for name in ("eyeball", "mouth_inside"))
        assert (eyeball & ~clip.truth["eyes"]).sum() < 0.25 * eyeball.sum() and eyeball.any()
        assert inside[1].sum() > 60 and (inside[1] & clip.truth["mouth"][1]).sum() > 0.9 * inside[1].sum()
        seen = parts != truth.PARTS.index("background")
        assert (clip.truth["depth"][seen] > 0.5).all() and (clip.truth["depth"][~seen] == 0).all()
        assert (np.linalg.norm(clip.truth["normals"][seen].astype(float), axis=-1) > 120).all()


def test_creases_come_with_the_move_that_folds_the_skin() -> None:
    canvas = shown.shown().canvas
    moves = {name: index for index, name in enumerate(BLENDSHAPES)}
    rest, frown, smile = np.zeros(52, np.float32), np.zeros(52, np.float32), np.zeros(52, np.float32)
    frown[[moves["browDownLeft"], moves["browDownRight"]]] = 1
    smile[[moves["mouthSmileLeft"], moves["mouthSmileRight"]]] = 1
    assert not skin.creases(canvas, rest, 0.7).any()
    between, beside = skin.creases(canvas, frown, 0.7), skin.creases(canvas, smile, 0.7)
    assert canvas.place[between > 0.05, 2].min() > 0.735 and canvas.place[beside > 0.05, 2].max() < 0.70
    np.testing.assert_allclose(skin.creases(canvas, 0.5 * frown, 0.7), 0.5 * between, atol=1e-6)
    assert skin.creases(canvas, smile, 1.0).max() > beside.max() > 0.1
    assert not between[canvas.part != mesh.SKIN].any()


def test_tones_cover_the_ten_anchors_evenly() -> None:
    names = mesh.canvas().head.local_names
    tones = []
    for seed in range(600):
        phenotype, _ = people.drawn_shape(people.generator(seed, "shape"), names)
        tones.append(skin.tone_of(people.generator(seed, "paint-2"), phenotype))
    counts = np.bincount(tones, minlength=10)
    assert len(counts) == 10 and counts.min() > 30 and counts.max() < 95
    light = [skin.skin_colour(np.random.default_rng(0), tone).mean() for tone in range(10)]
    assert light[0] > 0.35 and light[9] < 0.06 and (np.diff(light)[2:] < 0).all()


def test_haircuts_are_all_drawn_and_hair_stays_off_the_eyes() -> None:
    rng = np.random.default_rng(0)
    cuts = {hair.choose(rng, woman, 0.7).name for woman in (True, False) for _ in range(150)}
    assert cuts == set(hair.CUTS)
    for seed in (31_001, 31_002, 31_004):
        clip = actors.clip(seed, "happy", size=64, intensity=[0], truth=("eyes", "hair"))
        assert (clip.truth["hair"] & clip.truth["eyes"]).sum() < 0.3 * clip.truth["eyes"].sum()


def test_pale_faces_are_not_burnt_out() -> None:
    for seed in (31_001, 31_005, 31_006):
        frame = actors.clip(seed, "happy", size=64, intensity=[0]).frames[0]
        assert (frame.min(-1) > 248).mean() < 0.01
