"""Widgets for notebooks, from stock ipywidgets: a scrubber that needs no kernel; an animator, a rater and an intensity
meter that do.

All work with ipywidgets 7.7.1 (Colab) and 8. On a page without kernel, what is linked in the browser (`scrubber`)
still moves; what calls Python (`animator`, `rater`, `intensity_meter`) does not.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from i2vlib import datasets, metrics, video
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


def rater(real: Sequence[Clip], made: Sequence[Clip], path: str | Path, seed: int = 0) -> ipywidgets.VBox:
    """Asks a person of one clip after the other whether it is real, and writes every answer to a file at once.

    The order is drawn by seed. Opened again with the same clips, seed and file, it goes on where it was stopped. At the
    end it says which share of the real and of the made clips was called real, with the exact 95 % interval.

    Args:
        real, made: the clips, any number of each.
        path: a CSV file with a row an answer: order, source (real or made), subject, expression, answer.
        seed: of the order.

    Raises:
        ValueError: no clips, or the file holds answers about other clips.
    """
    import ipywidgets

    path = Path(path)
    asked = _asked(real, made, seed)
    answers = _answers(path, asked)
    picture = ipywidgets.Image(format="gif", width=_SHOWN)
    buttons = [ipywidgets.Button(description=word) for word in ("real", "made")]
    status = ipywidgets.Label("")

    def show() -> None:
        if len(answers) < len(asked):
            picture.value = _moving(asked[len(answers)][1])
            status.value = f"Is this video real? {len(answers) + 1} of {len(asked)}"
            return
        for button in buttons:
            button.disabled = True
        status.value = _verdict([(source, answer) for (source, _), answer in zip(asked, answers, strict=True)])

    def answer(pressed: ipywidgets.Button) -> None:
        if len(answers) == len(asked):
            return
        source, clip = asked[len(answers)]
        with path.open("a", newline="") as file:
            row = [len(answers), source, clip.subject, clip.expression, pressed.description]
            csv.writer(file).writerows([_COLUMNS, row] if not answers else [row])
        answers.append(pressed.description)
        show()

    for button in buttons:
        button.on_click(answer)
    show()
    return ipywidgets.VBox([picture, ipywidgets.HBox(buttons), status])


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


_COLUMNS = ["order", "source", "subject", "expression", "answer"]


def _asked(real: Sequence[Clip], made: Sequence[Clip], seed: int) -> list[tuple[str, Clip]]:
    everything = [("real", clip) for clip in real] + [("made", clip) for clip in made]
    if not everything:
        raise ValueError("There are no clips to ask about. Give some real and some made ones.")
    return [everything[i] for i in np.random.default_rng(seed).permutation(len(everything))]


def _answers(path: Path, asked: Sequence[tuple[str, Clip]]) -> list[str]:
    """The answers that the file holds so far, in the order in which clips are shown."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    facts = [(source, str(clip.subject), str(clip.expression)) for source, clip in asked[: len(rows)]]
    if [(row["source"], row["subject"], row["expression"]) for row in rows] != facts:
        raise ValueError(f"{path} holds answers about other clips or in another order. Give another file.")
    return [row["answer"] for row in rows]


def _moving(clip: Clip) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return video.save(clip.frames, Path(folder, "clip.gif"), clip.fps).read_bytes()


def _verdict(answered: Sequence[tuple[str, str]]) -> str:
    words = []
    for source in ("real", "made"):
        given = [answer for shown, answer in answered if shown == source]
        if given:
            whole, low, high = metrics.share(given.count("real"), len(given))
            words.append(f"{whole:.0%} of {len(given)} {source} clips were called real ({low:.0%} to {high:.0%})")
    return "Done. " + "; ".join(words) + "."


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
