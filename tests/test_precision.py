"""bf16 on a CPU without it: the same roundings, and no product left to the slow way."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
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


@pytest.mark.parametrize("name", LAYERS)
def test_a_product_is_that_of_rounded_numbers_rounded(name, without_bf16):
    layer, shape = LAYERS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    exact = deepcopy(layer).bfloat16().double()(x.bfloat16().double())
    ours = autocast(layer, x, True)[0]
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.double(), exact, rtol=2**-8 * 1.001, atol=1e-6)


def test_what_is_multiplied_is_rounded_first_and_the_sum_after(without_bf16):
    """By hand: bf16 has 8 bits, so 1 + 2^-9 is 1; 1 + 2^-7 stays, and its square, 1 + 2^-6 + 2^-14, loses the end."""
    with torch.autocast("cpu", torch.bfloat16), rounded_products("cpu", "bf16"):
        ones = F.linear(torch.tensor([[1 + 2**-10]]), torch.tensor([[1 + 2**-9]]))
        square = F.linear(torch.tensor([[1 + 2**-7]]), torch.tensor([[1 + 2**-7]]))
        summed = F.linear(torch.tensor([[1.0, 2**-8, 2**-8]]), torch.ones(1, 3))
    assert (ones.item(), square.item(), summed.item()) == (1, 1 + 2**-6, 1 + 2**-7)


line, square = torch.ones(2, 3), torch.ones(3, 3)
stack = square[None]
ARGUMENTS = {
    F.conv1d: (line[None], torch.ones(1, 2, 3)),
    F.conv2d: (stack, square[None, None]),
    F.conv3d: (stack[None], stack[None, None]),
    F.conv_transpose1d: (line[None], torch.ones(2, 1, 3)),
    F.conv_transpose2d: (stack, square[None, None]),
    F.conv_transpose3d: (stack[None], stack[None, None]),
    F.linear: (line, square),
    torch.matmul: (line, square),
    torch.mm: (line, square),
    torch.bmm: (stack, stack),
    torch.addmm: (square, square, square),
    torch.baddbmm: (stack, stack, stack),
    torch.Tensor.matmul: (line, square),
    torch.Tensor.__matmul__: (line, square),
    torch.Tensor.mm: (line, square),
    torch.Tensor.bmm: (stack, stack),
    torch.einsum: ("ij,jk->ik", line, square),
}


def test_what_autocast_computes_in_bf16_is_a_product_and_nothing_else():
    assert set(ARGUMENTS) == precision.PRODUCTS - {torch.lstm}
    for product, arguments in ARGUMENTS.items():
        with torch.autocast("cpu", torch.bfloat16):
            assert product(*arguments).dtype == torch.bfloat16, product


def lstm(rounded: bool) -> list[torch.Tensor]:
    """What comes out, what is kept, and the gradient of a weight."""
    torch.manual_seed(0)
    layer, x = nn.LSTM(4, 5, batch_first=True), torch.randn(2, 6, 4)
    with torch.autocast("cpu", torch.bfloat16, enabled=rounded), rounded_products("cpu", "bf16"):
        made, (hidden, cell) = layer(x)
    return [made, hidden, cell, *torch.autograd.grad(made.float().sum(), [layer.weight_hh_l0])]


def test_an_lstm_is_computed_as_well(without_bf16):
    ours, plain = lstm(True), lstm(False)
    assert [one.dtype for one in ours] == [torch.bfloat16] * 3 + [torch.float32]
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one.float(), other, rtol=2**-5, atol=2**-5 * other.abs().max().item())
    assert not torch.equal(ours[0].float(), plain[0])


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


def test_this_machine_is_asked(monkeypatch):
    assert isinstance(precision.has_bf16(), bool)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not precision.has_bf16()
