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
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
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
    """One thing to break: `before` occurs once in `file`, and with `after` in its place one of `tests` has to fail."""

    name: str
    file: str
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
    Change("a minimax generator looks made", LOSSES,
           "-F.softplus(made).mean() if saturating", "F.softplus(made).mean() if saturating", OF_LOSSES),
    Change("a generator looks made", LOSSES,
           "else F.softplus(-made).mean()", "else F.softplus(made).mean()", OF_LOSSES),
    Change("a discriminator calls made what is real", LOSSES,
           "F.softplus(-real).mean() + F.softplus(made).mean()", "F.softplus(real).mean() + F.softplus(-made).mean()",
           OF_LOSSES),
    Change("a sum over what is real", LOSSES, "F.softplus(-real).mean()", "F.softplus(-real).sum()", OF_LOSSES),
    Change("a sum over what is made", LOSSES, "+ F.softplus(made).mean()", "+ F.softplus(made).sum()", OF_LOSSES),
    Change("a masked mean over every pixel", LOSSES,
           "(error * mask).sum() / mask.sum().clamp_min(1)", "(error * mask).mean()", OF_LOSSES),
    Change("what moves from half the change on", REGIONS, "difference > 2 * MOVED", "difference > MOVED", OF_REGIONS),
    # FAN
    Change("FAN Eq. 1: the codes swapped", FAN_EQUATIONS,
           "blocks.affine(base, residual, intensity)", "blocks.affine(residual, base, intensity)", OF_FAN),
    Change("FAN Eq. 3: real and made swapped", FAN_EQUATIONS,
           ":math:`V(a)`.\n    \"\"\"\n    return losses.discriminator_loss(real, made)",
           ":math:`V(a)`.\n    \"\"\"\n    return losses.discriminator_loss(made, real)", OF_FAN),
    Change("FAN Eq. 4: real and made swapped", FAN_EQUATIONS,
           ":math:`M(a)`.\n    \"\"\"\n    return losses.discriminator_loss(real, made)",
           ":math:`M(a)`.\n    \"\"\"\n    return losses.discriminator_loss(made, real)", OF_FAN),
    Change("FAN Eq. 4: the masks dropped", CODED,
           "self.shown(batch, frames * mask)", "self.shown(batch, frames)", OF_FAN),
    Change("FAN Eq. 5: a sum for a mean", FAN_EQUATIONS,
           ".flatten(1).mean(1).sum() / len(images)", ".flatten(1).sum(1).sum() / len(images)", OF_FAN),
    Change("FAN Eq. 5: over neighbours, not images", FAN_EQUATIONS,
           ".mean(1).sum() / len(images)", ".mean(1).mean()", OF_FAN),
    Change("FAN Eq. 5: above and below swapped", FAN_EQUATIONS,
           "[intensity - increment, intensity + increment]", "[intensity + increment, intensity - increment]", OF_FAN),
    Change("FAN Eq. 5: maximised", FAN,
           "return equations.temporal(", "return -equations.temporal(", OF_FAN),
    Change("FAN Eq. 5: neighbours given to the wrong frames", FAN,
           "torch.cat([numbers, numbers], 1)[inside]", "torch.cat([numbers, numbers.flip(1)], 1)[inside]", OF_FAN),
    Change("FAN: the root of 68 dropped", FAN_EQUATIONS, " / true.shape[-2] ** 0.5", "", OF_FAN),
    Change("FAN: labels from 1 to 0", FAN_EQUATIONS, "linspace(0, 1, frames)", "linspace(1, 0, frames)", OF_FAN),
    Change("FAN: the made frames of D_g and D_l not detached", FAN,
           'outputs["images"].detach()', 'outputs["images"]', OF_FAN),
    Change("FAN: D_g told that made is real", FAN,
           "real=self._judged(real), made=self._judged(made)", "real=self._judged(made), made=self._judged(real)",
           OF_FAN),
    Change("FAN: D_l told that made is real", FAN,
           "equations.adversarial_local, batch, real, made)", "equations.adversarial_local, batch, made, real)",
           OF_FAN),
    Change("FAN: the first frame among the others", CODED,
           '"frames": frames[1:]', '"frames": frames[:-1]', OF_FAN),
    Change("FAN: every expression through the first encoder", FAN,
           "self.residual_encoders[label](still)", "self.residual_encoders[0](still)", OF_FAN),
    Change("FAN: the clips of a mixed batch left in the order of their labels", FAN,
           "torch.cat([rows for _, rows in groups]).argsort()", "torch.cat([rows for _, rows in groups])", OF_FAN),
    Change("FAN: labels of other frames", FAN,
           "self._labels(clip)[index]", "self._labels(clip)[sorted(index)]", OF_FAN),
    Change("FAN: the neutral frame in the place of all others", CODED,
           "error = error + loss(", "error = loss(", OF_FAN),
    Change("FAN: what moves, by the frames that were made", FAN,
           "regions.moving(real, still)", "regions.moving(made, still)", OF_FAN),
    Change("FAN: landmarks read off the neighbours", FAN,
           "features[: a.numel()]", "features[-a.numel() :]", OF_FAN),
    # AffineGAN
    Change("AffineGAN Eq. 1: the codes swapped", AFFINE,
           "return self.encoder(still), self.residual_encoder(still, label)",
           "return self.residual_encoder(still, label), self.encoder(still)", OF_AFFINE),
    Change("AffineGAN Eq. 4: always by the norm", AFFINE_EQUATIONS,
           "length if squared else length.sqrt()", "length.sqrt()", OF_AFFINE),
    Change("AffineGAN Eq. 4: back from the frame to the still", AFFINE_EQUATIONS,
           "ft.unflatten(0, (clips, -1)) - f0.unsqueeze(1)", "f0.unsqueeze(1) - ft.unflatten(0, (clips, -1))",
           OF_AFFINE),
    Change("AffineGAN Eq. 5: no absolute value", AFFINE_EQUATIONS,
           "return projection.abs()", "return projection", OF_AFFINE),
    Change("AffineGAN Eq. 6: always held fast", AFFINE,
           "a.detach() if config.detach_intensity else a", "a.detach()", OF_AFFINE),
    Change("AffineGAN Eq. 6: never held fast", AFFINE,
           "a.detach() if config.detach_intensity else a", "a", OF_AFFINE),
    Change("AffineGAN Eq. 7: real and made swapped", AFFINE_EQUATIONS,
           ":math:`\\hat I_t`.\n    \"\"\"\n    return losses.discriminator_loss(real, made)",
           ":math:`\\hat I_t`.\n    \"\"\"\n    return losses.discriminator_loss(made, real)", OF_AFFINE),
    Change("AffineGAN Eq. 8: real and made swapped", AFFINE_EQUATIONS,
           ":math:`M_t`.\n    \"\"\"\n    return losses.discriminator_loss(real, made)",
           ":math:`M_t`.\n    \"\"\"\n    return losses.discriminator_loss(made, real)", OF_AFFINE),
    Change("AffineGAN Eq. 8: the mouths of other frames", CODED,
           '"mask": mask[1:]', '"mask": mask[:-1]', OF_AFFINE),
    Change("AffineGAN Eq. 11: draws and intensities swapped", AFFINE_EQUATIONS,
           "losses.discriminator_loss(uniform, inferred)", "losses.discriminator_loss(inferred, uniform)", OF_AFFINE),
    Change("AffineGAN Eq. 10: the self images compared with the made ones", AFFINE,
           'equations.reconstruction_self(real, outputs["self_images"])',
           'equations.reconstruction_self(made, outputs["self_images"])', OF_AFFINE),
    Change("AffineGAN Eq. 11: the generator's gradient cut off from the intensity", AFFINE,
           'fooled(self.discriminator_intensity(outputs["intensity"]))',
           'fooled(self.discriminator_intensity(outputs["intensity"].detach()))', OF_AFFINE),
    Change("AffineGAN Eq. 11: the intensities of D_a not detached", AFFINE,
           'self.discriminator_intensity(outputs["intensity"].detach())',
           'self.discriminator_intensity(outputs["intensity"])', OF_AFFINE),
    Change("AffineGAN Eq. 11: handed over swapped", AFFINE,
           'uniform=self.discriminator_intensity(batch["uniform"]),\n                inferred=self',
           'inferred=self.discriminator_intensity(batch["uniform"]),\n                uniform=self', OF_AFFINE),
    Change("AffineGAN: the made frames not detached", AFFINE,
           'outputs["images"].detach()', 'outputs["images"]', OF_AFFINE),
    Change("AffineGAN: D_g told that made is real", AFFINE,
           "real=of_real()[0], made=self._judged(batch, made)[0]",
           "real=self._judged(batch, made)[0], made=of_real()[0]",
           OF_AFFINE),
    Change("AffineGAN: D_l told that made is real", AFFINE,
           "equations.adversarial_local, batch, real, made)", "equations.adversarial_local, batch, made, real)",
           OF_AFFINE),
    Change("AffineGAN: D_l asked of clips whose mask does not count", CODED,
           "frames * mask)[rows].flatten(0, 1)", "frames * mask).flatten(0, 1)", OF_AFFINE),
    Change("AffineGAN: no latent noise", AFFINE, "level + sigma * torch.randn_like(level)", "level", OF_AFFINE),
    Change("AffineGAN: noise in use as well", AFFINE, "if sigma and self.training", "if sigma", OF_AFFINE),
    Change("AffineGAN: the conditional discriminators shown the frame twice", AFFINE,
           'batch["neutral"].unsqueeze(1).expand_as(images), images], 2)', "images, images], 2)", OF_AFFINE),
    Change("AffineGAN: the joint discriminator asked one by one", AFFINE,
           "config.frames_per_clip if config.joint_intensity else 1", "1", OF_AFFINE),
    Change("AffineGAN: the joint discriminator mixes clips", AFFINE_NETWORKS,
           "intensity.reshape(-1, self.inputs)", "intensity.T.reshape(-1, self.inputs)", OF_AFFINE),
    Change("AffineGAN: labels of other frames", AFFINE,
           'batch["label"].repeat_interleave(self.config.frames_per_clip)',
           'batch["label"].repeat(self.config.frames_per_clip)', OF_AFFINE),
    Change("AffineGAN: the expression judged without the intensity", AFFINE,
           'reduction="none") * weight).sum()', 'reduction="none")).sum()', OF_AFFINE),
    Change("AffineGAN: the weight of the expression not detached", AFFINE,
           'outputs["intensity"].detach().clamp(0, 1)', 'outputs["intensity"].clamp(0, 1)', OF_AFFINE),
    Change("AffineGAN: what moves, by the frames that were made", AFFINE,
           "regions.moving(real, still)", "regions.moving(made, still)", OF_AFFINE),
    # FRGAN
    Change("FRGAN Eq. 2: turned round", FRGAN_EQUATIONS,
           "mask * content + (1 - mask) * still", "mask * still + (1 - mask) * content", OF_FRGAN),
    Change("FRGAN Eq. 3: now and then swapped", FRGAN_EQUATIONS,
           "then - now + image", "now - then + image", OF_FRGAN),
    Change("FRGAN Eq. 5: a sum for a mean", FRGAN_EQUATIONS,
           "(real - made).abs().mean()", "(real - made).abs().sum()", OF_FRGAN),
    Change("FRGAN Eq. 7: its sign", FRGAN_EQUATIONS,
           "-critic(made, maps).mean()", "critic(made, maps).mean()", OF_FRGAN),
    Change("FRGAN Eq. 8: its sign", FRGAN_EQUATIONS,
           "critic(made.detach(), maps).mean() - critic(real, maps).mean()",
           "critic(real, maps).mean() - critic(made.detach(), maps).mean()", OF_FRGAN),
    Change("FRGAN Eq. 8: the made frames not detached", FRGAN_EQUATIONS,
           "critic(made.detach(), maps).mean()", "critic(made, maps).mean()", OF_FRGAN),
    Change("FRGAN Eq. 9: a slope of 0", FRGAN_EQUATIONS,
           '"The terms of a step".\n    """\n    return (slope(critic, real, made, maps, share) - 1)',
           '"The terms of a step".\n    """\n    return slope(critic, real, made, maps, share)', OF_FRGAN),
    Change("FRGAN Eq. 10: turned round", FRGAN_EQUATIONS,
           "mask * content + (1 - mask) * clip", "mask * clip + (1 - mask) * content", OF_FRGAN),
    Change("FRGAN Eq. 12: the sign of D_V", FRGAN_EQUATIONS, "-of_clips(made", "of_clips(made", OF_FRGAN),
    Change("FRGAN Eq. 12: the sign of D_I", FRGAN_EQUATIONS, "-of_frames(frames_of", "of_frames(frames_of", OF_FRGAN),
    Change("FRGAN Eq. 13: its sign", FRGAN_EQUATIONS,
           "(critic(made.detach(), maps) - critic(real, maps)).mean()",
           "(critic(real, maps) - critic(made.detach(), maps)).mean()", OF_FRGAN),
    Change("FRGAN Eq. 13: the made clips not detached", FRGAN_EQUATIONS,
           "(critic(made.detach(), maps) - critic(real, maps)).mean()",
           "(critic(made, maps) - critic(real, maps)).mean()", OF_FRGAN),
    Change("FRGAN Eq. 14: a slope of 0", FRGAN_EQUATIONS,
           'held at 1".\n    """\n    return (slope(critic, real, made, maps, share) - 1)',
           'held at 1".\n    """\n    return slope(critic, real, made, maps, share)', OF_FRGAN),
    Change("FRGAN: the slope between, real and made swapped", FRGAN_EQUATIONS,
           "s * real + (1 - s) * made", "s * made + (1 - s) * real", OF_FRGAN),
    Change("a slope along the first of what is shown only", LOSSES,
           "for along in slopes]", "for along in slopes[:1]]", (*OF_LOSSES, *OF_FRGAN)),
    Change("a slope of no use to the critic", LOSSES,
           "create_graph=True", "create_graph=False", (*OF_LOSSES, *OF_FRGAN)),
    Change("FRGAN G_M: now and then swapped", FORECAST,
           'self(batch["still"], batch["now"], batch["then"])', 'self(batch["still"], batch["then"], batch["now"])',
           OF_FORECAST),
    Change("FRGAN G_M: its codes swapped", FORECAST,
           "equations.analogy(code, before, after)", "equations.analogy(code, after, before)", OF_FORECAST),
    Change("FRGAN D_I: told of the map of the still", FORECAST,
           'outputs["images"], batch["then"]', 'outputs["images"], batch["now"]', OF_FORECAST),
    Change("FRGAN G_M: judged by the map of the still", FORECAST,
           'self.discriminator, made, batch["then"]', 'self.discriminator, made, batch["now"]', OF_FORECAST),
    Change("FRGAN D_I: real and made swapped", FORECAST,
           "equations.frames_apart(critic, real, made, maps)", "equations.frames_apart(critic, made, real, maps)",
           OF_FORECAST),
    Change("FRGAN D_I: real and made swapped in the penalty", FORECAST,
           "equations.frames_penalty(critic, real, made,", "equations.frames_penalty(critic, made, real,", OF_FORECAST),
    Change("FRGAN G_M: what moves, by the frame that was made", FORECAST,
           'regions.moving(batch["frame"][:, None], batch["still"])', 'regions.moving(made[:, None], batch["still"])',
           OF_FORECAST),
    Change("FRGAN G_R: the forecast in the place of the real clip", REFINE,
           'clips = batch["frames"], outputs["images"]', 'clips = batch["forecast"], outputs["images"]', OF_REFINE),
    Change("FRGAN D_V: real and made swapped", REFINE,
           'clips = batch["frames"], outputs["images"]', 'clips = outputs["images"], batch["frames"]', OF_REFINE),
    Change("FRGAN D_I of G_R: another frame than the one chosen", REFINE,
           'batch["chosen"][:, :1]', 'batch["chosen"][:, -1:] * 0', OF_REFINE),
    Change("FRGAN Eq. 11: D_V and D_I swapped", REFINE,
           "equations.clip_adversarial(of_clips, of_frames,", "equations.clip_adversarial(of_frames, of_clips,",
           OF_REFINE),
    Change("FRGAN G_R: clips and maps swapped", REFINE,
           'self(batch["forecast"], batch["maps"])', 'self(batch["maps"], batch["forecast"])', OF_REFINE),
    Change("FRGAN G_R: what moves, from frame to frame's own", REFINE,
           "regions.moving(by_frame, by_frame[:, 0])", "regions.moving(by_frame, by_frame[:, -1])", OF_REFINE),
    # What FRGAN is compared with on bodies
    Change("compared: a sample begins before the still", FIXED_LENGTH,
           "[first + later for later", "[later for later", OF_COMPARED),
    Change("compared: a body's face is looked for", FIXED_LENGTH,
           'animation.crop_of if self.config.shows == "faces" else animation.fit_to', "animation.crop_of", OF_COMPARED),
    Change("HP: a hidden joint sets out from the middle of the picture", HP,
           "torch.where(known, points, middle)", "torch.where(known, points, 0)", OF_COMPARED),
    Change("HP: hidden joints count in the middle", HP,
           "known.sum(1, keepdim=True).clamp_min(1)", "points.shape[1]", OF_COMPARED),
    Change("HP: every frame of the still's own poses", HP,
           "points[:, 0], points[:, 1:])[0]", "points[:, 0], points[:, :1].expand_as(points[:, 1:]))[0]", OF_COMPARED),
    Change("bodies: G_C's forecast is the truth", MEASURING,
           '"forecast_shared": (followed, guessed)', '"forecast_shared": (followed, true)', OF_BODIES),
    Change("bodies: a forecast of its own is the true poses", MEASURING,
           '"clips": (followed, true), "forecast": (method.redraw, true)',
           '"clips": (followed, true), "forecast": (followed, true)', OF_BODIES),
    Change("bodies: what is drawn is filed by how", MEASURING,
           'issubclass(run.kind, Follower) or (run.bodies and run.kind.makes == "pictures")',
           "issubclass(run.kind, Follower)", OF_BODIES),
    # Ours: carried drawing
    Change("ours, Eq. 1: maps that are no changes from rest", CARRIED,
           "torch.tanh(drawn[:, 3:]) - torch.tanh(rest[:, 3:])", "torch.tanh(drawn[:, 3:])", OF_CARRIED),
    Change("ours, Eq. 4: a gate that is read the other way", CARRIED,
           "maps.gate * carried + (1 - maps.gate) * maps.colour",
           "(1 - maps.gate) * carried + maps.gate * maps.colour", OF_CARRIED),
    Change("ours, Eq. 5: flow asked for where nothing shows it", CARRIED,
           "masked_l1(flow, true, seen)", "masked_l1(flow, true, 1 - seen)", OF_CARRIED),
    Change("ours, Eq. 6: a gate that shuts on what is seen", CARRIED,
           "binary_cross_entropy_with_logits(new.float(), 1 - seen)",
           "binary_cross_entropy_with_logits(new.float(), seen)", OF_CARRIED),
    # FGST
    Change("FGST: warped the other way", CARRIED, "(flow[:, 0] + columns)", "(columns - flow[:, 0])", OF_FGST),
    Change("FGST: a divergence without its logarithm", FGST, "- 1 - log_variance)", "- 1)", OF_FGST),
    Change("FGST: noise as wide as the variance", FGST, "(log_variance / 2).exp()", "log_variance.exp()", OF_FGST),
    Change("FGST: a code that takes the place of the still's", FGST, "still + still * code", "still * code", OF_FGST),
    Change("FGST: the encoder shown no flow", FGST,
           'batch["flow"][:, 1:] / self._unit', 'batch["flow"][:, 1:] * 0', OF_FGST),
    Change("FGST: pictures learnt of the flow that is made", FGST,
           'at_moments(batch["flow"], batch["moments"])', 'at_moments(flow, batch["moments"] - 1)', OF_FGST),
    Change("FGST: frames augmented, their flow not", FGST, "change.moved_flow(flow)", "flow", OF_FGST),
    Change("a flow mirrored that points the same way", SAMPLES,
           "self.moved(flow) * self.scale * along", "self.moved(flow) * self.scale", OF_FGST),
    Change("a flow as long in a larger picture", SAMPLES,
           "self.moved(flow) * self.scale * along", "self.moved(flow) * along", OF_FGST),
    # The training step
    Change("the gradients of processes summed", TRAINING, '(gradient, "mean")', '(gradient, "sum")', OF_STEP),
    Change("terms without their weights", TRAINING, "weights[name] * value", "value", OF_STEP),
    Change("the gradients of the step before kept", TRAINING,
           "    optimiser.zero_grad(set_to_none=True)\n", "", OF_STEP),
    Change("the other side learns as well", TRAINING,
           "accelerator.backward(total, inputs=parameters, retain_graph=False)", "accelerator.backward(total)",
           OF_STEP),
    Change("the sides' optimisers swapped", TRAINING,
           'side: torch.optim.Adam([{"params": parameters}], config.learning_rate, config.betas, fused=fused)',
           "{'generator': 'discriminator', 'discriminator': 'generator'}[side]: "
           'torch.optim.Adam([{"params": parameters}], config.learning_rate, config.betas, fused=fused)', OF_STEP),
    Change("the generator before the discriminators", TRAINING,
           '("discriminator", method.discriminator_terms),\n        ("generator", method.generator_terms),',
           '("generator", method.generator_terms),\n        ("discriminator", method.discriminator_terms),',
           OF_STEP),
    Change("the decay ends at 0 a step early", TRAINING, "(steps - step + 1)", "(steps - step)", OF_STEP),
    Change("the decay never begins", TRAINING,
           "_schedule(optimisers, config.learning_rate, config.decay, step, steps)",
           "_schedule(optimisers, config.learning_rate, 0.0, step, steps)", OF_STEP),
    Change("every step draws the same", TRAINING,
           "numbered_rng(seed, -step * world - rank)", "numbered_rng(seed, -1)", OF_STEP),
    Change("every sample is the first one", TRAINING,
           "numbered_rng(self.seed, self.numbers[index])", "numbered_rng(self.seed, 0)", OF_STEP),
    # VGAN
    Change("VGAN: the streams swapped", VGAN,
           "mask * foreground + (1 - mask)", "(1 - mask) * foreground + mask", OF_VGAN),
    Change("VGAN: the last frame is to be the still", VGAN,
           "(made[:, :, 0] - still)", "(made[:, :, -1] - still)", OF_VGAN),
    Change("VGAN: a discriminator teaches the generator", VGAN,
           'outputs["images"].detach()', 'outputs["images"]', OF_VGAN),
    # MCNet
    Change("MCNet: a discriminator waits only where it knows both kinds", MCNET,
           "losses.min() >= margin", "losses.max() >= margin", OF_MCNET),
    Change("MCNet: a generator waits only where both kinds are unknown", MCNET,
           "losses.max() <= 1 - margin", "losses.min() <= 1 - margin", OF_MCNET),
    Change("MCNet: who calls everything real waits for ever", MCNET,
           "return judge | ~generator, generator | ~judge", "return judge, generator", OF_MCNET),
    # GANimation
    Change("GANimation: the weakest label is kept", GANIMATION,
           "label.sum() > found[row].sum()", "label.sum() < found[row].sum()", OF_GANIMATION),
    Change("GANimation: labels are learnt from those who validate", GANIMATION,
           "if self._reads and self.training:", "if self._reads:", OF_GANIMATION),
    Change("GANimation: a frame of which nothing was read", GANIMATION,
           "known.isfinite().all(1)", "known.isnan().logical_not().any(1) | True", OF_GANIMATION),
    Change("GANimation: the way there counted as its own units", GANIMATION,
           'condition(read, outputs["wanted"])', 'condition(read, batch["own"])', OF_GANIMATION),
)  # fmt: skip


def changed(change: Change, root: Path = ROOT) -> str:
    """The file with the change made. Raises `ValueError` unless there is one place for it."""
    text = (root / change.file).read_text()
    if (found := text.count(change.before)) != 1:
        raise ValueError(f"{change.name}: {change.before!r} stands {found} times in {change.file}, not once.")
    return text.replace(change.before, change.after)


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
        every = sorted({test for change in CHANGES for test in change.tests})
        if not _passes(copy, every):
            raise SystemExit(f"Tests fail where nothing was changed: {every}. Mend them first.")
        for change in tqdm(CHANGES, desc="by hand", unit="change"):
            whole = (copy / change.file).read_text()
            (copy / change.file).write_text(changed(change))
            yield Outcome(change.file, change.name, not _passes(copy, change.tests), _lines(change))
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


def _lines(change: Change) -> str:
    before, after = change.before.splitlines(), change.after.splitlines()
    return "\n".join([*(f"-{line}" for line in before), *(f"+{line}" for line in after)])


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
