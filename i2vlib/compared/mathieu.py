r"""Mathieu, Couprie and LeCun (2016), which FRGAN compares with: the next frame from coarse to fine, and its gradients.

Declared adaptations. There is one still: it stands for all the frames before the first that is made, and each later one
is made of the last ones made, in training as in use. A plane of constants an expression beside them. Whole pictures
where the paper has patches. Every scale is held to the truth at its size. Discriminators see the true frames before,
halve with strides where the paper has wide kernels and pooling, and all learn by Adam, where the paper has SGD.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import regions
from i2vlib.compared.fixed_length import FixedLength, FixedLengthConfig, halved, with_label
from i2vlib.papers.losses import discriminator_loss, generator_loss, masked_l1

#: The paper's networks, coarsest scale first: widths over the first one's, and the side of each kernel.
GENERATORS = (
    ((1, 2, 1), (3, 3, 3, 3)),
    ((1, 2, 1), (5, 3, 3, 5)),
    ((1, 2, 4, 2, 1), (5, 3, 3, 3, 3, 5)),
    ((1, 2, 4, 2, 1), (7, 5, 5, 5, 5, 7)),
)
COARSEST = 2 ** (len(GENERATORS) - 1)  # a pixel of the coarsest scale covers so many on a side
SEEN = 4  # frames that the next one is made of
POWER = 1  # p of the error in pixels


@dataclass(frozen=True)
class MathieuConfig(FixedLengthConfig):
    """Everything that decides what the system of Mathieu et al. is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {
        "adversarial": 0.05, "reconstruction": 1.0, "gradient_difference": 1.0, "reconstruction_moving": 0.0,
    }  # fmt: skip
    #: The learning rate is for Adam, and not the paper's.
    PAPER: ClassVar[Mapping[str, object]] = {"clips_per_step": 8, "learning_rate": 4e-5, "augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {
        "base_channels": 16, "judge_channels": 8, "widest": 3, "learning_rate": 5e-4, "decay": 0.3,
        "weights": {**TERMS, "reconstruction_moving": 0.3},
    }  # fmt: skip
    FORMER: ClassVar[Mapping[str, object]] = {"seen": SEEN, "power": POWER}

    base_channels: int = 128
    judge_channels: int = 64
    """Of the outermost level of each discriminator."""
    widest: int = 7
    """Side of the widest kernel; those of the paper that are wider have this one."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(MathieuConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size < 2 * COARSEST or self.size & (self.size - 1):
            raise ValueError(f"The side is a power of two, {2 * COARSEST} at least; given was size={self.size}.")
        if self.widest < 1 or self.widest % 2 == 0:
            raise ValueError(f"Kernels have an odd side; given was widest={self.widest}.")


def lp_error(made: Tensor, real: Tensor, power: int) -> Tensor:
    r"""Mathieu et al., the error of pixels: how far they are from the true ones.

    .. math:: \lVert \hat Y - Y \rVert_p^p

    Derived in the chapter *compared*, "Mathieu et al.".

    As a mean over everything, so that it does not grow with the picture.
    """
    return (made - real).abs().pow(power).mean()


def next_at_scales(networks: Sequence[Callable[[Tensor], Tensor]], seen: Sequence[Tensor]) -> list[Tensor]:
    r"""Mathieu et al., coarse to fine: the next frame at each scale, a correction of the one before it, upscaled.

    .. math:: \hat Y_k = u_k(\hat Y_{k-1}) + G'_k(X_k, u_k(\hat Y_{k-1}))

    Derived in the chapter *compared*, "Mathieu et al.".

    Args:
        networks: :math:`G'_k`, coarsest first; ``(B, C + 3, h, w)`` to ``(B, 3, h, w)``.
        seen: :math:`X_k`, ``(B, C, h, w)``, each twice the size of the one before it.
    """
    made: list[Tensor] = []
    for network, x in zip(networks, seen, strict=True):
        coarse = F.interpolate(made[-1], scale_factor=2, mode="bilinear") if made else torch.zeros_like(x[:, :3])
        made.append(coarse + network(torch.cat([x, coarse], 1)))
    return made


def gradient_difference(made: Tensor, real: Tensor) -> Tensor:
    r"""Mathieu et al., the gradient difference: edges are to be as steep as the true ones, whichever way they go.

    .. math::
        \sum_{i,j} \bigl| |Y_{i,j} - Y_{i-1,j}| - |\hat Y_{i,j} - \hat Y_{i-1,j}| \bigr|
        + \bigl| |Y_{i,j-1} - Y_{i,j}| - |\hat Y_{i,j-1} - \hat Y_{i,j}| \bigr|

    Derived in the chapter *compared*, "Mathieu et al.".

    Of pictures ``(..., H, W)``, with :math:`\alpha = 1`, and each part as a mean.
    """
    steep = [made.diff(dim=d).abs() - real.diff(dim=d).abs() for d in (-2, -1)]
    return steep[0].abs().mean() + steep[1].abs().mean()


def pyramid(pictures: Tensor) -> list[Tensor]:
    """Pictures ``(..., C, H, W)`` at all scales, coarsest first; a pixel is the mean of what it covers."""
    flat = pictures.reshape(-1, *pictures.shape[-3:])
    scales = [F.avg_pool2d(flat, 2**level) if level else flat for level in reversed(range(len(GENERATORS)))]
    return [scale.reshape(*pictures.shape[:-2], *scale.shape[-2:]) for scale in scales]


def before(frames: Tensor, seen: int) -> Tensor:
    """What stands before each frame but the first: ``(B, n, 3, H, W)`` to ``(B, n - 1, 3 seen, H, W)``, where the
    first stands for all that is not there."""
    index = torch.arange(frames.shape[1] - 1)[:, None] + torch.arange(1 - seen, 1)
    return frames[:, index.clamp_min(0)].flatten(2, 3)


def _generator(given: int, base: int, widths: Sequence[int], kernels: Sequence[int], widest: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    sides = [min(kernel, widest) for kernel in kernels]
    for (i, o), side in zip(pairwise([given, *(base * w for w in widths), 3]), sides, strict=True):
        layers += [nn.Conv2d(i, o, side, 1, side // 2), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _judge(given: int, base: int, side: int) -> nn.Sequential:
    """To a logit ``(B, 1)``: halved to 4 pixels a side, and once at least, then fully connected."""
    times = max(1, side.bit_length() - 3)
    widths = [given, *(base * min(2**level, 4) for level in range(times))]
    flat = widths[-1] * (side >> times) ** 2
    read = halved(nn.Conv2d, None, widths, nn.ReLU)
    return nn.Sequential(*read, nn.Flatten(), nn.Linear(flat, 8 * base), nn.ReLU(), nn.Linear(8 * base, 1))


class Mathieu(FixedLength):
    """Four generators from coarse to fine, none of which halves anything, and a discriminator a scale."""

    Config = MathieuConfig
    about = "Makes a clip frame by frame, each from coarse to fine, with its edges weighed (Mathieu et al., 2016)."

    def __init__(self, config: MathieuConfig) -> None:
        super().__init__()
        self.config = config
        judged = 3 * (SEEN + 1)
        given = judged + config.planes
        self.generators = nn.ModuleList(_generator(given, config.base_channels, *g, config.widest) for g in GENERATORS)
        sides = [config.size // COARSEST << scale for scale in range(len(GENERATORS))]
        self.discriminators = nn.ModuleList(_judge(judged, config.judge_channels, side) for side in sides)

    def clip(self, still: Tensor, label: Tensor) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``, the stills first; ``scale_k``, what was made at each coarser scale."""
        frames, scales = [still] * SEEN, []
        for _ in range(self.config.frames - 1):
            seen = with_label(torch.cat(frames[-SEEN:], 1), label, len(self.expressions))
            *coarser, finest = next_at_scales(self.generators, pyramid(seen))
            frames.append(torch.tanh(finest))
            scales.append(coarser)
        images = torch.stack(frames[SEEN - 1 :], 1)
        return {"images": images, **{f"scale_{k}": torch.stack(s, 1) for k, s in enumerate(zip(*scales, strict=True))}}

    def _said(self, frames: Tensor, scales: Sequence[Tensor]) -> list[Tensor]:
        """The logits of frames at all scales, beside the true ones before them."""
        seen = pyramid(before(frames, SEEN))
        pairs = zip(self.discriminators, seen, scales, strict=True)
        return [judge(torch.cat([x, y], 2).flatten(0, 1)) for judge, x, y in pairs]

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To call real what is real, and nothing else, at every scale."""
        frames, made = batch["frames"], [scale.detach() for scale in _scales(outputs)]
        pairs = zip(self._said(frames, pyramid(frames[:, 1:])), self._said(frames, made), strict=True)
        return {"adversarial": sum(discriminator_loss(of_real, of_made) for of_real, of_made in pairs)}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To be called real, near the true pixels, and as steep, summed over scales."""
        frames, made = batch["frames"], _scales(outputs)
        pairs = list(zip(made, pyramid(frames[:, 1:]), strict=True))
        return self.weighed(
            adversarial=lambda: sum(generator_loss(said, saturating=False) for said in self._said(frames, made)),
            reconstruction=lambda: sum(lp_error(ours, real, POWER) for ours, real in pairs),
            gradient_difference=lambda: sum(gradient_difference(ours, real) for ours, real in pairs),
            reconstruction_moving=lambda: masked_l1(outputs["images"], frames, regions.moving(frames, frames[:, 0])),
        )


def _scales(outputs: Mapping[str, Tensor]) -> list[Tensor]:
    """What was made at each scale, ``(B, n - 1, 3, h, w)``, coarsest first."""
    coarser = [outputs[f"scale_{k}"] for k in range(len(GENERATORS) - 1)]
    return [*coarser, outputs["images"][:, 1:]]
