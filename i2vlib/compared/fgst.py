r"""FGST, flow-grounded (Li et al., 2018), as AffineGAN compared with it: first how everything moves, then the pictures.

Declared adaptations. A flow leads from each later frame back to the still, so that a face is warped once, where the
authors' code takes flows between neighbouring frames and warps what it has made again and again. It is exact, from the
renderer; the paper's is SPyNet's, and an estimated one is the field `FGSTConfig.flow`. Planes of constants beside the
still say the expression. What the warped still lacks is a change of it, by one U-Net that is shown the flow too, where
the authors encode the two apart. The feature loss is left out, for it asks for another network's weights. Both halves
learn at once, at one rate, from nothing of each other: the pictures from true flows, as in the paper. The authors'
code adds the divergence up over a batch; here it is the mean of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import regions, samples
from i2vlib.clips import LUMA, Clip
from i2vlib.compared.fixed_length import FixedLength, PairsConfig, at_moments, with_label
from i2vlib.papers import carried
from i2vlib.papers.blocks import Decoder, Encoder, widths
from i2vlib.papers.config import Config
from i2vlib.papers.losses import masked_l1
from i2vlib.store import remembered

INNERMOST = 4  # pixels a side, of what is halved until then
FEWEST = 3  # moments that are not halved any more
KEPT = 256  # clips whose estimated flow is kept in memory
REACH = 0.2  # how far anything can come from, as a share of the side


@dataclass(frozen=True)
class FGSTConfig(PairsConfig):
    """Everything that decides what FGST is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {
        "flow": 1.0, "kl": 0.1, "reconstruction": 1.0, "flow_moving": 0.0, "reconstruction_moving": 0.0,
    }  # fmt: skip
    #: Its flows learn at 2e-5, its pictures at 1e-4, which both have here.
    PAPER: ClassVar[Mapping[str, object]] = {"size": 128, "learning_rate": 1e-4, "augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {
        "frames": 12, "base_channels": 16, "channel_cap": 4, "code": 128, "pairs": 3, "learning_rate": 5e-4,
        "decay": 0.3, "weights": {**TERMS, "kl": 0.02, "flow_moving": 0.3, "reconstruction_moving": 0.3},
    }  # fmt: skip
    FORMER: ClassVar[Mapping[str, object]] = {"reach": REACH}

    frames: int = 17
    code: int = 2000
    """Length of z."""
    flow: Literal["true", "estimated"] = "true"
    """Where flows to learn from come from: ``flow_to_first`` of the clip's truth, or TV-L1 on its frames."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(FGSTConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.code < 1:
            raise ValueError(f"z has one number or more; given was code={self.code}.")


def warped(still: Tensor, flow: Tensor) -> Tensor:
    r"""FGST, warping: a still moved along a flow; what comes from outside has the colour of its edge.

    .. math:: W(x_0, w)(p) = x_0(p + w(p))

    Derived in the chapter *compared*, "FGST".

    Args:
        still: ``(B, 3, H, W)``.
        flow: ``(B, 2, H, W)``, x and y in pixels, from where something is to where it was in the still.
    """
    return carried.carry(still, flow)


def gaussian_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    r"""FGST, the flow's VAE: how far what the encoder says of z ``(B, k)`` is from z in use, in nats per clip.

    .. math::
        D_{KL}(\mathcal N(\mu, \sigma^2) \,\Vert\, \mathcal N(0, 1))
        = \tfrac12 \sum_k (\mu_k^2 + \sigma_k^2 - 1 - \log \sigma_k^2)

    Derived in the chapter *compared*, "FGST".
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2


def drawn_code(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    r"""FGST, the flow's VAE: z, of normal noise that is given, so that the encoder can learn through it.

    .. math:: z = \mu + \sigma \odot \epsilon

    Derived in the chapter *compared*, "FGST".
    """
    return mean + (log_variance / 2).exp() * noise


def conditioned(still: Tensor, code: Tensor) -> Tensor:
    r"""FGST, its authors' code: what the decoder reads, the code of the still and the same, as strong as z says.

    .. math:: c + c \odot z

    Derived in the chapter *compared*, "FGST".

    Args:
        still: c, ``(B, k)``.
        code: z, ``(B, k)``; where it is 0, its mean, the still alone is read.
    """
    return still + still * code


@remembered(KEPT)
def estimated_flow(frames: np.ndarray) -> np.ndarray:
    """The flow of frames ``uint8 (T, H, W, 3)`` to the first by TV-L1 (scikit-image), ``float32 (T, H, W, 2)``, x and
    y in pixels."""
    from skimage.registration import optical_flow_tvl1

    light = (frames @ LUMA / 255).astype(np.float32)
    flows = [optical_flow_tvl1(frame, light[0])[::-1] for frame in light[1:]]
    return np.stack([np.zeros((2, *light.shape[1:]), np.float32), *flows]).transpose(0, 2, 3, 1).astype(np.float32)


class FGST(FixedLength):
    """A 3D conditional VAE that makes all flows of a clip at once, and a U-Net that mends what they have warped."""

    Config = FGSTConfig
    about = "Says of a still how all of a clip moves, then warps the still and mends it (Li et al., 2018)."

    def __init__(self, config: FGSTConfig) -> None:
        super().__init__()
        self.config = config
        self._unit = REACH * config.size  # the longest flow, in pixels
        count = round(math.log2(config.size // INNERMOST))
        channels = [config.base_channels * 2 ** max(0, level - 1) for level in range(count)]
        self.halvings = min(count, max(0, math.ceil(math.log2((config.frames - 1) / FEWEST))))
        self.inner = -(-(config.frames - 1) // 2**self.halvings), INNERMOST, INNERMOST
        in_time = [level >= count - self.halvings for level in range(count)]
        given = 3 + config.planes
        self.moving = _levels(nn.Conv3d, [2 + given, *channels], in_time)
        self.posterior = nn.Conv3d(channels[-1], 2 * config.code, self.inner)
        self.image = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(i, o, 4, 2, 1), nn.ReLU()) for i, o in pairwise([given, *channels])),
            nn.Conv2d(channels[-1], config.code, INNERMOST),
        )
        self.first = nn.ConvTranspose3d(config.code, channels[-1], self.inner)
        self.flows = _levels(nn.ConvTranspose3d, channels[::-1], in_time[:0:-1])
        self.flow = _halving(nn.ConvTranspose3d, channels[0], 2, in_time[0])
        unet = widths(config.size, config.base_channels, config.channel_cap)
        self.encoder, self.decoder = Encoder(5, unet, "instance"), Decoder(unet, "none", True, 0.0, 3)
        for last in (self.flow, self.decoder.levels[-1]):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    @classmethod
    def truth(cls, config: Config) -> tuple[str, ...]:
        return ("flow_to_first",) if config.flow == "true" else ()

    def flows_of(self, still: Tensor, label: Tensor, code: Tensor | None = None) -> Tensor:
        """The flows of all later frames, ``(B, n - 1, 2, H, W)`` in pixels, as `clip` is told of them."""
        seen = self.image(with_label(still, label, len(self.expressions)))[:, :, 0, 0]
        read = seen if code is None else conditioned(seen, code.to(seen))
        made = self.flow(self.flows(self.first(read[:, :, None, None, None])))[:, :, : self.config.frames - 1]
        return torch.tanh(made.float()).transpose(1, 2) * self._unit

    def _posterior(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """What the encoder says of z, having seen the true flows: mean and logarithm of the variance, ``(B, k)``."""
        flow, still = batch["flow"][:, 1:] / self._unit, batch["frames"][:, 0]
        told = with_label(still, batch["label"], len(self.expressions))
        volume = torch.cat([flow, told.unsqueeze(1).expand(-1, flow.shape[1], -1, -1, -1)], 2).transpose(1, 2)
        volume = F.pad(volume, (0, 0, 0, 0, 0, (self.inner[0] << self.halvings) - flow.shape[1]))
        mean, log_variance = self.posterior(self.moving(volume)).float().flatten(1).chunk(2, 1)
        return mean, log_variance

    def draw(self, still: Tensor, flow: Tensor) -> Tensor:
        """Pictures ``(B, m, 3, H, W)`` of stills ``(B, 3, H, W)`` along flows ``(B, m, 2, H, W)``: warped, and mended,
        about in [-1, 1]."""
        flow = flow.float()
        moved = warped(still.repeat_interleave(flow.shape[1], 0), flow.flatten(0, 1))
        mended = self.decoder(self.encoder(torch.cat([moved, flow.flatten(0, 1) / self._unit], 1)))
        return (moved + mended.float()).unflatten(0, flow.shape[:2])

    def clip(self, still: Tensor, label: Tensor, code: Tensor | None = None) -> dict[str, Tensor]:
        """Images ``(B, n, 3, H, W)``, the stills first, and flow ``(B, n - 1, 2, H, W)``.

        ``code`` is z, ``(B, k)``, normal noise for one of the clips that could be; left out, it is z's mean, 0, so that
        a still has one clip.
        """
        flow = self.flows_of(still, label, code)
        return {"images": torch.cat([still.unsqueeze(1), self.draw(still, flow).clamp(-1, 1)], 1), "flow": flow}

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """As of `FixedLength`, and flow ``(n, 2, H, W)`` in pixels, moments ``(pairs,)``, the frames to draw, and
        noise ``(k,)``.

        Raises:
            ValueError: the clip does not know its flow where it is to be true, or that leads to another frame than its
                first.
        """
        config, change = self.config, samples.change_of(clip, self.config.augment, rng)
        sample, _ = self.shown(clip, change)
        flow = torch.from_numpy(self._flow_of(clip, self.moments(clip)).copy()).permute(0, 3, 1, 2)
        flow = flow if change is None else change.moved_flow(flow)
        moments, noise = config.moments(rng), torch.randn(config.code, generator=rng)
        return {**sample, "flow": flow, "moments": moments, "noise": noise}

    def _flow_of(self, clip: Clip, index: Sequence[int]) -> np.ndarray:
        """The flow ``(n, H, W, 2)`` of some frames of a clip to the first of them."""
        if self.config.flow == "estimated":
            return estimated_flow(clip.frames[index])
        flow = clip.truth.get("flow_to_first")
        if flow is None:
            raise ValueError(
                f"{clip!r} does not know its flow_to_first. Open actors with truth='flow_to_first', or take "
                "FGSTConfig(flow='estimated')."
            )
        if np.any(flow[index[0]]):
            raise ValueError(f"{clip!r} does not begin with the frame to which its flow leads.")
        return flow[index]

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Flow ``(B, n - 1, 2, H, W)`` of a z that the encoder draws, what it says of z, and images
        ``(B, pairs, 3, H, W)`` of true flows."""
        still = batch["frames"][:, 0]
        mean, log_variance = self._posterior(batch)
        flow = self.flows_of(still, batch["label"], drawn_code(mean, log_variance, batch["noise"]))
        images = self.draw(still, at_moments(batch["flow"], batch["moments"]))
        return {"flow": flow, "images": images, "code_mean": mean, "code_log_variance": log_variance}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """None: it has no discriminator."""
        return {}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To say how everything moved, of a z that could be drawn; and to draw what was filmed."""
        still, flow = batch["frames"][:, 0], batch["flow"][:, 1:]
        real, made = at_moments(batch["frames"], batch["moments"]), outputs["images"]
        return self.weighed(
            flow=lambda: F.l1_loss(outputs["flow"], flow),
            kl=lambda: gaussian_divergence(outputs["code_mean"], outputs["code_log_variance"]),
            reconstruction=lambda: F.mse_loss(made, real),
            flow_moving=lambda: masked_l1(outputs["flow"], flow, regions.moving(batch["frames"][:, 1:], still)),
            reconstruction_moving=lambda: masked_l1(made, real, regions.moving(real, still)),
        )


def _halving(convolution: type, i: int, o: int, in_time: bool) -> nn.Module:
    """Half the side of a volume, or twice, transposed; and of the time, where it says so."""
    return convolution(i, o, (4, 4, 4) if in_time else (3, 4, 4), (2, 2, 2) if in_time else (1, 2, 2), 1)


def _levels(convolution: type, channels: Sequence[int], in_time: Sequence[bool]) -> nn.Sequential:
    """`_halving` from each number of channels to the next, normalised and rectified."""
    layers: list[nn.Module] = []
    for (i, o), timed in zip(pairwise(channels), in_time, strict=True):
        layers += [_halving(convolution, i, o, timed), nn.BatchNorm3d(o), nn.ReLU()]
    return nn.Sequential(*layers)
