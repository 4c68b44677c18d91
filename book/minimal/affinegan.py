r"""AffineGAN (Shen et al., 2019) in one file: the paper's text, and nothing of the package but its clips.

    python book/minimal/affinegan.py --size 64 --channels 16 --steps 400

It trains on rendered people and writes ``affinegan.png``: a still, and frames at intensities 0, 0.25, 0.5, 0.75 and 1.
Every equation stands above the lines that compute it. The package says the same with presets, checkpoints and
ablations; a test holds the first ten losses of both against each other.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from tqdm import trange

from i2vlib import datasets
from i2vlib.clips import Clip

EPSILON = 1e-8


@dataclass(frozen=True)
class Args:
    """The settings of a run; those of section 4 of the paper are ``size=256, channels=64, steps=...``."""

    size: int = 256
    channels: int = 64
    steps: int = 10_000
    frames: int = 5
    people: int = 16
    learning_rate: float = 2e-4
    adversarial: float = 1.0
    adversarial_local: float = 1.0
    reconstruction: float = 100.0
    reconstruction_self: float = 10.0
    adversarial_intensity: float = 100.0
    seed: int = 0


# The networks of section 4: two U-Net encoders, one decoder, two judges of pictures and one of intensities


def widths(args: Args) -> list[int]:
    """Lists the channels of the U-Nets' levels: they double from level to level, up to eight times the first."""
    return [args.channels * min(2**level, 8) for level in range(int(math.log2(args.size)))]


class Encoder(nn.Module):
    """A picture ``(B, 3, S, S)`` to a code: a map per level, each half as wide as the one before, the last 1 x 1."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in zip([3, *channels], channels, strict=False))
        inner = [nn.InstanceNorm2d(width) for width in channels[1:-1]]
        self.norms = nn.ModuleList([nn.Identity(), *inner, nn.Identity()])

    def forward(self, x: Tensor) -> list[Tensor]:
        code: list[Tensor] = []
        for level, norm in zip(self.levels, self.norms, strict=True):
            x = norm(level(F.leaky_relu(x, 0.2) if code else x))
            code.append(x)
        return code


class Decoder(nn.Module):
    """A code back to a picture in [-1, 1]; each level also reads the code's map of its own size."""

    def __init__(self, channels: list[int]) -> None:
        super().__init__()
        inward = channels[::-1]
        inputs, outputs = [inward[0], *(2 * width for width in inward[1:])], [*inward[1:], 3]
        self.levels = nn.ModuleList(nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in zip(inputs, outputs, strict=True))
        self.norms = nn.ModuleList([*(nn.InstanceNorm2d(width) for width in outputs[:-1]), nn.Identity()])
        for level in self.levels:
            nn.init.normal_(level.weight, std=math.sqrt(2 / (4 * level.in_channels)))

    def forward(self, code: list[Tensor]) -> Tensor:
        x = code[-1]
        for level, norm, skip in zip(self.levels[:-1], self.norms[:-1], code[-2::-1], strict=True):
            x = torch.cat([norm(level(F.relu(x))), skip], 1)
        return torch.tanh(self.levels[-1](F.relu(x)))


class PatchDiscriminator(nn.Module):
    """D_g and D_l: a picture to logits of its overlapping patches; three convolutions, as the paper's text has it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first = nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)
        second = nn.Conv2d(width, 2 * width, 4, 2, 1), nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2)
        self.features = nn.Sequential(*first, *second)
        self.score = nn.Conv2d(2 * width, 1, 4, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.score(self.features(images))


class IntensityDiscriminator(nn.Module):
    """D_a: an intensity to a logit, by a perceptron of three layers."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        first, second = (nn.Linear(1, hidden), nn.LeakyReLU(0.2)), (nn.Linear(hidden, hidden), nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*first, *second, nn.Linear(hidden, 1))

    def forward(self, intensity: Tensor) -> Tensor:
        return self.layers(intensity.reshape(-1, 1))


class Generator(nn.Module):
    """E_0, E_Delta and De."""

    def __init__(self, args: Args) -> None:
        super().__init__()
        self.encoder, self.residual_encoder = Encoder(widths(args)), Encoder(widths(args))
        self.decoder = Decoder(widths(args))

    def codes(self, still: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        # Eq. 1:  f_0 = E_0(I_0),  f_Delta = E_Delta(I_0)
        return self.encoder(still), self.residual_encoder(still)

    def forward(self, base: list[Tensor], direction: list[Tensor], intensity: Tensor) -> Tensor:
        # Eq. 2:  f_t = f_0 + a_t f_Delta, at every level
        a = intensity[:, None, None, None]
        code = [f0 + a * fd for f0, fd in zip(base, direction, strict=True)]
        # Eq. 3 and 6:  I_t = De(f_t)
        return self.decoder(code)


class Judges(nn.Module):
    """D_g, D_l and D_a."""

    def __init__(self, args: Args) -> None:
        super().__init__()
        self.picture, self.local = PatchDiscriminator(args.channels), PatchDiscriminator(args.channels)
        self.intensity = IntensityDiscriminator()


# The mathematics of section 3


def inferred(frames: list[Tensor], base: list[Tensor], direction: list[Tensor]) -> Tensor:
    """Reads the intensity of frames off their codes: ``(n,)``, 0 for the still."""
    # Eq. 4:  p_t = (f_t - f_0)^T f_Delta / (f_Delta^T f_Delta + eps), over all levels laid end to end
    along = sum(((ft - f0) * fd).flatten(1).sum(1) for ft, f0, fd in zip(frames, base, direction, strict=True))
    length = sum(fd.square().sum() for fd in direction)
    # Eq. 5:  a_t = |p_t|
    return (along / (length + EPSILON)).abs()


def judged(real: Tensor, drawn: Tensor) -> Tensor:
    """A judge's own loss, from its logits: Eq. 7, 8 and 11, -log D(real) - log(1 - D(drawn))."""
    return F.softplus(-real).mean() + F.softplus(drawn).mean()


def fooled(drawn: Tensor) -> Tensor:
    """The generator's side of the same game: log(1 - D(drawn))."""
    return -F.softplus(drawn).mean()


# Training


def example(clip: Clip, count: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Draws a training sample: the still ``(1, 3, S, S)``, ``count`` frames, their mouths, draws of Unif(0, 1)."""
    shown = 1 + torch.randperm(len(clip) - 1, generator=rng)[:count].numpy()
    pictures = torch.from_numpy(clip.frames[[0, *shown]]).permute(0, 3, 1, 2) / 127.5 - 1
    mouth = torch.from_numpy(np.asarray(clip.truth["mouth"][shown]))[:, None].float()
    uniform = torch.rand(count, generator=rng)
    return {"still": pictures[:1], "frames": pictures[1:], "mouth": mouth, "uniform": uniform}


def train_step(args: Args, generator: Generator, judges: Judges, optimisers, batch: dict[str, Tensor]) -> dict:
    """Moves the judges and then the generator down Eq. 12, and returns its terms."""
    real, mouth = batch["frames"], batch["mouth"]
    base, direction = generator.codes(batch["still"])
    codes = generator.encoder(real)
    a = inferred(codes, base, direction)
    drawn, again = generator(base, direction, a), generator.decoder(codes)

    fixed, a_fixed = drawn.detach(), a.detach()
    terms = {
        "discriminator/adversarial": judged(judges.picture(real), judges.picture(fixed)),
        "discriminator/adversarial_local": judged(judges.local(real * mouth), judges.local(fixed * mouth)),
        "discriminator/adversarial_intensity": judged(judges.intensity(batch["uniform"]), judges.intensity(a_fixed)),
    }
    descend(optimisers[1], args, terms)
    of_generator = {
        # Eq. 9:  |I_t - De(f_0 + a_t f_Delta)|_1       Eq. 10:  |I_t - De(E_0(I_t))|_1
        "generator/reconstruction": F.l1_loss(drawn, real),
        "generator/reconstruction_self": F.l1_loss(again, real),
        "generator/adversarial": fooled(judges.picture(drawn)),
        "generator/adversarial_local": fooled(judges.local(drawn * mouth)),
        "generator/adversarial_intensity": fooled(judges.intensity(a)),
    }
    descend(optimisers[0], args, of_generator)
    return {name: value.item() for name, value in (terms | of_generator).items()}


def descend(optimiser: torch.optim.Optimizer, args: Args, terms: dict[str, Tensor]) -> None:
    """Takes one step of Adam down the weighted sum of some terms."""
    # Eq. 12:  L_g + L_l + 100 L_r1 + 10 L_r2 + 100 L_a
    total = sum(getattr(args, name.split("/")[1]) * value for name, value in terms.items())
    optimiser.zero_grad()
    total.backward(inputs=[p for group in optimiser.param_groups for p in group["params"]])
    optimiser.step()


def models(args: Args) -> tuple[Generator, Judges, list[torch.optim.Optimizer]]:
    """Builds the networks, and Adam for the generator and for its judges."""
    torch.manual_seed(args.seed)
    generator, judges = Generator(args), Judges(args)
    adam = [torch.optim.Adam(part.parameters(), args.learning_rate, (0.5, 0.999)) for part in (generator, judges)]
    return generator, judges, adam


@torch.inference_mode()
def animate(generator: Generator, still: np.ndarray, intensity: list[float]) -> np.ndarray:
    """Draws frames ``uint8 (T, S, S, 3)`` of a still ``uint8 (S, S, 3)``, at any intensities in any order."""
    base, direction = generator.codes(torch.from_numpy(still).permute(2, 0, 1)[None] / 127.5 - 1)
    drawn = generator(base, direction, torch.tensor(intensity))
    return ((drawn + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()


def main() -> None:
    """Trains on rendered people, and draws one whom the generator has not met."""
    parser = argparse.ArgumentParser(description="AffineGAN in one file.")
    for name, default in vars(Args()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    args = Args(**vars(parser.parse_args()))
    clips = datasets.open("actors", split="train", subjects=args.people, size=args.size, expressions=("happy",))
    generator, judges, optimisers = models(args)
    rng = torch.Generator().manual_seed(args.seed)
    for _ in (bar := trange(args.steps, unit="step")):
        clip = clips[int(torch.randint(len(clips), (), generator=rng))]
        terms = train_step(args, generator, judges, optimisers, example(clip, args.frames, rng))
        bar.set_postfix(reconstruction=f"{terms['generator/reconstruction']:.3f}")
    still = datasets.actors.clip(10_000, "happy", frames=2, size=args.size).frames[0]
    strip = chain([still], animate(generator, still, [0, 0.25, 0.5, 0.75, 1]))
    Image.fromarray(np.concatenate(list(strip), 1)).save("affinegan.png")


if __name__ == "__main__":
    main()
