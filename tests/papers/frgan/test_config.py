"""FRGAN's configurations: what the presets are, and what is refused."""

from dataclasses import replace

import pytest

from i2vlib.papers.frgan import ForecastConfig, FRGANConfig, RefineConfig


def test_presets_are_the_paper_and_the_released_code():
    paper, code = ForecastConfig.paper(), ForecastConfig.released_code()
    assert (paper.size, paper.skips, paper.jumps, paper.posed_normals) == (96, "image", "random", True)
    assert (code.size, code.skips, code.jumps, code.posed_normals) == (64, "all", "from_first", False)
    assert (paper.blocks, code.blocks) == ("plain", "residual") and paper.dense and code.dense
    assert paper.learning_rate == 1e-4 and paper.betas == (0.0, 0.9) and paper.clips_per_step == 32
    assert paper.weights["gradient_penalty"] == 10 and RefineConfig.paper().frames == 32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 40}, "multiple of 16"),
        ({"skips": "none"}, "skips"),
        ({"blocks": "norm"}, "blocks"),
        ({"weights": {"style": 1.0}}, "no loss terms"),
    ],
)
def test_a_bad_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ForecastConfig(**changes)


def test_stages_of_different_sizes_do_not_make_a_model():
    with pytest.raises(ValueError, match="one size"):
        FRGANConfig(ForecastConfig(size=64), RefineConfig(size=96))
    assert replace(FRGANConfig(), refine=None).refine is None


def test_a_content_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="RefineConfig.content.*'free'"):
        RefineConfig(content="new")


def test_frames_that_cannot_be_halved_as_often_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        RefineConfig(frames=20)
