r"""What FAN and AffineGAN are both made of.

An encoder that keeps what every level saw, a decoder that reads it back, the patch discriminator, the step from one
code to another, and what the two do alike around them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import regions
from i2vlib.papers import carried


def widths(size: int, base: int, cap: int) -> list[int]:
    """Channels of the levels of a U-Net: log2(size) of them, doubling from ``base`` up to ``base * cap``."""
    levels = math.log2(size)
    if size < 8 or levels != int(levels):
        raise ValueError(f"The image size must be a power of two, at least 8; it is {size}. Try 64, 128 or 256.")
    return [base * min(2**level, cap) for level in range(int(levels))]


def normalisation(kind: str, channels: int) -> nn.Module:
    """``instance`` (without learned scale, as both papers' code), ``batch``, or ``none``."""
    kinds = {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d, "none": lambda _: nn.Identity()}
    if kind not in kinds:
        raise ValueError(f"The normalisation is one of {sorted(kinds)}; it is {kind!r}.")
    return kinds[kind](channels)


class Encoder(nn.Module):
    """A picture to one feature map a level: level l is (C_l, size / 2^l, size / 2^l), the last one 1 x 1.

    Each level is a 4x4 convolution of stride 2. The first and the last are not normalised: the first would
    lose the picture's colour, the last has one value a channel. Features are returned before the activation.
    """

    def __init__(self, in_channels: int, channels: Sequence[int], norm: str) -> None:
        super().__init__()
        sources = [in_channels, *channels[:-1]]
        self.levels = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in zip(sources, channels, strict=True))
        inner = [normalisation(norm, c) for c in channels[1:-1]]
        self.norms = nn.ModuleList([nn.Identity(), *inner, nn.Identity()])

    def forward(self, images: Tensor) -> list[Tensor]:
        features = []
        x = images
        for level, norm in zip(self.levels, self.norms, strict=True):
            x = norm(level(F.leaky_relu(x, 0.2) if features else x))
            features.append(x)
        return features


class ScaledEncoder(nn.Module):
    """Encodes a still into the direction in which it changes.

    Where ``start`` is given, each channel is multiplied by a learned factor, which begins at that value.
    """

    def __init__(self, in_channels: int, channels: Sequence[int], norm: str, start: float | None) -> None:
        super().__init__()
        self.encoder = Encoder(in_channels, channels, norm)
        self.scales = None if start is None else nn.ParameterList(torch.full((c, 1, 1), start) for c in channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        features = self.encoder(images)
        return features if self.scales is None else [s * f for s, f in zip(self.scales, features, strict=True)]


def affine(base: Sequence[Tensor], residual: Sequence[Tensor], intensity: Tensor) -> list[Tensor]:
    r"""The step from a still's code along its residual, at every level and for several frames at once.

    .. math:: \hat f_t = f_0 + a_t f_\Delta

    Args:
        base, residual: one ``(B, C, h, w)`` a level.
        intensity: ``(B, n)``.

    Returns:
        One ``(B * n, C, h, w)`` a level; the frames of a clip are neighbours.
    """
    a = intensity[:, :, None, None, None]
    pairs = zip(base, residual, strict=True)
    return [torch.addcmul(f0.unsqueeze(1), a.to(f0.dtype), fd.unsqueeze(1)).flatten(0, 1) for f0, fd in pairs]


def joined(codes: Mapping[str, Sequence[Tensor]]) -> list[Tensor]:
    """Several codes as one, so that one call of a decoder draws them all."""
    return [torch.cat(level) for level in zip(*codes.values(), strict=True)]


def parted(pictures: Tensor, codes: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
    """What a decoder has made of codes that were `joined`, by their names."""
    return dict(zip(codes, pictures.split([len(code[0]) for code in codes.values()]), strict=True))


def local_region(batch: Mapping[str, Tensor], region: Literal["mouth", "moving"]) -> tuple[Tensor, Tensor]:
    """What a local discriminator judges: the mouth, where a clip's counts, or all that moves.

    Args:
        batch: neutral, frames, mask and local of a batch of training samples.

    Returns:
        The clips ``bool (B,)`` and the part of their frames, ``(B, n, 1, H, W)`` of zeros and ones.
    """
    if region == "mouth":
        return batch["local"], batch["mask"]
    return torch.ones_like(batch["local"]), regions.moving(batch["frames"], batch["neutral"])


FEW = 7  # output channels up to which `subpixel` is the faster up-convolution


class UpConv(nn.ConvTranspose2d):
    """Twice the height and width: a 4x4 transposed convolution of stride 2, or its smooth form.

    The smooth form is nearest-neighbour upsampling followed by a 3x3 convolution, folded into one transposed
    convolution whose 4x4 kernel is the 3x3 kernel spread by a 2x2 box. It costs the same, and a constant input
    gives a constant output, so it cannot draw the grid that transposed convolutions are known for.
    """

    def __init__(self, in_channels: int, out_channels: int, smooth: bool) -> None:
        super().__init__(in_channels, out_channels, 3 if smooth else 4, 2, 1)
        self.smooth = smooth
        taps = 4 * in_channels  # every output pixel hears 2 x 2 inputs, the smooth kernel's nine weights folded in four
        nn.init.normal_(self.weight, std=math.sqrt(2 / taps) * (0.67 if smooth else 1.0))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight
        if self.smooth:
            padded = F.pad(kernel, (1, 1, 1, 1))
            kernel = padded[..., 1:, 1:] + padded[..., 1:, :-1] + padded[..., :-1, 1:] + padded[..., :-1, :-1]
        if self.out_channels > FEW:
            return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)
        return subpixel(x, kernel) + self.bias[:, None, None]


def subpixel(x: Tensor, kernel: Tensor) -> Tensor:
    """A transposed convolution of stride 2 and padding 1 as a 2x2 convolution to four pictures, laid into one another.

    Half the time of PyTorch's own for the three channels of a picture, and slower for many.

    Args:
        x: ``(B, C, h, w)``.
        kernel: ``(C, O, 4, 4)``.

    Returns:
        ``(B, O, 2h, 2w)``.
    """
    (_, _, h, w), out = x.shape, kernel.shape[1]
    even_odd = torch.tensor([[3, 1], [2, 0]], device=x.device)  # the rows that an even and an odd output row hear
    four = kernel[:, :, even_odd][..., even_odd].permute(1, 2, 4, 0, 3, 5).reshape(4 * out, -1, 2, 2)
    y = F.conv2d(x, four, padding=1).unflatten(1, (out, 2, 2))
    rows = [torch.stack([y[:, :, p, q, p : p + h, q : q + w] for q in (0, 1)], -1) for p in (0, 1)]
    return torch.stack(rows, 3).reshape(-1, out, 2 * h, 2 * w)


class Decoder(nn.Module):
    """Features of every level back to a picture in [-1, 1]; dropout on the three levels after the innermost.

    On the ``corrected`` outermost levels a 3x3 convolution, zero at first, is added to the features that come from
    the encoder. They know a few pixels only, and the decoder knows from below what those pixels are to become: so an
    eye's detail can be taken away where a lid comes down.
    """

    def __init__(
        self,
        channels: Sequence[int],
        norm: str,
        smooth: bool,
        dropout: float,
        corrected: int = 0,
        drawing: Literal["painted", "carried"] = "painted",
    ) -> None:
        super().__init__()
        inward = list(reversed(channels))
        outputs = [*inward[1:], carried.CHANNELS[drawing]]
        inputs = [inward[0], *(2 * c for c in inward[1:])]
        self.levels = nn.ModuleList(UpConv(i, o, smooth) for i, o in zip(inputs, outputs, strict=True))
        self.norms = nn.ModuleList([*(normalisation(norm, c) for c in outputs[:-1]), nn.Identity()])
        self.corrections = nn.ModuleList(nn.Conv2d(2 * c, c, 3, 1, 1) for c in channels[:corrected])
        for parameter in self.corrections.parameters():
            nn.init.zeros_(parameter)
        self.dropout = dropout
        if drawing == "carried":
            carried.begin(self.levels[-1])

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        return self.picture(self.before_last(features))

    def unbounded(self, features: Sequence[Tensor]) -> Tensor:
        """What the last level says of features, not yet bounded: ``(B, 3 or 7, size, size)`` by drawing."""
        return self.last(self.before_last(features))

    def before_last(self, features: Sequence[Tensor]) -> Tensor:
        """What the last level reads: rectified features ``(B, 2 C_1, size / 2, size / 2)``."""
        x = F.relu(features[-1])
        for depth in range(len(self.levels) - 1):
            x = self._up(x, depth)
            outward = len(self.levels) - 2 - depth
            skip = features[outward]
            if outward < len(self.corrections):
                skip = skip + self.corrections[outward](F.relu(torch.cat([x, skip], 1)))
            x = torch.cat([x, skip], 1).relu_()
        return x

    def picture(self, x: Tensor) -> Tensor:
        """What `before_last` gave to a picture ``(B, 3, size, size)`` in [-1, 1]."""
        return torch.tanh(self.last(x))

    def last(self, x: Tensor) -> Tensor:
        """What `before_last` gave to what `unbounded` returns."""
        return self._up(x, len(self.levels) - 1)

    def _up(self, x: Tensor, depth: int) -> Tensor:
        x = self.norms[depth](self.levels[depth](x))
        return F.dropout(x, self.dropout, self.training) if self.dropout and 1 <= depth <= 3 else x


class PatchDiscriminator(nn.Module):
    """Logits of real against fake for overlapping patches (pix2pix), and of the class where there are several.

    One 4x4 convolution a stride, the last of which gives the logits: (2, 2, 2, 1, 1) is the 70x70 PatchGAN.
    """

    def __init__(self, in_channels: int, base: int, strides: Sequence[int], norm: str, classes: int = 1) -> None:
        super().__init__()
        channels = [in_channels, *(base * min(2**level, 8) for level in range(len(strides) - 1))]
        layers: list[nn.Module] = []
        for level, stride in enumerate(strides[:-1]):
            layers.append(nn.Conv2d(channels[level], channels[level + 1], 4, stride, 1))
            layers += [normalisation(norm, channels[level + 1])] if level else []
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.features = nn.Sequential(*layers)
        self.score = nn.Conv2d(channels[-1], 1, 4, strides[-1], 1)
        self.classify = nn.Linear(channels[-1], classes) if classes > 1 else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """``(B, C, H, W)`` to patch logits ``(B, 1, h, w)`` and class logits ``(B, classes)`` or None."""
        features = self.features(images)
        classes = None if self.classify is None else self.classify(features.mean((2, 3)))
        return self.score(features), classes
