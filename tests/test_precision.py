"""bf16 on a CPU without it: the same roundings, and no product left to the slow way."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from i2vlib import precision
from i2vlib.precision import rounded_products

LAYERS = {
    "conv2d": (nn.Conv2d(6, 5, 3, padding=1), (2, 6, 8, 8)),
    "conv3d": (nn.Conv3d(3, 4, 3), (1, 3, 5, 6, 6)),
    "conv_transpose2d": (nn.ConvTranspose2d(6, 5, 4, 2, 1), (2, 6, 4, 4)),
    "linear": (nn.Linear(7, 5), (3, 7)),
}


@pytest.fixture
def without_bf16(monkeypatch):
    monkeypatch.setattr(precision, "has_bf16", lambda: False)


def autocast(layer: nn.Module, x: torch.Tensor, rounded: bool) -> list[torch.Tensor]:
    """What comes out, and the gradients of the input and of the weight."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16), rounded_products("cpu", "bf16" if rounded else "no"):
        made = layer(x)
    return [made, *torch.autograd.grad((made.float() ** 2).sum(), [x, layer.weight])]


@pytest.mark.parametrize("name", LAYERS)
def test_a_product_is_what_bf16_gives_but_for_the_order_of_its_sum(name, without_bf16):
    layer, shape = LAYERS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    for ours, theirs in zip(autocast(layer, x, True), autocast(layer, x, False), strict=True):
        assert ours.dtype == theirs.dtype
        torch.testing.assert_close(ours.float(), theirs.float(), rtol=2**-6, atol=2**-6 * theirs.abs().max().item())
    assert autocast(layer, x, True)[0].dtype == torch.bfloat16
    assert not torch.equal(autocast(layer, x, True)[0].float(), layer(x))


class Watch(TorchDispatchMode):
    """Keeps the types of what is convolved and multiplied, forwards and backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.types = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in ("convolution", "convolution_backward", "addmm", "mm"):
            of_it = self.types.setdefault(func.overloadpacket.__name__, set())
            of_it |= {value.dtype for value in args if isinstance(value, torch.Tensor)}
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", LAYERS)
def test_nothing_is_left_to_the_slow_way(name, without_bf16):
    layer, shape = LAYERS[name]
    with Watch() as watch:
        autocast(layer, torch.randn(shape), True)
    assert watch.types and set.union(*watch.types.values()) == {torch.float32}


def test_outside_autocast_nothing_is_changed(without_bf16):
    layer, shape = LAYERS["conv2d"]
    x = torch.randn(shape)
    with rounded_products("cpu", "bf16"):
        assert torch.equal(layer(x), LAYERS["conv2d"][0](x)) and layer(x).dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "asked", "has"), [("cpu", "no", False), ("cuda", "bf16", False), ("cpu", "bf16", True)]
)
def test_whoever_can_or_does_not_ask_is_left_alone(device, asked, has, monkeypatch):
    monkeypatch.setattr(precision, "has_bf16", lambda: has)
    layer, shape = LAYERS["linear"]
    with Watch() as watch, torch.autocast("cpu", torch.bfloat16), rounded_products(device, asked):
        layer(torch.randn(shape))
    assert set.union(*watch.types.values()) == {torch.bfloat16}


def test_this_machine_is_asked():
    assert isinstance(precision.has_bf16(), bool)
