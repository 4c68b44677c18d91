r"""The loop, which knows no paper.

A step draws a batch, asks the method what its generator makes of it, and moves the discriminators and then the
generator down the weighted sum of the method's own loss terms. Everything random in step k follows from
``(seed, k)``, so a run that was killed and one that was not end in the same bits.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from i2vlib.clips import Clip
from i2vlib.store import write_file

if TYPE_CHECKING:
    import pandas as pd
    from accelerate import Accelerator

CHECKPOINT = "checkpoint.pt"


class Method(Protocol):
    """What `fit` asks of a method; every method is an ``nn.Module`` besides."""

    config: object

    def example(self, clip: Clip, rng: torch.Generator) -> dict[str, Tensor]: ...
    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]: ...
    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]: ...
    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]: ...
    def generator_parameters(self) -> list[nn.Parameter]: ...
    def discriminator_parameters(self) -> list[nn.Parameter]: ...


class Examples(Dataset):
    """The training samples of a run, numbered: sample i is a function of the seed and of i alone."""

    def __init__(self, method: Method, clips: Sequence[Clip], seed: int, numbers: range) -> None:
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
    method: Method,
    clips: Sequence[Clip],
    steps: int,
    seed: int = 0,
    folder: str | Path | None = None,
    *,
    precision: str = "no",
    device: str | None = None,
    checkpoint_every: int = 500,
    log_every: int = 10,
    trackers: Sequence[str] = (),
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    validate_every: int = 1000,
    workers: int = 0,
    stop: Callable[[], bool] = lambda: False,
    progress: bool = True,
) -> pd.DataFrame:
    """Trains a method and resumes it where ``folder`` holds a checkpoint of the same run.

    Under ``accelerate launch`` each process draws its own share of the samples, and the gradients are averaged.

    Args:
        method: changed in place.
        clips: training clips; each has its neutral frame first.
        steps: discriminator and generator steps in all, those of an earlier, interrupted run included.
        seed: decides every draw.
        folder: where checkpoints and, at the end, the weights are written; nothing is written where it is None.
        precision: Accelerate's mixed precision: ``no`` or ``bf16``.
        device: ``cpu`` keeps off a GPU; left out, Accelerate chooses.
        checkpoint_every, log_every, validate_every: in steps.
        trackers: names of Accelerate's trackers, such as ``tensorboard``; their logs go to ``folder``.
        validate: numbers about the method as it stands, for the history.
        workers: processes that load clips.
        stop: asked after every step; True in the main process ends the run early with a checkpoint.

    Returns:
        The history: a row every ``log_every`` steps; a column a term, unweighted.

    Raises:
        ValueError: there are no clips or no steps, or the checkpoint cannot be read or belongs to another run.
        FloatingPointError: a loss is not finite; the last checkpoint stays as it was.
    """
    import pandas as pd
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from tqdm.auto import tqdm

    if not len(clips):
        raise ValueError("There are no clips to train on: the sequence is empty. Check the folder or the split.")
    if precision not in ("no", "bf16"):
        raise ValueError(f"The precision is 'no' or 'bf16'; given was {precision!r}.")
    if steps < 1:
        raise ValueError(f"The number of steps is a positive integer; given was {steps}.")
    folder = None if folder is None else Path(folder)
    if AcceleratorState._shared_state and AcceleratorState().num_processes == 1:
        AcceleratorState._reset_state(reset_partial_state=True)  # another call may have asked for another precision
    accelerator = Accelerator(
        cpu=device == "cpu", mixed_precision=precision, log_with=list(trackers) or None, project_dir=folder
    )
    if trackers:
        accelerator.init_trackers("i2vlib")
    method.to(accelerator.device)
    config = method.config
    fused = accelerator.device.type in ("cpu", "cuda")
    optimisers = {
        side: torch.optim.Adam(parameters, config.learning_rate, config.betas, fused=fused)
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
    done, history = _resume(folder, run, method, optimisers, accelerator.device)
    if done >= steps:
        _finish(accelerator, method, folder, done, seed)
        return pd.DataFrame(history)

    world, rank, batch_size = accelerator.num_processes, accelerator.process_index, config.clips_per_step
    numbers = range(done * batch_size * world + rank, steps * batch_size * world, world)
    loader = DataLoader(
        Examples(method, clips, seed, numbers), batch_size, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=accelerator.device.type == "cuda",
    )  # fmt: skip
    method.train()
    bar = tqdm(
        loader,
        initial=done,
        total=steps,
        disable=not (progress and accelerator.is_main_process),
        desc="training",
        unit="step",
    )
    started = time.monotonic() - (history[-1]["seconds"] if history else 0.0)
    for step, batch in enumerate(bar, start=done + 1):
        torch.manual_seed(int(torch.randint(2**62, (), generator=numbered_rng(seed, -step * world - rank))))
        _schedule(optimisers, config.learning_rate, config.decay, step, steps)
        batch = {name: value.to(accelerator.device, non_blocking=True) for name, value in batch.items()}
        with accelerator.autocast():
            outputs = {name: value.float() for name, value in method.outputs(batch).items()}
        terms = {}
        for side, ask in (
            ("discriminator", method.discriminator_terms),
            ("generator", method.generator_terms),
        ):
            with accelerator.autocast():
                named = ask(batch, outputs)
            terms |= {f"{side}/{name}": value for name, value in named.items()}
            _step(accelerator, optimisers[side], side, named, config.weights)
        last = step == steps or _agreed(stop())
        if step % log_every == 0 or last:
            history.append(_row(step, terms, outputs, time.monotonic() - started))
            accelerator.log(history[-1], step=step)
            bar.set_postfix(
                {name.split("/")[1]: f"{history[-1][name]:.3f}" for name in terms if name.startswith("gen")},
                refresh=False,
            )
        if validate is not None and (step % validate_every == 0 or last) and accelerator.is_main_process:
            measured = {f"validation/{name}": float(value) for name, value in validate(method.eval()).items()}
            history.append({"step": step, "seconds": time.monotonic() - started, **measured})
            method.train()
        if folder and accelerator.is_main_process and (step % checkpoint_every == 0 or last):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / CHECKPOINT, _state(step, run, method, optimisers, history))
        if last and step < steps:
            break
    bar.close()
    _finish(accelerator, method, folder, step, seed)
    if trackers:
        accelerator.end_training()
    return pd.DataFrame(history)


def _finish(accelerator: Accelerator, method: Method, folder: Path | None, step: int, seed: int) -> None:
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


def _agreed(stop: bool) -> bool:
    """The main process's answer, in every process: those that stopped at different steps would wait for each other."""
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([stop])[0]


def _schedule(optimisers: Mapping, rate: float, decay: float, step: int, steps: int) -> None:
    """The learning rate: constant, then linearly to 0 over the last share ``decay`` of the steps."""
    left = (steps - step + 1) / max(decay * steps, 1)
    for optimiser in optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = rate * (min(1.0, left) if decay else 1.0)


def _row(step: int, terms: Mapping[str, Tensor], outputs: Mapping[str, Tensor], seconds: float) -> dict[str, float]:
    scalars = {name: value.item() for name, value in terms.items()}
    vectors = {f"mean/{name}": value.mean().item() for name, value in outputs.items() if value.ndim == 2}
    return {"step": step, "seconds": seconds, **scalars, **vectors}


def _state(step: int, run: dict, method: Method, optimisers: Mapping, history: list) -> dict:
    return {
        "step": step,
        "run": run,
        "method": method.state_dict(),
        "optimisers": {side: optimiser.state_dict() for side, optimiser in optimisers.items()},
        "history": history,
    }


def _write(path: Path, state: dict) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_file(path, buffer.getvalue())


def _resume(
    folder: Path | None, run: dict, method: Method, optimisers: Mapping, device: torch.device
) -> tuple[int, list]:
    """The step and history of the folder's checkpoint, its state loaded; 0 and an empty one where there is none."""
    path = None if folder is None else folder / CHECKPOINT
    if path is None or not path.exists():
        return 0, []
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        found = state["run"]
    except Exception as error:
        raise ValueError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}). "
            "Move it away to start again, or put back a whole copy; it was left as it is."
        ) from None
    if found != run:
        changed = ", ".join(sorted(name for name in run if found.get(name) != run[name]))
        raise ValueError(
            f"The checkpoint {path} is of another run: {changed} differ. Choose another folder, or move it away."
        )
    method.load_state_dict(state["method"])
    for side, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][side])
    return state["step"], state["history"]
