r"""GANimation (Pumarola et al., 2018), which AffineGAN compares with: a face redrawn for the coefficients it is given.

Declared adaptations. The paper conditions on action units, which a program reads and which are divided by 5. Here they
are blendshapes, and only those that the expressions at hand use. The data state them, or a program reads them off the
frames (`GANimationConfig.coefficients`). To ask for an expression, its label is multiplied by the intensity. The label
is the expression's recipe; where coefficients are read, it is the most expressive reading in training, as AffineGAN's
comparison has it. In training the wanted coefficients are such labels at a random strength. Generator and critic
alternate every step, where the paper's generator takes each fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from i2vlib import animation, faces, samples
from i2vlib.clips import Clip
from i2vlib.compared.config import ComparedConfig
from i2vlib.compared.fixed_length import halved
from i2vlib.expressions import BLENDSHAPES, recipe
from i2vlib.papers.losses import gradient_norm
from i2vlib.papers.playing import Dialled
from i2vlib.store import remembered

KEPT = 256  # clips whose coefficients, once read, are kept in memory


@dataclass(frozen=True)
class GANimationConfig(ComparedConfig):
    """Everything that decides what GANimation is and how it learns."""

    TERMS: ClassVar[Mapping[str, float]] = {
        "adversarial": 1.0, "critic": 1.0, "gradient_penalty": 10.0, "condition": 160.0, "identity": 10.0,
        "attention": 0.1, "smooth": 1e-5,
    }  # fmt: skip
    #: The weight of the condition is the paper's 4,000 over the batch, as the authors' code has it.
    PAPER: ClassVar[Mapping[str, object]] = {"augment": False}
    SMALL: ClassVar[Mapping[str, object]] = {
        "size": 64, "base_channels": 24, "blocks": 4, "strides": 5, "clips_per_step": 4, "learning_rate": 2e-4,
    }  # fmt: skip

    size: int = 128
    base_channels: int = 64
    blocks: int = 6
    """Residual blocks of the generator."""
    strides: int = 6
    """Times that the critic halves a picture."""
    clips_per_step: int = 25
    learning_rate: float = 1e-4
    decay: float = 0.3
    """Of the paper's 30 epochs the last ten."""
    coefficients: Literal["true", "read"] = "true"
    """Where a frame's coefficients come from: the clip's blendshapes, or MediaPipe's of its frames."""
    weights: Mapping[str, float] = field(default_factory=lambda: dict(GANimationConfig.TERMS))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size % 2**self.strides or self.size % 4:
            raise ValueError(f"The side is halved {self.strides} times; given was size={self.size}.")


def attended(attention: Tensor, colour: Tensor, still: Tensor) -> Tensor:
    r"""GANimation, its picture: the still where the attention ``(B, 1, H, W)`` is 1, the colour where it is 0.

    .. math:: I_{y_f} = (1 - A) \cdot C + A \cdot I_{y_o}

    Derived in the chapter *compared*, "GANimation".
    """
    return (1 - attention) * colour + attention * still


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, share: Tensor) -> Tensor:
    r"""GANimation, the penalty of its critic: how far the critic's slope between real and made pictures is from 1.

    .. math:: (\lVert \nabla_{\tilde I} D_I(\tilde I) \rVert_2 - 1)^2, \qquad \tilde I = s I + (1 - s) \hat I

    Derived in the chapter *compared*, "GANimation".

    Args:
        real, made: ``(B, 3, H, W)``.
        share: s, ``(B,)`` in [0, 1].
    """
    s = share[:, None, None, None]
    slope = gradient_norm(lambda x: critic(x).flatten(1).mean(1), s * real + (1 - s) * made)
    return (slope - 1).square().mean()


def roughness(attention: Tensor) -> Tensor:
    r"""GANimation, the attention loss, its first part: how uneven the attention is from pixel to pixel.

    .. math:: \sum_{i,j} (A_{i+1,j} - A_{i,j})^2 + (A_{i,j+1} - A_{i,j})^2

    Derived in the chapter *compared*, "GANimation".

    Of attention ``(B, 1, H, W)``, the sum is over pixels, the mean over the batch.
    """
    down, right = attention.diff(dim=-2).square(), attention.diff(dim=-1).square()
    return (down.flatten(1).sum(1) + right.flatten(1).sum(1)).mean()


def attention_norm(attention: Tensor) -> Tensor:
    r"""GANimation, the attention loss, its second part: its size, so that it does not show the still everywhere.

    .. math:: \lVert A \rVert_2

    Derived in the chapter *compared*, "GANimation".

    As a mean over pixels, so that it does not grow with the picture: the root of the mean square.
    """
    return attention.flatten(1).square().mean(1).sqrt().mean()


def condition(read: Tensor, wanted: Tensor) -> Tensor:
    r"""GANimation, the condition loss, of one picture: how far what the critic reads is from what it should.

    .. math:: \lVert D_y(I) - y \rVert_2^2

    Derived in the chapter *compared*, "GANimation".

    As a mean over the coefficients, ``(B, n)``.
    """
    return (read - wanted).square().mean()


def there_and_back(again: Tensor, still: Tensor) -> Tensor:
    r"""GANimation, the identity loss: the way there and back gives the still again.

    .. math:: \lVert G(G(I_{y_o} | y_f) | y_o) - I_{y_o} \rVert_1

    Derived in the chapter *compared*, "GANimation".
    """
    return (again - still).abs().mean()


def most_expressive(labels: Tensor, shown: Tensor, read: Tensor) -> Tensor:
    """AffineGAN, section 4.1.1, its rule for GANimation: of all labels that were read of an expression, the strongest.

    Args:
        labels: ``(e, n)``, of each expression the strongest so far, by the sum of its coefficients.
        shown: ``(B,)``, the expressions of some more, by their rows in ``labels``.
        read: ``(B, n)``, what was read of them.
    """
    strongest = labels.clone()
    for row, label in zip(shown.tolist(), read, strict=True):
        if label.sum() > strongest[row].sum():
            strongest[row] = label
    return strongest


@remembered(KEPT)
def _read(frames: np.ndarray) -> np.ndarray:
    """Reads the blendshapes of frames ``uint8 (T, H, W, 3)``."""
    return faces.blendshapes(frames)


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(convolution.out_channels, affine=True), nn.ReLU()]


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (_normed(nn.Conv2d(channels, channels, 3, 1, 1, bias=False)) for _ in range(2))
        self.body = nn.Sequential(*first, *second[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class GANimation(Dialled):
    """A generator with two heads, attention and colour, and a critic that reads the coefficients as well."""

    Config = GANimationConfig
    config: GANimationConfig
    about = "Redraws a face for the blendshapes that it is given, learnt without pairs (Pumarola et al., 2018)."
    limits = (
        "Frontal faces cropped by align_face. A system that AffineGAN was compared with, trained here; what it makes "
        "is synthetic."
    )

    def __init__(self, config: GANimationConfig) -> None:
        super().__init__()
        self.config = config
        self._reads = config.coefficients == "read"
        made_of = np.stack([recipe(name) for name in config.expressions])
        readable = np.isin(BLENDSHAPES, faces.READABLE) if self._reads else True
        self.coefficients = np.flatnonzero(made_of.any(0) & readable)
        labels = torch.from_numpy(made_of[:, self.coefficients]).float()
        self.register_buffer("labels", torch.zeros_like(labels) if self._reads else labels)
        base, given = config.base_channels, 3 + len(self.coefficients)
        self.drawing = nn.Sequential(
            *_normed(nn.Conv2d(given, base, 7, 1, 3, bias=False)),
            *_normed(nn.Conv2d(base, 2 * base, 4, 2, 1, bias=False)),
            *_normed(nn.Conv2d(2 * base, 4 * base, 4, 2, 1, bias=False)),
            *(_Block(4 * base) for _ in range(config.blocks)),
            *_normed(nn.ConvTranspose2d(4 * base, 2 * base, 4, 2, 1, bias=False)),
            *_normed(nn.ConvTranspose2d(2 * base, base, 4, 2, 1, bias=False)),
        )
        self.colour, self.attention = (nn.Conv2d(base, channels, 7, 1, 3, bias=False) for channels in (3, 1))
        widths = [3, *(base * min(2**level, 8) for level in range(config.strides))]
        self.discriminator = halved(nn.Conv2d, None, widths, partial(nn.LeakyReLU, 0.01))
        self.discriminator_score = nn.Conv2d(widths[-1], 1, 3, 1, 1, bias=False)
        side = config.size >> config.strides
        self.discriminator_reads = nn.Conv2d(widths[-1], len(self.coefficients), side, bias=False)

    def forward(self, still: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Stills ``(B, 3, H, W)`` redrawn for coefficients ``(B, n)``, and the attention ``(B, 1, H, W)``."""
        planes = wanted[:, :, None, None].expand(-1, -1, *still.shape[-2:])
        features = self.drawing(torch.cat([still, planes.to(still)], 1))
        attention = torch.sigmoid(self.attention(features))
        return attended(attention, torch.tanh(self.colour(features)), still), attention

    # One training step ------------------------------------------------------------------------------------------

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]:
        """One training sample: a frame of the clip (3, H, W) and its own coefficients (n,); asked (), the expression
        that is wanted of it, and strength (), how strong; share (), where between real and made the critic's slope is
        looked at. Where coefficients are read, shown () is the clip's expression, and label (n,) the strongest of its
        frames'.

        Raises:
            ValueError: the clip does not state its blendshapes where they are to be true, or no face is found in it.
            ImportError, RuntimeError: coefficients cannot be read here, as `i2vlib.faces.blendshapes`.
        """
        known = self._coefficients_of(clip)
        where = torch.nonzero(known.isfinite().all(1)).flatten()
        index = int(where[torch.randint(len(where), (1,), generator=rng)])
        change = samples.change_of(clip, self.config.augment, rng)
        frames, *_ = samples.training_frames(clip, [index], self.config.size, change)
        asked = torch.randint(len(self.expressions), (1,), generator=rng)[0]
        strength, share = torch.rand(2, generator=rng)
        sample = {"still": frames[0], "own": known[index], "asked": asked, "strength": strength, "share": share}
        if self._reads:
            shown = torch.tensor(animation.label_of(clip.expression, self.expressions))
            sample |= {"shown": shown, "label": known[known.sum(1).nan_to_num().argmax()]}
        return sample

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The way there and back: images and again ``(B, 3, H, W)``, the attention of both ways, and the coefficients
        wanted ``(B, n)``. In training, labels that are read are kept if none was stronger."""
        if self._reads and self.training:
            self.labels.copy_(most_expressive(self.labels, batch["shown"], batch["label"]))
        wanted = batch["strength"].unsqueeze(1) * self.labels[batch["asked"]]
        images, there = self(batch["still"], wanted)
        again, back = self(images, batch["own"])
        seen = {"attention_mean": there.detach().flatten(1).mean(1, keepdim=True), "wanted": wanted}
        return {"images": images, "again": again, "attention": torch.cat([there, back]), **seen}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To tell real from made with a slope of 1, and to read real coefficients."""
        real, made = batch["still"], outputs["images"].detach()
        (of_real, read), (of_made, _) = self._judge(real), self._judge(made)
        return {
            "critic": of_made.mean() - of_real.mean(),
            "gradient_penalty": gradient_penalty(lambda x: self._judge(x)[0], real, made, batch["share"]),
            "condition": condition(read, batch["own"]),
        }

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """To look real with the coefficients wanted, to find the way back, and to draw little and evenly."""
        score, read = self._judge(outputs["images"])
        return {
            "adversarial": -score.mean(),
            "condition": condition(read, outputs["wanted"]),
            "identity": there_and_back(outputs["again"], batch["still"]),
            "attention": attention_norm(outputs["attention"]),
            "smooth": roughness(outputs["attention"]),
        }

    def _judge(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Scores ``(B, 1, h, w)``, and the coefficients read ``(B, n)``."""
        features = self.discriminator(pictures)
        return self.discriminator_score(features), self.discriminator_reads(features).flatten(1)

    def _coefficients_of(self, clip: Clip) -> Tensor:
        """Of every frame of a clip ``(T, n)``, true, or read; NaN where no face is found."""
        if self._reads:
            read = _read(clip.frames)[:, self.coefficients]
            if not np.isfinite(read).any():
                raise ValueError(f"No face is found in {clip!r}, so that its blendshapes cannot be read.")
            return torch.from_numpy(read).float()
        if clip.blendshapes is None or not np.isfinite(clip.blendshapes).all():
            raise ValueError(
                f"{clip!r} does not state its blendshapes, which GANimation is conditioned on. Open data that do, such "
                "as actors, or take GANimationConfig(coefficients='read')."
            )
        return torch.from_numpy(clip.blendshapes[:, self.coefficients]).float()

    # Using a trained model ---------------------------------------------------------------------------------------

    def drawer(
        self, face: np.ndarray, expressions: Sequence[str | None], region: str | np.ndarray | None = None
    ) -> animation.Drawer:
        """As of `Dialled`, of a label times an intensity; a region blends what was drawn with the still."""
        labels = self.labels[[animation.label_of(name, self.expressions) for name in expressions]]

        def decoder_of(still: Tensor, mask: Tensor | None) -> Callable[[Tensor], Tensor]:
            def decoder(rows: Tensor) -> Tensor:
                made, _ = self(still.expand(len(rows), -1, -1, -1), rows @ labels.to(still))
                return made if mask is None else still + mask * (made - still)

            return decoder

        return animation.drawer(self, face, self.config.size, decoder_of, region)
