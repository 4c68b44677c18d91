"""What a still does already. The readings are given, so no reader is asked."""

import numpy as np
import pytest

from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces.rest import SIGNS, in_the_way, signs_of

SMILE, OPEN, CLOSED = SIGNS


def scores(**values: float) -> np.ndarray:
    """Scores ``(52,)`` that are 0 but for those named, and for the one that MediaPipe lacks."""
    read = np.zeros(len(BLENDSHAPES), np.float32)
    read[BLENDSHAPES.index("tongueOut")] = np.nan
    for name, value in values.items():
        read[BLENDSHAPES.index(name)] = value
    return read


def points(mouth: float = 50.0, lids: float = 8.0) -> np.ndarray:
    """Landmarks of eyes 24 px wide whose outer corners are 100 px apart: mouth and lids by their distances."""
    face = np.zeros((68, 2), np.float32)
    for corner, x in ((36, 0), (39, 24), (42, 76), (45, 100)):
        face[corner] = x, 0
    for top, bottom, x in ((37, 41, 8), (38, 40, 16), (43, 47, 84), (44, 46, 92)):
        face[top], face[bottom] = (x, -lids / 2), (x, lids / 2)
    face[48], face[54] = (50 - mouth / 2, 80), (50 + mouth / 2, 80)
    return face


UNREAD = np.full(len(BLENDSHAPES), np.nan)


def test_a_face_at_rest_shows_nothing_nor_does_one_that_was_not_read():
    assert signs_of(scores()) == () == signs_of(UNREAD) == signs_of(UNREAD, points())
    assert signs_of(UNREAD, np.full((68, 2), np.nan)) == ()


def test_a_sign_is_the_mean_of_its_scores_above_its_threshold():
    (smile,) = signs_of(scores(mouthSmileLeft=0.9, mouthSmileRight=0.7))
    assert smile.sign is SMILE and smile.value == pytest.approx(0.8) and smile.limit == SMILE.threshold
    for sign in SIGNS:
        below, above = (dict.fromkeys(sign.shapes, sign.threshold + by) for by in (-0.005, 0.005))
        assert signs_of(scores(**below)) == ()
        assert [one.sign for one in signs_of(scores(**above))] == [sign]


@pytest.mark.parametrize(
    ("sign", "face", "value"),
    [
        (SMILE, points(mouth=80), 0.8),
        (CLOSED, points(lids=2), 12.0),
    ],
)
def test_where_no_score_is_read_landmarks_tell(sign, face, value):
    (one,) = signs_of(UNREAD, face)
    assert one.sign is sign and one.value == pytest.approx(value) and one.limit == sign.widest < value
    assert signs_of(scores(), face) == (), "scores come first"


def test_landmarks_tell_nothing_of_an_open_mouth():
    three = np.stack([points()] * 3)
    assert np.isnan(OPEN.ratio(three)).tolist() == [True] * 3
    assert SMILE.ratio(three).tolist() == pytest.approx([0.5] * 3)


@pytest.mark.parametrize(
    ("expression", "moved"),
    [
        ("happy", {SMILE, OPEN, CLOSED}),
        ("surprised", {SMILE, OPEN, CLOSED}),
        ("contempt", {SMILE, OPEN}),
        ("eyes_closed", {CLOSED}),
        ("cheeks_puffed", {SMILE, OPEN}),
    ],
)
def test_a_sign_is_in_the_way_of_what_moves_the_same_part(expression, moved):
    assert {sign for sign in SIGNS if sign.moved_by(expression)} == moved


def test_only_what_the_expressions_move_is_told():
    both = signs_of(scores(mouthSmileLeft=0.9, mouthSmileRight=0.9, eyeBlinkLeft=0.9, eyeBlinkRight=0.8))
    assert [one.sign for one in both] == [SMILE, CLOSED]
    said = in_the_way(both, ["eyes_closed"])
    assert "0.85" in said and f"{CLOSED.threshold:.2f}" in said and "0.90" not in said
    assert "0.90" in in_the_way(both, ["eyes_closed", "contempt"])
    assert in_the_way(both[:1], ["eyes_closed"]) == "" == in_the_way((), ["happy"])
