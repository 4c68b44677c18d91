"""The eleven systems that the papers' tables hold against one another: their runs, what each is told, what each costs.

``python -m i2vbook.evidence.systems`` measures how long a training step of each takes on one thread of a quiet machine,
and writes ``book/results/compared_cost.csv``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from i2vbook import checkout
from i2vbook.evidence.learning import clips, cost
from i2vbook.evidence.plan import Run, planned
from i2vbook.evidence.results import result
from i2vlib.store import write_file

#: Seconds of a training step, by system.
COST = checkout.RESULTS / "compared_cost.csv"


@dataclass(frozen=True)
class System:
    """One of the eleven, as it was taught the same people and expressions in as many steps."""

    row: str
    """Of the table of runs."""
    told: str
    """What it knows of a clip beside the still and the name of the expression."""


SYSTEMS: Mapping[str, System] = {
    "FAN": System("compared_fan", "the true intensity of every frame"),
    "AffineGAN": System("affinegan_64_three", "the intensity that it reads off every frame"),
    "FRGAN's G_M": System("compared_frgan", "the normals of a face that moves as another person does"),
    "ConvLSTM": System("compared_conv_lstm", "nothing"),
    "HP": System("compared_hp", "the still's true landmarks"),
    "VGAN": System("compared_vgan", "nothing"),
    "FGST": System("compared_fgst", "nothing"),
    "GANimation": System("compared_ganimation", "the recipe of the expression, times the true intensity"),
    "MCNet": System("compared_mcnet_waiting", "nothing"),
    "MoCoGAN": System("compared_mocogan", "nothing"),
    "Mathieu et al.": System("compared_mathieu", "nothing"),
}


def first(name: str) -> Run | None:
    """The first run of a system; None before it has been measured."""
    run = planned().get(f"{SYSTEMS[name].row}_0")
    return run if run and result(run) else None


def in_as_many_seconds(name: str) -> Run | None:
    """The run of a system that was stopped after the seconds of the cheapest one's steps, by `COST`; of the cheapest
    its first. None before it has been measured."""
    run = planned().get(f"{SYSTEMS[name].row}_seconds_0")
    return first(name) if run is None else run if result(run) else None


def budget(run: Run) -> dict[str, float]:
    """What a system has and does, whatever machine it is on.

    Returns:
        ``weights`` and ``judges``, the parameters that make frames and those of discriminators, in millions; and
        ``products``, the multiplications of convolutions and linear layers for each frame of a clip, in millions.
    """
    method = run.kind(run.settings).eval()
    clip = clips(run, "test", subjects=1)[0]
    with FlopCounterMode(display=False) as counter:
        method.redraw(clip)
    sizes = (sum(p.numel() for p in part()) for part in (method.generator_parameters, method.discriminator_parameters))
    weights, judges = (size / 1e6 for size in sizes)
    return {"weights": weights, "judges": judges, "products": counter.get_total_flops() / 2 / len(clip) / 1e6}


def seconds() -> dict[str, float]:
    """The seconds of a training step that were measured, by system; none before they have been."""
    if not COST.is_file():
        return {}
    return {row["system"]: float(row["seconds_per_step"]) for row in csv.DictReader(io.StringIO(COST.read_text()))}


def main(steps: int = 20) -> None:
    """Measures the cost of a step of every system, and writes the table."""
    torch.set_num_threads(1)
    runs = {name: planned()[f"{system.row}_0"] for name, system in SYSTEMS.items()}
    lines = [f"{name},{cost(run, steps)['seconds_per_step']:.3f}\n" for name, run in runs.items()]
    write_file(COST, ("system,seconds_per_step\n" + "".join(lines)).encode())


if __name__ == "__main__":
    main()
