"""The README's block for builders: tensors in, loss out."""

import re
from pathlib import Path

import torch

import i2vlib

README = Path(__file__).parents[2] / "README.md"


def test_tensors_go_in_and_a_loss_comes_out() -> None:
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if "import torch" in b)
    torch.manual_seed(0)
    names = {"i2vlib": i2vlib}
    exec(block, names)
    assert names["outputs"]["images"].shape == (4, 2, 3, 64, 64) and names["outputs"]["intensity"].shape == (4, 2)
    asked = [p for p in names["method"].generator_parameters() if p.grad is not None]
    assert asked and all(torch.isfinite(p.grad).all() for p in asked)
