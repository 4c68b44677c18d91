"""A model as ONNX: the same pictures, the same bytes, and a note that says what a page has to know."""

import hashlib
import inspect
import json
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnxscript", reason='exporting needs pip install "i2vlib[onnx]"')
ort = pytest.importorskip("onnxruntime", reason='exporting needs pip install "i2vlib[onnx]"')

import i2vlib  # noqa: E402
from i2vlib import export, faces  # noqa: E402
from i2vlib.clips import to_frames  # noqa: E402
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig  # noqa: E402
from i2vlib.papers.fan import FAN, FANConfig  # noqa: E402
from i2vlib.papers.method import Method  # noqa: E402
from tests.conftest import moving_square, tiny_config  # noqa: E402

EXPRESSIONS = ("happy", "angry", "surprised")


def made(name: str, channels: int = 8) -> Method:
    """A tiny model with weights that half precision holds exactly, as shipped ones are."""
    torch.manual_seed(0)
    small = {"size": 16, "base_channels": 8, "channel_cap": 2, "expressions": EXPRESSIONS}
    if name == "affinegan":
        model = AffineGAN(
            tiny_config(expressions=EXPRESSIONS, base_channels=channels, smooth_upsampling=True, corrected_levels=1)
        )
    elif name == "alone":
        model = AffineGAN(tiny_config())
    elif name.startswith("carried"):
        kind, config = (AffineGAN, AffineGANConfig) if name == "carried affinegan" else (FAN, FANConfig)
        model = kind(config.carried(**small, augment=False, looks=0.0, outer_channels=4))
        torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.2)
    else:
        in_pixels = {"residual": "pixel", "weights": {"reconstruction": 1.0}} if name == "pixel" else {}
        model = FAN(FANConfig.paper(**small, **in_pixels))
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.copy_((parameter + 0.02 * torch.randn_like(parameter)).half())
    return model.eval()


CARRIED = ["carried affinegan", "carried fan"]


@pytest.fixture(scope="module", params=["affinegan", "alone", "fan", "pixel", *CARRIED])
def exported(request, tmp_path_factory) -> tuple[Method, Path]:
    folder = tmp_path_factory.mktemp(request.param) / "to" / "page"
    model = made(request.param)
    model.export(folder)
    return model, folder


def run(folder: Path, still: np.ndarray, intensity: list[float], mask: np.ndarray) -> np.ndarray:
    """A frame ``uint8 (H, W, 3)`` by ONNX Runtime alone."""
    encoder, decoder = (ort.InferenceSession(folder / file) for file in (export.ENCODER, export.DECODER))
    tensor = still.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    maps = dict(zip([out.name for out in encoder.get_outputs()], encoder.run(None, {"still": tensor}), strict=True))
    rest = {"intensity": np.array(intensity, np.float32), "mask": mask[None, None].astype(np.float32)}
    drawn = decoder.run(None, {**maps, **rest})
    frame = drawn[0] if len(drawn) == 1 else composition()(tensor[0], *(map_[0] for map_ in drawn))[None]
    return to_frames(torch.from_numpy(frame))[0]


def composition():
    """The function that `Method.export` documents: a frame of a still and its maps, by NumPy alone."""
    said = textwrap.dedent(inspect.getdoc(Method.export).partition("::\n")[2].partition("Args:")[0])
    names = {"np": np}
    exec(said, names)
    return names["composed"]


def of_pytorch(model: Method, still: np.ndarray, intensity: list[float], mask: np.ndarray) -> np.ndarray:
    draw = model.drawer(still, model.expressions, mask)
    return draw(np.array([intensity], np.float32))[0]


def test_a_frame_is_that_of_animate(exported):
    model, folder = exported
    still, count = moving_square(16).frames[-1], len(model.expressions)
    mask = np.zeros((16, 16), np.float32)
    mask[3:11, :9] = 0.7
    for intensity in (np.zeros(count), np.eye(count)[-1], np.full(count, 0.4)):
        for where in (np.ones((16, 16), np.float32), mask):
            one = run(folder, still, list(intensity), where).astype(int)
            assert np.abs(one - of_pytorch(model, still, list(intensity), where)).max() <= 1
    assert np.abs(
        run(folder, still, list(np.eye(count)[0]), mask * 0 + 1) - run(folder, still, [0] * count, mask)
    ).any()


def test_the_note_says_what_a_page_has_to_know(exported):
    model, folder = exported
    note = json.loads((folder / export.NOTE).read_text())
    assert {file.name for file in folder.iterdir()} == {export.ENCODER, export.DECODER, export.NOTE}
    assert note["method"] == type(model).__name__ and note["expressions"] == list(model.expressions)
    assert (
        note["size"] == 16 and note["opset"] == 20 and note["license"] == "MIT" and "synthetic" in note["intended_use"]
    )
    drawn = {"frame": [-1, 1]}
    if carries := model.config.drawing == "carried":
        reach = 2 * 16 * model.config.reach
        drawn = {"flow": [-reach, reach], "gate": [0, 1], "shade": [-1.4, 1.4], "colour": [-1, 1]}
    assert note["ranges"] == {"still": [-1, 1], **drawn, "intensity": [0, 1], "mask": [0, 1]}
    assert [value["name"] for value in note["decoder"]["outputs"]] == list(drawn)
    assert (note.get("drawing"), note.get("reach")) == (("carried", model.config.reach) if carries else (None, None))
    assert 0 < note["largest_error"] < 1e-5
    for part in ("encoder", "decoder"):
        said, data = note[part], (folder / note[part]["file"]).read_bytes()
        assert said["sha256"] == hashlib.sha256(data).hexdigest() and said["bytes"] == len(data)
        assert 0 <= said["largest_error"] < 1e-4
        session = ort.InferenceSession(data)
        for kind, values in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
            assert [(v["name"], v["shape"], v["dtype"]) for v in said[kind]] == [
                (v.name, v.shape, "float32") for v in values
            ]


def test_what_the_encoder_gives_the_decoder_takes(exported):
    model, folder = exported
    note, count = json.loads((folder / export.NOTE).read_text()), len(model.expressions)
    given = {v["name"]: v["shape"] for v in note["encoder"]["outputs"]}
    taken = {v["name"]: v["shape"] for v in note["decoder"]["inputs"]}
    assert taken == {**given, "intensity": [count], "mask": [1, 1, 16, 16]}
    carries = model.config.drawing == "carried"
    assert [v["shape"] for v in note["encoder"]["inputs"]] == [[1, 3, 16, 16]]
    wide = [2, 1, 1, 3] if carries else [3]
    assert [v["shape"] for v in note["decoder"]["outputs"]] == [[1, channels, 16, 16] for channels in wide]
    assert given.pop("rest", None) == ([1, 7, 16, 16] if carries else None)
    assert given.pop("seen", None) == ([1, 3, 16, 16] if carries else None)
    for level in range(len(given) // 2):
        assert given[f"direction_{level}"] == [count, *given[f"base_{level}"][1:]]


def test_the_same_weights_give_the_same_bytes_that_name_no_file(tmp_path):
    for folder in ("one", "two"):
        made("affinegan").export(tmp_path / folder)
    for file in (export.ENCODER, export.DECODER, export.NOTE):
        one, two = ((tmp_path / folder / file).read_bytes() for folder in ("one", "two"))
        assert one == two and b".py" not in one and str(Path(i2vlib.__file__).parent).encode() not in one


def test_half_is_half_the_size_and_as_near(tmp_path):
    model = made("affinegan", channels=16)
    whole, half = model.export(tmp_path / "whole"), model.export(tmp_path / "half", half=True)
    for part in ("encoder", "decoder"):
        assert half[part]["bytes"] < 0.7 * whole[part]["bytes"]
        assert half[part]["inputs"] == whole[part]["inputs"]
    assert half["largest_error"] < 1e-5, "weights that half precision holds lose nothing"
    assert (half["weights"], whole["weights"]) == ("float16, cast to float32", "float32")
    with torch.no_grad():
        model.decoder.levels[-1].weight += 1e-5
    assert 1e-6 < model.export(tmp_path / "half", half=True)["decoder"]["largest_error"] < export.TOLERANCE


def test_a_model_in_training_is_exported_as_it_is_used(tmp_path):
    model = AffineGAN(tiny_config(dropout=0.5, norm="batch")).train()
    assert model.export(tmp_path)["largest_error"] < 1e-5
    assert model.training


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "page").write_text("mine")
    with pytest.raises(ValueError, match="export"):
        made("alone").export(tmp_path / "page")
    assert (tmp_path / "page").read_text() == "mine"


def test_another_method_says_that_it_cannot(tmp_path):
    model = i2vlib.GANimation(i2vlib.GANimationConfig(size=64, base_channels=4))
    with pytest.raises(ValueError, match="GANimation"):
        model.export(tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r'"i2vlib\[onnx\]"'):
        made("alone").export(tmp_path / "page")


def test_a_graph_that_draws_another_picture_is_not_kept(tmp_path, monkeypatch):
    model = made("alone")
    graphs = export.traced(model)
    monkeypatch.setattr(export, "traced", lambda _: graphs)
    with torch.no_grad():
        model.decoder.levels[-1].bias += 0.1
    with pytest.raises(RuntimeError, match="PyTorch"):
        model.export(tmp_path / "page")
    assert not (tmp_path / "page").exists()


# ONNX Runtime in the place of PyTorch ------------------------------------------------------------------------------


@pytest.fixture(params=["affinegan", "fan", *CARRIED])
def both(request, tmp_path, monkeypatch) -> tuple[Method, Method]:
    """One saved model, loaded to draw with PyTorch and with ONNX Runtime."""
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path / "cache"))
    made(request.param).save_pretrained(tmp_path / "saved")
    return i2vlib.load_pretrained(tmp_path / "saved", "cpu"), i2vlib.load_pretrained(tmp_path / "saved", runtime="onnx")


def test_animate_with_onnx_runtime_is_within_a_grey_level(both):
    model, quick = both
    face, mask = moving_square(16).frames[2], np.eye(16, dtype=np.float32)
    curves = {"surprised": [0, 0.5, 1, 0.2, 0.3, 1], "happy": [0, 1, 0, 0.2, 0.9, 0.5]}
    for region in (None, mask):
        one, two = (m.animate(face, intensity=curves, region=region) for m in (model, quick))
        assert np.abs(one.frames.astype(int) - two.frames).max() <= 1
        assert np.ptp(two.frames.astype(int), axis=0).max() > 1, "the frames differ among one another"
        alone = quick.animate(face, intensity={name: values[3:4] for name, values in curves.items()}, region=region)
        assert np.array_equal(alone.frames[0], two.frames[3]), "a frame is the same in any company"


@pytest.mark.parametrize("name", CARRIED)
def test_maps_drawn_by_onnx_runtime_are_composed_on_the_photo(name, tmp_path, monkeypatch):
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path / "cache"))
    made(name).save_pretrained(tmp_path / "saved")
    model = i2vlib.load_pretrained(tmp_path / "saved", "cpu")
    quick = i2vlib.load_pretrained(tmp_path / "saved", runtime="onnx")
    still = moving_square(16).frames[2]
    one, two = (m.animate(still, "happy", [0, 0.5, 1]) for m in (model, quick))
    assert np.abs(one.maps.astype(float) - two.maps).max() < 0.01 and np.array_equal(two.frames[0], still)
    assert np.abs(one.maps[2, :2]).max() > 0.2
    photo, face = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8), np.array([[30, 40], [44, 42]])
    where = faces.Found(face.mean(0), 20.0, face, 1600.0)
    laid = [faces.paste_back(photo, clip, where).frames.astype(int) for clip in (one, two)]
    assert np.abs(laid[0] - laid[1]).max() <= 1 and np.array_equal(laid[1][0], photo) and (laid[1][2] != photo).any()


@pytest.mark.slow
def test_onnx_runtime_is_what_draws_and_sees_weights_that_change(both, monkeypatch):
    _, quick = both
    face = moving_square(16).frames[0]
    before = quick.animate(face, "happy", [0, 1]).frames
    with torch.no_grad():
        quick.decoder.levels[-1].bias += 0.5
    after = quick.animate(face, "happy", [0, 1]).frames
    assert np.abs(before.astype(int) - after).max() > 20
    monkeypatch.setattr(quick.decoder, "forward", lambda *_: pytest.fail("PyTorch was asked"))
    assert np.array_equal(quick.animate(face, "happy", [0, 1]).frames, after)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("affinegan", {"runtime": "tensorflow"}, "The runtime is"),
        ("affinegan", {"runtime": "onnx", "device": "cuda"}, "drawn on the CPU"),
        ("hourglass", {"runtime": "onnx"}, "Hourglass is drawn by PyTorch alone"),
    ],
)
def test_what_onnx_runtime_cannot_do_is_said(name, options, message):
    with pytest.raises(ValueError, match=message):
        i2vlib.load_pretrained(name, **options)
