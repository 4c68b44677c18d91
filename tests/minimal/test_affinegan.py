"""The paper in one file against the package."""

import ast
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

import i2vlib
from i2vlib.training import Examples
from tests.conftest import moving_square

FILE = Path(__file__).parents[2] / "book/minimal/affinegan.py"
SIZE, CHANNELS, STEPS = 32, 4, 10


@pytest.fixture(scope="module")
def minimal() -> dict:
    return runpy.run_path(str(FILE))


@pytest.fixture(scope="module")
def clips() -> list[i2vlib.Clip]:
    return [moving_square(SIZE, 8, seed=seed) for seed in (0, 1)]


def packaged() -> i2vlib.AffineGAN:
    torch.manual_seed(0)
    return i2vlib.AffineGAN(i2vlib.AffineGANConfig.paper(size=SIZE, base_channels=CHANNELS, augment=False))


def alike(minimal: dict) -> tuple:
    """Both parts of the file's model with the package's first weights, and their optimisers."""
    args = minimal["Args"](size=SIZE, channels=CHANNELS)
    generator, judges, optimisers = minimal["models"](args)
    state = packaged().state_dict()
    names = {"residual_encoder.encoder": "residual_encoder", "discriminator_local": "local",
             "discriminator_intensity": "intensity", "discriminator": "picture"}  # fmt: skip
    renamed = {}
    for name, value in state.items():
        part = next((old for old in names if name.startswith(f"{old}.")), None)
        renamed[name if part is None else names[part] + name.removeprefix(part)] = value
    for part in (generator, judges):
        part.load_state_dict({name: renamed.pop(name) for name in part.state_dict()})
    assert not renamed, "the package has weights that the file lacks"
    return args, generator, judges, optimisers


def test_ten_steps_have_the_losses_of_the_package(minimal, clips):
    history = i2vlib.fit(packaged(), clips, STEPS, seed=0, log_every=1, progress=False)
    args, *model = alike(minimal)
    for number, drawn in enumerate(Examples(packaged(), clips, 0, range(STEPS))):
        batch = {"still": drawn["neutral"][None], **{name: drawn[name] for name in ("frames", "uniform")}}
        terms = minimal["train_step"](args, *model, batch | {"mouth": drawn["mask"]})
        expected = {name: history[name][number] for name in terms}
        assert terms == pytest.approx(expected, rel=2e-3, abs=1e-5), number
    assert len(history) == STEPS and set(terms) == {name for name in history if "/" in name and "mean" not in name}


def test_a_sample_is_drawn_as_the_package_draws_it(minimal, clips):
    ours = minimal["example"](clips[0], 5, torch.Generator().manual_seed(3))
    theirs = packaged().example(clips[0], torch.Generator().manual_seed(3))
    for one, other in {"frames": "frames", "mouth": "mask", "uniform": "uniform"}.items():
        assert torch.allclose(ours[one], theirs[other], atol=1e-6)
    assert torch.allclose(ours["still"][0], theirs["neutral"], atol=1e-6)


def test_it_animates_as_the_package_does(minimal, clips):
    _, generator, *_ = alike(minimal)
    still, wanted = clips[0].frames[0], [0.0, 0.5, 1.0]
    drawn = minimal["animate"](generator, still, wanted).astype(int)
    assert np.abs(drawn - packaged().animate(still, "happy", wanted).frames).max() <= 1


def test_it_imports_nothing_of_the_package_but_its_clips():
    tree = ast.parse(FILE.read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = {f"{node.module}.{name.name}" for node in imported if isinstance(node, ast.ImportFrom)
            for name in node.names if node.module.startswith("i2vlib")}  # fmt: skip
    assert ours == {"i2vlib.datasets", "i2vlib.clips.Clip"}
    assert len(FILE.read_text().splitlines()) <= 260
