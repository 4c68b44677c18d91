"""What measuring has to know of single methods."""

import numpy as np
import torch

from i2vbook.evidence import adapters
from i2vlib.papers.frgan import FRGAN, FRGANPoses, PosePredictor, PosePredictorConfig
from tests.papers.frgan.clips import conditioned, forecaster, refiner


def test_the_last_stage_ships_all_of_them():
    poses = PosePredictor(PosePredictorConfig(hidden=8, code=4))
    forecast, refine = (make(condition="joints") for make in (forecaster, refiner))
    whole = adapters.shipped(refine, [poses, forecast], ("golf_swing", "jump_rope"))
    assert isinstance(whole, FRGANPoses) and whole.expressions == ("golf_swing", "jump_rope")
    assert torch.equal(whole.g_r.network.down[0].weight, refine.network.down[0].weight)
    alone = adapters.shipped(forecaster(), [], ("happy",))
    assert isinstance(alone, FRGAN) and alone.refine is None
    assert adapters.shipped(poses, [], ()) is poses


def test_what_refines_is_given_a_forecast_and_nothing_else_is():
    clip = conditioned(forecast=True)
    assert np.array_equal(adapters.before(refiner(), clip).frames, clip.truth["forecast"])
    assert adapters.before(forecaster(), clip) is None and adapters.followed(forecaster(), clip) is None
