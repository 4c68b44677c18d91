r"""The loop, which knows no paper.

A step draws a batch, asks the method what its generator draws, and moves the discriminators and then the
generator down the weighted sum of the method's own loss terms. The first weights follow from the seed and everything
random in step k from ``(seed, k)``, so two runs of the same lines, and a run that was killed and one that was not,
end in the same bits. The folder of a run holds the checkpoint that it goes on from, ``history.csv``, and
``sample.png``: frames of a training clip above what the method makes of the first of them.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from i2vlib import checkpoints
from i2vlib.checkpoints import CHECKPOINT, Record, watched
from i2vlib.clips import Clip
from i2vlib.hub import checked_device
from i2vlib.interruption import Interruption, leave_interrupts_to_the_main_process
from i2vlib.papers.config import Trained
from i2vlib.papers.method import Trainable
from i2vlib.precision import rounded_products

if TYPE_CHECKING:
    import pandas as pd
    from accelerate import Accelerator


class Examples(Dataset):
    """The training samples of a run, numbered: sample i is a function of the seed and of i alone."""

    def __init__(self, method: Trainable, clips: Sequence[Clip], seed: int, numbers: range) -> None:
        self.method, self.clips, self.seed, self.numbers = method, clips, seed, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = numbered_rng(self.seed, self.numbers[index])
        clip = self.clips[int(torch.randint(len(self.clips), (), generator=rng))]
        return self.method.example(clip, rng)


def numbered_rng(seed: int, number: int) -> torch.Generator:
    """The random numbers of one sample or step, independent of every other."""
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)


def fit(
    method: Trainable,
    clips: Sequence[Clip],
    steps: int,
    seed: int = 0,
    folder: str | Path | None = None,
    *,
    precision: str = "no",
    device: str | None = None,
    checkpoint_every: int = 500,
    checkpoint_minutes: float = 1.0,
    log_every: int = 10,
    trackers: Sequence[str] = (),
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    validate_every: int = 1000,
    workers: int = 0,
    stop: Callable[[], bool] = lambda: False,
    progress: bool = True,
) -> pd.DataFrame:
    """Trains a method and resumes it where ``folder`` holds a checkpoint of the same run.

    A method that is as it was constructed gets its first weights from the seed; one that was trained, loaded or given
    weights keeps them, and gets from the seed what it was not given (`draw_weights`). Under ``accelerate launch`` each
    process draws its own share of the samples, and the gradients are averaged. The caller's random numbers are left as
    they were.

    With a folder, Ctrl+C and SIGTERM end the run after the step that is being done, with a checkpoint and a sentence
    that says how to go on; then they do what they always do. A second Ctrl+C is obeyed at once.

    Args:
        method: changed in place.
        clips: training clips; each has its neutral frame first.
        steps: discriminator and generator steps in all, those of an earlier, interrupted run included. More or fewer
            than the checkpoint's go on from it if every step done would have had the same learning rate.
        seed: decides the first weights and every draw.
        folder: where the checkpoint, the history, a sample and, at the end, the weights are written; nothing is
            written where it is None.
        precision: Accelerate's mixed precision: ``no`` or ``bf16``.
        device: ``cpu`` keeps off a GPU, ``cuda`` insists on one; left out, Accelerate chooses.
        checkpoint_every: steps between two checkpoints at most; there is one after the first step as well.
        checkpoint_minutes: and minutes between two at most.
        log_every, validate_every: in steps.
        trackers: names of Accelerate's trackers, such as ``tensorboard``; their logs go to ``folder``.
        validate: numbers about the method as it stands, for the history.
        workers: processes that load clips.
        stop: asked after every step; True in the main process ends the run early with a checkpoint.

    Returns:
        The history: a row every ``log_every`` steps; a column a term, unweighted.

    Raises:
        ValueError: there are no clips or no steps, the device is not there, or the checkpoint cannot be read, belongs
            to another run or cannot go on to so many steps.
        FloatingPointError: a loss is not finite; the last checkpoint stays as it was.
        KeyboardInterrupt: after Ctrl+C.
    """
    import pandas as pd

    if not len(clips):
        raise ValueError("There are no clips to train on: the sequence is empty. Check the folder or the split.")
    if steps < 1:
        raise ValueError(f"The number of steps is a positive integer; given was {steps}.")
    folder = None if folder is None else Path(folder)
    accelerator = _accelerator(precision, device, trackers, folder)
    gpus = [accelerator.device] if accelerator.device.type == "cuda" else []
    interruption = Interruption(folder is not None, accelerator.num_processes == 1)
    with torch.random.fork_rng(gpus), interruption:
        step, history = _train(
            accelerator, method, clips, steps, seed, folder, interruption, checkpoint_every=checkpoint_every,
            checkpoint_minutes=checkpoint_minutes, log_every=log_every, validate=validate,
            validate_every=validate_every, workers=workers, stop=stop, progress=progress,
        )  # fmt: skip
    if trackers:
        accelerator.end_training()
    if interruption.number:
        interruption.obey(
            f"Training was interrupted after step {step} of {steps}, and {folder} holds a checkpoint of it. "
            "Call fit again with the same arguments to go on from there.",
            accelerator.is_main_process,
        )
    return pd.DataFrame(history)


def _train(
    accelerator: Accelerator,
    method: Trainable,
    clips: Sequence[Clip],
    steps: int,
    seed: int,
    folder: Path | None,
    interruption: Interruption,
    *,
    checkpoint_every: int,
    checkpoint_minutes: float,
    log_every: int,
    validate: Callable[[nn.Module], dict[str, float]] | None,
    validate_every: int,
    workers: int,
    stop: Callable[[], bool],
    progress: bool,
) -> tuple[int, list]:
    """Does the steps of `fit`, whose arguments these are; returns the last one done, and the history."""
    from tqdm.auto import tqdm

    config, main = method.config, accelerator.is_main_process
    if folder is None or not (folder / CHECKPOINT).exists():
        draw_weights(method, seed)
    method.to(accelerator.device)
    optimisers = _optimisers(method, accelerator.device)
    settings = json.dumps(asdict(config), sort_keys=True)
    run = {"config": settings, "seed": seed, "steps": steps, "clips": len(clips)}
    done, history, seconds = 0, [], 0.0
    if state := checkpoints.latest(folder, run, accelerator.device):
        _check_steps(folder / CHECKPOINT, config, state["step"], state["run"]["steps"], steps)
        done, history, seconds = checkpoints.restore(state, method, optimisers)
    if done >= steps:
        _finish(accelerator, method, folder, done, seed)
        return done, history

    started, record = time.monotonic() - seconds, None
    if folder and main:
        record = Record(folder, run, method, optimisers, history, started, watched(method, clips))
    loader = _loader(accelerator, method, clips, seed, done, steps, workers)
    bar = tqdm(loader, initial=done, total=steps, disable=not (progress and main), desc="training", unit="step")
    method.train()
    for step, batch in enumerate(bar, start=done + 1):
        _seed_step(accelerator, seed, step)
        _schedule(optimisers, config.learning_rate, config.decay, step, steps)
        terms, outputs = _both_sides(accelerator, method, optimisers, batch)
        stopped = interruption.agreed(accelerator, step < steps and stop())
        last = step == steps or stopped
        if step % log_every == 0 or last:
            history.append(_row(step, terms, outputs, time.monotonic() - started))
            accelerator.log(history[-1], step=step)
            bar.set_postfix(_shown(history[-1]), refresh=False)
        if validate is not None and (step % validate_every == 0 or last) and main:
            measured = {f"validation/{name}": float(value) for name, value in validate(method.eval()).items()}
            history.append({"step": step, "seconds": time.monotonic() - started, **measured})
            method.train()
        leaving = last or interruption.number
        due = leaving or step == 1 or step % checkpoint_every == 0
        if record and (due or record.due(checkpoint_minutes)):
            record.write(step)
        if leaving:
            break
    bar.close()
    _finish(accelerator, method, folder, step, seed)
    accelerator.wait_for_everyone()
    return step, history


def _optimisers(method: Trainable, device: torch.device) -> dict[str, torch.optim.Adam]:
    """Makes Adam for each side of the game."""
    config, fused = method.config, device.type in ("cpu", "cuda")
    sides = {"generator": method.generator_parameters(), "discriminator": method.discriminator_parameters()}
    return {
        side: torch.optim.Adam([{"params": parameters}], config.learning_rate, config.betas, fused=fused)
        for side, parameters in sides.items()
    }


def _loader(
    accelerator: Accelerator, method: Trainable, clips: Sequence[Clip], seed: int, done: int, steps: int, workers: int
) -> DataLoader:
    """Loads this process's share of the samples of the steps that are left."""
    world, rank, size = accelerator.num_processes, accelerator.process_index, method.config.clips_per_step
    numbers = range(done * size * world + rank, steps * size * world, world)
    return DataLoader(
        Examples(method, clips, seed, numbers), size, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=accelerator.device.type == "cuda", worker_init_fn=leave_interrupts_to_the_main_process,
    )  # fmt: skip


def _seed_step(accelerator: Accelerator, seed: int, step: int) -> None:
    """Seeds torch for a step by its number alone, each process differently."""
    world, rank = accelerator.num_processes, accelerator.process_index
    torch.manual_seed(int(torch.randint(2**62, (), generator=numbered_rng(seed, -step * world - rank))))


def _both_sides(
    accelerator: Accelerator,
    method: Trainable,
    optimisers: Mapping[str, torch.optim.Optimizer],
    batch: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Moves the discriminators and then the generator; returns their terms by side and name, and what was made."""
    batch = {name: value.to(accelerator.device, non_blocking=True) for name, value in batch.items()}
    with _autocast(accelerator):
        outputs = {name: value.float() for name, value in method.outputs(batch).items()}
    terms = {}
    for side, ask in (
        ("discriminator", method.discriminator_terms),
        ("generator", method.generator_terms),
    ):
        with _autocast(accelerator):
            named = ask(batch, outputs)
        terms |= {f"{side}/{name}": value for name, value in named.items()}
        _step(accelerator, optimisers[side], side, named, method.config.weights)
    return terms, outputs


def _shown(row: Mapping[str, float]) -> dict[str, str]:
    """The generator's terms of a row of the history, for the progress bar."""
    side = "generator/"
    return {name.removeprefix(side): f"{value:.3f}" for name, value in row.items() if name.startswith(side)}


def _accelerator(precision: str, device: str | None, trackers: Sequence[str], folder: Path | None) -> Accelerator:
    """Sets up Accelerate. Raises `ValueError` for another precision, or a device that is not there."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    if precision not in ("no", "bf16"):
        raise ValueError(f"The precision is 'no' or 'bf16'; given was {precision!r}.")
    wanted = None if device is None else checked_device(device)
    if wanted is not None and wanted.index is not None:
        raise ValueError(
            f"Which of several GPUs a run is on is Accelerate's choice; given was {device!r}. Give "
            f"device={wanted.type!r}, and name the GPU in the environment: CUDA_VISIBLE_DEVICES={wanted.index}."
        )
    if AcceleratorState._shared_state and AcceleratorState().num_processes == 1:
        AcceleratorState._reset_state(reset_partial_state=True)  # another call may have asked for another precision
    accelerator = Accelerator(
        cpu=device == "cpu", mixed_precision=precision, log_with=list(trackers) or None, project_dir=folder
    )
    if wanted is not None and accelerator.device.type != wanted.type:
        raise ValueError(
            f"The device {device!r} was asked for, and Accelerate has chosen {accelerator.device.type!r}. "
            "Look at its settings (accelerate config, or ACCELERATE_USE_CPU in the environment)."
        )
    if trackers:
        accelerator.init_trackers("i2vlib")
    return accelerator


@contextmanager
def _autocast(accelerator: Accelerator) -> Iterator[None]:
    """Accelerate's, no slower on a CPU without bf16 than float32 is."""
    with accelerator.autocast(), rounded_products(accelerator.device.type, accelerator.mixed_precision):
        yield


# The first weights


def draw_weights(method: Trainable, seed: int) -> list[str]:
    """Draws the first weights of a method from a seed: those of its generator and of each of its discriminators that
    are as they were constructed.

    They are the bits that ``torch.manual_seed(seed)`` just before the construction gives. A part of which any
    parameter was trained, loaded or changed (`i2vlib.hub.Pretrained.untouched`) keeps all it has. So a model that is
    trained on keeps its generator, and gets the discriminators that its file lacks from the seed. The caller's random
    numbers are left as they were.

    Returns:
        The parts that were drawn: "generator", and discriminators by the names of their modules.
    """
    parts: dict[str, dict[str, nn.Parameter]] = {}
    for name, value in method.named_parameters():
        judge = re.match(r"(?:.+?\.)?discriminator\w*", name)
        parts.setdefault(judge.group() if judge else "generator", {})[name] = value
    untouched = method.untouched()
    drawn = dict(method.constructed(torch.Generator().manual_seed(seed).get_state()).named_parameters())
    new = [part for part, own in parts.items() if untouched.issuperset(own)]
    with torch.no_grad():
        for name, value in (item for part in new for item in parts[part].items()):
            value.copy_(drawn[name])
    return new


def _finish(accelerator: Accelerator, method: Trainable, folder: Path | None, step: int, seed: int) -> None:
    """The method ready for use, and its weights in the folder: again, if a run was killed before they were written."""
    method.eval()
    if folder and accelerator.is_main_process:
        method.save_pretrained(folder, {"steps": step, "seed": seed})


def _step(
    accelerator: Accelerator,
    optimiser: torch.optim.Optimizer,
    side: str,
    terms: Mapping[str, Tensor],
    weights: Mapping[str, float],
) -> None:
    """One optimiser step down the weighted sum of the terms; the other side's parameters stay out of the graph."""
    total = sum(weights[name] * value for name, value in terms.items())
    if not isinstance(total, Tensor):
        return
    if not torch.isfinite(total):
        broken = [name for name, value in terms.items() if not torch.isfinite(value)]
        raise FloatingPointError(
            f"The {side}'s loss is not finite ({broken}). Lower the learning rate or use precision='no'."
        )
    optimiser.zero_grad(set_to_none=True)
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    accelerator.backward(total, inputs=parameters, retain_graph=False)
    if accelerator.num_processes > 1:
        for parameter in parameters:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = accelerator.reduce(gradient, "mean")
    optimiser.step()


def learning_rate(rate: float, decay: float, step: int, steps: int) -> float:
    """The learning rate of a step, counted from 1: constant, then linearly to 0 over the last share ``decay``."""
    left = (steps - step + 1) / max(decay * steps, 1)
    return rate * min(1.0, left)


def _schedule(optimisers: Mapping, rate: float, decay: float, step: int, steps: int) -> None:
    for optimiser in optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(rate, decay, step, steps)


def _row(step: int, terms: Mapping[str, Tensor], outputs: Mapping[str, Tensor], seconds: float) -> dict[str, float]:
    scalars = {name: value.item() for name, value in terms.items()}
    vectors = {f"mean/{name}": value.mean().item() for name, value in outputs.items() if value.ndim == 2}
    return {"step": step, "seconds": seconds, **scalars, **vectors}


def _check_steps(path: Path, config: Trained, done: int, before: int, steps: int) -> None:
    """Raises `ValueError` if the steps done are not those of a run of ``steps`` in all, but of one of ``before``."""
    if steps < done:
        raise ValueError(
            f"The checkpoint {path} has done {done} steps, and {steps} in all were asked for: steps are not taken "
            f"back. Give steps={done} or more, choose another folder, or move it away."
        )
    rates = (
        (k, *(learning_rate(config.learning_rate, config.decay, k, n) for n in (before, steps)))
        for k in range(1, done + 1)
    )
    for step, had, due in rates:
        if had != due:
            raise ValueError(
                f"The checkpoint {path} cannot go on to {steps} steps: it has done {done} of {before}, the learning "
                f"rate falls over the last {config.decay:.0%} of them, and in a run of {steps} step {step} would have "
                f"had {due:g} where it had {had:g}. Give steps={before}, choose another folder, or move it away; "
                "only a run whose rate has not begun to fall, or never does (decay=0), can be made longer."
            )
