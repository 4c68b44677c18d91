"""Widgets for notebooks, from stock ipywidgets: a scrubber that needs no kernel; an animator and an intensity meter
that do.

All work with ipywidgets 7.7.1 (Colab) and 8. On a page without kernel, what is linked in the browser (`scrubber`)
still moves; what calls Python (`animator`, `intensity_meter`) does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from i2vlib import datasets, video
from i2vlib.clips import Clip
from i2vlib.widgets import meter

if TYPE_CHECKING:
    import ipywidgets

_SHOWN = 256  # px, the height of a picture

# ipywidgets 7 has no Stack: there the frames are the pages of a Tab whose row of tabs is hidden.
_HIDE_TABS = (
    "<style>.i2v-pages > .p-TabBar, .i2v-pages > .lm-TabBar { display: none !important }"
    " .i2v-pages .widget-tab-contents { border: 0 !important; padding: 0 !important }</style>"
)


class Animates(Protocol):
    """What `animator` asks of a model."""

    @property
    def expressions(self) -> tuple[str, ...]: ...

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip: ...


def scrubber(clip: Clip) -> ipywidgets.VBox:
    """A clip under a slider and a play button, linked in the browser: it goes on working when the kernel is gone.

    Args:
        clip: the frames to show; ``fps`` is the speed of the play button.

    Returns:
        A box of the frames and of the controls. Setting the slider's ``value`` from Python shows that frame as well.
    """
    import ipywidgets

    _, height, width, _ = clip.frames.shape
    images = [_picture(video.encode(frame), round(_SHOWN * width / height)) for frame in clip.frames]
    pages, extra = _pages(images)
    last = len(clip) - 1
    slider = ipywidgets.IntSlider(0, 0, last, description="frame", continuous_update=True)
    play = ipywidgets.Play(value=0, min=0, max=last, interval=round(1000 / clip.fps))
    ipywidgets.jslink((play, "value"), (slider, "value"))
    ipywidgets.jslink((slider, "value"), (pages, "selected_index"))
    return ipywidgets.VBox([pages, ipywidgets.HBox([play, slider]), *extra])


def animator(model: Animates, face: np.ndarray, steps: int = 17, folder: str | Path = ".") -> ipywidgets.VBox:
    """A face under a slider of intensity, with a choice of expression and a button that saves a GIF.

    The frames of an expression are computed once, when it is chosen, on an even grid of intensities from 0 to 1, so
    that dragging only looks them up. The GIF goes from neutral to the peak and back. It needs a running kernel.

    Args:
        model: what has ``expressions`` and ``animate``, such as a pretrained model.
        face: ``uint8 (H, W, 3)``, aligned as the model expects (`i2vlib.align_face`).
        steps: number of intensities on the grid, at least 2.
        folder: where the button saves ``<expression>.gif``.

    Raises:
        ValueError: fewer than 2 steps, or a model without expressions.
    """
    import ipywidgets

    if steps < 2:
        raise ValueError(f"An animator has at least 2 steps, neutral and peak; steps is {steps}.")
    if not model.expressions:
        raise ValueError("This model has no expressions to choose from. Give one that was trained on some.")
    grid = np.linspace(0, 1, steps)
    clips: dict[str, Clip] = {}
    encoded: dict[str, list[bytes]] = {}

    choice = ipywidgets.Dropdown(options=list(model.expressions), description="expression")
    slider = ipywidgets.FloatSlider(
        0, min=0, max=1, step=1 / (steps - 1), description="intensity", readout_format=".2f"
    )
    button = ipywidgets.Button(description="Save as GIF")
    status = ipywidgets.Label("")
    picture = _picture(b"")

    def frames_of(expression: str) -> list[bytes]:
        if expression not in encoded:
            status.value = f"Computing {expression} ..."
            clips[expression] = model.animate(face, expression=expression, intensity=[float(a) for a in grid])
            encoded[expression] = [video.encode(frame) for frame in clips[expression].frames]
            status.value = ""
        return encoded[expression]

    def show(change: object = None) -> None:
        picture.value = frames_of(choice.value)[round(slider.value * (steps - 1))]

    def save(pressed: ipywidgets.Button) -> None:
        there_and_back = [*range(steps), *range(steps - 2, 0, -1)]
        try:
            path = clips[choice.value][there_and_back].save(Path(folder) / f"{choice.value}.gif")
        except (OSError, ValueError) as error:
            status.value = f"Not saved: {error}"
        else:
            status.value = f"Saved {path}"

    choice.observe(show, "value")
    slider.observe(show, "value")
    button.on_click(save)
    show()
    return ipywidgets.VBox([picture, choice, slider, ipywidgets.HBox([button, status])])


def intensity_meter(model: meter.InfersIntensity) -> ipywidgets.VBox:
    """Drop a clip in: the frames, with the intensity that a model infers and the blendshapes that MediaPipe reads.

    A clip is one video or animated picture, or several pictures at once, in the order of the numbers in their names;
    or the path, on the kernel's machine, of a file or of a folder of pictures. Its first frame is taken as neutral. It
    needs a running kernel; what it shows, a `scrubber` of `meter.chart`, then works without.

    Args:
        model: AffineGAN.
    """
    import ipywidgets

    upload = ipywidgets.FileUpload(multiple=True, description="Drop a clip")
    path = ipywidgets.Text(placeholder="or the path of a file or folder, and Enter", continuous_update=False)
    choice = ipywidgets.Dropdown(options=list(model.expressions), description="expression")
    status, shown = ipywidgets.Label(""), ipywidgets.VBox([])
    held: list[Clip] = []

    def show(change: object = None) -> None:
        if not held:
            return
        status.value = "Reading the faces ..."
        try:
            pictures = meter.chart(meter.read_intensity(model, held[-1], choice.value))
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            status.value = f"Not read: {error}"
        else:
            shown.children = [scrubber(Clip(pictures, held[-1].fps))]
            status.value = f"{len(held[-1])} frames"

    def load(source: str | Path) -> None:
        try:
            held[:] = [datasets.load_clip(source)]
        except (OSError, ValueError) as error:
            status.value = f"Not read: {error}"
        else:
            show()

    def uploaded(change: object) -> None:
        files = _uploaded(upload.value)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                Path(folder, Path(name).name).write_bytes(content)
            if files:
                load(Path(folder, Path(next(iter(files))).name) if len(files) == 1 else folder)

    upload.observe(uploaded, "value")
    path.observe(lambda change: load(path.value) if path.value.strip() else None, "value")
    choice.observe(show, "value")
    return ipywidgets.VBox([ipywidgets.HBox([upload, path, choice]), status, shown])


def _uploaded(value: dict | Sequence[dict]) -> dict[str, bytes]:
    """The contents of uploaded files by name: ipywidgets 7 holds a dict by name, 8 a tuple of dicts."""
    if isinstance(value, dict):
        return {name: bytes(file["content"]) for name, file in value.items()}
    return {file["name"]: bytes(file["content"]) for file in value}


def _picture(data: bytes, width: int = _SHOWN) -> ipywidgets.Image:
    import ipywidgets

    return ipywidgets.Image(value=data, format="webp", width=width)


def _pages(children: list[ipywidgets.Image]) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
    """A container that shows the child numbered ``selected_index``, and what must stand beside it on the page."""
    import ipywidgets

    try:
        from ipywidgets import Stack
    except ImportError:
        pages = ipywidgets.Tab(children, selected_index=0)
        pages.add_class("i2v-pages")
        return pages, [ipywidgets.HTML(_HIDE_TABS)]
    return Stack(children, selected_index=0), []
