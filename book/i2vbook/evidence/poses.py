"""Forecasts of poses: trained, measured, kept as errors: ``python -m i2vbook.evidence.poses --folder <Penn Action>``.

The label files of Penn Action may not be passed on, nor what is learnt from them; what is committed is how far each
forecast is off, a row a sequence and a system (`measured`). Sequences are split by number, groups of ten together
(`penn_action.PennAction`): some for training, some to choose the steps by, some for these rows. A folder with the
training half alone is enough, for all of it is split so. With ``--performers`` the forecaster that ships, which learnt
from rendered people, is asked the same of others, of whom no picture is drawn for it; a row of the table of runs is
measured by the same functions (`measuring.measured_poses`). From one seed, on one machine, come the same rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from i2vbook import checkout
from i2vbook.evidence.results import read_table, write_table
from i2vlib import metrics
from i2vlib.datasets.penn_action import PennAction, Poses
from i2vlib.datasets.performers import SPLITS, Order
from i2vlib.hub import load_pretrained
from i2vlib.joints import ACTIONS, box
from i2vlib.papers.frgan.poses import PosePredictor, PosePredictorConfig, joints_of
from i2vlib.performers.film import known_truth
from i2vlib.training import fit

if TYPE_CHECKING:
    import pandas as pd

#: Where the errors are committed.
TABLE = checkout.RESULTS / "poses.parquet"
PENN, PERFORMERS = "penn_action", "performers"
SEEDS = range(3)
STEPS = 3000
#: How often the validation sequences are asked: the weights of the least error are kept.
CHOICES = 5
#: The systems: one network for all actions, and one an action; and what they are held against.
LSTM, BY_ACTION = "LSTM", "LSTM, one an action"
LAST_STEP = "constant velocity"
VELOCITIES = {LAST_STEP: 1, "mean of 3 steps": 3, "mean of 9 steps": 9}
STILL, MEAN = "constant pose", "mean pose"
#: Where a forecast begins: with the first frame of a sequence, as in the paper, or at every eighth from there on, as
#: long as a good third of the poses to come are known.
FIRST, ALL = "first", "all"
APART, KNOWN = 8, 12

#: The performers whose mean pose the shipped forecaster is held against, those that it was taught, and those who ask.
TAUGHT = {"train": range(24), "test": range(SPLITS["test"][0], sum(SPLITS["test"]))}

Forecast = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Window:
    """Poses that are seen, and those after them.

    Attributes:
        sequence: the number of the sequence in its data set; of a performer, the seed.
        action: its name.
        first: whether it begins with the sequence.
        joints, visible: ``(seen, 13, 2)`` in pixels and ``bool (seen, 13)``, what a forecast is made from.
        future: ``(frames, 13, 2)``, NaN where the sequence has ended.
        counted: ``bool (frames, 13)``, the joints that count (`metrics.joint_error`).
    """

    sequence: int
    action: str
    first: bool
    joints: np.ndarray
    visible: np.ndarray
    future: np.ndarray
    counted: np.ndarray


def windows(data: Sequence[Poses], seen: int = 10, frames: int = 32) -> Iterator[Window]:
    """What is forecast of sequences: each from its first frame, and from every eighth later one."""
    for one in data:
        joints, visible = joints_of(one)
        for start in range(0, max(1, len(joints) - seen - KNOWN + 1), APART):
            now, then = slice(start, start + seen), slice(start + seen, start + seen + frames)
            left = len(joints[then])
            if not left or not visible[now].any():
                continue
            future, counted = np.full((frames, 13, 2), np.nan, np.float32), np.zeros((frames, 13), bool)
            future[:left], counted[:left] = joints[then], visible[then] & visible[now].any(0)
            yield Window(one.number, one.action, start == 0, joints[now], visible[now], future, counted)


def errors(forecast: Forecast, asked: Sequence[Window]) -> np.ndarray:
    """How far a forecast is off in every window and frame, ``(windows, frames)``, NaN where nothing counts."""
    rows = []
    for window in asked:
        made = forecast(window.joints, window.visible, len(window.future))
        side = box(window.joints, window.visible)[1]
        rows.append(metrics.joint_error(made, window.future, window.counted, side))
    return np.stack(rows)


def asked_of(systems: Mapping[str, Forecast], asked: Sequence[Window], seed: int = 0) -> pd.DataFrame:
    """The errors of several forecasts in the same windows, as `rows_of`, one below the other."""
    import pandas as pd

    each = [rows_of(errors(forecast, asked), asked, system=name, seed=seed) for name, forecast in systems.items()]
    return pd.concat(each, ignore_index=True)


def rows_of(found: np.ndarray, asked: Sequence[Window], **names: object) -> pd.DataFrame:
    """Errors as rows, one a sequence and beginning: the mean over the windows of a sequence, frame by frame."""
    import pandas as pd

    columns = [f"{frame}" for frame in range(1, found.shape[1] + 1)]
    each = pd.DataFrame(found, columns=columns).assign(
        sequence=[window.sequence for window in asked], action=[window.action for window in asked]
    )
    begun = np.array([window.first for window in asked])
    parts = {FIRST: each[begun], ALL: each}
    grouped = [
        part.groupby(["sequence", "action"], as_index=False)[columns].mean().assign(start=start)
        for start, part in parts.items()
    ]
    table = pd.concat(grouped, ignore_index=True).assign(**names)
    return table[[*names, "start", "sequence", "action", *columns]]


def baselines(train: Sequence[Poses], seen: int) -> dict[str, Forecast]:
    """What a forecast is held against, by name."""
    mean = metrics.mean_pose((joints_of(one) for one in train), seen)

    def placed(joints: np.ndarray, visible: np.ndarray, frames: int) -> np.ndarray:
        centre, side = box(joints, visible)
        return np.repeat((centre + side * mean)[None], frames, 0)

    moving = {
        name: lambda *given, steps=steps: metrics.constant_velocity(*given, steps=steps)
        for name, steps in VELOCITIES.items()
    }
    return {STILL: metrics.constant_pose, **moving, MEAN: placed}


def trained(
    config: PosePredictorConfig, train: Sequence[Poses], validation: Sequence[Poses], steps: int, seed: int
) -> PosePredictor:
    """A forecaster with the weights, of those asked for `CHOICES` times, that err least on validation sequences.

    Sequences that are too short to learn from are left out.
    """
    method = PosePredictor(config)
    usable = [one for one in train if len(method.starts(joints_of(one)[1]))]
    asked = list(windows(validation, config.seen, config.frames))
    best: dict[str, object] = {"score": float("inf")}

    def choose(method: PosePredictor) -> Mapping[str, float]:
        score = float(np.nanmean(errors(method.forecast, asked)))
        if score < best["score"]:
            best.update(score=score, weights={name: value.clone() for name, value in method.state_dict().items()})
        return {"score": score}

    fit(
        method, usable, steps, seed, device="cpu", validate=choose, validate_every=max(1, steps // CHOICES),
        progress=False,
    )  # fmt: skip
    method.load_state_dict(best["weights"])
    return method


def measure_forecasts(
    data: Mapping[str, Sequence[Poses]], config: PosePredictorConfig, steps: int = STEPS, seeds: Sequence[int] = SEEDS
) -> Iterator[pd.DataFrame]:
    """Trains and measures on those held out: the rows of one system and seed after another.

    The networks for one action each see as many samples of it together as the one for all sees of all.

    Args:
        data: sequences by split: ``train``, ``validation`` and ``test``.
    """
    from tqdm.auto import tqdm

    asked = list(windows(data["test"], config.seen, config.frames))
    yield asked_of(baselines(data["train"], config.seen), asked)
    for seed in tqdm(seeds, desc="forecasters", unit="seed"):
        one = trained(config, data["train"], data["validation"], steps, seed)
        yield rows_of(errors(one.forecast, asked), asked, system=LSTM, seed=seed)
        for action in ACTIONS:
            own = {split: [one for one in every if one.action == action] for split, every in data.items()}
            of_it = [window for window in asked if window.action == action]
            if own["train"] and own["validation"] and of_it:
                one = trained(config, own["train"], own["validation"], max(1, steps // len(ACTIONS)), seed)
                yield rows_of(errors(one.forecast, of_it), of_it, system=BY_ACTION, seed=seed)


def labelled(folder: Path) -> dict[str, list[Poses]]:
    """The sequences of a folder in Penn Action's layout, of the eight actions, by split."""
    parts = {split: PennAction(folder, split, actions=ACTIONS, published=False) for split in SPLITS}
    return {split: [part[index] for index in range(len(part))] for split, part in parts.items()}


def measure_shipped(data: Mapping[str, Sequence[Poses]], name: str = "frgan_poses") -> pd.DataFrame:
    """The errors of the forecaster that ships within a model, and of what it is held against, on those held out.

    Args:
        data: sequences by split: ``train``, of which the mean pose is, and ``test``.
        name: of the model, as `load_pretrained` takes it.
    """
    shipped = load_pretrained(name, "cpu").stages()["PosePredictor"]
    asked = list(windows(data["test"], shipped.config.seen, shipped.config.frames))
    return asked_of(baselines(data["train"], shipped.config.seen) | {LSTM: shipped.forecast}, asked)


def performing(subjects: Mapping[str, Sequence[int]], frames: int = 42) -> dict[str, list[Poses]]:
    """The joints of performers, every action of each, as sequences by split; no picture is drawn.

    Args:
        subjects: by split, the seeds.
        frames: of a sequence.
    """
    from tqdm.auto import tqdm

    orders = [(split, seed, action) for split, seeds in subjects.items() for seed in seeds for action in ACTIONS]
    found: dict[str, list[Poses]] = {split: [] for split in subjects}
    for split, seed, action in tqdm(orders, desc="performers", unit="sequence"):
        known = known_truth(Order(seed, action, frames, truth=("joints", "visible")))
        found[split].append(sequence_of(known, action, seed, split == "train"))
    return found


def sequence_of(truth: Mapping[str, np.ndarray], action: str, number: int, train: bool = False) -> Poses:
    """A performer's joints as a sequence: ``truth`` of a clip holds joints, of pictures of 64 pixels, and visible."""
    joints, visible = (np.asarray(truth[name]) for name in ("joints", "visible"))
    return Poses(joints, visible, np.concatenate([joints.min(1), joints.max(1)], 1), action, (64, 64), train, number)


def measured(data: str = PENN, start: str = FIRST) -> pd.DataFrame:
    """The committed errors of forecasts that begin with the first frame, or at all of them: a row a held-out sequence.

    Returns:
        ``system``, ``seed``, ``subject`` (the sequence's number, or the performer's), ``action``, and the columns
        ``"1"`` to ``"32"``: the error so many frames after the last that was seen, in units of the larger side of the
        body's box; NaN where the sequence has ended or hides its joints.

    Raises:
        ValueError: nothing was measured of these data.
    """
    table = read_table(TABLE)
    chosen = table[(table["data"] == data) & (table["start"] == start)]
    if chosen.empty:
        raise ValueError(f"{TABLE} holds no errors of {data!r}; it holds those of {sorted(set(table['data']))}.")
    return chosen.drop(columns=["data", "start"]).rename(columns={"sequence": "subject"}).reset_index(drop=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m i2vbook.evidence.poses``: trains, measures, and writes what was asked for into `TABLE`."""
    import pandas as pd

    parser = argparse.ArgumentParser(prog="python -m i2vbook.evidence.poses", description="Measure forecasts of poses.")
    parser.add_argument("--folder", type=Path, help="of Penn Action, with its labels: measure on real poses")
    parser.add_argument("--performers", action="store_true", help="measure the shipped forecaster on rendered people")
    parser.add_argument("--preset", default="small", help="of PosePredictorConfig, for those that are trained")
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args(arguments)
    if chosen.folder is None and not chosen.performers:
        parser.error("say what to measure on: --folder of Penn Action, or --performers")
    torch.set_num_threads(1)
    config = PosePredictorConfig.preset(chosen.preset)
    rows = read_table(TABLE) if TABLE.is_file() else pd.DataFrame({"data": []})
    found = {}
    if chosen.folder is not None:
        found[PENN] = pd.concat(measure_forecasts(labelled(chosen.folder), config, chosen.steps), ignore_index=True)
    if chosen.performers:
        found[PERFORMERS] = measure_shipped(performing(TAUGHT))
    for name, table in found.items():
        rows = pd.concat([rows[rows["data"] != name], table.assign(data=name)], ignore_index=True)
    write_table(TABLE, rows)


if __name__ == "__main__":
    main()
