r"""The benchmark: a model from anywhere beside the book's, on the same people. ``python -m i2vbook.audits.benchmark``.

``stills`` writes what a model is given: the first frame of each clip of the held-out actors, and in ``benchmark.json``
who shows what, and how strong the expression is in every frame. ``score`` reads the frames that were made of it, a
folder a clip, measures them as `i2vlib.evaluate` does, and sets the row among those of the systems that were taught on
the actors. From Python, `score` takes the model itself.

The actors are public: anybody can render the true frames. A row is worth as much as the word of whoever enters it that
nothing was trained, tuned or chosen on a test seed (20,000 to 29,999).
"""

from __future__ import annotations

import argparse
import inspect
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from i2vbook import checkout
from i2vbook.claims.common import how_far, moves, names
from i2vbook.evidence import effects, results, systems
from i2vbook.evidence.plan import lineage, planned
from i2vbook.show import tables
from i2vbook.show.tables import words
from i2vlib import datasets, metrics
from i2vlib.clips import Clip
from i2vlib.compared.fixed_length import spread
from i2vlib.datasets import actors
from i2vlib.store import replacing_folder, write_file, write_text

if TYPE_CHECKING:
    import pandas as pd

#: Raised when anything below changes what is asked or how it is measured; no scores of two versions go together.
VERSION = 1
PEOPLE, SIZE, FRAMES, EXPRESSIONS = 16, 64, 12, ("happy", "angry", "surprised")
#: The intensities at which `i2vlib.evaluate` asks whether a face moves evenly; frames of them lie in a folder so named.
SWEEP, SWEPT = np.linspace(0, 1, 21), "sweep"
#: Faces are read in every so many frames, the first, the peak and the last among them, as in the book's runs.
EVERY = 3
#: What is handed out, and what a folder of frames may carry to say what it was made of.
TASK = "benchmark.json"
#: What is shown; all metrics are in ``clips.csv``.
SHOWN = (
    "motion", "lead_rise", "moving_ratio", "halfway_ratio", "sharpness", "flicker", "acd_i_ratio", "acd_c_ratio",
    "acd_g_ratio", "detection",
)  # fmt: skip
#: Of these, what fits a page's column.
NARROW = ("motion", "lead_rise", "moving_ratio", "sharpness", "acd_i_ratio", "detection")
#: What a model that is entered is told beside a still and an expression: one that is asked for intensities, or not.
INTENSITY, NOTHING = "intensity", "nothing"


@dataclass(frozen=True)
class Played:
    """Frames that were made elsewhere, as a model: asked for a still and an expression, it plays back what it has.

    Attributes:
        clips: ``uint8 (T, H, W, 3)`` by the bytes of the still and the expression.
    """

    clips: Mapping[tuple[bytes, str], np.ndarray]

    def animate(self, face: np.ndarray, expression: str) -> Clip:
        """The clip of a still; its length is its own."""
        return Clip(self.clips[face.tobytes(), expression], expression=expression)


@dataclass(frozen=True)
class PlayedByIntensity:
    """As `Played`, with frames for two curves of intensity: the clip's own, and `SWEEP`."""

    clips: Mapping[tuple[bytes, str], np.ndarray]
    sweeps: Mapping[tuple[bytes, str], np.ndarray]

    def animate(self, face: np.ndarray, expression: str, intensity: Sequence[float]) -> Clip:
        """The frames of the one curve or the other, which differ in length."""
        of_it = self.sweeps if len(intensity) == len(SWEEP) else self.clips
        return Clip(of_it[face.tobytes(), expression], expression=expression)


@dataclass(frozen=True, eq=False)
class Score:
    """A model's row in the book's table; a notebook shows the table.

    Attributes:
        name: what the row is called.
        clips: its measurements, as `i2vlib.evaluate` returns them.
        systems: the rows of all systems with a column ``seed``, the new one's last.
        facts: what they rest on: versions, people, and what each system was told.
    """

    name: str
    clips: pd.DataFrame
    systems: Mapping[str, pd.DataFrame]
    facts: Mapping[str, object]

    @property
    def levels(self) -> dict[str, dict[str, effects.Effect]]:
        """Mean and interval of `SHOWN` by system."""
        return effects.levels(self.systems, SHOWN)

    @property
    def table(self) -> pd.DataFrame:
        """A row a system: what it was told, its steps and seeds, and every metric with the ends of its interval."""
        import pandas as pd

        rows = {
            name: dict(self.facts["systems"][name])
            | {f"{metric}{end}": value for metric, found in of_it.items()
               for end, value in (("", found.mean), ("_low", found.low), ("_high", found.high))}
            for name, of_it in self.levels.items()
        }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")

    def write(self, folder: str | Path) -> Path:
        """Writes ``table.csv``, ``clips.csv`` (all metrics, a row a clip of the new model) and ``score.json``."""
        folder = Path(folder)
        write_text(folder / "table.csv", self.table.to_csv())
        write_text(folder / "clips.csv", self.clips.to_csv(index=False))
        write_text(folder / "score.json", json.dumps(dict(self.facts), indent=1) + "\n")
        return folder

    def _repr_html_(self) -> str:
        return tables.table(self.levels)._repr_html_()

    def __str__(self) -> str:
        shown = self.table[["told", "steps", *SHOWN]].rename(columns=lambda name: name.removesuffix("_ratio"))
        shown["steps"] = ["" if np.isnan(steps) else f"{steps:,.0f}" for steps in shown["steps"].astype(float)]
        text = shown.to_string(float_format="{:.2f}".format, na_rep="", index_names=False)
        return "\n".join([text, "", *self.facts["notes"]])


def held_out(people: int = PEOPLE) -> actors.Actors:
    """The clips to be made: the first people of the test split, three expressions each, 12 frames of 64 pixels.

    Raises:
        ValueError: fewer than one or more than 16 people.
    """
    if not 1 <= people <= PEOPLE:
        raise ValueError(f"The benchmark is of {PEOPLE} people; {people} were asked for. Ask for 1 to {PEOPLE}.")
    return actors.Actors("test", SIZE, people, EXPRESSIONS, FRAMES)


def write_stills(folder: str | Path, people: int = PEOPLE) -> Path:
    """Writes what a model is given: a still a clip as PNG, and `TASK`; none of the frames that are to be made.

    Args:
        folder: a new one, or an empty one.
        people: the first so many, 1 to 16.

    Raises:
        ValueError: the folder has something in it, or a number of people that there is not.
    """
    folder, data = Path(folder), held_out(people)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ValueError(
            f"{folder} is not empty. The stills go into a folder of their own: name one that is not there."
        )
    task = {
        **_versions(), "split": "test", "size": SIZE, "frames": FRAMES, "fps": actors.FPS,
        SWEPT: SWEEP.tolist(), "clips": [],
    }  # fmt: skip
    with replacing_folder(folder) as part:
        for index, (person, expression) in enumerate(data.keys):
            clip, name = data[index], _name(person, expression)
            written = io.BytesIO()
            Image.fromarray(clip.frames[0]).save(written, "PNG")
            write_file(part / f"{name}.png", written.getvalue())
            task["clips"].append(
                {"clip": name, "still": f"{name}.png", "person": person, "expression": expression}
                | {"intensity": clip.intensity.tolist()}
            )
        write_text(part / TASK, json.dumps(task, indent=1) + "\n")
    return folder


def score(
    entry: object, name: str = "", people: int = PEOPLE, readers: bool = True, fixed_length: bool = False
) -> Score:
    """Measures a model on the held-out actors, and sets its row among those of the book's systems.

    Args:
        entry: a model with ``animate(face, expression, intensity)``, or with ``animate(face, expression)`` if its clips
            have a length of their own: their frames are then spread evenly over the true clip's. Or a folder of frames
            as PNG or WebP, a folder a clip of `TASK`, named as there: one frame an intensity, in the order of their
            numbers; and, if the model knows intensities between, those of `SWEEP` in a folder ``sweep`` inside.
        name: what the row is called; the folder's or the class' name if left out.
        people: the first so many, 1 to 16.
        readers: whether faces are read, about 0.1 s a frame. Without, what needs it is empty.
        fixed_length: the folder's clips have a length of their own, and know no intensity.

    Raises:
        ValueError: a folder without a clip, with too few or too many frames, or frames of another size; a model that
            cannot be asked; or a number of people that there is not.
    """
    data = held_out(people)
    if isinstance(entry, str | Path):
        name = name or Path(entry).resolve().name
        model = _read(Path(entry), data, fixed_length)
        told = NOTHING if fixed_length else INTENSITY
    elif hasattr(entry, "animate"):
        name, model = name or type(entry).__name__, entry
        told = INTENSITY if _dialled(entry) else NOTHING
    else:
        raise ValueError(f"A model has animate(face, expression, intensity), a folder a path; {entry!r} has neither.")
    return placed(name, measured(model, data, readers), told)


def placed(name: str, clips: pd.DataFrame, told: str = INTENSITY) -> Score:
    """What was measured of a model, among the rows of the book's systems on the same people.

    Args:
        name: what the row is called.
        clips: from `measured`.
        told: what the model was told, `INTENSITY` or `NOTHING`.

    Raises:
        ValueError: another row is called so.
    """
    subjects = list(dict.fromkeys(clips["subject"]))
    standing, others, theirs = _standing(subjects)
    if name in standing:
        raise ValueError(f"The table has a row {name!r}. Give yours another name.")
    extractors, entered = clips.attrs.get("extractors"), clips.assign(seed=0)
    facts = {
        "name": name, **_versions(), "readers": extractors, "split": "test", "people": subjects,
        "expressions": list(EXPRESSIONS), "size": SIZE, "frames": FRAMES, "every": EVERY, "seed": 0,
        "systems": others | {name: {"told": told, "steps": None, "runs": []}},
        "notes": _notes(entered, len(subjects), extractors, theirs),
    }  # fmt: skip
    return Score(name, clips, standing | {name: entered}, facts)


def outsider() -> tables.Table:
    """The table of the page on the benchmark, with the model from outside that it enters, as that was committed."""
    import pandas as pd

    found = placed("the chin drops", pd.read_csv(checkout.RESULTS / "benchmark_chin.csv"))
    return tables.table({name: {metric: of_it[metric] for metric in NARROW} for name, of_it in found.levels.items()})


def measured(model: object, data: Sequence[Clip], readers: bool = True) -> pd.DataFrame:
    """A model's measurements on the clips of `held_out`, told the true intensity if it takes one (`i2vlib.evaluate`).

    One whose ``animate`` takes none makes a clip of its own length, whose frames are spread evenly over the true one's.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    one = _by_intensity if _dialled(model) else _by_time
    rows = [one(model, data[index], readers, index) for index in tqdm(range(len(data)), "scoring", unit="clip")]
    table = pd.concat(rows, ignore_index=True)
    table.attrs = rows[0].attrs
    return table


def _by_intensity(model: object, clip: Clip, readers: bool, seed: int) -> pd.DataFrame:
    return metrics.evaluate(model, [clip], "true", readers, EVERY, seed)


def _by_time(model: object, clip: Clip, readers: bool, seed: int) -> pd.DataFrame:
    made = model.animate(clip.frames[0], clip.expression).frames
    _check_size(made, f"{clip.subject}, {clip.expression}")
    frames = made[spread(len(made), len(clip))]
    row = metrics.compare(frames, clip, None, readers, EVERY, seed)
    first = {"psnr_neutral": min(metrics.BEST_PSNR, metrics.psnr(frames[0], clip.frames[0]))}
    return metrics.to_table([row | first], {"drive": "conditions", "readers": readers, "every": EVERY, "seed": seed})


def _dialled(model: object) -> bool:
    return "intensity" in inspect.signature(model.animate).parameters


# A folder of frames -------------------------------------------------------------------------------------------------


def _read(folder: Path, data: actors.Actors, fixed_length: bool) -> Played | PlayedByIntensity:
    _check_task(folder)
    asked = [_name(*key) for key in data.keys]
    if absent := [name for name in asked if not (folder / name).is_dir()]:
        raise ValueError(
            f"{folder} lacks {len(absent)} of {len(asked)} clips, {absent[0]} first. An entry has a folder of frames "
            f"for each clip of {TASK}, named as there; --people N asks for the first N people only."
        )
    made = [_frames(folder / name, None if fixed_length else FRAMES) for name in asked]
    if len(lengths := {len(frames) for frames in made}) > 1:
        raise ValueError(f"The clips in {folder} have {sorted(lengths)} frames. A system has one length for all clips.")
    keys = [(data[index].frames[0].tobytes(), expression) for index, (_, expression) in enumerate(data.keys)]
    clips = dict(zip(keys, made, strict=True))
    swept = [name for name in asked if (folder / name / SWEPT).is_dir()]
    if not swept or fixed_length:
        return Played(clips)
    if len(swept) < len(asked):
        raise ValueError(
            f"{len(swept)} of {len(asked)} clips in {folder} have a folder {SWEPT}. All have one, or none."
        )
    sweeps = [_frames(folder / name / SWEPT, len(SWEEP)) for name in asked]
    return PlayedByIntensity(clips, dict(zip(keys, sweeps, strict=True)))


def _check_task(folder: Path) -> None:
    """Raises `ValueError` where frames were made of another benchmark's stills, as far as they say."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder at {folder}. Check the path.")
    if not (folder / TASK).is_file():
        return
    task, today = json.loads((folder / TASK).read_text()), _versions()
    if [task.get(of_it) for of_it in ("benchmark", "actors")] != [today["benchmark"], today["actors"]]:
        raise ValueError(
            f"The frames in {folder} were made of version {task.get('benchmark')} of the benchmark and "
            f"{task.get('actors')} of the actors; today's are {today['benchmark']} and {today['actors']}. Write the "
            "stills anew, and make the frames of them."
        )


def _frames(folder: Path, count: int | None) -> np.ndarray:
    frames = datasets.load_clip(folder).frames
    _check_size(frames, str(folder))
    if count is not None and len(frames) != count:
        raise ValueError(
            f"{folder} holds {len(frames)} frames; {count} were expected, one for each intensity of {TASK}. Clips of "
            "another length, of a system that knows no intensity, are scored with --fixed-length."
        )
    return frames


def _check_size(frames: np.ndarray, whose: str) -> None:
    if frames.shape[1:3] != (SIZE, SIZE) or len(frames) < 2:
        raise ValueError(
            f"The clip {whose} has {len(frames)} frames of {frames.shape[2]}x{frames.shape[1]} pixels; two or more of "
            f"{SIZE}x{SIZE} were expected. Make them at that size: nothing is resampled."
        )


def _name(person: int, expression: str) -> str:
    return f"{person}-{expression}"


# The others ---------------------------------------------------------------------------------------------------------


def _standing(subjects: Sequence[str]) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, object]], list[dict]]:
    """The reference rows and the book's systems on some people; what each was told and rests on; the readers of each.

    Left out is what was measured on another version of the actors, whose pixels are others.
    """
    rows = results.reference_rows(results.result(systems.first("AffineGAN"))["references"]).assign(seed=0)
    found = {words(who): rows[rows["system"] == who] for who in metrics.REFERENCE_ROWS}
    facts: dict[str, dict[str, object]] = {who: {"told": "", "steps": None, "runs": []} for who in found}
    table, readers = planned(), []
    for name, system in systems.SYSTEMS.items():
        known = {run: results.result(table[run]) for run in names(system.row)}
        runs = [run for run, of_it in known.items() if of_it["measured_actors"] == actors.RENDERER_VERSION]
        if not runs:
            continue
        run, of_it = table[runs[0]], known[runs[0]]
        found[name] = results.measured({table[run].seed: [run] for run in runs})
        readers.append(of_it["readings"]["extractors"])
        steps = sum(step.steps for step in lineage(run) if step.method == run.method)
        facts[name] = {"told": system.told, "runs": runs, "steps": steps}
    return {name: rows[rows["subject"].isin(subjects)] for name, rows in found.items()}, facts, readers


def _notes(clips: pd.DataFrame, people: int, readers: Mapping | None, theirs: Sequence[Mapping]) -> list[str]:
    """What has to be known of a row to believe it, in sentences."""
    moving = "It moves, by the rule that the book asks first" if moves(clips) else "It does not move as the book asks"
    said = [f"{moving}: {how_far(clips)}."]
    if people < PEOPLE:
        said.append(f"These are {people} of the benchmark's {PEOPLE} people: not a row to publish.")
    if readers is None:
        said.append("Faces were not read: what identity, leads and detection say is missing.")
    elif any(of_it != readers for of_it in theirs):
        said.append("Some rows were measured with readers of other versions; score.json and book/results say which.")
    return [*said, "Whoever enters a row says with it that nothing was trained, tuned or chosen on a test seed."]


def _versions() -> dict[str, object]:
    return {"benchmark": VERSION, "i2vlib": version("i2vlib"), "actors": actors.RENDERER_VERSION}


# The command --------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m i2vbook.audits.benchmark", description=__doc__.partition(".")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    stills = commands.add_parser("stills", help="write what a model is given")
    stills.add_argument("folder", type=Path, help="a folder that is not there yet")
    scored = commands.add_parser("score", help="measure the frames that it made, and print the table")
    scored.add_argument("folder", type=Path, help="the frames, a folder a clip")
    scored.add_argument("--name", default="", help="what the row is called; left out: as the folder is")
    scored.add_argument("--out", type=Path, help="where the table goes; left out: beside the folder, with -score")
    scored.add_argument(
        "--no-readers", action="store_true", help="read no faces: quick, and half of the table is empty"
    )
    scored.add_argument(
        "--fixed-length", action="store_true", help="clips have a length of their own, and no intensity"
    )
    for command in (stills, scored):
        command.add_argument("--people", type=int, default=PEOPLE, help=f"the first so many of the {PEOPLE}")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "stills":
            print(
                f"{write_stills(chosen.folder, chosen.people)} holds the stills, and {TASK}, which says what to make."
            )
            return 0
        found = score(chosen.folder, chosen.name, chosen.people, not chosen.no_readers, chosen.fixed_length)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    beside = chosen.folder.resolve()
    folder = found.write(chosen.out or beside.with_name(f"{beside.name}-score"))
    print(f"{found}\n\n{folder} holds the table with its intervals, all metrics of every clip, and all versions.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
