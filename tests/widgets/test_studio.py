"""The studio without a browser: every control changes the picture, and what goes wrong is a sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2vlib import faces, video, widgets
from i2vlib.animation import Drawer
from i2vlib.clips import Clip
from i2vlib.curves import PRESETS, Curve
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig
from i2vlib.widgets import stage, wires
from i2vlib.widgets.studio import Studio
from tests.widgets.test_widgets import colour, inside

ipywidgets = pytest.importorskip("ipywidgets")
SIZE = 32


class Shifter:
    """A model that brightens one channel an expression, by 200 levels at 1, within the region."""

    expressions = ("happy", "angry", "surprised")

    def __init__(self) -> None:
        self.drawers = 0

    def drawer(self, face: np.ndarray, expressions: Sequence[str], region: object = None) -> Drawer:
        self.drawers += 1
        named = isinstance(region, str)
        if named and region == "eyes":
            raise ValueError("The eyes\nare nowhere.")
        where = np.ones((SIZE, SIZE)) if region is None else np.zeros((SIZE, SIZE))
        if named:
            rows = {"mouth": np.s_[16:], "left": np.s_[:, :16], "right": np.s_[:, 16:]}
            where[rows[region]] = 1
        elif region is not None:
            where = np.asarray(Image.fromarray((region * 255).astype(np.uint8)).resize((SIZE, SIZE))) / 255

        def draw(values: np.ndarray, batch: int = 5) -> np.ndarray:
            still = np.asarray(Image.fromarray(face).resize((SIZE, SIZE)), float)
            return (still + 200 * where[..., None] * np.asarray(values)[:, None, None]).clip(0, 255).astype(np.uint8)

        return Drawer(draw, lambda said, batch: said)

    def animate(
        self,
        face: np.ndarray,
        expression: str | None = None,
        intensity: Mapping[str, np.ndarray] = {},  # noqa: B006
        fps: float = 12.0,
        region: object = None,
    ) -> Clip:
        rows = np.stack(
            [intensity.get(name, np.zeros_like(next(iter(intensity.values())))) for name in self.expressions], 1
        )
        draw = self.drawer(face, self.expressions, region)
        return Clip(draw(rows), fps, rows, neutral=draw(np.zeros((1, 3)))[0])


@pytest.fixture(autouse=True)
def two_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are found where a photo is brighter than 60: on the left, and on the right if it is wide."""

    def find(image: np.ndarray, name: str = "this photo") -> list[faces.Found]:
        if image.max() <= 60:
            raise faces.NoFaceError("No face was found in this photo.")
        places = [50.0, 150.0] if image.shape[1] > 150 else [50.0]
        return [
            faces.Found(np.array([x, 50.0]), 40, np.array([[x - 14.4, 34.8], [x + 14.4, 34.8]]), 10.0 - n)
            for n, x in enumerate(places)
        ]

    monkeypatch.setattr(faces, "find", find)


def photo(width: int = 100, level: int = 100) -> np.ndarray:
    """In colour, for a grey photo stays grey: red and green at a level, blue 40 below it; darker on the right."""
    picture = np.full((100, width, 3), level, np.uint8)
    picture[:, 100:] -= 30
    picture[..., 2] -= 40
    return picture


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def made(photo: np.ndarray | None = None, folder: Path = Path()) -> Studio:
    studio = Studio(Shifter(), folder)
    studio.opened(photo)
    return studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return made(photo(), folder=tmp_path)


def seen(studio) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(studio.picture.value)).convert("RGB")).astype(int)


def middle(studio) -> np.ndarray:
    return seen(studio)[40:60, 40:60].mean((0, 1))


def say(wire: wires.Wire, **message: object) -> None:
    """What the script would say."""
    wire.area.value = json.dumps(message)


def upload(widget: ipywidgets.FileUpload, name: str, data: bytes) -> None:
    """As the browser sends a file, whichever version is installed."""
    if ipywidgets.__version__[0] == "8":
        date = datetime(2026, 1, 1, tzinfo=UTC)
        widget.value = [{"name": name, "type": "", "size": len(data), "content": data, "last_modified": date}]
    else:
        widget.set_trait("value", {name: {"metadata": {"name": name}, "content": data}})


def test_every_slider_moves_its_expression(studio) -> None:
    assert middle(studio) == pytest.approx([255, 100, 60], abs=12), "the first expression, at its full strength"
    for name in ("happy", "angry", "surprised"):
        for other, slider in studio.sliders.items():
            slider.value = 0.5 if other == name else 0.0
        expected = np.array([100, 100, 60])
        expected[Shifter.expressions.index(name)] += 100
        assert middle(studio) == pytest.approx(expected, abs=12)


def test_at_rest_the_picture_is_the_photo(studio) -> None:
    studio.sliders["happy"].value = 0
    assert np.abs(seen(studio) - photo()).max() <= 2


def test_dragging_encodes_the_face_once(studio) -> None:
    model = studio.stage.model
    before = model.drawers
    for amount in np.linspace(0, 1, 12):
        studio.sliders["angry"].value = float(amount)
    assert model.drawers == before == 1


def test_the_pad_moves_two_sliders_and_its_axes_are_chosen(studio) -> None:
    say(studio.pad, at=[0.25, 0.5])
    assert (studio.sliders["happy"].value, studio.sliders["angry"].value) == (0.25, 0.5)
    assert middle(studio) == pytest.approx([150, 200, 60], abs=12)
    studio.up.value = "surprised"
    say(studio.pad, at=[0.25, 1.0])
    assert middle(studio) == pytest.approx([150, 200, 255], abs=12)
    before = studio.pad.page.value
    studio.sliders["happy"].value = 0.75
    assert studio.pad.page.value != before, "the dot follows the sliders"


@pytest.mark.parametrize(
    ("where", "changed", "kept"),
    [("mouth", np.s_[62:90, 30:70], np.s_[5:40, 30:70]), ("left", np.s_[30:70, 15:40], np.s_[30:70, 60:90]),
     ("right", np.s_[30:70, 60:85], np.s_[30:70, 10:40])],
)  # fmt: skip
def test_a_region_holds_the_change_within_it(studio, where, changed, kept) -> None:
    studio.where.value = where
    picture = seen(studio)[..., 0]
    assert picture[changed].mean() > 190 and picture[kept].mean() < 115
    studio.where.value = "whole"
    assert seen(studio)[..., 0][kept].mean() > 150


def test_a_brush_paints_where_it_acts(studio) -> None:
    studio.where.value = "brush"
    assert studio.brush.box.layout.display == "" and video.data_uri(studio.stage.crop) in studio.brush.page.value
    assert np.abs(seen(studio) - photo()).max() <= 4, "nothing is painted yet"
    mask = np.zeros((64, 64), np.uint8)
    mask[:32, :32] = 255
    say(studio.brush, mask=f"data:image/png;base64,{__import__('base64').b64encode(png(mask)).decode()}")
    picture = seen(studio)[..., 0]
    assert picture[20:40, 20:40].mean() > 180 and picture[60:90].mean() < 110 and picture[:, 60:].mean() < 110
    studio.where.value = "whole"
    assert studio.brush.box.layout.display == "none"


def test_the_moment_follows_the_curve(studio) -> None:
    levels = []
    studio.sliders["happy"].value = 0.7
    studio.moment.value = 1
    for frame in range(studio.moment.max + 1):
        studio.moment.value = frame
        levels.append(middle(studio)[0])
    assert np.argmax(levels[:12]) >= 10 and levels[0] == pytest.approx(100, abs=3) and levels[-1] < 130
    assert (studio.moment.max, studio.play.max, studio.play.interval) == (23, 23, 83)


def test_a_dragged_point_changes_the_picture_of_its_moment(studio) -> None:
    say(studio.editor, points=[[0, 0], [0.5, 0.25], [1, 1]], at=0.5)
    assert studio.moment.value == 6 and middle(studio)[0] == pytest.approx(150, abs=12)
    page = studio.editor.page.value
    say(studio.editor, points=[[0, 0], [0.5, 0.75], [1, 1]], at=0.5)
    assert middle(studio)[0] == pytest.approx(250, abs=12)
    assert studio.editor.page.value == page, "what is dragged is not drawn again under the hand"
    say(studio.editor, points=[[0, 0], [0, 1]], at=0)
    assert "share a moment" in studio.status.value and studio.stage.curve.points[1] == (0.5, 0.75)


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_sets_the_curve_and_its_expression(studio, name) -> None:
    studio.preset.value = name
    curve = PRESETS[name]
    assert studio.stage.curve.points == curve.points
    assert (studio.seconds.value, studio.fps.value) == (curve.seconds, curve.fps)
    if name == "blink":
        assert "does not know eyes_closed" in studio.status.value and studio.sliders["happy"].value == 1
    else:
        (known,) = curve.amounts
        assert studio.sliders[known].value == 1 and sum(slider.value for slider in studio.sliders.values()) == 1
    assert middle(studio).max() > 240, "its peak is shown"


def test_length_and_rate_set_the_frames(studio) -> None:
    studio.seconds.value = 1.0
    assert studio.moment.max == 11 and studio.stage.curve.points[-1][0] <= 1
    studio.fps.value = 24
    assert studio.moment.max == 23 and studio.play.interval == 42
    assert len(studio.stage.clip()) == 24 and studio.stage.clip().fps == 24


def test_a_face_is_chosen_among_several(tmp_path: Path) -> None:
    studio = made(photo(200), folder=tmp_path)
    assert studio.faces.layout.display == "" and len(studio.faces.options) == 2
    assert seen(studio)[50, 50, 0] > 200 and seen(studio)[50, 150, 0] < 90
    crop = studio.crop.value
    studio.faces.value = 1
    assert seen(studio)[50, 50, 0] < 110 and seen(studio)[50, 150, 0] > 200 and studio.crop.value != crop
    assert seen(studio).shape == (100, 200, 3)
    assert np.abs(studio.stage.clip().frames[12].astype(int)[50, 50] - [100, 100, 60]).max() < 3


def test_a_photo_comes_by_upload_by_path_and_from_the_camera(tmp_path: Path) -> None:
    studio = made(folder=tmp_path)
    studio.sliders["angry"].value = 0.3
    studio.moment.value = 3
    assert studio.picture.value == b"" and studio.status.value == "", (
        "without a photo nothing is shown and nothing breaks"
    )
    upload(studio.upload, "me.png", png(photo(level=90)))
    assert seen(studio)[2, 2, 0] == pytest.approx(90, abs=2)
    (tmp_path / "other.png").write_bytes(png(photo(level=120)))
    studio.path.value = str(tmp_path / "other.png")
    assert seen(studio)[2, 2, 0] == pytest.approx(120, abs=2)
    say(studio.camera, photo=video.data_uri(photo(level=70)))
    assert seen(studio)[2, 2, 0] == pytest.approx(70, abs=3)


def test_a_large_photo_is_shown_reduced_and_kept_whole(tmp_path: Path) -> None:
    large = np.asarray(Image.fromarray(photo()).resize((1400, 1400)))
    studio = made(large, folder=tmp_path)
    assert seen(studio).shape == (560, 560, 3) and studio.stage.clip().frames.shape[1:] == (1400, 1400, 3)


@pytest.mark.parametrize("kind", [".gif", ".mp4", ".webp", ".png"])
@pytest.mark.parametrize("what", ["the whole photo", "the face alone"])
def test_a_clip_is_saved_and_offered(studio, tmp_path: Path, kind: str, what: str) -> None:
    studio.kind.value, studio.what.value = kind, what
    studio.save.click()
    (path,) = tmp_path.iterdir()
    assert path.name == f"studio{kind}" and studio.status.value == f"Saved {path}"
    assert f'download="studio{kind}"' in studio.link.value
    if kind != ".mp4":
        side = 100 if what == "the whole photo" else SIZE
        assert Image.open(path).size[1] >= side and (kind == ".png" or Image.open(path).size == (side, side))
    studio.save.click()
    assert {path.name for path in tmp_path.iterdir()} == {f"studio{kind}", f"studio-2{kind}"}


def test_a_curve_is_saved_and_loaded(studio, tmp_path: Path) -> None:
    say(studio.editor, points=[[0, 0.2], [1.5, 1]], at=0)
    studio.sliders["angry"].value = 0.4
    studio.save_curve.click()
    kept = Curve.load(tmp_path / "studio.json")
    assert kept.points == ((0, 0.2), (1.5, 1)) and kept.amounts == {"happy": 1, "angry": 0.4}
    studio.preset.value = "surprise and relax"
    upload(studio.load_curve, "mine.json", (tmp_path / "studio.json").read_bytes())
    assert studio.stage.curve.points == kept.points and studio.preset.value == "my own"
    assert studio.sliders["angry"].value == pytest.approx(0.4) and studio.sliders["surprised"].value == 0
    upload(studio.load_curve, "cake.json", b"{}")
    assert studio.status.value.startswith("cake.json is JSON, but keeps no curve")
    assert studio.stage.curve.points == kept.points


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        (lambda studio: upload(studio.upload, "me.txt", b"no picture"), "is not an image that Pillow can read"),
        (lambda studio: upload(studio.upload, "dark.png", png(photo(level=45))), "No face was found"),
        (lambda studio: setattr(studio.path, "value", "/nowhere/me.png"), "There is no image file at"),
        (lambda studio: say(studio.camera, error="No camera could be opened here."), "No camera could be opened here."),
        (lambda studio: say(studio.camera, photo="data:text/html,x"), "The page sent no picture"),
        (lambda studio: setattr(studio.camera.area, "value", "{"), "could not be read"),
        (lambda studio: setattr(studio.where, "value", "eyes"), "The eyes are nowhere."),
        (lambda studio: say(studio.brush, mask="nonsense"), "The page sent no picture"),
        (lambda studio: say(studio.pad, at=["a", 1]), "could not convert string"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_the_photo_stays(studio, mishap, said) -> None:
    shown = seen(studio)
    mishap(studio)
    assert said in studio.status.value and "\n" not in studio.status.value and "Traceback" not in studio.status.value
    studio.where.value = "whole"
    assert np.abs(seen(studio) - shown).max() <= 1
    studio.sliders["happy"].value = 0.9
    assert studio.status.value == "", "the next thing done clears it"


def test_saving_without_a_photo_or_a_folder_says_so(tmp_path: Path) -> None:
    studio = made(folder=tmp_path / "nowhere")
    studio.save.click()
    assert studio.status.value.startswith("There is no photo yet")
    studio.where.value = "brush"
    assert "no face to paint on yet" in studio.status.value
    studio.save_curve.click()
    assert "into a folder that exists" in studio.status.value


def test_a_model_without_expressions_is_refused() -> None:
    assert isinstance(widgets.studio(Shifter()), ipywidgets.VBox)
    model = Shifter()
    model.expressions = ()
    with pytest.raises(ValueError, match="expressions"):
        widgets.studio(model)


def test_a_script_is_set_off_by_the_page_and_knows_where_to_speak(studio) -> None:
    for wire in (studio.camera, studio.pad, studio.editor):
        assert 'onload="((function' in wire.page.value and f"i2v-wire-{wire.area.model_id}" in wire.page.value
        assert f"i2v-wire-{wire.area.model_id}" in wire.area._dom_classes and wire.area.layout.display == "none"
    assert len(inside(studio.box, ipywidgets.FloatSlider)) == 3 and colour(studio.picture).shape == (3,)


def test_a_model_that_carries_composes_what_is_shown_of_the_photos_own_pixels():
    torch.manual_seed(0)
    model = AffineGAN(AffineGANConfig.carried(size=16, base_channels=8, expressions=("happy",))).eval()
    torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.5)
    photo = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    shown = stage.Stage(model)
    shown.open(photo)
    assert np.array_equal(shown.picture(0), photo)
    clip = shown.clip()
    peak = int(clip.intensity.argmax())
    off = np.abs(shown.picture(float(clip.intensity[peak])).astype(int) - clip.frames[peak])
    assert off.max() <= 3 and np.abs(clip.frames[peak].astype(int) - photo).max() > 30
