"""Weights by name: what is written, and what is refused."""

import json
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import i2vlib
from i2vlib.hub import CARD, CONFIG, SHIPPED, WEIGHTS, checked_device, method_class
from i2vlib.papers.affinegan import AffineGAN
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
    with pytest.raises(ValueError, match="model.safetensors cannot be read"):
        i2vlib.load_pretrained(folder)


def test_weights_of_another_shape_are_refused(folder):
    (folder / CARD).unlink()
    settings = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**settings, "base_channels": 4}))
    with pytest.raises(ValueError, match="cut short or of another model"):
        i2vlib.load_pretrained(folder)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no weights named 'afinegan'. Shipped are \["):
        i2vlib.load_pretrained("afinegan")


def test_a_name_that_the_hub_does_not_give_is_one_sentence(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = (
        r"named 'nobody/nothing'.*no such folder here.*machine offline.*there without a network, are \['affinegan'"
    )
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


@pytest.mark.parametrize("name", ["affinegan", "fan", "frgan"])
def test_all_that_a_method_is_given_goes_to_the_device_where_it_is(name):
    """On the device that computes nothing: each call fails where numbers are to come back, and no sooner."""
    method = i2vlib.load_pretrained(name, "cpu").to("meta")
    size = (method.forecast if name == "frgan" else method).config.size
    face, maps = np.zeros((size, size, 3), np.uint8), np.zeros((4, size, size, 3), np.int8)
    calls = {
        "affinegan": [
            lambda: method.animate(face, "happy", intensity=[0, 1]),
            lambda: method.infer_intensity(face[None], face, "happy"),
            lambda: method.sensitivity(face, "happy"),
        ],
        "fan": [lambda: method.animate(face, "happy", intensity=[0, 1])],
        "frgan": [
            lambda: method.forecast.forecast(face, maps),
            lambda: method.refine.refine(np.stack([face] * 4), maps),
        ],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the faces have no eyes
        for call in calls[name]:
            with OnOneDevice(), pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
                call()


def test_a_tensor_that_is_left_behind_is_noticed():
    method = i2vlib.load_pretrained("fan", "cpu").to("meta")
    size = method.config.size
    with OnOneDevice(), pytest.raises(RuntimeError, match="meta"):
        method.encoder(torch.zeros(1, 3, size, size))


def test_every_method_has_its_configuration_beside_it_and_one_home():
    for name in i2vlib.METHODS:
        assert method_class(name) is getattr(i2vlib, name)
        assert method_class(name).Config is getattr(i2vlib, f"{name}Config")


def test_no_pickle_is_read(tmp_path):
    torch.save({"a": 1}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="holds no config.json"):
        i2vlib.load_pretrained(tmp_path)


def test_shipped_weights_fit_the_budget():
    sizes = {file: file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()}
    assert all(size <= 16 * 2**20 for size in sizes.values()) and sum(sizes.values()) <= 40 * 2**20


def test_a_card_says_whether_a_face_or_a_body_is_animated() -> None:
    tags = {
        card.parent.name: card.read_text("utf-8").split("tags: ")[1].split("\n")[0]
        for card in SHIPPED.glob("*/README.md")
    }
    assert {name for name, tag in tags.items() if "body-animation" in tag} == {"frgan_poses"}
    assert all(("face-animation" in tag) != ("body-animation" in tag) for tag in tags.values())


@pytest.mark.parametrize("card", sorted(SHIPPED.glob("*/README.md")), ids=lambda card: card.parent.name)
def test_a_shipped_card_says_only_what_was_measured(card):
    text = card.read_text()
    metric = "pck" if i2vlib.load_pretrained(card.parent, "cpu").reads else "moving_ratio"
    assert f"{metric}, test subjects" in text and "nan" not in text


def test_config_values_survive_json(tmp_path):
    method = AffineGAN(tiny_config(expressions=("happy", "angry"), betas=(0.1, 0.2)))
    method.save_pretrained(tmp_path)
    assert i2vlib.load_pretrained(tmp_path).config == method.config
