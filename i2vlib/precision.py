"""bf16 on a CPU that has no instructions for it: rounded alike, at the speed of float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

#: What autocast computes in bf16 on a CPU, of what is asked for here.
PRODUCTS = frozenset(
    {
        F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d, F.linear,
        torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm, torch.Tensor.matmul, torch.Tensor.__matmul__,
        torch.Tensor.mm, torch.Tensor.bmm, torch.einsum, torch.lstm,
    }
)  # fmt: skip


def has_bf16() -> bool:
    """Whether this CPU multiplies in bf16 itself. One that does not takes 13 times as long for a convolution as in
    float32, and has no LSTM in bf16 at all."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def rounded_products(device: str, precision: str) -> AbstractContextManager:
    """A context in which autocast's convolutions and products take no longer than in float32, on a CPU without bf16.

    Their inputs are rounded to bf16, multiplied and summed in float32, and the sum is rounded to bf16: what
    instructions for bf16 do, but for the order of the sum. Gradients are rounded at the same places. An LSTM is rounded
    at its ends, and not from step to step. Anywhere else, and in another precision, nothing is changed.

    Args:
        device: the type of device that computes, ``cpu`` or another.
        precision: Accelerate's mixed precision.
    """
    return _Rounded() if device == "cpu" and precision == "bf16" and not has_bf16() else nullcontext()


class _Rounded(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: Sequence = (), kwargs: Mapping | None = None
    ) -> object:
        kwargs = kwargs or {}
        if func not in PRODUCTS or not torch.is_autocast_enabled("cpu"):
            return func(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            made = func(*_each(_rounded, args), **{name: _each(_rounded, value) for name, value in kwargs.items()})
        return _each(torch.Tensor.bfloat16, made)


def _each(change: Callable[[torch.Tensor], torch.Tensor], value: object) -> object:
    """A value, or each of several, changed where it is a tensor of floating point numbers."""
    if isinstance(value, list | tuple):
        return tuple(_each(change, one) for one in value)
    return change(value) if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _rounded(value: torch.Tensor) -> torch.Tensor:
    return value.bfloat16().float()
