"""The committed results: a folder a run, ``book/results/<run>``, written once and read by the chapters.

- ``run.json``: facts, and the digest of the definition that they are of (`Run.digest`).
- ``clips.parquet``: the metrics, a row a held-out clip; ``unrefined.parquet`` of the clips that a G_R was given.
- ``frames.parquet``: of faces, a row a clip again, and in it a list of a value a frame (`metrics.compare_frames`);
  results that were measured before there was such a thing lack it.
- ``forecast.parquet``: of bodies, the same by forecast poses and not by true ones; so ``unrefined_forecast.parquet``.
  ``forecast_shared.parquet`` is by FRGAN's forecast poses, for a system that has forecasts of its own.
- ``seen.parquet``: the same of people that the model was taught.
- ``pairs.parquet``: of a G_M, two rows a clip, how it draws from a frame that is not neutral.
- ``inferences.parquet``: what a model that infers the intensity reads off each clip.
- ``history.parquet``: the training, as many rows as a curve shows.
- ``sample.webp``: true frames above made ones; of the seed 0, and in the repository where a chapter shows it.

What depends on the data alone, the reference rows (real clips, copying, cross-fade), is kept once for all runs on
those data, in ``book/results/references``. Numbers are stored in single precision and read to `DIGITS` decimals. Means
and intervals are not stored: they are computed when asked for.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from i2vbook import checkout
from i2vbook.evidence.effects import Effect
from i2vbook.evidence.plan import Run, lineage, planned
from i2vlib.datasets import actors, performers
from i2vlib.store import replacing, write_file

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "spearman", "moving_ratio", "landmark_ratio", "blendshape_ratio", "motion", "lead_rise", "acd_i_ratio",
    "acd_c_ratio", "psnr_neutral", "sharpness", "flicker", "static_change", "mask_iou", "mask_mean", "falls",
)  # fmt: skip
SHOWN_OF_BODIES = ("mse", "psnr", "moving_ratio", "motion", "flicker", "static_change")
SHOWN_OF_READINGS = ("pck", "joint_error")
#: Today's version of each renderer.
RENDERERS = {"actors": actors.RENDERER_VERSION, "performers": performers.RENDERER_VERSION}
#: Decimals of every number in a table; of a history, whose losses are small, one more.
DIGITS = 4
HISTORY_DIGITS = 5
#: Of a sample, whose frames are shown as large as they are.
PICTURE_QUALITY = 80


#: On which people the results are read: ``test``, or ``final``, who are kept apart (`i2vbook.audits.final`).
SPLIT: ContextVar[str] = ContextVar("SPLIT", default="test")

# Reading ------------------------------------------------------------------------------------------------------------


def folder(run: Run) -> Path:
    """Returns where the result of a run is, of the people that `SPLIT` says."""
    return run.results if SPLIT.get() == "test" else checkout.RESULTS / SPLIT.get() / run.name


def result(run: Run) -> dict | None:
    """The facts of the committed result of a run as it is now defined (``run.json``), or None."""
    path = folder(run) / "run.json"
    if not path.is_file():
        return None
    facts = json.loads(path.read_text())
    return facts if facts["digest"] == run.digest else None


def rows(run: Run, part: str = "clips") -> pd.DataFrame:
    """A table of a run's result.

    Args:
        run: one of `planned`.
        part: ``clips`` with their metrics, NaN where a method has none, ``unrefined``, the same of the clips that a
            G_R was given, ``seen``, of people in training, ``frames``, ``pairs`` and ``inferences`` (see `measuring`),
            or ``history``.

    Raises:
        ValueError: the run has no result yet, or not that part.
    """
    if result(run) is None:
        raise ValueError(
            f"The run {run.name} has no result yet. Make it: python -m i2vbook.evidence --only {run.name}."
        )
    path = folder(run) / f"{part}.parquet"
    if not path.is_file():
        raise ValueError(f"The result of {run.name} has no {part}: {path} is not there.")
    frame = read_table(path, HISTORY_DIGITS if part == "history" else DIGITS)
    return with_every_metric(frame) if part in ("clips", "unrefined", "seen") else frame


def parts(run: Run) -> set[str]:
    """Which tables the result of a run has (`rows`); none before there is a result."""
    return {path.stem for path in folder(run).glob("*.parquet")} if result(run) else set()


def with_every_metric(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows with a column for every metric, NaN where none was kept."""
    from i2vlib.metrics import COLUMNS

    others = [name for name in frame if name not in COLUMNS]
    return frame.reindex(columns=[*others, *COLUMNS]).astype(dict.fromkeys(COLUMNS, float))


def measured(names: Mapping[int, Sequence[str]], part: str = "clips") -> pd.DataFrame | None:
    """The measured clips of runs: those named for each seed one below the other, with a column ``seed``.

    Args:
        names: by seed, the runs.
        part: of their results, see `rows`.

    Returns:
        A row a clip. A seed of which a run has no result is left out; None if that leaves nothing.
    """
    import pandas as pd

    table, parts = planned(), []
    for seed, of_it in names.items():
        if all(result(table[name]) for name in of_it):
            parts += [rows(table[name], part).assign(seed=seed) for name in of_it]
    return pd.concat(parts, ignore_index=True) if parts else None


def arms(rows: Mapping[str, str], part: str = "clips") -> tuple[dict[str, pd.DataFrame], dict[str, list[int]]]:
    """What was measured of rows of the table of runs, and which of their seeds have no result yet.

    Args:
        rows: a row of the table for each arm of a comparison, by what the arm is called.
        part: of their results, see `rows`.

    Returns:
        A table an arm, its seeds one below the other as `measured` has them, without the arms of which there is none;
        and the missing seeds of every arm.

    Raises:
        ValueError: the table of runs has no such row.
    """
    found, missing = {}, {}
    for arm, row in rows.items():
        of_it = {run.seed: name for name, run in planned().items() if name == f"{row}_{run.seed}"}
        if not of_it:
            raise ValueError(f"The table of runs has no row {row!r} with seeds, for the arm {arm!r}.")
        missing[arm] = [seed for seed, name in of_it.items() if not result(planned()[name])]
        clips = measured({seed: [name] for seed, name in of_it.items() if seed not in missing[arm]}, part)
        if clips is not None:
            found[arm] = clips
    return found, missing


def history(run: Run) -> pd.DataFrame:
    """The training history of a run and those it started from: a row a logged step, counted on from run to run.

    Raises:
        ValueError: one of them has no result yet.
    """
    import pandas as pd

    parts, before = [], 0
    for part in lineage(run):
        parts.append(rows(part, "history").assign(run=part.name).eval(f"step = step + {before}"))
        before += result(part)["steps"]
    return pd.concat(parts, ignore_index=True)


def summary(run: Run, expression: str | None = None) -> pd.DataFrame:
    """`metrics.summary` of a run's clips, of those that it refined, and of the reference rows on the same people.

    Args:
        expression: that one alone, or ``all``: every interval is a bootstrap, and the others take as long.

    Returns:
        Columns ``system``, ``expression``, ``metric``, ``mean``, ``low``, ``high``, ``subjects``.

    Raises:
        ValueError: the run has no result yet.
    """
    import pandas as pd

    from i2vlib import metrics

    own, name = _own_rows(run), result(run)["references"]
    parts = [own, reference_rows(name)]
    if expression not in (None, "all"):
        parts = [None if part is None else part[part["expression"] == expression] for part in parts]
    tables = [references(name) if part is None else metrics.summary(part).reset_index() for part in parts]
    both = pd.concat(tables, ignore_index=True)
    return both if expression is None else both[both["expression"] == expression]


def _own_rows(run: Run) -> pd.DataFrame:
    """The rows of a run's clips, and of those that it refined, by system."""
    import pandas as pd

    ours = [rows(run).assign(system=run.method)]
    if (folder(run) / "unrefined.parquet").is_file():
        ours.append(rows(run, "unrefined").assign(system=run.stages[-1]))
    return pd.concat(ours, ignore_index=True)


def references(name: str) -> pd.DataFrame:
    """The summary of the reference rows that a result names (``references`` of `result`), as `summary` has it.

    Where the rows themselves were kept, `reference_rows`, it is computed from them.
    """
    from i2vlib import metrics

    known = reference_rows(name)
    return read_table(_references(name, "_summary")) if known is None else metrics.summary(known).reset_index()


def reference_rows(name: str) -> pd.DataFrame | None:
    """The reference rows that a result names, a row a clip and a system; None where only their summary was kept."""
    path = _references(name)
    return with_every_metric(read_table(path)) if path.is_file() else None


def measurements(run: Run, expression: str) -> dict[str, dict[str, Effect]]:
    """A run's metrics on one expression, and the reference rows': by system and by metric that the method has.

    The systems are the method, the stage that it refines, and ``real``, ``copy`` and ``cross-fade``. A metric of which
    fewer than two people have a value is left out.
    """
    means = summary(run, expression).query("metric in @SHOWN").dropna(subset=["mean", "low"])
    by = {(r.system, r.metric): Effect(r.mean, r.low, r.high) for r in means.itertuples()}
    known = [metric for metric in SHOWN if (run.method, metric) in by]
    systems = [name for name in dict.fromkeys((run.method, "Forecast", "real", "copy", "cross-fade"))
               if any(system == name for system, _ in by)]  # fmt: skip
    return {name: {metric: by[name, metric] for metric in known if (name, metric) in by} for name in systems}


# Writing ------------------------------------------------------------------------------------------------------------


def write(run: Run, facts: Mapping[str, object], parts: Mapping[str, pd.DataFrame], picture: np.ndarray) -> None:
    """A run's result in place of an earlier one.

    Args:
        run: whose it is.
        facts: what goes into ``run.json``; it is written last, so that a folder without it is no result.
        parts: the tables by name, see `rows`.
        picture: ``uint8 (H, W, 3)``, the sample; kept of the seed 0 and of the split ``test`` alone.
    """
    shutil.rmtree(folder(run), ignore_errors=True)
    for name, frame in parts.items():
        write_table(folder(run) / f"{name}.parquet", frame)
    if not run.seed and SPLIT.get() == "test":
        write_picture(run.picture, picture)
    write_file(folder(run) / "run.json", (json.dumps(dict(facts), indent=1) + "\n").encode())


def write_references(name: str, frame: pd.DataFrame) -> None:
    """Keeps reference rows, a row a clip and a system, under a name; a summary that was all there was of them goes."""
    write_table(_references(name), frame)
    _references(name, "_summary").unlink(missing_ok=True)


def _references(name: str, kind: str = "") -> Path:
    return checkout.RESULTS / "references" / f"{name}{kind}.parquet"


def thin(history: pd.DataFrame, rows: int = 100) -> pd.DataFrame:
    """So many rows of the training terms, evenly and the last, and every row of the validation."""
    validated = history.filter(like="validation/").notna().any(axis=1)
    terms = history.drop(columns=["step", "seconds", "run"], errors="ignore")[~validated].dropna(how="all").index
    keep = terms[::-1][:: max(1, -(-len(terms) // rows))]
    return history[validated | history.index.isin(keep)]


def rendered_by(run: Run, prefix: str = "") -> dict[str, int]:
    """Which version of its renderer a run's data are of, under their name, ``actors`` or ``performers``."""
    name = run.data["name"]
    return {f"{prefix}{name}": RENDERERS[name]} if name in RENDERERS else {}


# Files --------------------------------------------------------------------------------------------------------------


def read_table(path: Path, digits: int = DIGITS) -> pd.DataFrame:
    """A table that `write_table` wrote, to so many decimals; lists of numbers are lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = pq.read_table(path)
    lists = [
        name for name, kind in zip(packed.column_names, packed.schema.types, strict=True) if pa.types.is_list(kind)
    ]
    frame = packed.to_pandas()
    floats = frame.select_dtypes("float32").columns
    frame = frame.astype(dict.fromkeys(floats, float)).round(dict.fromkeys(floats, digits))
    return frame.assign(**{name: [x.astype(float).round(digits).tolist() for x in frame[name]] for name in lists})


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """A table as Parquet: numbers and lists of numbers in single precision; columns without any value are left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = pa.Table.from_pandas(frame.dropna(axis=1, how="all"), preserve_index=False)
    single = {pa.float64(): pa.float32(), pa.list_(pa.float64()): pa.list_(pa.float32())}
    schema = pa.schema([field.with_type(single.get(field.type, field.type)) for field in packed.schema])
    numbers = [field.name for field in schema if field.type == pa.float32()]
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    with replacing(path) as part:
        pq.write_table(
            packed.cast(schema), part, compression="zstd", compression_level=19, use_dictionary=texts,
            use_byte_stream_split=numbers, write_statistics=False, store_schema=False,
        )  # fmt: skip


def write_picture(path: Path, picture: np.ndarray) -> None:
    """``uint8 (H, W, 3)`` as WebP, of its own size."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "WEBP", quality=PICTURE_QUALITY, method=6)
    write_file(path, written.getvalue())
