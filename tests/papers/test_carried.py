"""Ours: each equation of carried drawing by value, and what a model that carries promises: at rest the still itself."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from i2vbook.checkout import NOTEBOOKS
from i2vbook.pages.derivations import headings
from i2vlib.clips import to_tensor
from i2vlib.papers import carried
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig
from i2vlib.papers.carried import Maps
from i2vlib.papers.fan import FAN, FANConfig
from tests.conftest import moving_square
from tests.notebooks.test_probes import cells, probes

SIZE = 16


def raw(**channels: float) -> torch.Tensor:
    """What a decoder says of one picture of 4 x 4: 0 but for the channels named."""
    said = torch.zeros(1, 7, 4, 4)
    for name, value in channels.items():
        said[:, ("red", "green", "blue", "x", "y", "new", "shade").index(name)] = value
    return said


def plain(size: int = 4, **maps: float) -> Maps:
    """Maps of one picture that carry it as it is, but for those named."""
    fill = {"flow": 0.0, "gate": 1.0, "shade": 0.0, "colour": 0.0} | maps
    width = {"flow": 2, "gate": 1, "shade": 1, "colour": 3}
    return Maps(**{name: torch.full((1, width[name], size, size), value) for name, value in fill.items()})


# The equations, by value


def test_eq_1_maps_are_changes_from_rest():
    rest = raw(x=0.4, new=-1.0, shade=0.3)
    maps = carried.maps_of(raw(red=0.5, x=0.9, y=-0.2, new=1.0, shade=-0.1), rest, reach=0.25)
    assert maps.flow[0, :, 0, 0].tolist() == pytest.approx([np.tanh(0.9) - np.tanh(0.4), np.tanh(-0.2)], abs=1e-6)
    new, always = 1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(1.0))
    assert float(maps.gate[0, 0, 0, 0]) == pytest.approx(1 - (new - always) / (1 - always), abs=1e-6)
    assert float(maps.shade[0, 0, 0, 0]) == pytest.approx(0.7 * (np.tanh(-0.1) - np.tanh(0.3)), abs=1e-6)
    assert maps.colour[0, :, 0, 0].tolist() == pytest.approx([np.tanh(0.5), 0, 0], abs=1e-6)


def test_eq_1_at_rest_and_below_nothing_changes():
    rest = torch.randn(2, 7, 4, 4, generator=torch.Generator().manual_seed(0))
    maps = carried.maps_of(rest, rest, 0.2)
    assert not maps.flow.any() and not maps.shade.any() and (maps.gate == 1).all()
    lower = rest.clone()
    lower[:, 5] -= 1.0
    assert (carried.maps_of(lower, rest, 0.2).gate == 1).all()
    assert not carried.maps_of(rest + 1, rest, 0.2, shaded=False).shade.any()


def test_eq_2_a_still_is_warped_from_where_it_was():
    still = torch.arange(12.0).view(1, 1, 3, 4).expand(1, 3, 3, 4)
    flow = torch.zeros(1, 2, 3, 4)
    assert torch.allclose(carried.carry(still, flow), still, atol=1e-5)
    flow[:, 0] = -1.0  # what is here was a pixel further left
    assert carried.carry(still, flow)[0, 0, 0].tolist() == pytest.approx([0.0, 0.0, 1.0, 2.0], abs=1e-5)
    flow[:, 0], flow[:, 1] = 0.0, 0.5
    assert carried.carry(still, flow)[0, 0, :, 0].tolist() == pytest.approx([2.0, 6.0, 8.0], abs=1e-5)


def test_eq_2_a_cubic_keeps_what_is_sharp():
    stripes = torch.tensor([-1.0, -1.0, 1.0, 1.0]).repeat(4).expand(1, 1, 16, 16)
    half = torch.full((1, 2, 16, 16), 0.5)
    contrast = lambda mode: float(carried.carry(stripes, half, mode)[..., 4:-4, 4:-4].abs().mean())  # noqa: E731
    assert contrast("bicubic") > contrast("bilinear") + 0.05


def test_eq_3_light_multiplies_what_is_above_black():
    picture = torch.tensor([-1.0, 0.0, 0.5]).view(1, 3, 1, 1)
    made = carried.lit(picture, torch.full((1, 1, 1, 1), float(np.log(0.5))))
    assert made.flatten().tolist() == pytest.approx([-1.0, -0.5, -0.25])
    assert carried.lit(picture, torch.full((1, 1, 1, 1), 2.0)).max() == 1


def test_eq_4_the_gate_weighs_photo_and_colour():
    still = torch.full((1, 3, 4, 4), 0.8)
    assert carried.composed(still, plain(gate=0.25, colour=-0.4)).flatten()[0] == pytest.approx(0.25 * 0.8 - 0.75 * 0.4)
    assert torch.allclose(carried.composed(still, plain(colour=-0.4)), still, atol=1e-6)


def test_eq_5_flow_counts_where_it_can_be_seen():
    true, seen = torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 2, 2)
    seen[..., 0, 0] = 1
    flow = torch.full((1, 2, 2, 2), 9.0)
    flow[:, :, 0, 0] = torch.tensor([3.0, -1.0])
    assert carried.flow_error(flow, true, seen) == pytest.approx(2.0)


def test_eq_6_a_gate_that_knows_costs_nothing():
    seen = torch.tensor([[1.0, 0.0]]).view(1, 1, 1, 2)
    assert carried.gate_error(torch.zeros(1, 1, 1, 2), seen) == pytest.approx(np.log(2))
    assert carried.gate_error(torch.tensor([-50.0, 50.0]).view(1, 1, 1, 2), seen) < 1e-6
    assert carried.gate_error(torch.tensor([50.0, -50.0]).view(1, 1, 1, 2), seen) == pytest.approx(50)


def test_eq_7_colour_counts_where_it_is_new():
    seen = torch.tensor([[1.0, 0.0]]).view(1, 1, 1, 2)
    colour, real = torch.zeros(1, 3, 1, 2), torch.tensor([[0.5, 0.2]]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    assert carried.colour_error(colour, real, seen) == pytest.approx((0.1 * 0.5 + 1.1 * 0.2) / 2)


def test_eq_8_a_blurred_edge_costs():
    real = torch.tensor([-1.0, -1.0, 1.0, 1.0]).expand(1, 3, 4, 4)
    soft = torch.tensor([-1.0, -0.5, 0.5, 1.0]).expand(1, 3, 4, 4)
    assert carried.edge_error(real + 0.3, real) == pytest.approx(0, abs=1e-6)
    assert carried.edge_error(soft, real) == pytest.approx((0.5 + 1.0 + 0.5) / 3)


# Models that carry


def affinegan(**changes) -> AffineGAN:
    torch.manual_seed(0)
    return AffineGAN(AffineGANConfig.carried(**{"size": SIZE, "base_channels": 8, "augment": False, **changes}))


def fan(**changes) -> FAN:
    torch.manual_seed(0)
    return FAN(FANConfig.carried(**{"size": SIZE, "base_channels": 8, "augment": False, **changes}))


def painter(kind: type) -> AffineGAN | FAN:
    """A painted model of the same sizes."""
    config = {AffineGAN: AffineGANConfig, FAN: FANConfig}[kind]
    return kind(config.small(size=SIZE, base_channels=8))


def traced(size: int = SIZE, frames: int = 6):
    """A picture that drifts to the right by a pixel per frame and knows where its pixels come from."""
    clip = moving_square(size=size, frames=frames)
    wave = np.sin(np.arange(size) * 2 * np.pi / size)
    picture = 128 + 60 * np.stack([np.tile(wave, (size, 1)), np.outer(wave, wave), np.tile(wave, (size, 1)).T], -1)
    drifting = np.stack([np.roll(picture, t, 1) for t in range(frames)]).round().astype(np.uint8)
    flow = np.zeros((frames, size, size, 2), np.float32)
    flow[..., 0] = -np.arange(frames)[:, None, None]
    seen = np.ones((frames, size, size), bool)
    for t in range(frames):
        seen[t, :, :t] = False
    return replace(clip, frames=drifting, truth={**clip.truth, "flow_to_first": flow, "seen_in_first": seen})


def batch_of(model, clip, count=2):
    rows = [model.example(clip, torch.Generator().manual_seed(seed)) for seed in range(count)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def stirred(model):
    """A model whose last layer says something of every map."""
    torch.manual_seed(1)
    torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.5)
    if model.config.outer_channels:
        torch.nn.init.normal_(model.outer.layers[-1].weight, std=0.3)
    return model.eval()


@pytest.fixture(
    params=[(affinegan, 0), (affinegan, 5), (fan, 0), (fan, 5)], ids=lambda row: f"{row[0].__name__}-{row[1]}"
)
def model(request):
    make, outer = request.param
    return make(outer_channels=outer)


def test_at_rest_a_frame_is_the_still_bit_for_bit_whatever_the_weights_are(model):
    still = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    made = stirred(model).animate(still, intensity=[0, 1e-4, 1]).frames
    assert np.array_equal(made[0], still)
    near, far = (np.abs(frame.astype(int) - still) for frame in made[1:])
    assert near.max() <= 1 and far.max() > 20


def test_a_new_model_begins_with_the_still(model):
    still = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    made = model.eval().animate(still, intensity=[1]).frames[0]
    assert np.abs(made.astype(int) - still).mean() < 12


def test_a_step_asks_every_map_and_reaches_every_weight(model):
    batch = batch_of(model, traced())
    assert batch["traced"].all() and float(batch["flow"][0, 0, 0].max()) <= 0
    outputs = model.outputs(batch)
    assert outputs["images"].shape == batch["frames"].shape and outputs["flow"].shape == batch["flow"].shape
    assert model.config.outer_channels or "outer" not in {
        name.partition(".")[0] for name, _ in model.named_parameters()
    }
    terms = model.generator_terms(batch, outputs)
    asked = {name for name, weight in model.config.weights.items() if weight} - {"landmarks"}
    assert asked <= set(terms)
    sum(model.config.weights[name] * value for name, value in terms.items()).backward()
    unasked = {name for name, p in model.named_parameters() if p.grad is None and "discriminator" not in name}
    assert {name.partition(".")[0] for name in unasked} <= {"landmark_maps"}  # the clip states no landmarks
    assert model.decoder.levels[-1].weight.grad.abs().sum((0, 2, 3)).min() > 0
    assert not model.config.outer_channels or model.outer.layers[-1].weight.grad.abs().sum((1, 2, 3)).min() > 0


def test_a_clip_that_does_not_know_where_it_comes_from_teaches_by_its_pictures(model):
    batch = batch_of(model, moving_square(size=SIZE))
    assert not batch["traced"].any()
    terms = model.generator_terms(batch, model.outputs(batch))
    assert {"reconstruction", "reconstruction_moving", "edges", "shade"} <= set(terms)
    assert not {"flow", "flow_moving", "gate", "colour"} & set(terms)


def test_a_few_steps_learn_where_a_picture_comes_from():
    from i2vlib import fit

    model = fan(expressions=("happy",), learning_rate=2e-3, reach=0.4)
    history = fit(model, [traced()], 150, progress=False)
    assert history["generator/flow"].iloc[-3:].mean() < 0.5 * history["generator/flow"].iloc[0]
    assert history["generator/gate"].iloc[-3:].mean() < history["generator/gate"].iloc[0]


@pytest.mark.parametrize("make", [affinegan, fan])
def test_a_painted_models_colours_go_on_and_its_flow_begins_at_rest(make):
    model = make()
    painted, last = painter(type(model)), len(model.decoder.levels) - 1
    model.inherit(painted)
    own, old = model.decoder.levels[last].weight, painted.decoder.levels[last].weight
    assert torch.equal(own[:, :3], old) and own[:, 3:].abs().max() < 0.01
    assert torch.equal(model.decoder.levels[0].weight, painted.decoder.levels[0].weight)
    again = make().state_dict()["encoder.levels.0.weight"]
    assert torch.equal(model.encoder.levels[0].weight, painted.encoder.levels[0].weight)
    assert not torch.equal(model.encoder.levels[0].weight, again)


def test_what_does_not_go_with_a_drawing_is_refused():
    with pytest.raises(ValueError, match="reconstruction_self"):
        AffineGANConfig.carried(weights={"reconstruction_self": 1.0})
    with pytest.raises(ValueError, match="flow"):
        AffineGANConfig.small(weights={"reconstruction": 1.0, "flow": 1.0})
    with pytest.raises(ValueError, match="reach"):
        AffineGANConfig.carried(reach=0.0)
    with pytest.raises(ValueError, match="outer_channels"):
        AffineGANConfig.small(outer_channels=8)
    with pytest.raises(ValueError, match="temporal"):
        FANConfig.carried(weights={"reconstruction": 1.0, "temporal": 0.1})
    with pytest.raises(ValueError, match="residual"):
        FANConfig.carried(residual="pixel", weights={"reconstruction": 1.0})


def test_papers_paint():
    assert {c.drawing for c in (AffineGANConfig.paper(), AffineGANConfig.released_code(), FANConfig.paper())} == {
        "painted"
    }


def test_within_a_region_all_else_is_the_still(model):
    still = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    nowhere = np.zeros((SIZE, SIZE), np.float32)
    made = stirred(model).animate(still, intensity=[1.0], region=nowhere).frames[0]
    assert np.abs(made.astype(int) - still).max() <= 1


def test_the_frames_of_a_step_are_those_that_animate_draws():
    model = stirred(affinegan(expressions=("happy",)))
    clip = traced()
    batch = batch_of(model, clip, 1)
    with torch.no_grad():
        outputs = model.outputs(batch)
    a = outputs["intensity"][0].numpy()
    drawn = to_tensor(model.animate(clip.frames[0], "happy", a).frames)
    assert (drawn - outputs["images"][0]).abs().max() < 3 / 127.5


# The index in the module's docstring, against the code, these tests and the chapter

ROW = re.compile(r"^Ours, Eq\. (\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(.+)$", re.MULTILINE)


def test_every_equation_of_ours_has_a_home_a_test_and_a_chapter_that_derives_and_probes_it():
    rows = ROW.findall(carried.__doc__)
    assert [int(number) for number, *_ in rows] == list(range(1, 9))
    tests = Path(__file__).read_text()
    for number, home, test, chapter, heading in rows:
        assert vars(carried)[home].__doc__.startswith(f"Ours, Eq. {number}:")
        assert f"def {test}(" in tests
        assert [there.startswith(heading) for there in headings(NOTEBOOKS / f"{chapter}.ipynb")].count(True) == 1
        assert home in probes(cells(chapter, "code"))
        assert f"](../book/api.md#i2vlib.papers.carried.{home})" in "\n".join(cells(chapter, "markdown"))
