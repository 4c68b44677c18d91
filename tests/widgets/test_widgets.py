"""Widgets without a browser: what is linked, and that every control changes the pixels that are shown."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from i2vlib import widgets
from i2vlib.clips import Clip
from i2vlib.widgets.studio import contents

ipywidgets = pytest.importorskip("ipywidgets")


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def colour(image: ipywidgets.Image) -> np.ndarray:
    """The mean colour that a widget shows, decoded from what is sent to the browser."""
    return np.asarray(Image.open(io.BytesIO(image.value)).convert("RGB")).mean(axis=(0, 1))


def inside(box: ipywidgets.Widget, kind: type) -> list:
    """All widgets of a kind in a box, in order."""
    found = [box] if type(box) is kind else []
    return found + [each for child in getattr(box, "children", ()) for each in inside(child, kind)]


def linked(box: ipywidgets.Widget) -> dict[tuple[str, str], tuple[str, str]]:
    """Links that the browser keeps, as the saved state of a page holds them."""
    from ipywidgets.embed import dependency_state

    states = dependency_state([box], drop_defaults=False).values()
    ends = [state["state"] for state in states if state["model_name"] == "LinkModel"]
    name = lambda end: (end[0].removeprefix("IPY_MODEL_"), end[1])  # noqa: E731
    return {name(end["source"]): name(end["target"]) for end in ends}


@pytest.fixture(params=["ipywidgets 8", "ipywidgets 7"])
def version(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Version 7 has no Stack; either may be installed here."""
    if request.param == "ipywidgets 7":
        monkeypatch.delattr(ipywidgets, "Stack", raising=False)
    elif not ipywidgets.__version__.startswith("8"):
        pytest.skip(f"ipywidgets {ipywidgets.__version__} is installed")
    return request.param


def test_the_scrubber_links_play_to_slider_to_frames_in_the_browser(version: str) -> None:
    clip = Clip(np.repeat((20 * np.arange(6, dtype=np.uint8))[:, None], 16 * 16 * 3, 1).reshape(6, 16, 16, 3), fps=8)
    box = widgets.scrubber(clip)
    (slider,), (play,) = inside(box, ipywidgets.IntSlider), inside(box, ipywidgets.Play)
    pages = box.children[0]
    assert type(pages).__name__ == ("Stack" if version == "ipywidgets 8" else "Tab")
    assert linked(box) == {
        (play.model_id, "value"): (slider.model_id, "value"),
        (slider.model_id, "value"): (pages.model_id, "selected_index"),
    }
    assert (slider.min, slider.max, play.min, play.max, play.interval) == (0, 5, 0, 5, 125)
    assert pages.selected_index == slider.value == 0
    for index, image in enumerate(pages.children):
        assert colour(image) == pytest.approx([20 * index] * 3, abs=3)


def test_the_tabs_that_replace_the_stack_are_hidden(version: str) -> None:
    box = widgets.scrubber(Clip(np.zeros((2, 8, 8, 3), np.uint8)))
    styles = [text.value for text in inside(box, ipywidgets.HTML)]
    if version == "ipywidgets 8":
        assert not styles
    else:
        assert "i2v-pages" in box.children[0]._dom_classes and ".i2v-pages > .p-TabBar" in styles[0]


def numbered(count: int, level: int) -> list[Clip]:
    frames = lambda n: np.full((3, 16, 16, 3), level + n, np.uint8)  # noqa: E731
    return [Clip(frames(n), subject=f"person-{n}", expression="happy") for n in range(count)]


def press(box: ipywidgets.Widget, word: str) -> str:
    """Presses the button of that name, and returns what the box then says."""
    next(button for button in inside(box, ipywidgets.Button) if button.description == word).click()
    return inside(box, ipywidgets.Label)[0].value


# --- the intensity meter ----------------------------------------------------------------------------------------------


class Meter:
    """Infers from the number of the frame; twice as much of one expression as of the other."""

    expressions = ("happy", "angry")
    config = SimpleNamespace(size=32)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        return np.linspace(0, 0.5 * (1 + self.expressions.index(expression)), len(frames)).astype(np.float32)


@pytest.fixture
def metered(monkeypatch: pytest.MonkeyPatch) -> tuple[ipywidgets.VBox, list[Clip]]:
    """A meter, and the clips that it was about to draw."""
    drawn: list[Clip] = []
    read = lambda clip: replace(clip, blendshapes=np.zeros((len(clip), 52)))  # noqa: E731
    monkeypatch.setattr(widgets.meter.faces, "read", read)
    chart = widgets.meter.chart
    monkeypatch.setattr(widgets.meter, "chart", lambda clip: drawn.append(clip) or chart(clip))
    return widgets.intensity_meter(Meter()), drawn


def files(count: int) -> dict[str, bytes]:
    """Pictures whose level is their number, named so that only natural order is right."""
    made = {}
    for number in range(8, 8 + count):
        buffer = io.BytesIO()
        Image.fromarray(np.full((32, 32, 3), number, np.uint8)).save(buffer, "PNG")
        made[f"{number}.png"] = buffer.getvalue()
    return made


@pytest.mark.parametrize("kernel", ["7", "8"])
def test_pictures_dropped_on_the_meter_are_a_clip_in_order(metered: tuple, kernel: str) -> None:
    box, drawn = metered
    content = files(3)
    if kernel == "8":
        value = tuple({"name": name, "content": memoryview(data)} for name, data in content.items())
    else:
        value = {name: {"metadata": {"name": name}, "content": data} for name, data in content.items()}
    assert contents(value) == content
    (upload,) = inside(box, ipywidgets.FileUpload)
    if ipywidgets.__version__[0] == "8":
        upload.value = [
            {"name": n, "type": "image/png", "size": len(d), "content": d, "last_modified": NOW}
            for n, d in content.items()
        ]
        assert drawn[-1].frames[:, 0, 0, 0].tolist() == [8, 9, 10]
        assert len(inside(box, ipywidgets.Image)) == 3


def test_the_meter_reads_a_path_and_follows_the_choice_of_expression(metered: tuple, tmp_path: Path) -> None:
    box, drawn = metered
    for name, data in files(4).items():
        (tmp_path / name).write_bytes(data)
    (path,), (choice,) = inside(box, ipywidgets.Text), inside(box, ipywidgets.Dropdown)
    path.value = str(tmp_path)
    assert drawn[-1].intensity[-1] == pytest.approx(0.5) and len(inside(box, ipywidgets.Image)) == 4
    choice.value = "angry"
    assert drawn[-1].intensity[-1] == pytest.approx(1.0)


def test_a_meter_says_what_it_cannot_read_and_keeps_what_it_showed(metered: tuple, tmp_path: Path) -> None:
    box, drawn = metered
    (path,), (status,) = inside(box, ipywidgets.Text), inside(box, ipywidgets.Label)[:1]
    for name, data in files(2).items():
        (tmp_path / name).write_bytes(data)
    path.value = str(tmp_path)
    path.value = str(tmp_path / "gone.mp4")
    assert status.value.startswith("Not read: There is no video and no folder at")
    (tmp_path / "text.mp4").write_text("no video")
    path.value = str(tmp_path / "text.mp4")
    assert "cannot be decoded as a video" in status.value
    assert len(drawn) == 1 and len(inside(box, ipywidgets.Image)) == 2
