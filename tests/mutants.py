"""Breaks the equations, the losses and the training step on purpose, and says what no test notices: `make mutants`.

mutmut changes operators, numbers, names and arguments, one at a time, in the functions of `FUNCTIONS`; it works in the
ignored folder `mutants`, as pyproject.toml has it. What it does not know, arguments that are swapped, a detach that is
lost, a sum for a mean, stands in `CHANGES`, and is made in a copy of the tree. A change dies if a test fails. At least
`WANTED` of all have to; whoever lives is named, with a reason where there is one.

    python tests/mutants.py            both, in about a quarter of an hour
    python tests/mutants.py --quick    the changes of `CHANGES` only
"""

from __future__ import annotations

import argparse
import ast
import difflib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = 0.95

LOSSES, BLOCKS = "i2vlib/papers/losses.py", "i2vlib/papers/blocks.py"
FAN_EQUATIONS, FAN = "i2vlib/papers/fan/equations.py", "i2vlib/papers/fan/method.py"
AFFINE_EQUATIONS, AFFINE = "i2vlib/papers/affinegan/equations.py", "i2vlib/papers/affinegan/method.py"
AFFINE_NETWORKS = "i2vlib/papers/affinegan/networks.py"
FRGAN_EQUATIONS = "i2vlib/papers/frgan/equations.py"
FORECAST, REFINE = "i2vlib/papers/frgan/forecast.py", "i2vlib/papers/frgan/refine.py"
REGIONS, TRAINING = "i2vlib/regions.py", "i2vlib/training.py"
FIXED_LENGTH, HP = "i2vlib/compared/fixed_length.py", "i2vlib/compared/hp.py"
MEASURING = "book/i2vbook/evidence/measuring.py"
FGST, SAMPLES = "i2vlib/compared/fgst.py", "i2vlib/samples.py"
CARRIED, CODED = "i2vlib/papers/carried.py", "i2vlib/papers/coded.py"
VGAN, MCNET, GANIMATION = (f"i2vlib/compared/{name}.py" for name in ("vgan", "mcnet", "ganimation"))

#: What mutmut breaks: equations and losses whole, and of the other files what a training step goes through.
FUNCTIONS: dict[str, Sequence[str]] = {
    LOSSES: ["*"],
    FAN_EQUATIONS: ["*"],
    AFFINE_EQUATIONS: ["*"],
    FRGAN_EQUATIONS: ["*"],
    REGIONS: ["moving"],
    TRAINING: ["_step", "learning_rate", "_schedule", "_row", "numbered_rng", "Examples.*"],
    FAN: [
        f"FAN.{name}"
        for name in (
            "example", "outputs", "discriminator_terms", "generator_terms", "_owners", "_judged", "_labels",
            "_base", "_residual", "_residuals", "_before_last", "_picture", "painted",
        )
    ],
    AFFINE: [
        f"AffineGAN.{name}"
        for name in (
            "example", "encode", "decode", "outputs", "discriminator_terms", "generator_terms", "_read", "_intensity",
            "shown", "_judged", "_classification",
        )
    ],
    CODED: [f"Coded.{name}" for name in ("sample", "frames_of", "compared", "judged_locally")],
    FORECAST: [f"Forecast.{n}" for n in ("forward", "example", "outputs", "discriminator_terms", "generator_terms")],
    REFINE: [f"Refine.{n}" for n in ("forward", "example", "outputs", "discriminator_terms", "generator_terms")],
}  # fmt: skip

#: Why a change may live, by the line that it makes: it changes nothing that anybody could notice.
EQUIVALENT: dict[str, str] = {
    "border = max(1, round(frames.shape[-2] / GROWN))": "Frames are square.",
    "return torch.Generator().manual_seed(int.from_bytes(digest, ) >> 1)": "Python takes the big end first by itself.",
    "accelerator.backward(total, inputs=parameters, retain_graph=None)": "PyTorch lets the graph go by itself.",
    "accelerator.backward(total, inputs=parameters, )": "PyTorch lets the graph go by itself.",
    "numbers = torch.arange(intensity.numel(), device=None).view(intensity.shape)": "The same on a CPU.",
    "numbers = torch.arange(intensity.numel(), ).view(intensity.shape)": "The same on a CPU.",
    "index = samples.drawn(clip, config.frames_per_clip, int(config.include_neutral), None, rng)": "None is a no.",
    "return [torch.cat(level)[order] for level in zip(*parts, strict=None)]": "Encoders of a model are equally deep.",
    "return [torch.cat(level)[order] for level in zip(*parts, )]": "Encoders of a model are equally deep.",
    "return [torch.cat(level)[order] for level in zip(*parts, strict=False)]": "Encoders of a model are equally deep.",
    "maps = torch.roll(maps, pixels.round().int().tolist(), (+2, -1))": "The last but one of four is the third.",
    'names = dict(zip(("still", "frame"), frames, strict=None)) | dict(zip(("now", "then"), maps, strict=True))': "Two are drawn.",  # noqa: E501
    'names = dict(zip(("still", "frame"), frames, strict=True)) | dict(zip(("now", "then"), maps, strict=None))': "Two are drawn.",  # noqa: E501
    'names = dict(zip(("still", "frame"), frames, )) | dict(zip(("now", "then"), maps, strict=True))': "Two are drawn.",  # noqa: E501
    'names = dict(zip(("still", "frame"), frames, strict=True)) | dict(zip(("now", "then"), maps, ))': "Two are drawn.",  # noqa: E501
    'names = dict(zip(("still", "frame"), frames, strict=False)) | dict(zip(("now", "then"), maps, strict=True))': "Two are drawn.",  # noqa: E501
    'names = dict(zip(("still", "frame"), frames, strict=True)) | dict(zip(("now", "then"), maps, strict=False))': "Two are drawn.",  # noqa: E501
    "known = torch.isfinite(true).all(-2).all(-1)": "All of all, in whichever order.",
    "return values, (values >= -1e-6) & (values < 1 + 1e-6)": "The end of a margin for rounding.",
    "return values, (values > -1e-6) & (values <= 1 + 1e-6)": "The end of a margin for rounding.",
}


@dataclass(frozen=True)
class Change:
    """One thing to break: with `after` in the one place of `before` in a function, one of `tests` has to fail.

    `before` and `after` are Python. A name of one small letter stands for any expression, and for the same one wherever
    it comes again, so a pattern names no local variable.
    """

    name: str
    file: str
    function: str
    before: str
    after: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a change: `made` is its diff, or a sentence."""

    file: str
    name: str
    died: bool
    made: str


OF_LOSSES = ("tests/papers/test_losses.py",)
OF_FAN = tuple(f"tests/papers/fan/test_{name}.py" for name in ("equations", "terms", "fan"))
OF_AFFINE = tuple(f"tests/papers/affinegan/test_{name}.py" for name in ("equations", "terms", "affinegan"))
OF_FRGAN = ("tests/papers/frgan/test_equations.py", "tests/papers/frgan/test_terms.py")
OF_FORECAST = (*OF_FRGAN, "tests/papers/frgan/test_forecast.py")
OF_REFINE = (*OF_FRGAN, "tests/papers/frgan/test_refine.py")
OF_COMPARED = ("tests/compared/test_fixed_length.py", "tests/compared/test_hp.py")
OF_BODIES = ("tests/book/test_measuring_bodies.py",)
OF_FGST = ("tests/compared/test_fgst.py",)
OF_CARRIED = ("tests/papers/test_carried.py",)
OF_STEP = ("tests/test_step.py",)
OF_REGIONS = ("tests/test_regions.py",)
OF_VGAN = ("tests/compared/test_vgan.py",)
OF_MCNET = ("tests/compared/test_mcnet.py",)
OF_GANIMATION = ("tests/compared/test_ganimation.py",)

CHANGES = (
    # The losses
    Change("a minimax generator looks made", LOSSES, "generator_loss",
           "-F.softplus(a).mean()", "F.softplus(a).mean()", OF_LOSSES),
    Change("a generator looks made", LOSSES, "generator_loss",
           "F.softplus(-a).mean()", "F.softplus(a).mean()", OF_LOSSES),
    Change("a discriminator calls made what is real", LOSSES, "discriminator_loss",
           "F.softplus(-a).mean() + F.softplus(b).mean()", "F.softplus(a).mean() + F.softplus(-b).mean()", OF_LOSSES),
    Change("a sum over what is real", LOSSES, "discriminator_loss",
           "F.softplus(-a).mean()", "F.softplus(-a).sum()", OF_LOSSES),
    Change("a sum over what is made", LOSSES, "discriminator_loss",
           "a + F.softplus(b).mean()", "a + F.softplus(b).sum()", OF_LOSSES),
    Change("a masked mean over every pixel", LOSSES, "masked_l1",
           "(a * b).sum() / b.sum().clamp_min(1)", "(a * b).mean()", OF_LOSSES),
    Change("what moves from half the change on", REGIONS, "moving",
           "a > 2 * MOVED", "a > MOVED", OF_REGIONS),
    # FAN
    Change("FAN Eq. 1: the codes swapped", FAN_EQUATIONS, "affine",
           "blocks.affine(a, b, c)", "blocks.affine(b, a, c)", OF_FAN),
    Change("FAN Eq. 3: real and made swapped", FAN_EQUATIONS, "adversarial",
           "losses.discriminator_loss(a, b)", "losses.discriminator_loss(b, a)", OF_FAN),
    Change("FAN Eq. 4: real and made swapped", FAN_EQUATIONS, "adversarial_local",
           "losses.discriminator_loss(a, b)", "losses.discriminator_loss(b, a)", OF_FAN),
    Change("FAN Eq. 4: the masks dropped", CODED, "Coded.judged_locally",
           "self.shown(a, b * c)", "self.shown(a, b)", OF_FAN),
    Change("FAN Eq. 5: a sum for a mean", FAN_EQUATIONS, "temporal",
           "a.flatten(1).mean(1)", "a.flatten(1).sum(1)", OF_FAN),
    Change("FAN Eq. 5: over neighbours, not images", FAN_EQUATIONS, "temporal",
           "a.mean(1).sum() / b", "a.mean(1).mean()", OF_FAN),
    Change("FAN Eq. 5: above and below swapped", FAN_EQUATIONS, "neighbours",
           "[a - b, a + b]", "[a + b, a - b]", OF_FAN),
    Change("FAN Eq. 5: maximised", FAN, "FAN.generator_terms.temporal",
           "equations.temporal(a, b, c)", "-equations.temporal(a, b, c)", OF_FAN),
    Change("FAN Eq. 5: neighbours given to the wrong frames", FAN, "FAN._owners",
           "torch.cat([a, a], 1)", "torch.cat([a, a.flip(1)], 1)", OF_FAN),
    Change("FAN: the root of 68 dropped", FAN_EQUATIONS, "landmarks",
           "a / b.shape[-2] ** 0.5", "a", OF_FAN),
    Change("FAN: labels from 1 to 0", FAN_EQUATIONS, "labels",
           "torch.linspace(0, 1, a)", "torch.linspace(1, 0, a)", OF_FAN),
    Change("FAN: the made frames of D_g and D_l not detached", FAN, "FAN.discriminator_terms",
           'a["images"].detach()', 'a["images"]', OF_FAN),
    Change("FAN: D_g told that made is real", FAN, "FAN.discriminator_terms",
           "equations.adversarial(real=a, made=b)", "equations.adversarial(real=b, made=a)", OF_FAN),
    Change("FAN: D_l told that made is real", FAN, "FAN.discriminator_terms",
           "self.judged_locally(equations.adversarial_local, a, b, c)",
           "self.judged_locally(equations.adversarial_local, a, c, b)", OF_FAN),
    Change("FAN: the first frame among the others", CODED, "Coded.sample",
           "{'neutral': a, 'frames': b[1:], 'mask': c}", "{'neutral': a, 'frames': b[:-1], 'mask': c}", OF_FAN),
    Change("FAN: every expression through the first encoder", FAN, "FAN._residual",
           "self.residual_encoders[a](b)", "self.residual_encoders[0](b)", OF_FAN),
    Change("FAN: the clips of a mixed batch left in the order of their labels", FAN, "FAN._residuals",
           "a.argsort()", "a", OF_FAN),
    Change("FAN: labels of other frames", FAN, "FAN.example",
           "self._labels(a)[b]", "self._labels(a)[sorted(b)]", OF_FAN),
    Change("FAN: the neutral frame in the place of all others", CODED, "Coded.compared",
           "a + b(c, d)", "b(c, d)", OF_FAN),
    Change("FAN: what moves, by the frames that were made", FAN, "FAN.generator_terms",
           "losses.masked_l1(a, b, regions.moving(b, c))", "losses.masked_l1(a, b, regions.moving(a, c))", OF_FAN),
    Change("FAN: landmarks read off the neighbours", FAN, "FAN.outputs",
           "a[: b.numel()]", "a[-b.numel() :]", OF_FAN),
    # AffineGAN
    Change("AffineGAN Eq. 1: the codes swapped", AFFINE, "AffineGAN.encode",
           "self.encoder(a), self.residual_encoder(a, b)", "self.residual_encoder(a, b), self.encoder(a)", OF_AFFINE),
    Change("AffineGAN Eq. 4: always by the norm", AFFINE_EQUATIONS, "projected",
           "a if b else a.sqrt()", "a.sqrt()", OF_AFFINE),
    Change("AffineGAN Eq. 4: back from the frame to the still", AFFINE_EQUATIONS, "projected",
           "a.unflatten(0, b) - c.unsqueeze(1)", "c.unsqueeze(1) - a.unflatten(0, b)", OF_AFFINE),
    Change("AffineGAN Eq. 5: no absolute value", AFFINE_EQUATIONS, "intensity",
           "a.abs()", "a", OF_AFFINE),
    Change("AffineGAN Eq. 6: always held fast", AFFINE, "AffineGAN.outputs",
           "a.detach() if b.detach_intensity else a", "a.detach()", OF_AFFINE),
    Change("AffineGAN Eq. 6: never held fast", AFFINE, "AffineGAN.outputs",
           "a.detach() if b.detach_intensity else a", "a", OF_AFFINE),
    Change("AffineGAN Eq. 7: real and made swapped", AFFINE_EQUATIONS, "adversarial",
           "losses.discriminator_loss(a, b)", "losses.discriminator_loss(b, a)", OF_AFFINE),
    Change("AffineGAN Eq. 8: real and made swapped", AFFINE_EQUATIONS, "adversarial_local",
           "losses.discriminator_loss(a, b)", "losses.discriminator_loss(b, a)", OF_AFFINE),
    Change("AffineGAN Eq. 8: the mouths of other frames", CODED, "Coded.sample",
           "{'neutral': a, 'frames': b, 'mask': c[1:]}", "{'neutral': a, 'frames': b, 'mask': c[:-1]}", OF_AFFINE),
    Change("AffineGAN Eq. 11: draws and intensities swapped", AFFINE_EQUATIONS, "adversarial_intensity",
           "losses.discriminator_loss(a, b)", "losses.discriminator_loss(b, a)", OF_AFFINE),
    Change("AffineGAN Eq. 10: the self images compared with the made ones", AFFINE, "AffineGAN.generator_terms",
           'equations.reconstruction_self(a, b["self_images"])',
           'equations.reconstruction_self(b["images"], b["self_images"])', OF_AFFINE),
    Change("AffineGAN Eq. 11: the generator's gradient cut off from the intensity", AFFINE, "AffineGAN.generator_terms",
           "self.discriminator_intensity(a)", "self.discriminator_intensity(a.detach())", OF_AFFINE),
    Change("AffineGAN Eq. 11: the intensities of D_a not detached", AFFINE, "AffineGAN.discriminator_terms",
           "self.discriminator_intensity(a.detach())", "self.discriminator_intensity(a)", OF_AFFINE),
    Change("AffineGAN Eq. 11: handed over swapped", AFFINE, "AffineGAN.discriminator_terms",
           "equations.adversarial_intensity(uniform=a, inferred=b)",
           "equations.adversarial_intensity(inferred=a, uniform=b)", OF_AFFINE),
    Change("AffineGAN: the made frames not detached", AFFINE, "AffineGAN.discriminator_terms",
           'a["images"].detach()', 'a["images"]', OF_AFFINE),
    Change("AffineGAN: D_g told that made is real", AFFINE, "AffineGAN.discriminator_terms",
           "equations.adversarial(real=a, made=b)", "equations.adversarial(real=b, made=a)", OF_AFFINE),
    Change("AffineGAN: D_l told that made is real", AFFINE, "AffineGAN.discriminator_terms",
           "self.judged_locally(equations.adversarial_local, a, b, c)",
           "self.judged_locally(equations.adversarial_local, a, c, b)", OF_AFFINE),
    Change("AffineGAN: D_l asked of clips whose mask does not count", CODED, "Coded.judged_locally",
           "self.shown(a, b)[c]", "self.shown(a, b)", OF_AFFINE),
    Change("AffineGAN: no latent noise", AFFINE, "AffineGAN.decode",
           "a + b * torch.randn_like(a)", "a", OF_AFFINE),
    Change("AffineGAN: noise in use as well", AFFINE, "AffineGAN.decode",
           "a and self.training", "a", OF_AFFINE),
    Change("AffineGAN: the conditional discriminators shown the frame twice", AFFINE, "AffineGAN.shown",
           "torch.cat([a.expand_as(b), b], 2)", "torch.cat([b, b], 2)", OF_AFFINE),
    Change("AffineGAN: the joint discriminator asked one by one", AFFINE, "AffineGAN.__init__",
           "a if b.joint_intensity else 1", "1", OF_AFFINE),
    Change("AffineGAN: the joint discriminator mixes clips", AFFINE_NETWORKS, "IntensityDiscriminator.forward",
           "a.reshape(-1, self.inputs)", "a.T.reshape(-1, self.inputs)", OF_AFFINE),
    Change("AffineGAN: labels of other frames", AFFINE, "AffineGAN._classification",
           "a.repeat_interleave(b)", "a.repeat(b)", OF_AFFINE),
    Change("AffineGAN: the expression judged without the intensity", AFFINE, "AffineGAN._classification",
           'F.cross_entropy(a, b, reduction="none") * c', 'F.cross_entropy(a, b, reduction="none")', OF_AFFINE),
    Change("AffineGAN: the weight of the expression not detached", AFFINE, "AffineGAN._classification",
           'a["intensity"].detach()', 'a["intensity"]', OF_AFFINE),
    Change("AffineGAN: what moves, by the frames that were made", AFFINE, "AffineGAN.generator_terms",
           "losses.masked_l1(a, b, regions.moving(b, c))", "losses.masked_l1(a, b, regions.moving(a, c))", OF_AFFINE),
    # FRGAN
    Change("FRGAN Eq. 2: turned round", FRGAN_EQUATIONS, "composed",
           "a * b + (1 - a) * c", "a * c + (1 - a) * b", OF_FRGAN),
    Change("FRGAN Eq. 3: now and then swapped", FRGAN_EQUATIONS, "analogy",
           "a - b + c", "b - a + c", OF_FRGAN),
    Change("FRGAN Eq. 5: a sum for a mean", FRGAN_EQUATIONS, "reconstruction",
           "(a - b).abs().mean()", "(a - b).abs().sum()", OF_FRGAN),
    Change("FRGAN Eq. 7: its sign", FRGAN_EQUATIONS, "adversarial",
           "-a(b, c).mean()", "a(b, c).mean()", OF_FRGAN),
    Change("FRGAN Eq. 8: its sign", FRGAN_EQUATIONS, "frames_apart",
           "a(b.detach(), c).mean() - a(d, c).mean()", "a(d, c).mean() - a(b.detach(), c).mean()", OF_FRGAN),
    Change("FRGAN Eq. 8: the made frames not detached", FRGAN_EQUATIONS, "frames_apart",
           "a(b.detach(), c)", "a(b, c)", OF_FRGAN),
    Change("FRGAN Eq. 9: a slope of 0", FRGAN_EQUATIONS, "frames_penalty",
           "(a - 1).square().mean()", "a.square().mean()", OF_FRGAN),
    Change("FRGAN Eq. 10: turned round", FRGAN_EQUATIONS, "refined",
           "a * b + (1 - a) * c", "a * c + (1 - a) * b", OF_FRGAN),
    Change("FRGAN Eq. 12: the sign of D_V", FRGAN_EQUATIONS, "clip_adversarial",
           'a["adversarial"] = -b', 'a["adversarial"] = b', OF_FRGAN),
    Change("FRGAN Eq. 12: the sign of D_I", FRGAN_EQUATIONS, "clip_adversarial",
           'a["adversarial_frames"] = -b', 'a["adversarial_frames"] = b', OF_FRGAN),
    Change("FRGAN Eq. 13: its sign", FRGAN_EQUATIONS, "clips_apart",
           "a(b.detach(), c) - a(d, c)", "a(d, c) - a(b.detach(), c)", OF_FRGAN),
    Change("FRGAN Eq. 13: the made clips not detached", FRGAN_EQUATIONS, "clips_apart",
           "a(b.detach(), c)", "a(b, c)", OF_FRGAN),
    Change("FRGAN Eq. 14: a slope of 0", FRGAN_EQUATIONS, "clips_penalty",
           "(a - 1).square().mean()", "a.square().mean()", OF_FRGAN),
    Change("FRGAN: the slope between, real and made swapped", FRGAN_EQUATIONS, "slope",
           "a * b + (1 - a) * c", "a * c + (1 - a) * b", OF_FRGAN),
    Change("a slope along the first of what is shown only", LOSSES, "gradient_norm",
           "[a.flatten(1) for a in b]", "[a.flatten(1) for a in b[:1]]", (*OF_LOSSES, *OF_FRGAN)),
    Change("a slope of no use to the critic", LOSSES, "gradient_norm",
           "torch.autograd.grad(a, b, create_graph=True)",
           "torch.autograd.grad(a, b, create_graph=False)", (*OF_LOSSES, *OF_FRGAN)),
    Change("FRGAN G_M: now and then swapped", FORECAST, "Forecast.outputs",
           'self(a["still"], a["now"], a["then"])', 'self(a["still"], a["then"], a["now"])', OF_FORECAST),
    Change("FRGAN G_M: its codes swapped", FORECAST, "Forecast._said",
           "equations.analogy(a, b, c)", "equations.analogy(a, c, b)", OF_FORECAST),
    Change("FRGAN D_I: told of the map of the still", FORECAST, "Forecast.discriminator_terms",
           'a["then"]', 'a["now"]', OF_FORECAST),
    Change("FRGAN G_M: judged by the map of the still", FORECAST, "Forecast.generator_terms",
           'equations.adversarial(a, b, c["then"])', 'equations.adversarial(a, b, c["now"])', OF_FORECAST),
    Change("FRGAN D_I: real and made swapped", FORECAST, "Forecast.discriminator_terms",
           "equations.frames_apart(a, b, c, d)", "equations.frames_apart(a, c, b, d)", OF_FORECAST),
    Change("FRGAN D_I: real and made swapped in the penalty", FORECAST, "Forecast.discriminator_terms",
           "equations.frames_penalty(a, b, c, d, e)", "equations.frames_penalty(a, c, b, d, e)", OF_FORECAST),
    Change("FRGAN G_M: what moves, by the frame that was made", FORECAST, "Forecast.generator_terms",
           "masked_l1(a, b, self._moving(c))",
           'masked_l1(a, b, regions.moving(a[:, None], c["still"])[:, 0])', OF_FORECAST),
    Change("FRGAN G_R: the forecast in the place of the real clip", REFINE, "Refine.discriminator_terms",
           'a["frames"]', 'a["forecast"]', OF_REFINE),
    Change("FRGAN D_V: real and made swapped", REFINE, "Refine.discriminator_terms",
           'a["frames"], b["images"], c', 'b["images"], a["frames"], c', OF_REFINE),
    Change("FRGAN D_I of G_R: another frame than the one chosen", REFINE, "Refine.discriminator_terms",
           'a["chosen"][:, :1]', 'a["chosen"][:, -1:] * 0', OF_REFINE),
    Change("FRGAN Eq. 11: D_V and D_I swapped", REFINE, "Refine.generator_terms",
           "equations.clip_adversarial(a, b, c, d, e)", "equations.clip_adversarial(b, a, c, d, e)", OF_REFINE),
    Change("FRGAN G_R: clips and maps swapped", REFINE, "Refine.outputs",
           'self(a["forecast"], a["maps"])', 'self(a["maps"], a["forecast"])', OF_REFINE),
    Change("FRGAN G_R: what moves, from frame to frame's own", REFINE, "Refine.generator_terms",
           "regions.moving(a, a[:, 0])", "regions.moving(a, a[:, -1])", OF_REFINE),
    # What FRGAN is compared with on bodies
    Change("compared: a sample begins before the still", FIXED_LENGTH, "FixedLength.moments",
           "[a + b for b in c]", "[b for b in c]", OF_COMPARED),
    Change("compared: a body's face is looked for", FIXED_LENGTH, "FixedLength.still_of",
           "animation.crop_of if a else b", "animation.crop_of", OF_COMPARED),
    Change("HP: a hidden joint sets out from the middle of the picture", HP, "from_the_middle",
           "return torch.where(a, b, c)", "return torch.where(a, b, 0)", OF_COMPARED),
    Change("HP: hidden joints count in the middle", HP, "from_the_middle",
           "torch.where(a, b, 0).sum(1, keepdim=True) / c",
           "torch.where(a, b, 0).sum(1, keepdim=True) / b.shape[1]", OF_COMPARED),
    Change("HP: every frame of the still's own poses", HP, "HP.followed",
           "self.draw(a, b[:, 0], b[:, 1:])", "self.draw(a, b[:, 0], b[:, :1].expand_as(b[:, 1:]))", OF_COMPARED),
    Change("bodies: G_C's forecast is the truth", MEASURING, "measured_bodies",
           '{"clips": (a, b), "forecast": c, "forecast_shared": (a, d)}',
           '{"clips": (a, b), "forecast": c, "forecast_shared": (a, b)}', OF_BODIES),
    Change("bodies: a forecast of its own is the true poses", MEASURING, "measured_bodies",
           '{"clips": (a, b), "forecast": (c, b), "forecast_shared": d}',
           '{"clips": (a, b), "forecast": (a, b), "forecast_shared": d}', OF_BODIES),
    Change("bodies: what is drawn is filed by how", MEASURING, "reference_digest",
           "issubclass(a, Follower) or b", "issubclass(a, Follower)", OF_BODIES),
    # Ours: carried drawing
    Change("ours, Eq. 1: maps that are no changes from rest", CARRIED, "maps_of",
           "torch.tanh(a) - torch.tanh(b)", "torch.tanh(a)", OF_CARRIED),
    Change("ours, Eq. 4: a gate that is read the other way", CARRIED, "composed",
           "a.gate * b + (1 - a.gate) * a.colour", "(1 - a.gate) * b + a.gate * a.colour", OF_CARRIED),
    Change("ours, Eq. 5: flow asked for where nothing shows it", CARRIED, "flow_error",
           "masked_l1(a, b, c)", "masked_l1(a, b, 1 - c)", OF_CARRIED),
    Change("ours, Eq. 6: a gate that shuts on what is seen", CARRIED, "gate_error",
           "F.binary_cross_entropy_with_logits(a, 1 - b)", "F.binary_cross_entropy_with_logits(a, b)", OF_CARRIED),
    # FGST
    Change("FGST: warped the other way", CARRIED, "carry",
           "a[:, 0] + b", "b - a[:, 0]", OF_FGST),
    Change("FGST: a divergence without its logarithm", FGST, "gaussian_divergence",
           "a - 1 - b", "a - 1", OF_FGST),
    Change("FGST: noise as wide as the variance", FGST, "drawn_code",
           "(a / 2).exp()", "a.exp()", OF_FGST),
    Change("FGST: a code that takes the place of the still's", FGST, "conditioned",
           "a + a * b", "a * b", OF_FGST),
    Change("FGST: the encoder shown no flow", FGST, "FGST._posterior",
           'a["flow"][:, 1:] / self._unit', 'a["flow"][:, 1:] * 0', OF_FGST),
    Change("FGST: pictures learnt of the flow that is made", FGST, "FGST.outputs",
           'self.draw(a, at_moments(b["flow"], b["moments"]))',
           'self.draw(a, at_moments(self.flows_of(a, b["label"], drawn_code(*self._posterior(b), b["noise"])), '
           'b["moments"] - 1))',
           OF_FGST),
    Change("FGST: frames augmented, their flow not", FGST, "FGST.example",
           "a.moved_flow(b)", "b", OF_FGST),
    Change("a flow mirrored that points the same way", SAMPLES, "Augmentation.moved_flow",
           "a * self.scale * b", "a * self.scale", OF_FGST),
    Change("a flow as long in a larger picture", SAMPLES, "Augmentation.moved_flow",
           "a * self.scale * b", "a * b", OF_FGST),
    # The training step
    Change("the gradients of processes summed", TRAINING, "_step",
           'a.reduce(b, "mean")', 'a.reduce(b, "sum")', OF_STEP),
    Change("terms without their weights", TRAINING, "_step",
           "sum(a[b] * c for b, c in d)", "sum(c for b, c in d)", OF_STEP),
    Change("the gradients of the step before kept", TRAINING, "_step",
           "a.zero_grad(set_to_none=True)", "None", OF_STEP),
    Change("the other side learns as well", TRAINING, "_step",
           "a.backward(b, inputs=c, retain_graph=False)", "a.backward(b)", OF_STEP),
    Change("the sides' optimisers swapped", TRAINING, "_optimisers",
           "{a: torch.optim.Adam(b, c, d, fused=e) for a, f in g}",
           '{{"generator": "discriminator", "discriminator": "generator"}[a]: torch.optim.Adam(b, c, d, '
           "fused=e) for a, f in g}",
           OF_STEP),
    Change("the generator before the discriminators", TRAINING, "_both_sides",
           '("discriminator", a), ("generator", b)', '("generator", b), ("discriminator", a)', OF_STEP),
    Change("the decay ends at 0 a step early", TRAINING, "learning_rate",
           "a - b + 1", "a - b", OF_STEP),
    Change("the decay never begins", TRAINING, "_train",
           "_schedule(a, b, c, d, e)", "_schedule(a, b, 0.0, d, e)", OF_STEP),
    Change("every step draws the same", TRAINING, "_seed_step",
           "numbered_rng(a, b)", "numbered_rng(a, -1)", OF_STEP),
    Change("every sample is the first one", TRAINING, "Examples.__getitem__",
           "numbered_rng(a, b)", "numbered_rng(a, 0)", OF_STEP),
    # VGAN
    Change("VGAN: the streams swapped", VGAN, "two_streams",
           "a * b + (1 - a) * c", "(1 - a) * b + a * c", OF_VGAN),
    Change("VGAN: the last frame is to be the still", VGAN, "first_frame",
           "a[:, :, 0] - b", "a[:, :, -1] - b", OF_VGAN),
    Change("VGAN: a discriminator teaches the generator", VGAN, "VGAN.discriminator_terms",
           'a["images"].detach()', 'a["images"]', OF_VGAN),
    # MCNet
    Change("MCNet: a discriminator waits only where it knows both kinds", MCNET, "who_learns",
           "a.min() >= b", "a.max() >= b", OF_MCNET),
    Change("MCNet: a generator waits only where both kinds are unknown", MCNET, "who_learns",
           "a.max() <= b", "a.min() <= b", OF_MCNET),
    Change("MCNet: who calls everything real waits for ever", MCNET, "who_learns",
           "a | ~b, b | ~a", "a, b", OF_MCNET),
    # GANimation
    Change("GANimation: the weakest label is kept", GANIMATION, "most_expressive",
           "a.sum() > b.sum()", "a.sum() < b.sum()", OF_GANIMATION),
    Change("GANimation: labels are learnt from those who validate", GANIMATION, "GANimation.outputs",
           "self._reads and self.training", "self._reads", OF_GANIMATION),
    Change("GANimation: a frame of which nothing was read", GANIMATION, "GANimation.example",
           "a.isfinite().all(1)", "a.isnan().logical_not().any(1) | True", OF_GANIMATION),
    Change("GANimation: the way there counted as its own units", GANIMATION, "GANimation.generator_terms",
           '{"adversarial": a, "condition": condition(b, g["wanted"]), "identity": there_and_back(c, '
           'd["still"]), "attention": e, "smooth": f}',
           '{"adversarial": a, "condition": condition(b, d["own"]), "identity": there_and_back(c, d["still"]), '
           '"attention": e, "smooth": f}',
           OF_GANIMATION),
)  # fmt: skip


def changed(change: Change, root: Path = ROOT) -> str:
    """The file with the change made, as `ast.unparse` writes it. Raises `ValueError` unless there is one place."""
    tree = ast.parse((root / change.file).read_text())
    before, after = _parsed(change.before), _parsed(change.after)
    places = []
    for node in _inside(tree, change.function):
        letters: dict[str, ast.expr] = {}
        if _matches(before, node, letters):
            places.append((node, letters))
    if len(places) != 1:
        where = f"{change.function} of {change.file}"
        raise ValueError(f"{change.name}: {change.before!r} stands {len(places)} times in {where}, not once.")
    place, letters = places[0]
    new = _Replaced(lambda node: letters.get(getattr(node, "id", ""))).visit(after)
    return ast.unparse(_Replaced(lambda node: new if node is place else None).visit(tree))


class _Replaced(ast.NodeTransformer):
    """Puts another node in the place of each for which `other` has one."""

    def __init__(self, other: Callable[[ast.AST], ast.AST | None]) -> None:
        self.other = other

    def visit(self, node: ast.AST) -> ast.AST:
        return self.other(node) or self.generic_visit(node)


def _parsed(pattern: str) -> ast.AST:
    (statement,) = ast.parse(pattern).body
    return statement.value if isinstance(statement, ast.Expr) else statement


def _inside(tree: ast.AST, function: str) -> Iterator[ast.AST]:
    """Every node of a function, which is named as in ``Class.method`` or ``function.inner``."""
    scopes = [tree]
    for name in function.split("."):
        scopes = [child for scope in scopes for child in scope.body if getattr(child, "name", None) == name]
    for scope in scopes:
        yield from ast.walk(scope)


def _matches(pattern: object, node: object, letters: dict[str, ast.expr]) -> bool:
    """Whether a part of a tree is as the pattern says; keeps in `letters` what each letter stands for."""
    if isinstance(pattern, ast.Name) and len(pattern.id) == 1 and pattern.id.islower():
        return isinstance(node, ast.expr) and ast.unparse(letters.setdefault(pattern.id, node)) == ast.unparse(node)
    if type(pattern) is not type(node):
        return False
    if isinstance(pattern, ast.AST):
        fields = [name for name in pattern._fields if name != "ctx"]
        return all(_matches(getattr(pattern, name), getattr(node, name), letters) for name in fields)
    if isinstance(pattern, list):
        pairs = zip(pattern, node, strict=False)
        return len(pattern) == len(node) and all(_matches(one, other, letters) for one, other in pairs)
    return pattern == node


def by_hand() -> Iterator[Outcome]:
    """Every one of `CHANGES`, in a copy of the tree that is thrown away."""
    import accelerate  # noqa: F401
    import jaxtyping  # noqa: F401
    import pandas  # noqa: F401
    import torch
    from tqdm import tqdm

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("i2vlib", "book/i2vbook", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        for file in {change.file for change in CHANGES}:  # so that a changed file differs in the change alone
            (copy / file).write_text(ast.unparse(ast.parse((copy / file).read_text())))
        every = sorted({test for change in CHANGES for test in change.tests})
        if not _passes(copy, every):
            raise SystemExit(f"Tests fail where nothing was changed: {every}. Mend them first.")
        for change in tqdm(CHANGES, desc="by hand", unit="change"):
            whole, broken = (copy / change.file).read_text(), changed(change)
            (copy / change.file).write_text(broken)
            yield Outcome(change.file, change.name, not _passes(copy, change.tests), _difference(whole, broken))
            (copy / change.file).write_text(whole)


def _passes(folder: Path, tests: Sequence[str]) -> bool:
    """Whether the tests pass in a copy of the tree. Raises `SystemExit` if they could not be run.

    In a fork, so that torch is not imported again for every change.
    """
    child = multiprocessing.get_context("fork").Process(target=_run, args=(folder, tests))
    child.start()
    child.join()
    if child.exitcode not in (0, 1):
        raise SystemExit(f"The tests could not be run: {(folder / SAID).read_text()[-3000:]}")
    return child.exitcode == 0


def _run(folder: Path, tests: Sequence[str]) -> None:
    import pytest

    said = os.open(folder / SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(folder)
    ours = (ROOT, ROOT / "book", ROOT / "tests")
    others = [path for path in sys.path if Path(path or ".").resolve() not in ours]
    sys.path[:] = [str(folder), str(folder / "book"), *others]
    sys.dont_write_bytecode = True  # files change within a second, and may keep their size
    import i2vlib

    assert i2vlib.__file__ == str(folder / "i2vlib/__init__.py"), i2vlib.__file__
    settings = tomllib.loads((folder / "pyproject.toml").read_text())["tool"]["mutmut"]
    chosen = settings["pytest_add_cli_args_test_selection"][-2:]
    for test in tests:  # one file after another, for the first ones notice most
        if code := int(pytest.main(["-x", "-q", *settings["pytest_add_cli_args"], *chosen, test])):
            sys.exit(code)


#: What pytest has said, in the copy of the tree.
SAID = "said.txt"


def _difference(whole: str, broken: str) -> str:
    lines = difflib.unified_diff(whole.splitlines(), broken.splitlines(), n=0, lineterm="")
    return "\n".join(filter(_is_change, lines))


def by_mutmut() -> Iterator[Outcome]:
    """Every change that mutmut makes in `FUNCTIONS`."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    patterns = [pattern for file, names in FUNCTIONS.items() for pattern in _patterns(file, names)]
    run = _mutmut("run", "--max-children", "1", *patterns)
    if run.returncode:
        raise SystemExit(f"mutmut has failed:\n{run.stdout[-3000:]}{run.stderr[-1000:]}")
    for line in _mutmut("results", "--all", "true").stdout.splitlines():
        name, _, state = line.strip().partition(": ")
        if not name or state == "not checked":
            continue
        died = state in ("killed", "timeout")
        file = name.rpartition(".x")[0].replace(".", "/") + ".py"
        made = "" if died else "\n".join(x for x in _mutmut("show", name).stdout.splitlines() if _is_change(x))
        yield Outcome(file, name, died, made)


def _patterns(file: str, names: Sequence[str]) -> list[str]:
    """mutmut's names for the functions of a file: ``x_name``, and ``xǁClassǁname`` for a method."""
    module = file.removesuffix(".py").replace("/", ".")
    return [f"{module}.x" + ("ǁ" + n.replace(".", "ǁ") if "." in n else f"_{n}") + "__mutmut_*" for n in names]


def _is_change(line: str) -> bool:
    return line[:1] in "+-" and line[:3] not in ("+++", "---")


def _mutmut(*arguments: str) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def reason(outcome: Outcome) -> str | None:
    """Why a change that lives is none, if it is known."""
    made = [line[1:].strip() for line in outcome.made.splitlines() if line.startswith("+")]
    return next((EQUIVALENT[line] for line in made if line in EQUIVALENT), None)


def report(outcomes: Sequence[Outcome]) -> str:
    """A row a file, those that live by name, and the score."""
    lines = [f"{'file':44}{'broken':>8}{'died':>8}"]
    for file in sorted({outcome.file for outcome in outcomes}):
        died = [outcome.died for outcome in outcomes if outcome.file == file]
        lines.append(f"{file:44}{len(died):8}{sum(died):8}")
    for outcome in outcomes:
        if not outcome.died:
            lines += ["", f"{outcome.file}: {outcome.name}", outcome.made, f"  {reason(outcome) or 'No test notices.'}"]
    died = sum(outcome.died for outcome in outcomes)
    return "\n".join([*lines, "", f"{died} of {len(outcomes)} died: {100 * died / len(outcomes):.1f} %"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the changes made by hand only")
    quick = parser.parse_args().quick
    outcomes = [*by_hand(), *(() if quick else by_mutmut())]
    print(report(outcomes))
    return int(sum(outcome.died for outcome in outcomes) < WANTED * len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
