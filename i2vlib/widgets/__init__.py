"""Widgets for notebooks, from stock ipywidgets: a scrubber that needs no kernel; a studio and an intensity meter that
do.

All work with ipywidgets 7.7.1 (Colab) and 8. On a page without kernel, what is linked in the browser (`scrubber`)
still moves; what calls Python (`studio`, `intensity_meter`) does not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from i2vlib import datasets, video
from i2vlib.clips import Clip
from i2vlib.widgets import meter
from i2vlib.widgets.studio import contents, studio

if TYPE_CHECKING:
    import ipywidgets

__all__ = ["intensity_meter", "meter", "scrubber", "studio"]

_SHOWN = 256  # px, the height of a picture

# ipywidgets 7 has no Stack: there the frames are the pages of a Tab whose row of tabs is hidden.
_HIDE_TABS = (
    "<style>.i2v-pages > .p-TabBar, .i2v-pages > .lm-TabBar { display: none !important }"
    " .i2v-pages .widget-tab-contents { border: 0 !important; padding: 0 !important }</style>"
)


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
        files = contents(upload.value)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                Path(folder, Path(name).name).write_bytes(content)
            if files:
                load(Path(folder, Path(next(iter(files))).name) if len(files) == 1 else folder)

    upload.observe(uploaded, "value")
    path.observe(lambda change: load(path.value) if path.value.strip() else None, "value")
    choice.observe(show, "value")
    return ipywidgets.VBox([ipywidgets.HBox([upload, path, choice]), status, shown])


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
