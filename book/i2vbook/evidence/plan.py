"""The table of reference runs: every row of ``book/results/runs.toml`` as a `Run`, or as one `Run` a seed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from i2vbook import checkout
from i2vlib.hub import method_class
from i2vlib.papers.config import Config
from i2vlib.papers.method import Method


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
    inherits: str | None = None
    """The run whose generator it starts from, where ``start`` is a run of another method. A G_R may go on training on
    the clips of another G_M, or, with no steps, be used unchanged."""
    taught: Mapping[str, object] = field(default_factory=dict)
    """Options of the data that hold for the training people only (two frames a clip, frames in any order): held-out
    people are always shown whole clips."""
    also: Mapping[str, object] = field(default_factory=dict)
    """More training people beside those of the data: options that differ from its own (another cast); none if empty."""
    backwards: bool = False
    """From the peak to the neutral frame (AffineGAN, section 5)."""
    fitted: bool = False
    """FRGAN's condition maps are of faces fitted to the frames, and not of the actors as they are: when measured, of
    the driver's fitted expression on the face fitted to the target's still."""
    every: int = 3
    """When measured, faces are read in every so many frames of a clip, its first, its peak and its last among them."""
    seen: int = 0
    """When measured, so many of the people that it was taught are as well (FAN, Fig. 2)."""
    ships: str | None = None
    """The name under `i2vlib/weights` that the result is shipped as; of a row with seeds, that of the first."""
    keep: Literal["best", "last"] = "best"
    """The weights of the least validation error, or the last ones: that error does not know what discriminators add."""
    dealt: bool = False
    """Each training person shows one expression of the data only, dealt by seed; a model that knows some of the
    expressions is trained on the people who show these (FAN, section 3.4)."""
    gpu: bool = False
    like: str | None = field(default=None, compare=False)
    """The row that this one is like; None for one that is like none and begins with its preset."""
    differs: Sequence[str] = field(default=(), compare=False)
    """What sets it apart from the row that it is like, or else from its preset: all of it, by the names of
    `sets_apart`, to which a test holds every row. A term that ``weights`` leaves out weighs nothing, whatever the
    preset gives it, and so is among them."""

    @property
    def bodies(self) -> bool:
        """Whether it is about performers, of whom no face is read."""
        return self.data["name"] == "performers"

    @property
    def kind(self) -> type[Method]:
        """The class of the method."""
        return method_class(self.method)

    @cached_property
    def settings(self) -> Config:
        """The config in full. Raises `ValueError` for a preset that the method does not have."""
        return self.kind.Config.preset(self.preset, **self.config)

    @cached_property
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
        later = ("dealt", "taught", "also", "backwards", "fitted", "inherits")
        parts |= {name: vars(self)[name] for name in later if vars(self)[name]}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:16]

    @property
    def stages(self) -> list[str]:
        """The methods of other kinds that it builds on, by name."""
        return list(dict.fromkeys(step.method for step in lineage(self) if step.method != self.method))

    @property
    def folder(self) -> Path:
        """Where it is done."""
        return checkout.WORK / f"{self.name}-{self.digest}"

    @property
    def results(self) -> Path:
        """The folder of its committed result (`i2vbook.evidence.results`)."""
        return checkout.RESULTS / self.name

    @property
    def picture(self) -> Path:
        """Where `sample` of a measured run is kept: most runs ship no weights, and can still be looked at."""
        return self.results / "sample.webp"


def planned() -> dict[str, Run]:
    """The runs of the table by name.

    A row ``like`` an earlier one says only what differs from it. A row with ``seeds`` is one run a seed, whose name
    ends in it, and so does that of the run that it starts from, where that is of a row with seeds as well.

    Raises:
        ValueError: there is no table; the runs are done from a checkout. Or a row is like one that does not come
            before it.
    """
    if not checkout.TABLE.is_file():
        raise ValueError(f"There is no {checkout.TABLE}. The reference runs are done from a checkout of the book.")
    return dict(_listed(checkout.TABLE.read_text()))


@lru_cache(maxsize=2)
def _listed(text: str) -> dict[str, Run]:
    """The runs of a table's text, which rules ask for hundreds of times."""
    rows: dict[str, dict] = {}
    for name, row in tomllib.loads(text).items():
        like = row.pop("like", None)
        if like is not None and like not in rows:
            raise ValueError(
                f"The run {name} is like {like!r}, and no run of that name comes before it in {checkout.TABLE}."
            )
        rows[name] = {**_changed(rows.get(like, {}), row), "like": like, "differs": row.get("differs", ())}
    seeded = {name for name, row in rows.items() if row.get("seeds")}
    return {run.name: run for name, row in rows.items() for run in _seeded(name, seeded, **row)}


def sets_apart(run: Run, table: Mapping[str, Run]) -> list[str]:
    """What sets a run apart from the one that it is like, of its own seed where there is one, or else from its preset.

    Returns:
        Names in alphabetical order: fields of the config, "weights.temporal" for the weight of a term, "data.size" for
        an option of the data, and "steps", "start" and the like for what the table says beside them. Seeds, names,
        shipping and where a run may be trained count for nothing.
    """
    if run.like is None:
        ours, theirs = _fields(run.settings), _fields(run.kind.Config.preset(run.preset))
    else:
        names = [run.like, f"{run.like}_{run.seed}", *(name for name in table if name.rpartition("_")[0] == run.like)]
        other = table[next(name for name in names if name in table)]
        ours, theirs = (_fields(one.settings) | _beside(one) for one in (run, other))
    return list(_differing(theirs, ours))


def changes(rows: Mapping[str, str]) -> dict[str, dict[str, tuple[object, object]]]:
    """Names what each of several rows sets otherwise than the first one, with the first one's value and its own.

    Args:
        rows: rows of the table, with seeds or without, by what an arm of a comparison is called.

    Returns:
        For each arm after the first, pairs by name: fields of the config, weights, data and steps as `sets_apart` names
        them. A value that one of the two rows does not have is None.
    """
    table = planned()
    runs = {arm: next(table[name] for name in (row, f"{row}_0") if name in table) for arm, row in rows.items()}
    first, *others = runs
    stated = {arm: _fields(run.settings) | _beside(run) for arm, run in runs.items()}
    return {arm: _differing(stated[first], stated[arm]) for arm in others}


def _differing(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """Pairs the values of two mappings that differ, by name in alphabetical order; None where one has no value."""
    pairs = {name: (one.get(name), other.get(name)) for name in sorted({*one, *other})}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _fields(config: Config) -> dict[str, object]:
    weights = {f"weights.{term}": weight for term, weight in vars(config).get("weights", {}).items()}
    return {name: value for name, value in vars(config).items() if name != "weights"} | weights


def _beside(run: Run) -> dict[str, object]:
    """What a row says beside its config, an option of its data each."""
    parts = {f"{table}.{key}": value for table in ("data", "taught", "also") for key, value in vars(run)[table].items()}
    plain = ("method", "steps", "precision", "start", "inherits", "backwards", "fitted", "every", "keep", "dealt")
    return parts | {name: vars(run)[name] for name in plain}


def _changed(row: Mapping, changes: Mapping) -> dict:
    """A row with some of its values changed, and of the tables in it (config, weights) only what is given."""
    tables = {key: _changed(row.get(key, {}), value) for key, value in changes.items() if isinstance(value, dict)}
    return {**row, **changes, **tables}


def _seeded(
    name: str,
    seeded: set[str],
    seeds: Sequence[int] = (),
    start: str | None = None,
    ships: str | None = None,
    **row: object,
) -> list[Run]:
    if not seeds:
        return [Run(name, start=start, ships=ships, **row)]
    starts = {seed: f"{start}_{seed}" if start in seeded else start for seed in seeds}
    shipped = {seeds[0]: ships}
    return [Run(f"{name}_{seed}", start=starts[seed], seed=seed, ships=shipped.get(seed), **row) for seed in seeds]


def lineage(run: Run) -> list[Run]:
    """The runs that a run started from, the earliest first, and the run itself."""
    return [*lineage(planned()[run.start]), run] if run.start else [run]


def gpu_first(table: Mapping[str, Run]) -> list[Run]:
    """The runs in the order of doing them: those that need a GPU, each after those that it starts from; then others."""
    first = [step.name for run in table.values() if run.gpu for step in lineage(run)]
    return [table[name] for name in dict.fromkeys([*first, *table])]
