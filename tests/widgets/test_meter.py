"""The intensity meter: it adds what is read to a clip, and draws it at the right place."""

from types import SimpleNamespace

import numpy as np
import pytest

from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from i2vlib.widgets import meter


class Brightness:
    """Infers the intensity from how much brighter a frame is than the neutral one."""

    expressions = ("happy",)
    config = SimpleNamespace(size=32)

    def infer_intensity(self, frames, neutral, expression=None):
        self.asked = expression
        return ((frames.mean((1, 2, 3)) - neutral.mean()) / 100).astype(np.float32)


def brightening(count: int = 5, size: int = 32) -> Clip:
    frames = np.stack([np.full((size, size, 3), 50 + 25 * i, np.uint8) for i in range(count)])
    return Clip(frames, fps=10, expression="happy")


@pytest.fixture
def unread(monkeypatch):
    monkeypatch.setattr(meter.faces, "read", lambda clip: clip)


def scored(clip: Clip, **curves: list[float]) -> Clip:
    scores = np.zeros((len(clip), len(BLENDSHAPES)))
    for name, curve in curves.items():
        scores[:, BLENDSHAPES.index(name)] = curve
    return Clip(clip.frames, clip.fps, intensity=np.linspace(0, 1, len(clip)), blendshapes=scores)


def test_it_measures_against_the_frame_that_is_said_to_be_neutral(unread):
    model = Brightness()
    assert meter.read_intensity(model, brightening()).intensity == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert meter.read_intensity(model, brightening(), neutral=2).intensity == pytest.approx([-0.5, -0.25, 0, 0.25, 0.5])
    assert model.asked == "happy"
    for wrong in (5, -6):
        with pytest.raises(ValueError, match=f"The clip has 5 frames; number {wrong} was given as the neutral one"):
            meter.read_intensity(model, brightening(), neutral=wrong)


def test_a_clip_of_another_size_is_cropped_first(unread, monkeypatch):
    sizes = []

    def align(clip, size):
        sizes.append(size)
        return brightening(len(clip), size)

    monkeypatch.setattr(meter.faces, "align_clip", align)
    assert meter.read_intensity(Brightness(), brightening(3, 48)).frames.shape == (3, 32, 32, 3) and sizes == [32]
    meter.read_intensity(Brightness(), brightening(3))
    assert sizes == [32]


def test_the_blendshapes_that_move_most_are_named_a_pair_once():
    clip = scored(
        brightening(3),
        mouthSmileLeft=[0, 0.5, 0.9], mouthSmileRight=[0, 0.4, 0.8], jawOpen=[0.3, 0.2, 0.5], browInnerUp=[0.9] * 3,
        cheekPuff=[0, 0.04, 0],
    )  # fmt: skip
    assert meter.moved(clip) == ["mouthSmileLeft", "jawOpen"] and meter.moved(clip, 1) == ["mouthSmileLeft"]


def test_the_mark_of_a_frame_wanders_from_left_to_right():
    pictures = meter.chart(scored(brightening(4), jawOpen=[0, 0.2, 0.4, 0.8]))
    assert pictures.shape == (4, 256, 656, 3) and pictures.dtype == np.uint8
    assert [int(p[:256, :256].mean()) for p in pictures] == [50, 75, 100, 125]
    places = [np.unique(np.nonzero((p == (200, 60, 40)).all(-1))[1]) for p in pictures]
    assert all(len(place) == 2 for place in places)
    steps = np.diff([place[0] for place in places])
    assert (steps > 40).all() and np.ptp(steps) <= 1


@pytest.mark.parametrize("curve", [[0, 0.5, 1], [-2, 0.5, 3]])
def test_the_curve_is_seen_from_its_first_value_to_its_last(curve):
    clip = scored(brightening(3))
    pictures = meter.chart(Clip(clip.frames, intensity=curve, blendshapes=clip.blendshapes))
    marks = [np.nonzero((p[:, 256:] == (200, 60, 40)).all(-1)) for p in pictures]
    top, bottom = marks[0][0].min() + 3, marks[0][0].max() - 3  # within the frame of the chart
    for mark, beside in ((marks[0][1].max(), 3), (marks[-1][1].min(), -3)):
        column = pictures[1][top:bottom, 256 + mark + beside]
        assert (column.max(-1) < 60).any(), f"no curve beside the mark at {mark}"
