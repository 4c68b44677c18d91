"""The networks of FRGAN (sections 3.2 and 3.3) and the small functions that they share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 4  # times that a picture is halved: a side of 64 becomes 4, one of 96 becomes 6


def widths(base: int, cap: int, levels: int = LEVELS + 1) -> list[int]:
    """Channels of the levels, doubling from ``base`` up to ``base * cap``."""
    return [base * min(2**level, cap) for level in range(levels)]


def checked_size(size: int) -> None:
    """Raises `ValueError` unless a side can be halved as often as the networks do."""
    if size % 2**LEVELS or size < 2**LEVELS:
        raise ValueError(f"The size is a multiple of {2**LEVELS} pixels; it is {size}. Try 64 or 96.")


def mask_outputs(mask: Tensor) -> dict[str, Tensor]:
    """What a training history keeps of masks ``(B, 1, ...)``, a row a sample ``(B, 1)``.

    Returns:
        mask_mean; mask_empty and mask_full, 1 for a mask that has collapsed: below 0.05 or above 0.95 everywhere, so
        that nothing moves, or nothing is kept. A sample or two of a step may not move at all; a share that stays near
        1 has collapsed.
    """
    flat = mask.detach().flatten(1)
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    saturated = {"mask_empty": (high < 0.05).float(), "mask_full": (low > 0.95).float()}
    return {"mask_mean": flat.mean(1, keepdim=True), **saturated}


class ResidualBlock(nn.Module):
    """Half the height and width by averaging, then two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LeakyReLU(0.01),
            nn.Conv2d(inputs, outputs, 3, 1, 1),
            nn.LeakyReLU(0.01),
            nn.Conv2d(outputs, outputs, 3, 1, 1),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2)
        return self.shortcut(x) + self.body(x)


class MapEncoder(nn.Module):
    """f_I or f_M: a picture or a condition map to a vector, and what each level saw on the way: full size first."""

    def __init__(self, size: int, widths: Sequence[int], code: int, in_channels: int = 3) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, widths[0], 3, 1, 1)
        self.blocks = nn.ModuleList(ResidualBlock(i, o) for i, o in zip(widths, widths[1:], strict=False))
        self.code = nn.Linear(widths[-1] * (size // 2**LEVELS) ** 2, code)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = [self.first(images)]
        for block in self.blocks:
            features.append(block(features[-1]))
        return self.code(F.leaky_relu(features[-1], 0.01).flatten(1)), features


def enlarged_convolution(x: Tensor, weight: Tensor, factor: int) -> Tensor:
    """A 3x3 convolution of a picture enlarged by a whole factor (nearest neighbour), without enlarging it.

    The two are one transposed convolution, whose kernel is the 3x3 one spread by a box of the factor's side.

    Args:
        x: ``(B, C, h, w)``.
        weight: ``(O, C, 3, 3)``.

    Returns:
        ``(B, O, h * factor, w * factor)``.
    """
    if factor == 1:
        return F.conv2d(x, weight, padding=1)
    box = weight.new_ones(1, 1, factor, factor)
    kernel = F.conv_transpose2d(weight.flip(2, 3).reshape(-1, 1, 3, 3), box).unflatten(0, weight.shape[:2])[:, :, 0]
    return F.conv_transpose2d(x, kernel.transpose(0, 1), stride=factor, padding=1)


class DenseBlock(nn.Module):
    """Two 3x3 convolutions, the first of which reads any number of earlier outputs, each enlarged to its size."""

    def __init__(self, inputs: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.empty(outputs, i, 3, 3) for i in inputs)
        self.bias = nn.Parameter(torch.zeros(outputs, 1, 1))
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        for weight in self.weights:
            nn.init.normal_(weight, std=(2 / (9 * sum(inputs))) ** 0.5)

    def read(self, inputs: Sequence[Tensor], side: int) -> Tensor:
        """The first convolution."""
        pairs = zip(inputs, self.weights, strict=True)
        return sum(enlarged_convolution(x, weight, side // x.shape[-1]) for x, weight in pairs) + self.bias

    def forward(self, inputs: Sequence[Tensor], side: int) -> Tensor:
        return F.relu(self.second(F.relu(self.read(inputs, side))))


class ResidualDenseBlock(nn.Module):
    """As `DenseBlock`, and as the released code has it: each convolution after a batch normalisation and a ReLU, beside
    a shortcut. An input is normalised before it is enlarged, which leaves its mean and its spread as they are."""

    def __init__(self, inputs: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(i) for i in inputs)
        self.body = DenseBlock(inputs, outputs)
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcuts = nn.ModuleList(nn.Conv2d(i, outputs, 1, bias=False) for i in inputs)

    def forward(self, inputs: Sequence[Tensor], side: int) -> Tensor:
        read = self.body.read([F.relu(norm(x)) for x, norm in zip(inputs, self.norms, strict=True)], side)
        past = [F.interpolate(s(x), size=side) for x, s in zip(inputs, self.shortcuts, strict=True)]
        return sum(past) + self.body.second(F.relu(self.norm(read)))


class DenseDecoder(nn.Module):
    """f_D: the analogy's vector back to a picture, each block of which reads all earlier ones (section 3.2).

    Without dense connections a block reads the last one only. Either way it is shown the features of ``encoders``
    encoders at its own size.

    Args:
        size: of the picture.
        widths: of the levels of the encoders, from the full size down.
        own: of the decoder's own levels, likewise.
        code: the length of the vector.
        encoders: how many encoders it is shown.
        dense: with dense connections.
        residual: of `ResidualDenseBlock`, or else of `DenseBlock`.
        outputs: channels of the picture.
    """

    def __init__(
        self, size: int, widths: Sequence[int], own: Sequence[int], code: int, encoders: int, dense: bool,
        residual: bool, outputs: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.side, self.dense, self.residual = size // 2**LEVELS, dense, residual
        inward = [*reversed(own)]
        self.first = nn.Linear(code, inward[0] * self.side**2)
        made, self.blocks = [inward[0]], nn.ModuleList()
        for width, skip in zip([*inward[1:], own[0]], reversed(widths), strict=True):
            read = [*(made if dense else made[-1:]), *[skip] * encoders]
            self.blocks.append((ResidualDenseBlock if residual else DenseBlock)(read, width))
            made.append(width)
        self.norm = nn.BatchNorm2d(own[0]) if residual else nn.Identity()
        self.last = nn.Conv2d(own[0], outputs, 3, 1, 1)

    def forward(self, code: Tensor, skips: Sequence[Sequence[Tensor]]) -> Tensor:
        """``skips``: the features of each encoder that the decoder is shown, from the full size down."""
        shown = nn.Identity() if self.residual else F.relu  # a residual block activates what it reads
        made = [shown(self.first(code)).unflatten(1, (-1, self.side, self.side))]
        for depth, block in enumerate(self.blocks):
            earlier = made if self.dense else made[-1:]
            made.append(block([*earlier, *(shown(f[-1 - depth]) for f in skips)], self.side * 2**depth))
        return self.last(F.relu(self.norm(made[-1])))


class Critic(nn.Module):
    """D_I: a picture and its condition map to one number, larger for real ones; no norm, as WGAN-GP wants."""

    def __init__(self, size: int, widths: Sequence[int], map_channels: int = 3) -> None:
        super().__init__()
        self.encoder = MapEncoder(size, widths, 1, 3 + map_channels)

    def forward(self, pictures: Tensor, maps: Tensor) -> Tensor:
        """``(B, 3, H, W)`` and ``(B, map_channels, H, W)`` to ``(B,)``."""
        return self.encoder(torch.cat([pictures, maps], 1))[0][:, 0]


def keep_size(levels: Sequence[nn.Module]) -> None:
    """He's weights, from which activations keep their size through levels without a norm; PyTorch's own shrink them to
    a fortieth on the way down and up. An output of a fractionally strided level reads an eighth of its kernel."""
    for level in levels:
        taps = level.in_channels * 4**3 / (8 if isinstance(level, nn.ConvTranspose3d) else 1)
        nn.init.normal_(level.weight, std=(2 / taps) ** 0.5)
        nn.init.zeros_(level.bias)


class ClipCritic(nn.Module):
    """D_V: a clip and its condition maps to one number: strided 3D convolutions, no pooling, no norm."""

    def __init__(self, widths: Sequence[int], map_channels: int = 3) -> None:
        super().__init__()
        inputs = [3 + map_channels, *widths]
        self.levels = nn.ModuleList(nn.Conv3d(i, o, 4, 2, 1) for i, o in zip(inputs, widths, strict=False))
        self.score = nn.Conv3d(widths[-1], 1, 1)
        keep_size(self.levels)

    def forward(self, clips: Tensor, maps: Tensor) -> Tensor:
        """``(B, 3, T, H, W)`` and ``(B, map_channels, T, H, W)`` to ``(B,)``."""
        x = torch.cat([clips, maps], 1)
        for level in self.levels:
            x = F.leaky_relu(level(x), 0.2)
        return self.score(x).mean((1, 2, 3, 4))


class ClipUNet(nn.Module):
    """G_R's network: a clip and its condition maps to a mask and a content, after VideoGAN's two streams (Fig. 5).

    Strided convolutions halve time, height and width together, fractionally strided ones double them again; each level
    reads what the same level of the way down saw.
    """

    def __init__(self, widths: Sequence[int], mask_start: float = 0.0, map_channels: int = 3) -> None:
        super().__init__()
        inputs = [3 + map_channels, *widths]
        self.down = nn.ModuleList(nn.Conv3d(i, o, 4, 2, 1) for i, o in zip(inputs, widths, strict=False))
        inward = [*reversed(widths)]
        pairs = zip([inward[0], *(2 * w for w in inward[1:])], [*inward[1:], 4], strict=True)
        self.up = nn.ModuleList(nn.ConvTranspose3d(i, o, 4, 2, 1) for i, o in pairs)
        keep_size([*self.down, *self.up])
        nn.init.zeros_(self.up[-1].weight)  # what is drawn at first does not depend on the clip
        self.up[-1].bias.data[0] = mask_start

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3 + map_channels, T, H, W)`` to ``(B, 4, T, H, W)``."""
        seen = []
        for level in self.down:
            x = F.leaky_relu(level(x), 0.2)
            seen.append(x)
        for depth, level in enumerate(self.up):
            x = level(x if not depth else torch.cat([F.relu(x), seen[-1 - depth]], 1))
        return x
