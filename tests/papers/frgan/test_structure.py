"""What Eq. 15 compares frames by: the stand-in that is trained here, and the paper's VGG16 where torchvision is."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from i2vlib import hub
from i2vlib.clips import to_tensor
from i2vlib.papers.frgan import ForecastConfig, Hourglass, HourglassConfig, structure
from i2vlib.papers.frgan.condition import map_tensor
from i2vlib.training import fit
from tests.papers.frgan.clips import SIZE, forecaster
from tests.papers.frgan.test_kinds import body, posed

ASKED = {"reconstruction": 3.0, "appearance": 0.5, "structure": 2.0}


def reader(**changes: object) -> Hourglass:
    torch.manual_seed(0)
    return Hourglass(HourglassConfig(**{"size": SIZE, "channels": 8, "clips_per_step": 2, **changes}))


@pytest.fixture
def trained(tmp_path, monkeypatch) -> Hourglass:
    """A reader whose maps are not empty, under the name that configurations ask for."""
    made = reader()
    nn.init.normal_(made.last[-1].weight)
    made.save_pretrained(tmp_path / "hourglass")
    monkeypatch.setattr(hub, "SHIPPED", tmp_path)
    structure.hourglass.cache_clear()
    yield made
    structure.hourglass.cache_clear()


def test_what_it_sees_has_a_quarter_of_the_side_and_its_maps_a_half():
    seen, maps = reader()(torch.zeros(2, 3, SIZE, SIZE))
    assert seen.shape == (2, 8, SIZE // 4, SIZE // 4) and maps.shape == (2, 13, SIZE // 2, SIZE // 2)
    assert not maps.any()  # before training


def test_a_sample_is_frames_of_one_clip_and_the_maps_that_g_m_is_told():
    clip, method = body(), reader(augment=False, frames_per_clip=3, joint_width=1 / 16)
    one, two = (method.example(clip, torch.Generator().manual_seed(4)) for _ in range(2))
    assert one["frames"].shape == (3, 3, SIZE, SIZE) and one["maps"].shape == (3, 13, SIZE, SIZE)
    assert all(torch.equal(one[name], two[name]) for name in one)
    pictures, wanted = to_tensor(clip.frames), map_tensor(posed().truth["condition"])
    for frame, maps in zip(one["frames"], one["maps"], strict=True):
        (at,) = [n for n in range(len(clip)) if torch.equal(pictures[n], frame)]
        assert torch.equal(maps, wanted[at]) and maps.any()


def test_the_loss_is_the_mean_squared_error_of_maps_of_half_the_side():
    method = reader(frames_per_clip=2)
    batch = {"frames": torch.zeros(1, 2, 3, SIZE, SIZE), "maps": torch.zeros(1, 2, 13, SIZE, SIZE)}
    batch["maps"][0, 1, 5, 4:6, 6:8] = torch.tensor([[1.0, 0.0], [0.5, 0.5]])  # one pixel of the smaller map: .5
    terms = method.generator_terms(batch, {"maps": torch.zeros(2, 13, SIZE // 2, SIZE // 2)})
    assert terms["maps"].item() == pytest.approx(0.25 / (2 * 13 * (SIZE // 2) ** 2))
    assert method.discriminator_terms(batch, {}) == {} and method.outputs(batch)["maps"].shape[0] == 2


def test_joints_are_read_between_pixels():
    method = reader()
    drawn = torch.zeros(1, 13, 16, 16)
    drawn[0, 0, 5, 3], drawn[0, 0, 5, 4] = 0.75, 0.25  # x 3.25, y 5 of the smaller map
    drawn[0, 1, 0, 15] = 1.0  # a corner
    method.forward = lambda images: (None, drawn.expand(len(images), -1, -1, -1))
    places, high = method.read(np.zeros((2, SIZE, SIZE, 3), np.uint8))
    assert places.shape == (2, 13, 2) and high.shape == (2, 13)
    np.testing.assert_allclose(places[1, :2], [[7.5, 11], [31, 1]], atol=1e-5)
    np.testing.assert_allclose(high[0, :3], [0.75, 1, 0])
    with pytest.raises(ValueError, match=r"reads frames \(T, 32, 32, 3\)"):
        method.read(np.zeros((2, 16, 16, 3), np.uint8))


def test_training_lowers_the_error_and_what_is_read_can_be_looked_at():
    method, clips = reader(learning_rate=1e-2, frames_per_clip=4, augment=False, joint_width=1 / 16), [body(2)]
    history = fit(method, clips, 60, seed=0, progress=False, log_every=1)
    first, last = history["generator/maps"].head(5).mean(), history["generator/maps"].tail(5).mean()
    assert last < 0.7 * first
    made = method.redraw(clips[0], [0, 1]).frames
    assert made.shape == (2, SIZE, SIZE, 3) and made.dtype == np.uint8


# As a loss of G_M


def test_g_m_is_asked_by_the_hourglass_that_its_configuration_names(trained):
    method = forecaster(condition="joints", weights=ASKED)
    clips = [posed(seed=seed) for seed in range(2)]
    examples = [method.example(clip, torch.Generator().manual_seed(i)) for i, clip in enumerate(clips)]
    batch = {name: torch.stack([e[name] for e in examples]) for name in examples[0]}
    made = method.outputs(batch)
    terms = method.generator_terms(batch, made)
    kept = hub.load_pretrained("hourglass", "cpu")
    for name, of in (("appearance", 0), ("structure", 1)):
        wanted = (kept(batch["frame"])[of] - kept(made["images"])[of]).square().mean()
        assert terms[name].item() == pytest.approx(wanted.item(), rel=1e-5) and wanted > 0
    (terms["appearance"] + terms["structure"]).backward()
    assert all(p.grad is not None and p.grad.any() for p in method.decoder.last.parameters())
    assert not any(p.requires_grad for p in structure.hourglass("hourglass", "cpu").parameters())
    assert not [name for name, _ in method.named_parameters() if "hourglass" in name]


def test_a_weight_of_nought_asks_nobody(monkeypatch):
    def nobody(*given: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("i2vlib.papers.frgan.forecast.features_of", nobody)
    method = forecaster(condition="joints")
    batch = {name: torch.stack([x]) for name, x in method.example(posed(), torch.Generator()).items()}
    assert not {"appearance", "structure"} & set(method.generator_terms(batch, method.outputs(batch)))


def test_training_with_it_is_the_same_twice(trained):
    ends = []
    for _ in range(2):
        structure.hourglass.cache_clear()
        method = forecaster(condition="joints", weights=ASKED)
        fit(method, [posed()], 2, seed=3, progress=False)
        ends.append(method.state_dict())
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_weights_of_another_network_are_refused(tmp_path):
    forecaster().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="Hourglass"):
        structure.hourglass(str(tmp_path), "cpu")


def test_it_is_of_bodies_alone():
    with pytest.raises(ValueError, match="15 is"):
        ForecastConfig(weights=ASKED)


# The paper's own C_1


class FakeVGG(nn.Module):
    """As torchvision's: convolutions, the last of which something follows."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 1), nn.ReLU())


def test_vgg16_is_cut_after_its_last_convolution_and_shown_pictures_as_it_knows_them(monkeypatch):
    known, asked = FakeVGG().state_dict(), {}

    class Weights:
        class IMAGENET1K_V1:  # noqa: N801
            @staticmethod
            def get_state_dict(**options: object) -> dict:
                asked.update(options)
                return known

    models = ModuleType("torchvision.models")
    models.vgg16, models.VGG16_Weights = FakeVGG, Weights
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    structure.vgg16.cache_clear()
    frames = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    found = structure.vgg16("cpu")(frames)
    structure.vgg16.cache_clear()
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shown = F.interpolate((frames + 1) / 2, size=224, mode="bilinear", align_corners=False)
    shown = (shown - mean[:, None, None]) / spread[:, None, None]
    first = F.relu(F.conv2d(shown, known["features.0.weight"], known["features.0.bias"]))
    wanted = F.conv2d(first, known["features.2.weight"], known["features.2.bias"])
    assert torch.allclose(found, wanted, atol=1e-5) and (found < 0).any()
    assert asked["check_hash"] and asked["weights_only"]


def test_without_torchvision_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    structure.vgg16.cache_clear()
    config = ForecastConfig(condition="joints", appearance="vgg16", weights=ASKED)
    appearance, _ = structure.features_of(config, torch.device("cpu"))
    with pytest.raises(ValueError, match="torchvision"):
        appearance(torch.zeros(1, 3, SIZE, SIZE))
