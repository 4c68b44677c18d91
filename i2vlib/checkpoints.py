"""What a training run leaves in its folder, and how a run goes on from there."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from i2vlib import video
from i2vlib.clips import Clip
from i2vlib.papers.method import Trainable
from i2vlib.store import write_file

CHECKPOINT, HISTORY, SAMPLE = "checkpoint.pt", "history.csv", "sample.png"


@dataclass
class Record:
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
        """Writes the checkpoint, and then the rest, for which nobody may wait who ends the process."""
        import pandas as pd

        buffer = io.BytesIO()
        torch.save(self.state(step), buffer)
        write_file(self.folder / CHECKPOINT, buffer.getvalue())
        write_file(self.folder / HISTORY, pd.DataFrame(self.history).to_csv(index=False).encode())
        if self.shown is not None:
            clip, frames = self.shown
            drawn = self.method.eval().redraw(clip, frames).frames
            self.method.train()
            video.save(np.concatenate([clip.frames[frames], drawn], 1), self.folder / SAMPLE)
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


def watched(method: Trainable, clips: Sequence[Clip], columns: int = 6) -> tuple[Clip, list[int]] | None:
    """Chooses the clip of a run's film strip, and its frames.

    None where `Method.redraw` could not make the clip again, which may lack an intensity, or pictures.
    """
    clip = clips[0]
    if not isinstance(clip, Clip) or not method.redraws(clip):
        return None
    return clip, sorted(set(np.linspace(0, len(clip) - 1, columns).round().astype(int).tolist()))


def latest(folder: Path | None, run: Mapping[str, object], device: torch.device) -> dict | None:
    """Reads the folder's checkpoint; None where there is none.

    Args:
        run: what the run is; a checkpoint of another one is refused, but for its number of steps.

    Raises:
        ValueError: the file cannot be read, or is of another run.
    """
    path = None if folder is None else folder / CHECKPOINT
    if path is None or not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        before = state["run"]
    except Exception as error:
        raise ValueError(
            f"The checkpoint {path} cannot be read ({type(error).__name__}). "
            "Move it away to start again, or put back a whole copy; it was left as it is."
        ) from None
    changed = ", ".join(sorted(name for name in run if name != "steps" and before.get(name) != run[name]))
    if changed:
        raise ValueError(
            f"The checkpoint {path} is of another run: {changed} differ. Choose another folder, or move it away."
        )
    return state


def restore(
    state: Mapping, method: Trainable, optimisers: Mapping[str, torch.optim.Optimizer]
) -> tuple[int, list[dict], float]:
    """Loads a checkpoint's state into the method and its optimisers, and returns its step, history and seconds."""
    method.load_state_dict(state["method"])
    for side, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][side])
    history = state["history"]
    return state["step"], history, state.get("seconds", history[-1]["seconds"] if history else 0.0)
