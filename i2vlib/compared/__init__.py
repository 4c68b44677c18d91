"""The systems that the three papers compare with, each written from its own paper, one file a system.

A file has the shape of a paper's folder: equations as pure functions, a configuration, the networks, and the terms of a
training step. `fixed_length` is what those share that play a clip of one length and cannot be asked for an intensity.
Every adaptation to one still and to the people at hand is a sentence in the docstring of its system. Whatever compares
imports from here; no paper does. Start reading in `conv_lstm`.
"""

from i2vlib.compared.conv_lstm import ConvLSTM, ConvLSTMConfig
from i2vlib.compared.fgst import FGST, FGSTConfig
from i2vlib.compared.ganimation import GANimation, GANimationConfig
from i2vlib.compared.hp import HP, HPConfig
from i2vlib.compared.mathieu import Mathieu, MathieuConfig
from i2vlib.compared.mcnet import MCNet, MCNetConfig
from i2vlib.compared.mocogan import MoCoGAN, MoCoGANConfig
from i2vlib.compared.vgan import VGAN, VGANConfig

__all__ = [
    "FGST", "HP", "VGAN", "ConvLSTM", "ConvLSTMConfig", "FGSTConfig", "GANimation", "GANimationConfig", "HPConfig",
    "MCNet", "MCNetConfig", "Mathieu", "MathieuConfig", "MoCoGAN", "MoCoGANConfig", "VGANConfig",
]  # fmt: skip
