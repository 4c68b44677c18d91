"""The lifelike cast: today's people stay what they were, and these are others, with faces that readers find."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib import faces
from i2vlib.actors import cast, mesh, people
from i2vlib.actors.film import Order, pose
from i2vlib.datasets import actors

#: Of 31_001, happy, at intensity 0.7, 64 px, as drawn before there was a second cast: the mean green of each quarter,
#: and the mean flow to the first frame, x and y, of the upper and the lower half.
GREEN = (59.31, 72.61, 50.94, 70.43)
FLOW = (-0.0060, 0.2088, -0.0724, 0.7514)


def drawn(seed: int = 31_001, name: str = "lifelike", **options: object) -> actors.Clip:
    return actors.clip(seed, "happy", size=64, intensity=[0, 0.7], cast=name, **options)


def test_the_first_cast_is_the_one_without_a_name() -> None:
    named = drawn(name="wide", truth=("parts", "flow_to_first"))
    plain = actors.clip(31_001, "happy", size=64, intensity=[0, 0.7], truth=("parts", "flow_to_first"))
    for one, other in ((named.frames, plain.frames), *zip(named.truth.values(), plain.truth.values(), strict=True)):
        np.testing.assert_array_equal(one, other)
    green = plain.frames[1, ..., 1].reshape(2, 32, 2, 32).mean((1, 3)).ravel()
    flow = plain.truth["flow_to_first"][1].reshape(2, 32, 64, 2).mean((1, 2)).ravel()
    np.testing.assert_allclose(green, GREEN, atol=0.3)
    np.testing.assert_allclose(flow, FLOW, atol=0.002)


def test_a_seed_and_a_cast_are_a_person() -> None:
    first, second = drawn(name="wide"), drawn()
    assert (first.subject, second.subject) == ("actor-31001", "actor-lifelike-31001")
    assert np.abs(first.frames[0].astype(int) - second.frames[0]).mean() > 5
    assert np.abs(people.identity(31_001) - people.identity(31_001, "lifelike")).max() > 0.1
    people.person.cache_clear()
    np.testing.assert_array_equal(second.frames, drawn().frames)


def test_casts_have_folders_of_their_own() -> None:
    wide, lifelike = actors.Actors(subjects=1), actors.Actors(subjects=1, cast="lifelike")
    assert wide.folder.name.startswith("actors-v") and lifelike.folder.name.startswith("actors-lifelike-v")
    assert lifelike.order(0, "happy").cast == "lifelike" and wide.order(0, "happy") == Order(0, "happy", driver=0)


def test_there_is_no_such_cast() -> None:
    for make in (lambda: Order(0, cast="real"), lambda: people.person(0, "real"), lambda: actors.Actors(cast="real")):
        with pytest.raises(ValueError, match=", ".join(cast.CASTS)):
            make()


def test_gentle_shapes_differ_less_and_have_eyes_and_mouths_as_wide_as_people_s() -> None:
    head, rows = mesh.canvas().head, mesh.landmark_rows()

    def measured(name: str) -> np.ndarray:
        shapes = [people.shape_of(seed, name) for seed in range(31_000, 31_060)]
        points = np.stack([rows @ head.neutral(*shape) for shape in shapes])
        wide = lambda a, b: np.linalg.norm(points[:, a] - points[:, b], axis=1)  # noqa: E731
        apart = np.linalg.norm(points[:, 36:42].mean(1) - points[:, 42:48].mean(1), axis=1)
        return np.stack([(wide(36, 39) + wide(42, 45)) / 2, wide(48, 54), wide(31, 35)], 1) / apart[:, None]

    lifelike, first = measured("lifelike"), measured("wide")
    # People: eyes of 31 mm and mouths of 50 mm, 64 mm from eye to eye.
    np.testing.assert_allclose(lifelike.mean(0)[:2], [0.46, 0.78], atol=0.03)
    assert (lifelike.std(0) < 0.8 * first.std(0)).all() and (lifelike.std(0) > 0.02).all()


def test_heads_are_turned_further_and_never_beyond_15_degrees() -> None:
    turned = np.array([pose(seed, "happy", "lifelike") for seed in range(31_000, 31_200)])
    yaw = np.degrees(np.arctan2(turned[:, 0, 1], turned[:, 0, 0]))
    assert 5 < yaw.std() < 8 and np.abs(yaw).max() <= 15.01 and np.abs(yaw).max() > 12
    np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (200, 1, 1)), atol=1e-5)


def test_teeth_and_irises_differ_by_person() -> None:
    part, angle = mesh.canvas().part, mesh.canvas().fields["iris_angle"]
    some = [people.person(seed, "lifelike") for seed in range(31_000, 31_010)]
    teeth = np.array([np.percentile(one.albedo[part == mesh.TEETH], 90, 0) for one in some])
    assert np.std(teeth[:, 2] / teeth[:, 0]) > 0.03
    iris = np.array([np.median(one.albedo[(part == mesh.EYES) & (angle > 12) & (angle < 18)]) for one in some])
    assert iris.max() > 3 * iris.min()


@pytest.mark.slow
def test_dlib_finds_lifelike_faces_where_they_are() -> None:
    pytest.importorskip("dlib")
    errors = []
    for seed in range(31_000, 31_016):
        made = actors.clip(seed, "happy", size=160, intensity=[0], cast="lifelike")
        seen = faces.landmarks(made.frames)
        errors.append(np.linalg.norm(seen - made.landmarks, axis=-1)[0, 17:].mean())
    errors = np.array(errors)
    assert (errors < 4).sum() >= 15, errors
