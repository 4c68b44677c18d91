"""GANimation: each of its equations by hand, whom each term teaches, and what it is asked for in use."""

import numpy as np
import pytest
import torch

from i2vlib import BLENDSHAPES, EXPRESSIONS, Clip
from i2vlib.compared import GANimation, GANimationConfig
from i2vlib.compared.ganimation import (
    attended,
    attention_norm,
    condition,
    gradient_penalty,
    most_expressive,
    roughness,
    there_and_back,
)
from i2vlib.expressions import recipe
from i2vlib.hub import load_pretrained
from tests.compared.sides import terms_of_both_sides
from tests.conftest import moving_square


def tiny(**changes):
    return GANimation(GANimationConfig.small(**{"size": 32, "base_channels": 4, "blocks": 1, **changes}))


def test_the_still_shows_where_the_attention_is_one():
    attention = torch.tensor([1.0, 0.0, 0.25]).view(3, 1, 1, 1)
    made = attended(attention, torch.full((3, 3, 1, 1), -1.0), torch.full((3, 3, 1, 1), 1.0))
    assert made[:, 0, 0, 0].tolist() == [1.0, -1.0, -0.5]


def test_the_penalty_asks_a_linear_critic_for_a_slope_of_one():
    weight = torch.zeros(3, 2, 2)
    weight[0, 0] = torch.tensor([3.0, 4.0])  # a slope of 5 everywhere
    critic = lambda x: (x * weight).flatten(1).sum(1, keepdim=True)  # noqa: E731
    real, made = torch.rand(2, 3, 2, 2), torch.rand(2, 3, 2, 2)
    assert gradient_penalty(critic, real, made, torch.tensor([0.2, 0.9])) == pytest.approx(16.0)


def test_the_penalty_looks_between_real_and_made():
    critic = lambda x: x.square().flatten(1).sum(1, keepdim=True)  # noqa: E731
    real, made = torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    found = [gradient_penalty(critic, real, made, torch.tensor([share])).item() for share in (1.0, 0.5)]
    assert found == pytest.approx([(2 * 3**0.5 - 1) ** 2, (3**0.5 - 1) ** 2])


def test_the_attention_loss_by_hand():
    attention = torch.tensor([[0.0, 1.0], [0.5, 0.5]]).view(1, 1, 2, 2)
    assert roughness(attention) == pytest.approx(0.25 + 0.25 + 1.0 + 0.0)
    assert attention_norm(attention) == pytest.approx((1.5 / 4) ** 0.5)
    assert roughness(torch.cat([attention, torch.ones_like(attention)])) == pytest.approx(0.75)


def test_the_condition_and_the_identity_by_hand():
    assert condition(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])) == 0.5
    assert there_and_back(torch.full((1, 3, 2, 2), 0.5), torch.zeros(1, 3, 2, 2)) == 0.5


def test_coefficients_are_those_that_the_expressions_are_made_of():
    system = tiny(expressions=("happy", "surprised"))
    own = {name for name in BLENDSHAPES if recipe("happy")[BLENDSHAPES.index(name)] > 0}
    known = {BLENDSHAPES[index] for index in system.coefficients}
    assert own < known and "noseSneerLeft" not in known
    assert torch.equal(system.labels[0], torch.from_numpy(recipe("happy")[system.coefficients]).float())
    assert system.labels[0].max() == 1.0


def test_the_strongest_label_of_each_expression_is_kept():
    labels = torch.tensor([[0.5, 0.1], [0.0, 0.0], [0.3, 0.3]])
    read = torch.tensor([[0.2, 0.3], [0.4, 0.4], [0.1, 0.2], [0.9, 0.0]])
    found = most_expressive(labels, torch.tensor([0, 0, 1, 1]), read)
    assert torch.equal(found, torch.tensor([[0.4, 0.4], [0.9, 0.0], [0.3, 0.3]]))
    assert labels[0, 0] == 0.5  # what was given is left alone


@pytest.fixture
def reader(monkeypatch):
    """A reader of blendshapes that sees a third of the smile's recipe in the brightest of frames, and nothing in black
    ones; says how often it was asked."""
    asked = []

    def read(frames):
        asked.append(len(frames))
        light = frames.reshape(len(frames), -1).mean(1, keepdims=True) / 255
        return np.where(light > 0, light * recipe("happy") / 3, np.nan).astype(np.float32)

    monkeypatch.setattr("i2vlib.faces.blendshapes", read)
    return asked


def lit(*levels):
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in levels])
    return Clip(frames, expression="happy", subject=str(levels))


def test_read_coefficients_are_of_the_frame_shown_and_labels_of_the_strongest(reader):
    system = tiny(expressions=("angry", "happy"), coefficients="read", augment=False)
    clip, rng = lit(0, 51, 102), torch.Generator().manual_seed(0)
    rows = [system.example(clip, rng) for _ in range(20)]
    smile = torch.from_numpy(recipe("happy")[system.coefficients]).float()
    for row in rows:
        level = (row["still"].mean() + 1) / 2
        assert level > 0.1  # never the frame of which nothing was read
        assert torch.allclose(row["own"], level * smile / 3, atol=1e-5)
        assert torch.allclose(row["label"], 0.4 * smile / 3, atol=1e-5) and row["shown"] == 1
    assert {round(float(row["own"].max()), 3) for row in rows} == {0.067, 0.133} and reader == [3]
    with pytest.raises(ValueError, match="face"):
        system.example(lit(0, 0), rng)


def test_what_is_asked_for_is_the_strongest_label_that_was_read(reader, tmp_path):
    system = tiny(expressions=("angry", "happy"), coefficients="read")
    assert not system.labels.any()
    rng = torch.Generator().manual_seed(0)
    clips = [lit(0, 51, 102), lit(25, 204)]
    rows = [system.example(clip, rng) for clip in clips]
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    wanted = system.outputs(batch)["wanted"]
    smile = torch.from_numpy(recipe("happy")[system.coefficients]).float()
    assert torch.allclose(system.labels[1], 0.8 * smile / 3, atol=1e-5) and not system.labels[0].any()
    assert torch.allclose(wanted, batch["strength"][:, None] * system.labels[batch["asked"]])
    terms_of_both_sides(system, batch)

    known = system.labels.clone()
    system.eval()
    system.outputs(batch | {"label": 2 * batch["label"]})
    assert torch.equal(system.labels, known)  # what validates teaches no label
    system.save_pretrained(tmp_path / "read")
    assert torch.allclose(load_pretrained(tmp_path / "read").labels, known, atol=1e-3)


def test_what_nobody_reads_is_no_coefficient():
    sneer = BLENDSHAPES.index("noseSneerLeft")
    names = tuple(name for name in EXPRESSIONS if recipe(name)[sneer])[:1]
    assert names and sneer in tiny(expressions=names).coefficients
    assert sneer not in tiny(expressions=names, coefficients="read").coefficients


def batch_of(system):
    rng = torch.Generator().manual_seed(0)
    clip = moving_square(size=32, frames=4)
    clip = type(clip)(clip.frames, expression="happy", blendshapes=np.linspace(0, 1, 4)[:, None] * recipe("happy"))
    rows = [system.example(clip, rng) for _ in range(2)]
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def test_each_side_of_the_game_teaches_its_own():
    system = tiny()
    batch = batch_of(system)
    judged, made = terms_of_both_sides(system, batch)
    assert judged == {"critic", "gradient_penalty", "condition"}
    assert made == {"adversarial", "condition", "identity", "attention", "smooth"}
    assert judged | made == set(GANimationConfig.TERMS)


def test_the_made_is_to_be_read_as_what_was_wanted_and_the_real_as_what_it_is(monkeypatch):
    system = tiny()
    batch = batch_of(system)
    outputs = system.outputs(batch)
    assert not torch.allclose(outputs["wanted"], batch["own"])
    for shown, side in (("wanted", system.generator_terms), ("own", system.discriminator_terms)):
        read = (outputs | batch)[shown] + 0.5
        monkeypatch.setattr(system, "_judge", lambda pictures, read=read: (pictures[:, :1], read))
        assert side(batch, outputs)["condition"] == pytest.approx(0.25, abs=1e-6)


def test_a_clip_has_to_state_its_blendshapes():
    with pytest.raises(ValueError, match="blendshapes"):
        tiny().example(moving_square(size=32, frames=4), torch.Generator())


def test_it_is_asked_for_recipes_times_an_intensity():
    system = tiny(expressions=("happy", "angry")).eval()
    face = moving_square(size=32, frames=2).frames[0]
    made = system.animate(face, "happy", [0, 0.5, 1])
    assert made.frames.shape == (3, 32, 32, 3) and made.intensity.tolist() == [0, 0.5, 1]
    with torch.no_grad():
        still = torch.from_numpy(face).permute(2, 0, 1)[None].float() / 127.5 - 1
        whole, _ = system(still, system.labels[:1])
    drawn = ((whole[0].permute(1, 2, 0) + 1) * 127.5).numpy()
    assert np.abs(drawn - made.frames[2].astype(float)).max() < 1.5
    nowhere = system.animate(face, "happy", [1], region=np.zeros((32, 32)))
    assert np.abs(nowhere.frames[0].astype(int) - face).max() <= 1


def test_the_critic_has_to_be_able_to_halve_the_picture():
    with pytest.raises(ValueError, match="5.*size=48"):
        GANimationConfig.small(size=48)
    paper = GANimationConfig.paper()
    assert (paper.size, paper.blocks, paper.clips_per_step, paper.weights["condition"]) == (128, 6, 25, 160.0)
