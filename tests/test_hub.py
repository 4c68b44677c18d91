"""Weights by name: what is written, and what is refused."""

import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import i2vlib
from i2vlib import hub
from i2vlib.hub import CARD, CONFIG, SHIPPED, WEIGHTS, checked_device, method_class, shipped
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.papers.frgan.condition import heatmaps
from tests.conftest import tiny_config


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "saved", {"data": "squares", "steps": 0})
    return tmp_path / "saved"


def test_a_model_comes_back_as_it_was_saved(folder, model, clip):
    back = AffineGAN.from_pretrained(folder)
    assert back.config == model.config and not back.training
    one, two = (m.animate(clip.frames[0], intensity=[0, 1]).frames.astype(int) for m in (model, back))
    assert np.abs(one - two).max() <= 2  # half precision


def test_a_folder_of_weights_is_whole_and_small(folder, model):
    assert {file.name for file in folder.iterdir()} == {WEIGHTS, CONFIG, CARD}
    generator = sum(p.numel() for p in model.generator_parameters())
    assert (folder / WEIGHTS).stat().st_size < 2 * generator + 20_000
    card = (folder / CARD).read_text()
    assert "| data | squares |" in card and "synthetic" in card and "| sha256 |" in card


def test_a_variance_that_half_precision_cannot_hold_is_kept_whole(model, tmp_path):
    model.register_buffer("running_var", torch.tensor([1.0, 134_000.0]))
    model.register_buffer("running_mean", torch.tensor([1.0, 2.0]))
    model.save_pretrained(tmp_path / "saved")
    kept = load_file(tmp_path / "saved" / WEIGHTS)
    assert kept["running_var"].tolist() == [1.0, 134_000.0]
    assert kept["running_mean"].dtype == torch.float16


@pytest.fixture
def in_8_bits(monkeypatch, model, tmp_path):
    """A folder of weights of 8 bits, whose model is so small that no tensor of it would be large."""
    monkeypatch.setattr(hub, "FEW", 500)
    model.save_pretrained(tmp_path / "eight", {"data": "squares"}, bits=8)
    return tmp_path / "eight"


def test_a_number_comes_back_from_8_bits_within_half_a_step_of_its_channel(in_8_bits, model):
    kept, before = load_file(in_8_bits / WEIGHTS), model.state_dict()
    after = i2vlib.load_pretrained(in_8_bits).state_dict()
    stepped = {name for name, values in kept.items() if values.dtype == torch.int8}
    large = {name for name in kept if name in before and before[name].dim() > 1 and before[name].numel() >= 500}
    assert stepped == large and stepped
    for name in stepped:
        size = kept[f"{name}.scale"]
        assert size.numel() in before[name].shape[:2] and int(kept[name].abs().max()) == 127
        rounded = 127 / 2**11  # steps, to half precision
        assert ((after[name] - before[name]).abs() <= (0.5 + rounded) * size).all()
        assert torch.equal(after[name], after[name].half().float())
        assert size.max() <= before[name].abs().max() / 127 * 1.0001
    small = {name for name in kept if name in before} - stepped
    assert small and all(torch.equal(after[name], before[name].half().float()) for name in small)
    assert i2vlib.load_pretrained(in_8_bits).facts["bits"] == "8"


@pytest.mark.parametrize("channel", [0, 1])
def test_steps_follow_the_channels_that_differ(monkeypatch, model, tmp_path, channel):
    """Outputs are the first dimension of a convolution's kernel, and the second of a transposed one's."""
    sizes = torch.tensor([0.0, 1e-3, 1.0, 100.0]).reshape([4 if each == channel else 1 for each in range(4)])
    model.register_buffer("kernel", torch.randn(4, 4, 60, 60) * sizes)
    model.save_pretrained(tmp_path, bits=8)
    kept = load_file(tmp_path / WEIGHTS)
    back = kept["kernel"] * kept["kernel.scale"]
    assert ((back - model.kernel).abs() <= 0.02 * sizes).all()


def test_weights_of_8_bits_draw_nearly_the_same_and_take_half_the_room(model, clip, in_8_bits, folder):
    back = i2vlib.load_pretrained(in_8_bits)
    one, two = (m.animate(clip.frames[0], intensity=[0, 1]).frames.astype(int) for m in (model, back))
    assert 0 < np.abs(one - two).max() <= 5
    eight, sixteen = (load_file(each / WEIGHTS) for each in (in_8_bits, folder))
    room = [sum(values.nbytes for values in each.values()) for each in (eight, sixteen)]
    assert room[0] < 0.6 * room[1] and (in_8_bits / WEIGHTS).stat().st_size < (folder / WEIGHTS).stat().st_size


def test_what_has_no_8_bits_stays_what_it_was(model, tmp_path):
    """Numbers that are not finite, whole ones, and a long row of few dimensions."""
    odd = {
        "endless": torch.full((250, 250), torch.inf), "counts": torch.ones(250, 250, dtype=torch.int64),
        "row": torch.linspace(-1, 1, 50_000),
    }  # fmt: skip
    for name, values in odd.items():
        model.register_buffer(name, values)
    model.save_pretrained(tmp_path, bits=8)
    kept = load_file(tmp_path / WEIGHTS)
    assert {name: kept[name].dtype for name in odd} == {
        "endless": torch.float32, "counts": torch.int64, "row": torch.float16
    }  # fmt: skip
    assert bool((kept["endless"] == odd["endless"]).all()) and not any(name.endswith(".scale") for name in kept)


def test_half_precision_is_what_is_written_unless_8_bits_are_asked_for(model, folder, tmp_path):
    kept = load_file(folder / WEIGHTS)
    expected = {name: values.half() for name, values in model.state_dict().items() if name in kept}
    assert kept.keys() == expected.keys() and all(torch.equal(kept[name], expected[name]) for name in kept)
    with pytest.raises(ValueError, match="8.*16"):
        model.save_pretrained(tmp_path / "four", bits=4)
    assert not (tmp_path / "four").exists()


def test_truncated_weights_of_8_bits_are_refused_with_and_without_a_card(in_8_bits):
    path = in_8_bits / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="model.safetensors.*sha256"):
        i2vlib.load_pretrained(in_8_bits)
    (in_8_bits / CARD).unlink()
    with pytest.raises(ValueError, match="model.safetensors"):
        i2vlib.load_pretrained(in_8_bits)


def test_scales_of_another_shape_are_refused(in_8_bits):
    path, tensors = in_8_bits / WEIGHTS, load_file(in_8_bits / WEIGHTS)
    name = next(name for name, values in tensors.items() if values.dtype == torch.int8)
    save_file({**tensors, f"{name}.scale": torch.ones(3, 1, 1, 1)}, path)
    (in_8_bits / CARD).unlink()
    with pytest.raises(ValueError, match="model.safetensors"):
        i2vlib.load_pretrained(in_8_bits)


@pytest.mark.parametrize(("name", "kind"), [("affinegan_painted", "AffineGAN"), ("fan_painted", "FAN")])
def test_the_models_that_answer_the_papers_claims_are_painted_and_of_8_bits(name, kind):
    model = i2vlib.load_pretrained(name, "cpu")
    assert type(model).__name__ == kind and model.facts["bits"] == "8"
    assert (SHIPPED / name / WEIGHTS).stat().st_size < 1.1 * sum(p.numel() for p in model.kept_parameters())


def test_saving_twice_leaves_no_litter(folder, model):
    model.save_pretrained(folder)
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (WEIGHTS, lambda data: data[: len(data) // 2], "does not match the sha256"),
        (WEIGHTS, lambda data: data[:-1] + b"?", "does not match the sha256"),
        (CONFIG, lambda data: data[:40], "damaged or of another version"),
        (CONFIG, lambda data: b'{"method": "FutureGAN"}', "damaged or of another version"),
        (WEIGHTS, None, "holds no model.safetensors"),
        (CONFIG, None, "holds no config.json"),
    ],
)
def test_damaged_weights_are_refused_and_named(folder, file, damage, message):
    path = folder / file
    data = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage(data))
    kept = {f.name: f.read_bytes() for f in folder.iterdir()}
    with pytest.raises(ValueError, match=message) as caught:
        i2vlib.load_pretrained(folder)
    assert file in str(caught.value)
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == kept


def test_truncated_weights_without_a_card_are_refused_too(folder):
    (folder / CARD).unlink()
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:300])
    with pytest.raises(ValueError, match="model.safetensors"):
        i2vlib.load_pretrained(folder)


def test_weights_of_another_shape_are_refused(folder):
    (folder / CARD).unlink()
    settings = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**settings, "base_channels": 4}))
    with pytest.raises(ValueError, match="short"):
        i2vlib.load_pretrained(folder)


@pytest.mark.parametrize("name", ["affinegan", "frgan"])
def test_a_setting_that_the_method_does_not_know_is_refused_by_name(tmp_path, name):
    """It may be of another version, whose mathematics this one would leave out."""
    shutil.copytree(SHIPPED / name, tmp_path / name)
    file = tmp_path / name / CONFIG
    settings = json.loads(file.read_text())
    (settings["forecast"] if name == "frgan" else settings)["warp_twice"] = True
    file.write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="config.json.*warp_twice"):
        i2vlib.load_pretrained(tmp_path / name)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'afinegan'"):
        i2vlib.load_pretrained("afinegan")


def test_a_name_that_the_hub_does_not_give_is_one_sentence(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = r"named 'nobody/nothing'.*no such folder here.*machine offline.*there without a network, are \['affinegan"
    for load in (i2vlib.load_pretrained, AffineGAN.from_pretrained):
        with pytest.raises(ValueError, match=message):
            load("nobody/nothing")


@pytest.mark.parametrize(
    "device",
    ["gpu", "cuda:99", pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="GPU"))],
)
def test_a_device_that_is_not_there_is_an_error_that_lists_those_that_are(device, folder):
    with pytest.raises(ValueError, match=rf"no device '{device}' that PyTorch can use here; there are \['cpu'"):
        i2vlib.load_pretrained(folder, device)


def test_a_gpu_is_used_where_there_is_one(monkeypatch, folder):
    asked = []
    monkeypatch.setattr(torch.nn.Module, "to", lambda method, place: asked.append(str(place)) or method)
    for there, device in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert checked_device() == torch.device(device)
        i2vlib.load_pretrained(folder)
        i2vlib.load_pretrained(folder, "cpu")
    assert asked == ["cpu", "cpu", "cuda", "cpu"]


class OnOneDevice(TorchDispatchMode):
    """Refuses what a GPU would refuse: an operation on tensors of two devices, but for single numbers."""

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        tensors = [each for each in tree_leaves((arguments, options)) if isinstance(each, torch.Tensor) and each.dim()]
        if len({tensor.device for tensor in tensors}) > 1:
            raise RuntimeError(f"{operation} is asked of tensors on {[str(tensor.device) for tensor in tensors]}")
        return operation(*arguments, **(options or {}))


@pytest.mark.parametrize("name", [name for name in shipped() if name != "hourglass" and "poses" not in name])
def test_all_that_a_method_is_given_goes_to_the_device_where_it_is(name):
    """On the device that computes nothing: each call fails where numbers are to come back, and no sooner."""
    method = i2vlib.load_pretrained(name, "cpu").to("meta")
    kind = type(method).__name__
    size = (method.forecast if kind == "FRGAN" else method).config.size
    face, maps = np.zeros((size, size, 3), np.uint8), np.zeros((4, size, size, 3), np.int8)
    calls = {
        "AffineGAN": [
            lambda: method.animate(face, "happy", intensity=[0, 1]),
            lambda: method.infer_intensity(face[None], face, "happy"),
            lambda: method.sensitivity(face, "happy"),
        ],
        "FAN": [lambda: method.animate(face, "happy", intensity=[0, 1])],
        "FRGAN": [
            lambda: method.forecast.forecast(face, maps),
            lambda: method.refine.refine(np.stack([face] * 4), maps),
        ],
        "Forecast": [lambda: method.forecast(face, heatmaps(np.zeros((4, 13, 2)), None, size, 0.1))],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the faces have no eyes
        for call in calls[kind]:
            with OnOneDevice(), pytest.raises(NotImplementedError, match="tensor"):
                call()


def test_a_tensor_that_is_left_behind_is_noticed():
    method = i2vlib.load_pretrained("fan_painted", "cpu").to("meta")
    size = method.config.size
    with OnOneDevice(), pytest.raises(RuntimeError, match="meta"):
        method.encoder(torch.zeros(1, 3, size, size))


def test_every_method_has_its_configuration_beside_it_and_one_home():
    for name in i2vlib.METHODS:
        assert method_class(name) is getattr(i2vlib, name)
        assert method_class(name).Config is getattr(i2vlib, f"{name}Config")


def test_no_pickle_is_read(tmp_path):
    torch.save({"a": 1}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="config.json"):
        i2vlib.load_pretrained(tmp_path)


def test_shipped_weights_fit_the_budget():
    sizes = {file: file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()}
    assert all(size <= 16 * 2**20 for size in sizes.values()) and sum(sizes.values()) <= 48 * 2**20


def test_a_card_says_whether_a_face_or_a_body_is_animated() -> None:
    tags = {
        card.parent.name: card.read_text("utf-8").split("tags: ")[1].split("\n")[0]
        for card in SHIPPED.glob("*/README.md")
    }
    assert {name for name, tag in tags.items() if "body-animation" in tag} == {"bodies_carried", "frgan_poses"}
    assert all(("face-animation" in tag) != ("body-animation" in tag) for tag in tags.values())


@pytest.mark.parametrize("card", sorted(SHIPPED.glob("*/README.md")), ids=lambda card: card.parent.name)
def test_a_shipped_card_says_only_what_was_measured(card):
    text = card.read_text()
    metric = "pck" if i2vlib.load_pretrained(card.parent, "cpu").makes == "readings" else "moving_ratio"
    assert f"{metric}, test subjects" in text and "nan" not in text


def test_config_values_survive_json(tmp_path):
    method = AffineGAN(tiny_config(expressions=("happy", "angry"), betas=(0.1, 0.2)))
    method.save_pretrained(tmp_path)
    assert i2vlib.load_pretrained(tmp_path).config == method.config
