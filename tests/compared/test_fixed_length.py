"""What systems of one length share: their samples, labels, and moments."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from i2vlib.clips import to_tensor
from i2vlib.compared import (
    FGST,
    VGAN,
    ConvLSTM,
    ConvLSTMConfig,
    FGSTConfig,
    HPConfig,
    Mathieu,
    MathieuConfig,
    MCNet,
    MCNetConfig,
    MoCoGAN,
    MoCoGANConfig,
    VGANConfig,
)
from i2vlib.compared.fixed_length import spread, with_label
from i2vlib.joints import ACTIONS
from i2vlib.training import fit
from tests.conftest import moving_square
from tests.papers.frgan.test_kinds import body

TINY = {
    "ConvLSTM": lambda **changes: ConvLSTM(ConvLSTMConfig.small(**{"size": 16, "base_channels": 4, **changes})),
    "FGST": lambda **changes: FGST(
        FGSTConfig.small(**{"size": 16, "base_channels": 4, "flow": "estimated", **changes})
    ),
    "MoCoGAN": lambda **changes: MoCoGAN(MoCoGANConfig.small(**{"size": 16, "base_channels": 4, **changes})),
    "Mathieu": lambda **changes: Mathieu(MathieuConfig.small(**{"size": 16, "base_channels": 2, **changes})),
    "MCNet": lambda **changes: MCNet(MCNetConfig.small(**{"size": 16, "base_channels": 2, **changes})),
    "VGAN": lambda **changes: VGAN(VGANConfig.small(**{"size": 16, "base_channels": 4, **changes})),
}


def test_moments_are_even_and_hold_both_ends():
    assert spread(12, 12) == list(range(12)) and spread(9, 5) == [0, 2, 4, 6, 8] and spread(2, 3) == [0, 0, 1]


def test_a_label_is_a_plane_of_ones_and_none_where_there_is_no_choice():
    still = torch.rand(2, 3, 4, 4)
    shown = with_label(still, torch.tensor([1, 0]), 2)
    assert torch.equal(shown[:, :3], still) and shown.shape == (2, 5, 4, 4)
    assert torch.equal(shown[:, 3:].mean((2, 3)), torch.tensor([[0.0, 1], [1, 0]]))
    assert with_label(still, torch.tensor([0, 0]), 1) is still


@pytest.mark.parametrize("name", TINY)
def test_a_clip_has_the_length_of_the_system_and_is_the_same_in_any_company(name):
    size = 64 if name == "VGAN" else 16
    system = TINY[name](size=size, expressions=("happy", "angry")).eval()
    if name == "FGST":  # a new one moves nothing
        torch.nn.init.normal_(system.flow.weight)
    stills = torch.rand(3, 3, size, size) * 2 - 1
    labels = torch.tensor([0, 1, 1])
    with torch.no_grad():
        together = system.clip(stills, labels)["images"]
        alone = torch.cat([system.clip(stills[n : n + 1], labels[n : n + 1])["images"] for n in range(3)])
        other = system.clip(stills, 1 - labels)["images"]
    assert together.shape[:2] == (3, system.config.frames) and together.abs().max() <= 1
    assert torch.allclose(together, alone, atol=1e-5) and not torch.equal(together, other)


@pytest.mark.parametrize("name", TINY)
def test_it_plays_and_redraws_at_the_nearest_moment(name):
    size = 64 if name == "VGAN" else 16
    system = TINY[name](size=size)
    clip = moving_square(size=size, frames=5)
    made = system.animate(clip.frames[0], "happy")
    assert len(made) == system.config.frames and made.frames.shape[1:] == (size, size, 3)
    again = system.redraw(clip)
    assert np.array_equal(again.frames, made.frames[spread(len(made), 5)]) and again.drive is None
    assert np.array_equal(system.redraw(clip, [0, 4]).frames, again.frames[[0, 4]])
    with pytest.raises(ValueError, match="expressions"):
        system.animate(clip.frames[0], "sad")


@pytest.mark.parametrize("name", TINY)
def test_it_is_trained_by_fit_and_starts_from_its_seed(name):
    size = 64 if name == "VGAN" else 16
    clips = [moving_square(size=size, frames=5)]
    weights = []
    for _ in range(2):
        system = TINY[name](size=size, clips_per_step=2)
        history = fit(system, clips, 2, seed=3, log_every=1, progress=False, device="cpu")
        assert history.filter(like="generator/").notna().all().all()
        weights.append(torch.cat([p.detach().flatten() for p in system.parameters()]))
    assert torch.equal(*weights)


def test_what_is_only_watched_is_left_out_of_a_sample():
    system = TINY["ConvLSTM"](frames=3, first=2, augment=False, shows="bodies", expressions=ACTIONS)
    clip = body(7, size=16)
    assert system.moments(clip) == [2, 4, 6]
    sample = system.example(clip, torch.Generator())
    assert torch.equal(sample["frames"], to_tensor(clip.frames[[2, 4, 6]]))
    assert ACTIONS[sample["label"]] == clip.expression
    with pytest.raises(ValueError, match="2 on"):
        system.example(clip[:3], torch.Generator())
    assert system.moments(clip[:4]) == [2, 2, 3]


@pytest.mark.parametrize("name", TINY)
def test_bodies_are_learnt_from_and_played_as_faces_are(name):
    size = 64 if name == "VGAN" else 16
    clip = body(5, size=size)
    system = TINY[name](size=size, clips_per_step=2, first=1, shows="bodies", expressions=ACTIONS)
    history = fit(system, [clip], 2, seed=3, log_every=1, progress=False, device="cpu")
    assert history.filter(like="generator/").notna().all().all()
    made = system.redraw(clip[1:])
    assert made.frames.shape == (4, size, size, 3)


def test_a_body_is_taken_as_it_is_and_a_face_is_looked_for(monkeypatch):
    looked = []
    monkeypatch.setattr("i2vlib.animation.crop_of", lambda face, size: looked.append(size) or face)
    picture = np.zeros((32, 32, 3), np.uint8)
    shown = {shows: TINY["ConvLSTM"](shows=shows).still_of(picture).shape for shows in ("bodies", "faces")}
    assert shown["bodies"] == (16, 16, 3) and looked == [16]
    with pytest.raises(ValueError, match="square"):
        TINY["ConvLSTM"](shows="bodies").animate(picture[:20])


def test_who_is_shown_and_from_when_is_checked():
    with pytest.raises(ValueError, match="'faces'.*'bodies'"):
        ConvLSTMConfig.small(shows="cats")
    with pytest.raises(ValueError, match="0.*first=-1"):
        ConvLSTMConfig.small(first=-1)


@pytest.mark.parametrize(("kind", "former"), [
    (ConvLSTMConfig, {"remembered": 8}), (FGSTConfig, {"reach": 0.2}), (MathieuConfig, {"seen": 4, "power": 1}),
    (HPConfig, {"code": 32, "width": 0.02, "discriminator_strides": (2, 2, 2, 1)}), (VGANConfig, {"deviation": 0.01}),
    (MoCoGANConfig, {"deviation": 0.02}),
])  # fmt: skip
def test_settings_that_an_earlier_version_wrote_load_if_they_say_what_is_done(kind, former):
    written = json.loads(json.dumps(asdict(kind.paper()) | former))
    assert kind.stated(written) == kind.paper()
    for name in former:
        with pytest.raises(ValueError, match=name):
            kind.stated(written | {name: 3})


def test_a_clip_of_one_frame_or_no_expression_is_refused():
    with pytest.raises(ValueError, match="frames"):
        ConvLSTMConfig.small(frames=1)
    with pytest.raises(ValueError, match="expressions"):
        ConvLSTMConfig.small(expressions=())
