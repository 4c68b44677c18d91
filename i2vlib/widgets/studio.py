"""The studio: a photo, an expression, where it acts and when, live; and the clip, in the whole photo, as a file."""

from __future__ import annotations

import base64
import html
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from i2vlib import video
from i2vlib.curves import FASTEST, LONGEST, PRESETS, Curve
from i2vlib.widgets import wires
from i2vlib.widgets.stage import Draws, Stage

if TYPE_CHECKING:
    import ipywidgets

#: What may go wrong while a user is at work, and is said in a sentence.
_MISHAPS = (ImportError, OSError, RuntimeError, ValueError)
_KINDS = {".gif": "image/gif", ".mp4": "video/mp4", ".webp": "image/webp", ".png": "image/png", ".json": "text/json"}
_OFFERED = 12 * 2**20  # bytes of a file that the page itself hands over; a larger one stays where the kernel is
_WHERE = {
    "the whole face": "whole",  # no None, for a Dropdown shows that as nothing chosen
    "the mouth": "mouth",
    "the eyes": "eyes",
    "the left half, as you look": "left",
    "the right half, as you look": "right",
    "where I paint": "brush",
}


def studio(
    model: Draws, photo: np.ndarray | str | Path | bytes | None = None, folder: str | Path = "."
) -> ipywidgets.VBox:
    """Animates a photo, live: expressions on sliders and a pad, where they act, a curve over time; saves the clip.

    The photo is uploaded, taken with the camera, or given by its path; of several faces one is chosen. The picture
    shows the whole photo, reduced; what is saved has the photo's own resolution, its detail carried along
    (`i2vlib.paste_back`). A curve is dragged by its points; a double click makes a point, and removes one. What goes
    wrong is said in a sentence below. It needs a running kernel.

    Args:
        model: a pretrained `AffineGAN`, `FAN` or `FRGAN`, or what draws as they do.
        photo: anything that `i2vlib.load_image` reads, to begin with.
        folder: where clips and curves are saved.

    Raises:
        ValueError: the model has no expressions.
    """
    return Studio(model, Path(folder)).opened(photo)


class Studio:
    """The parts of a studio, and what they do to each other; `studio` makes one."""

    def __init__(self, model: Draws, folder: Path) -> None:
        import ipywidgets

        self.ui, self.stage, self.folder = ipywidgets, Stage(model), folder
        self.picture = ipywidgets.Image(format="jpeg", layout={"max_width": "440px", "object_fit": "contain"})
        self.status = ipywidgets.Label("Upload a photo, take one, or give its path.")
        self.link = ipywidgets.HTML()
        self.silent = False  # while Python sets what a user sets otherwise
        self.follows = False  # whether the picture shows the curve's moment, or the expression at its full strength
        self.kept: dict[tuple, bytes] = {}
        left = ipywidgets.VBox([self.picture, self._timing()], layout={"width": "490px", "max_width": "100%"})
        right = ipywidgets.VBox([self._acting(), self._keeping()], layout={"width": "400px", "max_width": "100%"})
        self.box = ipywidgets.VBox(
            [
                self._sources(),
                ipywidgets.HBox([left, right], layout={"flex_flow": "row wrap"}),
                self.status,
                self.link,
            ]
        )

    def opened(self, photo: np.ndarray | str | Path | bytes | None) -> ipywidgets.VBox:
        """The whole, with a photo to begin with."""
        self._draw_curve()
        self._draw_pad()
        if photo is not None:
            self._guarded(self._open)(photo)
        return self.box

    # What all parts do ------------------------------------------------------------------------------------------------

    def _guarded(self, act: Callable) -> Callable:
        """An action whose mishaps and warnings become a sentence, and that does nothing while Python sets a value."""

        @wraps(act)
        def acts(*given: object) -> None:
            if self.silent:
                return
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", UserWarning)
                self.status.value = ""
                try:
                    act(*given)
                except _MISHAPS as error:
                    self.status.value = " ".join(str(error).split())
                    return
            if warned and not self.status.value:
                self.status.value = str(warned[-1].message)

        return acts

    def _set(self, widget: ipywidgets.Widget, **values: object) -> None:
        """Sets what a user sets otherwise, without its consequences."""
        self.silent = True
        try:
            for name, value in values.items():
                setattr(widget, name, value)
        finally:
            self.silent = False

    def _show(self) -> None:
        """Shows the photo as it stands: at the curve's moment, or with the expression at its full strength."""
        if self.stage.photo is None:
            return
        curve = self.stage.curve
        strength = float(curve.at([self.moment.value / curve.fps])[0]) if self.follows else 1.0
        key = (*self.stage.amounts.values(), round(strength, 3))
        if key not in self.kept:
            if len(self.kept) > 600:
                self.kept.clear()
            self.kept[key] = wires.jpeg(self.stage.picture(strength))
        self.picture.value = self.kept[key]

    def _changed(self, follows: bool) -> None:
        self.follows = follows
        self._show()

    # A photo ----------------------------------------------------------------------------------------------------------

    def _sources(self) -> ipywidgets.VBox:
        ui = self.ui
        self.upload = ui.FileUpload(accept="image/*", multiple=False, description="Upload")
        self.path = ui.Text(placeholder="or its path, and Enter", continuous_update=False, layout={"width": "200px"})
        self.camera = wires.Wire("camera", self._guarded(self._taken))
        self.faces = ui.Dropdown(description="face", layout={"display": "none", "width": "180px"})
        self.crop = ui.Image(format="jpeg", width=96, height=96, layout={"display": "none"})
        self.upload.observe(self._guarded(self._uploaded), "value")
        self.path.observe(self._guarded(lambda change: self._open(change["new"].strip())), "value")
        self.faces.observe(self._guarded(lambda change: self._choose(change["new"])), "value")
        self.camera.draw()
        row = {"flex_flow": "row wrap", "align_items": "center"}
        return ui.HBox([self.upload, self.path, self.camera.box, self.crop, self.faces], layout=row)

    def _uploaded(self, change: dict) -> None:
        files = contents(change["new"])
        if files:
            self._open(next(iter(files.values())))

    def _taken(self, said: dict) -> None:
        if "photo" not in said:
            raise ValueError(str(said.get("error", "The page sent no picture. Try again, or upload one.")))
        self._open(wires.content(said["photo"]))

    def _open(self, source: np.ndarray | str | Path | bytes) -> None:
        if isinstance(source, str) and not source:
            return
        self.stage.open(source)
        names = [
            (f"{number + 1} of {len(self.stage.found)}, from the left", number)
            for number in range(len(self.stage.found))
        ]
        self._set(self.faces, options=names, value=self.stage.number)
        self.faces.layout.display = "" if len(names) > 1 else "none"
        self._face_is_new()

    def _choose(self, number: int) -> None:
        self.stage.choose(number)
        self._face_is_new()

    def _face_is_new(self) -> None:
        self.crop.value, self.crop.layout.display = wires.jpeg(self.stage.crop), ""
        self.kept.clear()
        if self.where.value == "brush":
            self._act("brush")
        self._show()

    # Which expressions, and where -------------------------------------------------------------------------------------

    def _acting(self) -> ipywidgets.VBox:
        ui, names = self.ui, list(self.stage.amounts)
        self.sliders = {
            name: ui.FloatSlider(
                amount,
                min=0,
                max=1,
                step=0.01,
                description=name.replace("_", " "),
                style={"description_width": "110px"},
            )
            for name, amount in self.stage.amounts.items()
        }
        for name, slider in self.sliders.items():
            slider.observe(self._guarded(lambda change, name=name: self._amount(name, change["new"])), "value")
        self.across, self.up = (
            ui.Dropdown(
                options=names, value=names[min(place, len(names) - 1)], description=said, layout={"width": "200px"}
            )
            for place, said in enumerate(("across", "up"))
        )
        self.pad = wires.Wire("pad", self._guarded(self._padded))
        for axis in (self.across, self.up):
            axis.observe(self._guarded(lambda change: self._draw_pad()), "value")
        self.where = ui.Dropdown(
            options=list(_WHERE.items()), value="whole", description="acts on", layout={"width": "300px"}
        )
        self.brush = wires.Wire("brush", self._guarded(self._painted))
        self.brush.box.layout.display = "none"
        self.where.observe(self._guarded(lambda change: self._act(change["new"])), "value")
        beside = ui.HBox([self.pad.box, ui.VBox([self.across, self.up])])
        return ui.VBox([*self.sliders.values(), beside, self.where, self.brush.box])

    def _amount(self, name: str, amount: float) -> None:
        self.stage.amounts[name] = amount
        if name in (self.across.value, self.up.value):
            self._draw_pad()
        self._changed(follows=False)

    def _draw_pad(self) -> None:
        self.pad.draw(at=[self.stage.amounts[axis.value] for axis in (self.across, self.up)])

    def _padded(self, said: dict) -> None:
        for axis, amount in zip((self.across, self.up), said.get("at", ()), strict=False):
            self.stage.amounts[axis.value] = min(max(float(amount), 0.0), 1.0)
            self._set(self.sliders[axis.value], value=self.stage.amounts[axis.value])
        self._changed(follows=False)

    def _act(self, where: str) -> None:
        brush = where == "brush"
        if brush and self.stage.crop is None:
            raise ValueError("There is no face to paint on yet: upload a photo, take one, or give its path.")
        self.brush.box.layout.display = "" if brush else "none"
        if brush:
            self.brush.draw(picture=video.data_uri(self.stage.crop))
        self._hold(np.zeros((64, 64), np.float32) if brush else None if where == "whole" else where)

    def _painted(self, said: dict) -> None:
        if "mask" in said:
            mask = Image.open(io.BytesIO(wires.content(said["mask"]))).convert("L")
            self._hold(np.asarray(mask, np.float32) / 255)

    def _hold(self, region: str | np.ndarray | None) -> None:
        self.stage.act(region)
        self.kept.clear()
        self._changed(follows=False)

    # When -------------------------------------------------------------------------------------------------------------

    def _timing(self) -> ipywidgets.VBox:
        ui, curve = self.ui, self.stage.curve
        self.preset = ui.Dropdown(options=["my own", *PRESETS], description="curve", layout={"width": "230px"})
        self.seconds = ui.BoundedFloatText(
            curve.seconds,
            min=0.1,
            max=LONGEST,
            step=0.5,
            description="seconds",
            layout={"width": "125px"},
            style={"description_width": "55px"},
        )
        self.fps = ui.BoundedIntText(
            curve.fps,
            min=1,
            max=int(FASTEST),
            description="fps",
            layout={"width": "125px"},
            style={"description_width": "55px"},
        )
        self.editor = wires.Wire("curve", self._guarded(self._dragged))
        self.play = ui.Play(min=0, max=1, interval=80)
        self.moment = ui.IntSlider(0, min=0, max=1, description="frame")
        ui.jslink((self.play, "value"), (self.moment, "value"))
        self.preset.observe(self._guarded(lambda change: self._follow(PRESETS.get(change["new"]))), "value")
        for field in (self.seconds, self.fps):
            field.observe(self._guarded(lambda change: self._lasts()), "value")
        self.moment.observe(self._guarded(lambda change: self._changed(follows=True)), "value")
        return ui.VBox([ui.HBox([self.preset, self.seconds, self.fps], layout={"flex_flow": "row wrap"}),
                        self.editor.box, ui.HBox([self.play, self.moment])])  # fmt: skip

    def _follow(self, curve: Curve | None) -> None:
        """Takes a curve over: its times, and its expressions where the model knows them all."""
        if curve is None:
            return
        self.stage.curve = replace(curve, amounts={})
        self._set(self.seconds, value=curve.seconds)
        self._set(self.fps, value=round(curve.fps))
        if curve.amounts and set(curve.amounts) <= set(self.stage.amounts):
            for name, slider in self.sliders.items():
                self.stage.amounts[name] = min(curve.amounts.get(name, 0.0), 1.0)
                self._set(slider, value=self.stage.amounts[name])
            self._draw_pad()
        elif curve.amounts:
            self.status.value = f"This model does not know {', '.join(curve.amounts)}; the curve moves what is chosen."
        self._draw_curve()
        self._to(float(max(curve.points, key=lambda point: point[1])[0]))

    def _lasts(self) -> None:
        seconds = self.seconds.value
        points = [(t, a) for t, a in self.stage.curve.points if t <= seconds] or [self.stage.curve.points[0]]
        self.stage.curve = Curve(points, seconds, self.fps.value)
        self._draw_curve()
        self._changed(follows=True)

    def _dragged(self, said: dict) -> None:
        self.stage.curve = replace(self.stage.curve, points=said.get("points", self.stage.curve.points))
        self._set(self.preset, value="my own")
        self._to(float(said.get("at", 0.0)))

    def _to(self, second: float) -> None:
        """Shows a moment."""
        self._set(self.moment, value=min(round(second * self.stage.curve.fps), self.moment.max))
        self._changed(follows=True)

    def _draw_curve(self) -> None:
        curve = self.stage.curve
        last = len(curve.times) - 1
        self._set(self.moment, max=last)
        self._set(self.play, max=last, interval=round(1000 / curve.fps))
        self.editor.draw(points=curve.points, seconds=curve.seconds)

    # Files ------------------------------------------------------------------------------------------------------------

    def _keeping(self) -> ipywidgets.VBox:
        ui = self.ui
        self.what = ui.Dropdown(
            options=["the whole photo", "the face alone"], description="of", layout={"width": "220px"}
        )
        self.kind = ui.Dropdown(
            options=[kind for kind in _KINDS if kind != ".json"], description="as", layout={"width": "160px"}
        )
        self.save = ui.Button(description="Save the clip", button_style="primary")
        self.save_curve = ui.Button(description="Save the curve")
        self.load_curve = ui.FileUpload(accept=".json", multiple=False, description="Load curve")
        self.save.on_click(self._guarded(lambda pressed: self._save()))
        self.save_curve.on_click(self._guarded(lambda pressed: self._save_curve()))
        self.load_curve.observe(self._guarded(self._loaded), "value")
        row = {"flex_flow": "row wrap"}
        return ui.VBox(
            [
                ui.HBox([self.what, self.kind, self.save], layout=row),
                ui.HBox([self.save_curve, self.load_curve], layout=row),
            ]
        )

    def _save(self) -> None:
        self.status.value = "Drawing the clip ..."
        clip = self.stage.clip(whole=self.what.value == "the whole photo")
        self._offer(clip.save(_fresh(self.folder, self.kind.value)))

    def _save_curve(self) -> None:
        amounts = {name: amount for name, amount in self.stage.amounts.items() if amount > 0}
        self._offer(replace(self.stage.curve, amounts=amounts).save(_fresh(self.folder, ".json")))

    def _loaded(self, change: dict) -> None:
        for name, data in contents(change["new"]).items():
            self._set(self.preset, value="my own")
            self._follow(Curve.from_json(data, name))

    def _offer(self, path: Path) -> None:
        """Says where a file is, and hands it over to the browser, which may be on another machine than the kernel."""
        self.status.value = f"Saved {path}"
        self.link.value = ""
        if path.stat().st_size <= _OFFERED:
            data = base64.b64encode(path.read_bytes()).decode()
            name = html.escape(path.name)
            self.link.value = (
                f'<a download="{name}" href="data:{_KINDS[path.suffix]};base64,{data}">Download {name}</a>'
            )


def _fresh(folder: Path, suffix: str) -> Path:
    """A name in a folder that is not taken: studio.gif, studio-2.gif, ..."""
    for number in range(1, 10_000):
        path = folder / f"studio{f'-{number}' if number > 1 else ''}{suffix}"
        if not path.exists():
            return path
    raise ValueError(f"{folder} is full of studio files. Give another folder to widgets.studio.")


def contents(value: dict | Sequence[dict]) -> dict[str, bytes]:
    """The contents of uploaded files by name: ipywidgets 7 holds a dict by name, 8 a tuple of dicts."""
    if isinstance(value, dict):
        return {name: bytes(file["content"]) for name, file in value.items()}
    return {file["name"]: bytes(file["content"]) for file in value}
