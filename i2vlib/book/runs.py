r"""The table of reference runs, and doing them.

``book/results/runs.toml`` lists every training run that a figure of the book rests on. ``python -m
i2vlib.book.runs`` does the runs whose result is missing or was made from another definition, goes on with those
that were interrupted, and writes ``book/results/<run>.json`` and the weights.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import platform
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Subset
from tqdm.auto import tqdm

from i2vlib import datasets, expressions, video
from i2vlib.book.checkout import RESULTS, ROOT
from i2vlib.clips import Clip, backwards
from i2vlib.datasets.actors import RENDERER_VERSION
from i2vlib.hub import SHIPPED, load_pretrained, method_class
from i2vlib.papers.method import Config, Method, Redrawn
from i2vlib.store import write_file
from i2vlib.training import CHECKPOINT, fit

if TYPE_CHECKING:
    import pandas as pd

TABLE = RESULTS / "runs.toml"
WORK = ROOT / "runs/reference"
VALIDATION = 4  # subjects that choose the checkpoint
SHOWN = (
    "spearman", "moving_ratio", "landmark_ratio", "blendshape_ratio", "motion", "lead_rise", "acd_i_ratio",
    "acd_c_ratio", "psnr_neutral", "sharpness", "flicker", "static_change", "mask_iou", "mask_mean", "falls",
)  # fmt: skip
#: The driver of a held-out person is the one so many further on.
DRIVEN_BY = 5


@dataclass(frozen=True)
class Run:
    """One row of the table."""

    name: str
    method: str
    preset: str
    steps: int
    data: Mapping[str, object]
    """The options of `datasets.open`, ``name`` among them."""
    config: Mapping[str, object] = field(default_factory=dict)
    """Fields of the config that differ from the preset."""
    seed: int = 0
    precision: str = "no"
    start: str | None = None
    """The run whose generator this one starts from; the discriminators, and expressions that it did not know, start
    anew. For the first run of a G_R, the run of the G_M whose clips it refines."""
    taught: Mapping[str, object] = field(default_factory=dict)
    """Options of the data that hold for the training people only (two frames a clip, frames in any order): held-out
    people are always shown whole clips."""
    backwards: bool = False
    """From the peak to the neutral frame (AffineGAN, section 5)."""
    fitted: bool = False
    """FRGAN's condition maps are of faces fitted to the frames, and not of the actors as they are: when measured, of
    the driver's fitted expression on the face fitted to the target's still."""
    every: int = 3
    """When measured, faces are read in every so many frames of a clip, its first, its peak and its last among them."""
    ships: str | None = None
    """The name under `i2vlib/weights` that the result is shipped as."""
    keep: Literal["best", "last"] = "best"
    """The weights of the least validation error, or the last ones: that error does not know what discriminators add."""
    dealt: bool = False
    """Each training person shows one expression of the data only, dealt by seed; a model that knows some of the
    expressions is trained on the people who show these (FAN, section 3.4)."""
    gpu: bool = False

    @property
    def kind(self) -> type[Method]:
        """The class of the method."""
        return method_class(self.method)

    @property
    def settings(self) -> Config:
        """The config in full. Raises `ValueError` for a preset that the method does not have."""
        return self.kind.Config.preset(self.preset, **self.config)

    @property
    def digest(self) -> str:
        """Changes when the definition does; a result carries the digest that it was made from.

        Fields at their defaults and terms of weight 0 are left out, so that a new field, whose default is what was
        done before, leaves the results standing. The actors' pixels are not part of it: a result says which version
        of them (`actors.RENDERER_VERSION`) it was trained on and measured with, and `--list` when that is not today's.
        """
        kept = ("method", "steps", "data", "seed", "precision", "start")
        usual = asdict(type(self.settings)())
        changed = {name: value for name, value in asdict(self.settings).items() if value != usual[name]}
        changed["weights"] = {name: weight for name, weight in self.settings.weights.items() if weight}
        parts = {**{name: vars(self)[name] for name in kept}, "config": changed}
        parts |= {
            name: vars(self)[name] for name, usual in (("keep", "best"), ("every", 3)) if vars(self)[name] != usual
        }
        parts |= {name: vars(self)[name] for name in ("dealt", "taught", "backwards", "fitted") if vars(self)[name]}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:16]

    @property
    def stages(self) -> list[str]:
        """The methods of other kinds that it builds on, by name."""
        return list(dict.fromkeys(step.method for step in lineage(self) if step.method != self.method))

    @property
    def folder(self) -> Path:
        return WORK / f"{self.name}-{self.digest}"

    @property
    def result(self) -> Path:
        return TABLE.parent / f"{self.name}.json"

    @property
    def picture(self) -> Path:
        """Where `sample` of a measured run is kept: most runs ship no weights, and can still be looked at."""
        return TABLE.parent / f"{self.name}.jpg"


def planned() -> dict[str, Run]:
    """The runs of the table by name.

    A row ``like`` an earlier one says only what differs from it. A row with ``seeds`` is one run a seed, whose name
    ends in it, and so does that of the run that it starts from, where that is of a row with seeds as well.

    Raises:
        ValueError: there is no table; the runs are done from a checkout. Or a row is like one that does not come
            before it.
    """
    if not TABLE.is_file():
        raise ValueError(f"There is no {TABLE}. The reference runs are done from a checkout of the book.")
    rows: dict[str, dict] = {}
    for name, row in tomllib.loads(TABLE.read_text()).items():
        like = row.pop("like", None)
        if like is not None and like not in rows:
            raise ValueError(f"The run {name} is like {like!r}, and no run of that name comes before it in {TABLE}.")
        rows[name] = _changed(rows.get(like, {}), row)
    seeded = {name for name, row in rows.items() if row.get("seeds")}
    return {run.name: run for name, row in rows.items() for run in _seeded(name, seeded, **row)}


def _changed(row: Mapping, changes: Mapping) -> dict:
    """A row with some of its values changed, and of the tables in it (config, weights) only what is given."""
    tables = {key: _changed(row.get(key, {}), value) for key, value in changes.items() if isinstance(value, dict)}
    return {**row, **changes, **tables}


def _seeded(
    name: str, seeded: set[str], seeds: Sequence[int] = (), start: str | None = None, **row: object
) -> list[Run]:
    if not seeds:
        return [Run(name, start=start, **row)]
    starts = {seed: f"{start}_{seed}" if start in seeded else start for seed in seeds}
    return [Run(f"{name}_{seed}", start=starts[seed], seed=seed, **row) for seed in seeds]


def result(run: Run) -> dict | None:
    """The committed result of a run as it is now defined, or None."""
    if not run.result.is_file():
        return None
    stored = json.loads(run.result.read_text())
    return stored if stored["digest"] == run.digest else None


def measured(names: Mapping[int, Sequence[str]], part: str = "clips") -> pd.DataFrame | None:
    """The measured clips of runs: those named for each seed one below the other, with a column ``seed``.

    Args:
        names: by seed, the runs.
        part: of their results: ``clips`` with their metrics, ``unrefined``, those of the clips that a G_R was given,
            or ``inferences`` (see `inferences`).

    Returns:
        A row a clip. A seed of which a run has no result is left out; None if that leaves nothing.
    """
    import pandas as pd

    table, parts = planned(), []
    for seed, of_it in names.items():
        results = [result(table[name]) for name in of_it]
        if all(results):
            parts += [pd.DataFrame(stored[part]).assign(seed=seed) for stored in results]
    return pd.concat(parts, ignore_index=True) if parts else None


def lineage(run: Run) -> list[Run]:
    """The runs that a run started from, the earliest first, and the run itself."""
    return [*lineage(planned()[run.start]), run] if run.start else [run]


def history(run: Run) -> pd.DataFrame:
    """The training history of a run and those it started from: a row a logged step, counted on from run to run.

    Raises:
        ValueError: one of them has no result yet.
    """
    import pandas as pd

    parts, before = [], 0
    for part in lineage(run):
        stored = result(part)
        if stored is None:
            raise ValueError(
                f"The run {part.name} has no result yet. Make it: python -m i2vlib.book.runs --only {part.name}."
            )
        parts.append(pd.DataFrame(stored["history"]).assign(run=part.name).eval(f"step = step + {before}"))
        before += stored["steps"]
    return pd.concat(parts, ignore_index=True)


def clips(run: Run, split: str, **changes: object) -> Sequence[Clip]:
    """The clips of a run's data set in one of its splits; where they are dealt, those that its model is about.

    ``subjects`` of the table counts those trained on.
    """
    own = run.data | run.taught if split == "train" else {k: v for k, v in run.data.items() if k != "subjects"}
    options = {**own, **changes}
    name, others = options.pop("name"), options.get("driven_by", 0)
    known = {"truth": run.kind.truth} if run.kind.truth else {}
    data = datasets.open(name, split=split, **known, **options)
    drivers = None
    if run.fitted and others:
        drivers = datasets.open(name, split=split, **known, **options | {"driven_by": 0})
        count, each = len(drivers), len(drivers.expressions)
        drivers = Subset(drivers, [(index + others * each) % count for index in range(count)])
    if run.backwards:
        data = _Backwards(data)
    elif run.dealt:
        taught, names = run.settings.expressions, data.expressions
        kept = [e in taught and (split != "train" or e == names[seed % len(names)]) for seed, e in data.keys]
        data = Subset(data, np.flatnonzero(kept).tolist())
    return run.kind.prepared(data, run.settings, run.fitted, drivers, earlier(run))


def earlier(run: Run) -> list[Method]:
    """The trained methods of other kinds that a run builds on: for a G_R, the G_M whose clips it refines."""
    kinds = {step.method: step for step in lineage(run) if step.method != run.method}
    return [_weights(step) for step in kinds.values()]


@dataclass(frozen=True)
class _Backwards(Sequence):
    data: Sequence[Clip]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Clip:
        return backwards(self.data[index])


def validate(method: torch.nn.Module, data: Sequence[Clip]) -> dict[str, float]:
    """How a method stands on validation clips, without any reader of faces; lower ``score`` is better.

    Returns:
        score: the error inside the moving region at the peak, over that of copying the neutral frame; motion:
        the change that the method makes there, over the true one; psnr: of the decoded still, in dB, at most 60; and,
        of a method that infers the intensity, spearman: of the signed projection with the true intensity, negative for
        a mirrored solution. A method that infers none is driven by the true intensity.
    """
    from i2vlib import metrics

    rows = []
    for clip in data:
        peak = metrics.peak_frame(clip)
        ends, made = clip.frames[[0, peak]], method.redraw(clip, [0, peak]).frames
        rows.append(
            {
                "score": metrics.moving_ratio(made[1], ends[1], ends[0]),
                "motion": metrics.motion(made, ends),
                **({"spearman": metrics.spearman(_read(method, clip), clip.intensity)} if method.infers else {}),
                "psnr": min(metrics.BEST_PSNR, metrics.psnr(made[0], ends[0])),
            }
        )
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def _read(method: Method, clip: Clip) -> np.ndarray:
    return method.infer_projection(clip.frames, clip.frames[0], clip.expression)


def train(run: Run, minutes: float = float("inf"), device: str | None = None, **options: object) -> bool:
    """Trains a run, or goes on with it, for at most so many minutes; True once all its steps are done."""
    deadline = time.monotonic() + 60 * minutes
    torch.manual_seed(run.seed)
    method = run.kind(run.settings)
    if run.start is not None and (before := planned()[run.start]).method == run.method:
        method.inherit(_weights(before))
    data = clips(run, "train")
    held_out = clips(run, "validation", subjects=VALIDATION)
    if run.kind.truth:
        for index in tqdm(range(len(data)), desc="drawing conditions", unit="clip"):
            data[index]
    best = run.folder / "best"

    def keep(method: torch.nn.Module) -> dict[str, float]:
        measured = validate(method, held_out)
        score = best / "score.json"
        least = json.loads(score.read_text())["score"] if score.exists() else float("inf")
        if run.keep == "last" or measured["score"] < least:
            method.save_pretrained(best)
            write_file(score, json.dumps(measured).encode())
        return measured

    history = fit(
        method, data, run.steps, run.seed, run.folder, precision=run.precision, device=device, validate=keep,
        validate_every=max(1, run.steps // 8), stop=lambda: time.monotonic() > deadline, **options,
    )  # fmt: skip
    finished = int(history["step"].max()) >= run.steps
    if finished:
        facts = {
            "digest": run.digest, "method": run.method, "steps": run.steps, "seed": run.seed,
            "device": next(method.parameters()).device.type, "threads": torch.get_num_threads(),
            "seconds": round(float(history["seconds"].max())), "commit": _commit(), "python": platform.python_version(),
            **_pixels("actors", run), "history": _thin(history),
        }  # fmt: skip
        write_file(run.folder / "facts.json", json.dumps(facts, indent=1).encode())
    return finished


def cost(run: Run, steps: int = 10) -> dict[str, float]:
    """What a training step of a run takes on this machine's CPU, on one thread, in a process of its own.

    Returns:
        seconds_per_step, after a first step that is not counted, and memory_gib, the most that the process held.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_cost, run, steps).result()


def _cost(run: Run, steps: int) -> dict[str, float]:
    import resource  # not on Windows

    torch.set_num_threads(1)
    method, data = run.kind(run.settings), clips(run, "train")
    for index in range(steps):  # conditions are drawn beforehand
        data[index % len(data)]
    history = fit(
        method, Subset(data, range(min(steps, len(data)))), steps + 1, run.seed, precision=run.precision, device="cpu",
        log_every=1, progress=False,
    )  # fmt: skip
    seconds = history["seconds"].to_numpy()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**30
    return {"seconds_per_step": float((seconds[-1] - seconds[0]) / steps), "memory_gib": most}


def _weights(run: Run) -> torch.nn.Module:
    """What a run ended in: as trained here, or else as shipped."""
    if (run.folder / "best").is_dir():
        return load_pretrained(run.folder / "best")
    if run.ships and result(run):
        return load_pretrained(SHIPPED / run.ships)
    raise ValueError(f"The run {run.name} has to be done first: python -m i2vlib.book.runs --only {run.name}.")


def measure_run(run: Run, split: str = "test") -> pd.DataFrame:
    """Measures a trained run on held-out subjects beside the reference rows, writes its result, ships the weights.

    Returns:
        The metrics, a row a clip and system.
    """
    import pandas as pd

    from i2vlib import metrics

    facts = json.loads((run.folder / "facts.json").read_text())
    method = load_pretrained(run.folder / "best")
    held_out = clips(run, split, **({} if run.kind.dialled else {"driven_by": DRIVEN_BY}))
    ours = (
        metrics.evaluate(method, held_out, every=run.every)
        if run.kind.dialled
        else retargeted(method.redraw, held_out, run.every)
    )
    others = [metrics.evaluate_references(held_out, clips(run, "train"), every=run.every)]
    also = {"inferences": inferences(method, held_out)} if run.kind.infers else {}
    if method.before(held_out[0]) is not None:
        before = retargeted(method.before, held_out, run.every)
        others.append(before.assign(system=run.stages[-1]))
        also["unrefined"] = _records(before)
    frame = pd.concat([ours.assign(system=run.method), *others], ignore_index=True)
    stored = {
        "run": run.name, **facts, "split": split, **_pixels("measured_actors", run), "readings": ours.attrs,
        "clips": _records(ours), "summary": _records(metrics.summary(frame).reset_index()), **also,
    }  # fmt: skip
    write_file(run.result, json.dumps(stored, indent=1).encode())
    written = io.BytesIO()
    Image.fromarray(sample(method, held_out)).save(written, "JPEG", quality=95, subsampling=0)
    write_file(run.picture, written.getvalue())
    if run.ships:
        means = ours.groupby("expression")[list(SHOWN)].mean().round(3).dropna(axis=1, how="all")
        card = {
            "expressions": ", ".join(dict.fromkeys(ours["expression"])), "data": dict(run.data),
            **{name: facts[name] for name in ("steps", "seed", "device", "seconds", "commit")},
            **{f"{name}, {split} subjects": means[name].to_dict() for name in means},
        }  # fmt: skip
        whole = method.whole(earlier(run), run.data["expressions"])
        whole.save_pretrained(SHIPPED / run.ships, card)
    return frame


def retargeted(draw: Callable[[Clip], Redrawn], data: Sequence[Clip], every: int = 1) -> pd.DataFrame:
    """As `metrics.evaluate`, of a stage of FRGAN: each clip against what is drawn (`Method.redraw`, `before`) by its
    own condition maps; where actors are ``driven_by`` others, that is retargeting between people."""
    from i2vlib import metrics

    rows = []
    for index in range(len(data)):
        clip = data[index]
        peak = metrics.peak_frame(clip)
        made = draw(clip)
        mask = np.full(made.frames.shape[1:3], np.nan) if made.masks is None else made.masks[peak]
        region = metrics.moving_region(clip.frames[peak], clip.frames[0])
        rows.append(
            metrics.compare(made.frames, clip, None, True, every, index)
            | {
                "psnr_neutral": min(metrics.BEST_PSNR, metrics.psnr(made.frames[0], clip.frames[0])),
                "mask_mean": float(mask.mean()),
                "mask_iou": metrics.mask_iou(mask, region),
            }
        )
    return metrics.as_table(rows, {"drive": "conditions", "readers": True, "every": every, "seed": 0})


def inferences(method: Method, data: Sequence[Clip]) -> list[dict]:
    """What a model reads off held-out clips, and where its encoders look, a row a clip.

    Returns:
        subject, expression; true and inferred intensity, the signed projection, and the intensity that is read back
        off the frames made at the inferred one (read_back), a value a frame; the motion of the frame made at intensity
        1, over the true one at the peak (motion_at_one); and the share of the picture's area (area_share) and of the
        `AffineGAN.sensitivity` of E_0 (base_share) and E_Delta (residual_share) that lies in the region that moves.
    """
    from i2vlib import metrics

    rows = []
    for clip in (data[index] for index in range(len(data))):
        of_it = clip.frames, clip.frames[0], clip.expression
        ends = clip.frames[[0, metrics.peak_frame(clip)]]
        region = metrics.moving_region(ends[1], ends[0])
        inferred = method.infer_intensity(*of_it)
        made = method.animate(clip.frames[0], clip.expression, np.clip(inferred, 0, 1))
        curves = {
            "true": clip.intensity, "inferred": inferred, "projection": method.infer_projection(*of_it),
            "read_back": method.infer_intensity(made.frames, *of_it[1:]),
        }  # fmt: skip
        at_one = method.animate(clip.frames[0], clip.expression, [0, 1]).frames
        maps = method.sensitivity(clip.frames[0], clip.expression, probes=4)
        shares = [float(seen[region].sum() / seen.sum()) for seen in (np.ones_like(maps[0]), *maps)]
        rows.append(
            {"subject": clip.subject, "expression": clip.expression}
            | {name: np.round(curve.astype(float), 4).tolist() for name, curve in curves.items()}
            | {"motion_at_one": round(metrics.motion(at_one, ends), 4)}
            | dict(zip(("area_share", "base_share", "residual_share"), np.round(shares, 4).tolist(), strict=True))
        )
    return rows


def sample(method: torch.nn.Module, data: Sequence[Clip], columns: int = 6) -> np.ndarray:
    """What a method makes of held-out people: two film strips an expression, the true frames above those made from the
    first of them. Another person for each expression, and the same one whatever else a model knows.

    Returns:
        ``uint8 (rows * size, width, 3)``, the expressions in the order of the model's.
    """
    clips = [data[index] for index in range(len(data))]
    rows = []
    known = list(expressions.TABLE)
    for expression in method.expressions if method.dialled else sorted({clip.expression for clip in clips}):
        of_it = [clip for clip in clips if clip.expression == expression]
        clip = of_it[known.index(expression) % len(of_it) if expression in known else 0]
        frames = method.redraw(clip).frames
        rows += [video.film_strip(x, columns) for x in (clip.frames, frames)]
    return np.concatenate(rows)


def table(stored: dict, expression: str) -> pd.DataFrame:
    """A result's metrics on one expression: a row a system, a column a metric that the method has (of
    two people or more), as ``mean [low, high]``."""
    import pandas as pd

    rows = pd.DataFrame(stored["summary"]).query("expression == @expression and metric in @SHOWN")
    known = rows["mean"].notna() & rows["low"].notna()
    written = [f"{r['mean']:.2f} [{r['low']:.2f}, {r['high']:.2f}]" for _, r in rows[known].iterrows()]
    rows = rows.assign(cell=pd.Series(written, rows.index[known]))
    wide = rows.pivot(index="system", columns="metric", values="cell").fillna("")
    wide = wide.reindex(
        [name for name in (stored["method"], "Forecast", "real", "copy", "cross-fade") if name in wide.index]
    )
    return wide[[name for name in SHOWN if name in wide and wide[name].iloc[0]]]


def _pixels(name: str, run: Run) -> dict[str, int]:
    """Which version of the actors a run's data are, under a name; nothing if they are no actors."""
    return {name: RENDERER_VERSION} if run.data["name"] == "actors" else {}


def _records(frame: pd.DataFrame) -> list[dict]:
    return json.loads(frame.to_json(orient="records", double_precision=4))


def _thin(history: pd.DataFrame, rows: int = 200) -> list[dict]:
    """At most about so many rows of the training terms, and every row of the validation."""
    validation = history.get("validation/score")
    keep = history.index % max(1, len(history) // rows) == 0
    kept = history[keep if validation is None else keep | validation.notna()]
    return [{k: round(v, 5) for k, v in row.items() if v == v} for row in kept.to_dict("records")]


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m i2vlib.book.runs", description="Do the book's reference runs.")
    parser.add_argument("--list", action="store_true", help="say what is done, begun and missing")
    parser.add_argument("--only", nargs="+", metavar="RUN", help="these runs, whether done or not measured yet")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop, resumably, after this long")
    parser.add_argument("--device", help="cpu or cuda; left out: what there is")
    parser.add_argument("--train", action="store_true", help="train only")
    parser.add_argument("--measure", action="store_true", help="measure only")
    chosen = parser.parse_args(arguments)
    table = planned()
    unknown = set(chosen.only or ()) - set(table)
    if unknown:
        parser.error(f"the table has no runs {sorted(unknown)}; it has {sorted(table)}")
    if chosen.list:
        for run in table.values():
            stored = result(run)
            state = "done" if stored else "begun" if (run.folder / CHECKPOINT).exists() else "missing"
            notes = ["needs a GPU"] * run.gpu
            if stored and stored.get("actors", RENDERER_VERSION) != RENDERER_VERSION:
                notes.append(f"trained on version {stored['actors']} of the actors; today's is {RENDERER_VERSION}")
            print(f"{state:8} {run.name:40} {run.steps:7} steps{'  '.join(['', *notes])}")
        return 0
    deadline = time.monotonic() + 60 * chosen.minutes
    both = not (chosen.train or chosen.measure)
    for run in table.values():
        if (chosen.only and run.name not in chosen.only) or result(run):
            continue
        if run.gpu and not chosen.only and not torch.cuda.is_available():
            print(f"leaving out {run.name}: it needs a GPU; name it with --only to do it all the same")
            continue
        left = (deadline - time.monotonic()) / 60
        finished = (run.folder / "facts.json").exists()
        if (chosen.train or both) and not finished and left > 0:
            print(f"training {run.name}", flush=True)
            finished = train(run, left, chosen.device)
        if (chosen.measure or both) and finished:
            print(f"measuring {run.name}", flush=True)
            measure_run(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
