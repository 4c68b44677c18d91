"""What every configuration checks, whatever its method."""

import numpy as np
import pytest

from i2vlib.papers.affinegan import AffineGANConfig
from i2vlib.papers.frgan import FRGANConfig
from i2vlib.papers.method import Trainable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "128"}, "AffineGANConfig.size is of the type int; given was '128'"),
        ({"size": 128.0}, "size is of the type int"),
        ({"base_channels": True}, "base_channels is of the type int; given was True"),
        ({"learning_rate": "1e-4"}, "learning_rate is of the type float"),
        ({"decay": None}, "decay is of the type float"),
        ({"augment": "no"}, "augment is of the type bool; given was 'no'"),
        ({"augment": 1}, "augment is of the type bool"),
        ({"looks": 1.5}, "AffineGANConfig.looks is a share of the training samples, from 0 to 1, .* given was 1.5"),
        ({"looks": 0.5, "augment": False}, "and 0 without augment; given was 0.5"),
        ({"betas": ("0.5", 0.9)}, r"betas is of the type tuple\[float, float\]"),
        ({"betas": (0.5,)}, r"betas is of the type tuple\[float, float\]"),
        ({"expressions": "happy"}, r"expressions is of the type tuple\[str, ...\]; given was 'happy'"),
        ({"residual_scale": "1"}, r"residual_scale is of the type float \| None; given was '1'"),
        ({"weights": {"reconstruction": "100"}}, "weights is of the type .*given was"),
    ],
)
def test_text_or_a_flag_is_no_number_and_one_word_no_list(changes, message):
    with pytest.raises(ValueError, match=message):
        AffineGANConfig(**changes)


def test_numbers_of_other_libraries_and_whole_numbers_for_fractions_are_numbers():
    config = AffineGANConfig(size=np.int64(64), learning_rate=1, betas=[0, np.float32(0.9)], residual_scale=None)
    assert config.betas == (0, np.float32(0.9)) and config.learning_rate == 1
    assert FRGANConfig(refine=None).refine is None


def test_a_method_that_leaves_out_a_term_cannot_be_made():
    class Half(Trainable):
        def example(self, clip, rng):
            return {}

    with pytest.raises(TypeError, match="discriminator_terms.*generator_terms.*outputs"):
        Half()
