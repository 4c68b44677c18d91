"""Curves: what lies between their points, what `animate` is given, and the file that keeps one."""

import json

import numpy as np
import pytest

from i2vlib.curves import PRESETS, Curve


def test_a_curve_goes_through_its_points_and_never_beyond_two_of_them():
    curve = Curve(((0, 0), (1, 1), (1.5, 1), (3, 0.2)), seconds=3)
    assert np.allclose(curve.at([0, 1, 1.5, 3]), [0, 1, 1, 0.2])
    dense = curve.at(np.linspace(0, 3, 301))
    assert dense.dtype == np.float32 and dense.min() >= 0 and dense.max() <= 1
    assert (np.diff(dense[:101]) >= 0).all() and np.allclose(dense[100:151], 1) and (np.diff(dense[150:]) <= 0).all()


def test_two_points_are_joined_by_a_line_and_the_ends_stay():
    curve = Curve([[2, 1], [1, 0]], seconds=4)
    assert curve.points == ((1, 0), (2, 1)), "in the order of time"
    assert np.allclose(curve.at([0, 1, 1.25, 1.5, 2, 4]), [0, 0, 0.25, 0.5, 1, 1])
    assert np.allclose(Curve([(1, 0.3)]).at([0, 1, 2]), 0.3)


@pytest.mark.parametrize(("seconds", "fps", "frames"), [(2, 12, 24), (1.5, 10, 15), (0.01, 12, 1), (0.5, 25, 12)])
def test_length_and_rate_are_the_users(seconds, fps, frames):
    curve = Curve(seconds=seconds, fps=fps)
    assert len(curve.times) == frames and np.allclose(curve.times, np.arange(frames) / fps)
    assert curve.intensity().shape == (frames,)


def test_amounts_make_one_curve_an_expression():
    made = Curve(((0, 0), (1, 1)), 1, 2, {"happy": 0.5, "angry": 1}).intensity()
    assert {name: curve.tolist() for name, curve in made.items()} == {"happy": [0, 0.25], "angry": [0, 0.5]}


def test_a_curve_is_kept_and_read_again(tmp_path):
    for name, curve in PRESETS.items():
        path = curve.save(tmp_path / f"{name}.json")
        assert Curve.load(path) == curve and path.stat().st_size < 600
    assert set(json.loads(path.read_text())) == {"kind", "seconds", "fps", "points", "amounts"}


def test_the_presets_begin_neutral_and_do_what_they_are_called():
    for curve in PRESETS.values():
        assert curve.at([0])[0] == 0 and curve.at(curve.times).max() > 0.95
    assert PRESETS["smile and stay"].at([3]) == 1 and PRESETS["there and back"].at([2]) == 0
    closed = PRESETS["blink"].at(PRESETS["blink"].times) > 0.5
    assert 3 <= closed.sum() <= 8, "a blink lasts from 100 to 400 milliseconds"
    assert PRESETS["surprise and relax"].at([3]) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"points": []}, "at least one point"),
        ({"points": [(0, 0), (0, 1)]}, "share a moment"),
        ({"points": [(0, -0.1)]}, "finite numbers from 0 on"),
        ({"points": [(0, np.nan)]}, "finite numbers from 0 on"),
        ({"points": [(0, 1, 2)]}, "A curve has points"),
        ({"points": 3}, "A curve has points"),
        ({"points": [("a", 0)]}, "all numbers"),
        ({"seconds": 0}, "up to 60 seconds"),
        ({"seconds": 1e9}, "up to 60 seconds"),
        ({"fps": 0}, "at up to 60 frames"),
        ({"fps": None}, "A curve has points"),
        ({"amounts": [1]}, "A curve has points"),
        ({"amounts": {"happy": -1}}, "finite numbers from 0 on"),
    ],
)
def test_what_is_no_curve_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        Curve(**given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.json is no JSON"),
        ("{", "mine.json is no JSON"),
        (b"\xff\xfe", "mine.json is no JSON"),
        ("[1, 2]", "is JSON, but keeps no curve"),
        ('{"points": []}', "is JSON, but keeps no curve"),
        (PRESETS["blink"].to_json().replace("curve", "cake"), "is JSON, but keeps no curve"),
        (PRESETS["blink"].to_json().replace('"fps": 24', '"fps": 0'), "keeps a curve that cannot be: A clip lasts"),
        (PRESETS["blink"].to_json().replace('"fps": 24', '"fps": NaN'), "keeps a curve that cannot be"),
        (PRESETS["blink"].to_json().replace('"seconds": 2', '"seconds": "two"'), "keeps a curve that cannot be"),
    ],
)
def test_a_file_that_keeps_none_is_named_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "mine.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=said) as refused:
        Curve.load(path)
    assert "\n" not in str(refused.value)


def test_a_curve_is_saved_where_it_can_be(tmp_path):
    for path in (tmp_path / "mine.txt", tmp_path / "nowhere" / "mine.json"):
        with pytest.raises(ValueError, match="folder"):
            Curve().save(path)
    with pytest.raises(ValueError, match="gone.json"):
        Curve.load(tmp_path / "gone.json")
