"""A take of one's own: what is cut out of it, and what is said of it. The readings are given, so no reader is asked."""

import numpy as np
import pytest

from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES

SMILE = [BLENDSHAPES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]


def take(lead, expression="happy", wander=0.0) -> Clip:
    """A clip of 100 px in which the smile is read as told, and the face wanders to the right by so many pixels."""
    lead = np.array(lead, float)
    scores = np.zeros((len(lead), 52))
    scores[:, SMILE] = lead[:, None]
    points = np.tile(np.linspace(20, 80, 68)[:, None], (len(lead), 1, 2))
    points[..., 0] += np.linspace(0, wander, len(lead))[:, None]
    points[~np.isfinite(lead)] = np.nan
    frames = np.zeros((len(lead), 100, 100, 3), np.uint8)
    return Clip(frames, landmarks=points, blendshapes=scores, expression=expression)


def test_the_onset_is_from_the_last_calm_frame_to_the_peak():
    part = faces.onset(take([0.5, 0.1, 0.0, 0.1, 0.4, 0.7, 0.8, 0.3, 0.0]))
    assert part.blendshapes[:, SMILE[0]].tolist() == pytest.approx([0.1, 0.4, 0.7, 0.8])


def test_a_lost_face_does_not_hide_the_peak():
    assert len(faces.onset(take([0.0, np.nan, 0.4, 0.8, np.nan]))) == 4


def test_nothing_is_said_of_a_good_take():
    assert faces.faults(take([0.1, 0.15, 0.3, 0.6, 0.8, 0.5], wander=5)) == []


@pytest.mark.parametrize(
    ("clip", "said"),
    [
        (take([0.0, 0.4, 0.8]), "has 3 frames; film on until there are at least 4"),
        (take([0.0, np.nan, 0.4, np.nan, 0.8]), "No face is found in 2 of 5 frames, the first of them frame 1"),
        (take([0.30, 0.32, 0.35, 0.31]), "Hardly anything moves: what is read as happy rises by 0.05"),
        (take([0.5, 0.3, 0.1, 0.6, 0.8]), "not neutral: it reads 0.50 of happy, frame 2 0.10 and the peak 0.80. Let"),
        (take([0.0, 0.2, 0.5, 0.8], wander=9), "The head moves: the eyes wander by 9% of the picture's side"),
    ],
)
def test_each_fault_is_a_sentence(clip, said):
    (only,) = faces.faults(clip)
    assert said in only


def test_several_faults_are_told_together():
    assert len(faces.faults(take([0.8, 0.0, 0.4], wander=20))) == 3


def test_without_any_face_or_expression_it_is_an_error():
    with pytest.raises(ValueError, match="face"):
        faces.faults(take([np.nan] * 5))
    with pytest.raises(ValueError, match="'grin'"):
        faces.onset(take([0, 0.5, 1, 1], expression="grin"))
