r"""The loop, which knows no paper.

A step draws a batch, asks the method what its generator makes of it, and moves the discriminators and then the
generator down the weighted sum of the method's own loss terms. The first weights follow from the seed and everything
random in step k from ``(seed, k)``, so two runs of the same lines, and a run that was killed and one that was not,
end in the same bits. The folder of a run holds the checkpoint that it goes on from, ``history.csv``, and
``sample.png``: frames of a training clip above what the method makes of the first of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from i2vlib import video
from i2vlib.clips import Clip
from i2vlib.hub import checked_device
from i2vlib.papers.method import Config, Trainable
from i2vlib.precision import rounded_products
from i2vlib.store import write_file

if TYPE_CHECKING:
    import pandas as pd
    from accelerate import Accelerator

CHECKPOINT, HISTORY, SAMPLE = "checkpoint.pt", "history.csv", "sample.png"


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
    """The steps of `fit`, whose arguments these are: the last one done, and the history."""
    from tqdm.auto import tqdm

    config, main = method.config, accelerator.is_main_process
    if folder is None or not (folder / CHECKPOINT).exists():
        draw_weights(method, seed)
    method.to(accelerator.device)
    fused = accelerator.device.type in ("cpu", "cuda")
    optimisers = {
        side: torch.optim.Adam([{"params": parameters}], config.learning_rate, config.betas, fused=fused)
        for side, parameters in (
            ("generator", method.generator_parameters()),
            ("discriminator", method.discriminator_parameters()),
        )
    }
    run = {
        "config": json.dumps(asdict(config), sort_keys=True),
        "seed": seed,
        "steps": steps,
        "clips": len(clips),
    }
    done, history, seconds = _resume(folder, run, method, optimisers, accelerator.device)
    if done >= steps:
        _finish(accelerator, method, folder, done, seed)
        return done, history

    started = time.monotonic() - seconds
    record = (
        _Record(folder, run, method, optimisers, history, started, watched(method, clips)) if folder and main else None
    )
    world, rank, batch_size = accelerator.num_processes, accelerator.process_index, config.clips_per_step
    numbers = range(done * batch_size * world + rank, steps * batch_size * world, world)
    loader = DataLoader(
        Examples(method, clips, seed, numbers), batch_size, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=accelerator.device.type == "cuda", worker_init_fn=_leave_interrupts_to_the_main_process,
    )  # fmt: skip
    method.train()
    bar = tqdm(loader, initial=done, total=steps, disable=not (progress and main), desc="training", unit="step")
    for step, batch in enumerate(bar, start=done + 1):
        torch.manual_seed(int(torch.randint(2**62, (), generator=numbered_rng(seed, -step * world - rank))))
        _schedule(optimisers, config.learning_rate, config.decay, step, steps)
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
            _step(accelerator, optimisers[side], side, named, config.weights)
        stopped = interruption.agreed(accelerator, step < steps and stop())
        last = step == steps or stopped
        if step % log_every == 0 or last:
            history.append(_row(step, terms, outputs, time.monotonic() - started))
            accelerator.log(history[-1], step=step)
            bar.set_postfix(
                {name.split("/")[1]: f"{history[-1][name]:.3f}" for name in terms if name.startswith("gen")},
                refresh=False,
            )
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


def _accelerator(precision: str, device: str | None, trackers: Sequence[str], folder: Path | None) -> Accelerator:
    """Accelerate as it is asked for. Raises `ValueError` for another precision, or a device that is not there."""
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


# Interruptions


class Interruption:
    """Holds Ctrl+C and SIGTERM back until the step that is being done has ended, and a checkpoint is written.

    For ``with``: the handlers are those of before afterwards. Signals that are ignored stay ignored, and outside the
    main thread, where Python allows no handlers, nothing is held back.

    Args:
        wanted: whether there is anything to wait for.
        alone: this is the run's only process. A second Ctrl+C is then obeyed at once; a launcher of several may send
            every one twice.
    """

    def __init__(self, wanted: bool = True, alone: bool = True) -> None:
        self.number = 0
        self._alone = alone
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM) if self._wanted else ():
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, frame: object) -> None:
        again, self.number = self.number == number, number
        if again and self._alone and number == signal.SIGINT:
            self.__exit__()
            signal.raise_signal(number)

    def agreed(self, accelerator: Accelerator, stop: bool) -> bool:
        """The main process's ``stop`` in every process, and in ``number`` whichever signal has reached one of them:
        processes that stopped at different steps would wait for each other."""
        if accelerator.num_processes == 1:
            return stop
        said = torch.tensor([[stop and accelerator.is_main_process, self.number]], device=accelerator.device)
        stop, self.number = accelerator.gather(said).amax(0).tolist()
        return bool(stop)

    def obey(self, sentence: str, speaking: bool) -> None:
        """Does what the signal would have done, with a sentence."""
        if signal.getsignal(self.number) is signal.default_int_handler:
            raise KeyboardInterrupt(sentence)
        if speaking:
            print(sentence, file=sys.stderr, flush=True)
        signal.raise_signal(self.number)


def _leave_interrupts_to_the_main_process(worker: int) -> None:
    """A terminal sends Ctrl+C to the processes that load clips as well; without them no step could be ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# What a run leaves in its folder


def watched(method: Trainable, clips: Sequence[Clip], columns: int = 6) -> tuple[Clip, list[int]] | None:
    """The clip of a run's film strip, and which of its frames are in it; None where `Method.redraw` could not make it
    again: a method that is told the intensity, and a clip that does not know it; or poses without pictures."""
    clip = clips[0]
    if not isinstance(clip, Clip):
        return None
    if method.dialled and not method.infers and (clip.intensity is None or clip.intensity.ndim != 1):
        return None
    return clip, sorted(set(np.linspace(0, len(clip) - 1, columns).round().astype(int).tolist()))


@dataclass
class _Record:
    """Writes the checkpoint, the history as a table, and a sample of what the method makes."""

    folder: Path
    run: Mapping[str, object]
    method: Trainable
    optimisers: Mapping[str, torch.optim.Optimizer]
    history: list[dict]
    started: float
    shown: tuple[Clip, list[int]] | None
    written: float = field(default_factory=time.monotonic)

    def due(self, minutes: float) -> bool:
        return time.monotonic() - self.written >= 60 * minutes

    def write(self, step: int) -> None:
        """The checkpoint first: whoever ends the process may not wait for the rest."""
        import pandas as pd

        buffer = io.BytesIO()
        torch.save(self.state(step), buffer)
        write_file(self.folder / CHECKPOINT, buffer.getvalue())
        write_file(self.folder / HISTORY, pd.DataFrame(self.history).to_csv(index=False).encode())
        if self.shown is not None:
            clip, frames = self.shown
            made = self.method.eval().redraw(clip, frames).frames
            self.method.train()
            video.save(np.concatenate([clip.frames[frames], made], 1), self.folder / SAMPLE)
        self.written = time.monotonic()

    def state(self, step: int) -> dict:
        return {
            "step": step,
            "run": self.run,
            "method": self.method.state_dict(),
            "optimisers": {side: optimiser.state_dict() for side, optimiser in self.optimisers.items()},
            "history": self.history,
            "seconds": time.monotonic() - self.started,
        }


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


def _resume(
    folder: Path | None, run: dict, method: Trainable, optimisers: Mapping, device: torch.device
) -> tuple[int, list, float]:
    """The step, history and seconds of the folder's checkpoint, its state loaded; none where there is none."""
    path = None if folder is None else folder / CHECKPOINT
    if path is None or not path.exists():
        return 0, [], 0.0
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = state["run"]
    except Exception as error:
        raise ValueError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}). "
            "Move it away to start again, or put back a whole copy; it was left as it is."
        ) from None
    changed = ", ".join(sorted(name for name in run if name != "steps" and found.get(name) != run[name]))
    if changed:
        raise ValueError(
            f"The checkpoint {path} is of another run: {changed} differ. Choose another folder, or move it away."
        )
    _check_steps(path, method.config, state["step"], found["steps"], run["steps"])
    method.load_state_dict(state["method"])
    for side, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][side])
    history = state["history"]
    return state["step"], history, state.get("seconds", history[-1]["seconds"] if history else 0.0)


def _check_steps(path: Path, config: Config, done: int, before: int, steps: int) -> None:
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
