"""Measuring a trained run on held-out people: its metrics, what it infers, a picture of what it makes.

It needs readers of faces and pyarrow, and the weights and facts that training left (`i2vbook.evidence.learning`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from i2vbook.evidence import adapters, poses, results
from i2vbook.evidence.learning import clips, earlier
from i2vbook.evidence.plan import Run
from i2vlib import expressions, video
from i2vlib.clips import Clip
from i2vlib.hub import SHIPPED, load_pretrained
from i2vlib.joints import ACTIONS
from i2vlib.papers.frgan import future_of
from i2vlib.papers.frgan.follower import Follower
from i2vlib.papers.method import Method, Redrawn
from i2vlib.papers.playing import Dialled, Inferring

if TYPE_CHECKING:
    import pandas as pd

#: The driver of a held-out person is the one so many further on.
DRIVEN_BY = 5


def measure_run(run: Run, split: str = "test") -> pd.DataFrame:
    """Measures a trained run on held-out subjects beside the reference rows, writes its result, and ships its weights
    in 8 bits.

    Returns:
        The metrics, a row a clip and system.
    """
    import pandas as pd

    facts = json.loads((run.folder / "facts.json").read_text())
    method = load_pretrained(run.folder / "best")
    history = {"history": pd.DataFrame(facts.pop("history"))}
    facts |= {"split": split, **results.rendered_by(run, "measured_")}
    parts, known, picture = tables(run, method, split, facts)
    results.write(run, {"run": run.name, **facts}, parts | history, picture)
    if run.ships:
        taught = run.data.get("actions", ACTIONS) if run.bodies else run.data["expressions"]
        whole = adapters.shipped(method, earlier(run), taught)
        whole.save_pretrained(SHIPPED / run.ships, _card(run, facts, parts), bits=8)
    systems = {run.method: parts["clips"]}
    systems |= {run.stages[-1]: parts["unrefined"]} if "unrefined" in parts else {}
    return pd.concat([*(rows.assign(system=name) for name, rows in systems.items()), known], ignore_index=True)


Parts = tuple[dict[str, "pd.DataFrame"], "pd.DataFrame", np.ndarray]


def tables(run: Run, method: Method, split: str, facts: dict[str, object]) -> Parts:
    """As `measured_faces`, by what the method of a run makes."""
    drawn = measured_bodies if run.bodies else measured_faces
    measured = {"pictures": drawn, "readings": measured_readings, "poses": measured_poses}[run.kind.makes]
    return measured(run, method, split, facts)


def measured_faces(run: Run, method: Method, split: str, facts: dict[str, object]) -> Parts:
    """The tables of a run on actors by name (`results.rows`), its reference rows, and its `sample`; the readers of
    faces and what the reference rows are filed under are added to ``facts``."""
    import pandas as pd

    from i2vlib import metrics

    driven = {"driven_by": DRIVEN_BY} if issubclass(run.kind, Follower) else {}
    held_out = clips(run, split, **driven)

    def rows(data: Sequence[Clip]) -> pd.DataFrame:
        if issubclass(run.kind, Dialled):
            return metrics.evaluate(method, data, every=run.every)
        return retargeted(method.redraw, data, run.every)

    ours = rows(held_out)
    drawn = ((method.redraw(clip).frames, clip) for clip in (held_out[index] for index in range(len(held_out))))
    by_frame = [metrics.compare_frames(*pair, every=run.every) for pair in drawn]
    parts = {"clips": ours, "frames": pd.DataFrame(by_frame)}
    if run.seen:
        parts["seen"] = rows(clips(run, "train", **driven, subjects=run.seen))
    if issubclass(run.kind, Inferring):
        parts["inferences"] = pd.DataFrame(inferences(method, held_out))
    before = partial(adapters.before, method)
    if before(held_out[0]) is not None:
        parts["unrefined"] = retargeted(before, held_out, run.every)
    elif issubclass(run.kind, Follower):
        parts["pairs"] = pd.DataFrame(pairs(method.redraw, held_out))
    facts["readings"] = ours.attrs
    facts["references"] = reference_digest(run, facts)
    known = results.reference_rows(facts["references"])
    if known is None:
        known = metrics.evaluate_references(held_out, clips(run, "train"), every=run.every)
        results.write_references(facts["references"], known)
    return parts, known, sample(method, held_out)


def measured_bodies(run: Run, method: Method, split: str, facts: dict[str, object]) -> Parts:
    """As `measured_faces`, of a run on performers: the frames after those that G_C watches, drawn of the last of them.

    Returns:
        clips, by the true poses, and forecast, by those that G_C forecasts (FRGAN, Table 3); of a G_R, unrefined and
        unrefined_forecast too. Of a system that makes poses of its own, forecast is by these, and forecast_shared by
        those of G_C; one that knows no poses has clips alone. The reference rows are the real clips, copying the still,
        and the nearest training clip.
    """
    from i2vlib import metrics

    predictor = earlier(run)[0]
    true, guessed = (clips(run, split, lambda clip, by=by: future_of(clip, predictor, by)) for by in (False, True))
    before, followed = partial(adapters.before, method), partial(adapters.followed, method)
    if issubclass(run.kind, Follower):
        ways = {"clips": (method.redraw, true), "forecast": (method.redraw, guessed)}
    elif followed(true[0]) is not None:
        ways = {"clips": (followed, true), "forecast": (method.redraw, true), "forecast_shared": (followed, guessed)}
    else:
        ways = {"clips": (method.redraw, true)}
    if before(true[0]) is not None:
        ways |= {"unrefined": (before, true), "unrefined_forecast": (before, guessed)}
    parts = {}
    for name, (draw, data) in ways.items():
        rows = ((data[i], true[i]) for i in range(len(true)))
        parts[name] = metrics.body_table(
            [_named(real) | metrics.compare_bodies(draw(clip).frames, real) for clip, real in rows]
        )
    facts["references"] = reference_digest(run, facts)
    known = results.reference_rows(facts["references"])
    if known is None:
        train = clips(run, "train")
        nearest = metrics.Nearest(train[index] for index in range(len(train)))
        systems = {
            "real": lambda clip: clip.frames, "copy": lambda clip: np.repeat(clip.frames[:1], len(clip), 0),
            "nearest": nearest.frames,
        }  # fmt: skip
        known = metrics.body_table(
            [
                {"system": name, **_named(clip), **metrics.compare_bodies(made(clip), clip)}
                for name, made in systems.items()
                for clip in (true[index] for index in range(len(true)))
            ]
        )
        results.write_references(facts["references"], known)
    return parts, known, sample(method, true)


def measured_poses(run: Run, method: Method, split: str, facts: dict[str, object]) -> Parts:
    """As `measured_bodies`, of a forecaster of poses: its error at each frame ahead from the first frames of each clip
    on, a column each, beside forecasts that need no network (`poses.asked_of`)."""
    data, train = clips(run, split), clips(run, "train")
    known = [data[index] for index in range(len(data))]
    before, asked = (
        [poses.sequence_of(clip.truth, clip.expression, number) for number, clip in enumerate(of_it)]
        for of_it in ((train[index] for index in range(len(train))), known)
    )
    config = method.config
    systems = {poses.LSTM: method.forecast} | poses.baselines(before, config.seen)
    table = poses.asked_of(systems, list(poses.windows(asked, config.seen, config.frames)))
    table = table[table["start"] == poses.FIRST].rename(columns={"action": "expression"})
    table.insert(1, "subject", [known[number].subject for number in table["sequence"]])
    table = table.drop(columns=["seed", "start", "sequence"])
    ours = table["system"] == poses.LSTM
    facts["references"] = reference_digest(run, facts)
    results.write_references(facts["references"], table[~ours])
    return {"clips": table[ours].drop(columns="system")}, table[~ours], sample(method, data)


def measured_readings(run: Run, method: Method, split: str, facts: dict[str, object]) -> Parts:
    """As `measured_bodies`, of a reader of joints: how far off they are (`metrics.joints_found`), beside the mean place
    of each joint in the frames of the training people."""
    import pandas as pd

    from i2vlib import metrics

    data, train = clips(run, split), clips(run, "train")
    known = [clip.truth for clip in (train[index] for index in range(len(train)))]
    places, seen = (np.concatenate([truth[name] for truth in known]) for name in ("joints", "visible"))
    mean = np.where(seen[..., None], places, 0).sum(0) / np.maximum(seen.sum(0), 1)[:, None]
    rows = []
    for clip in (data[index] for index in range(len(data))):
        true = clip.truth["joints"], clip.truth["visible"]
        for system, found in (
            ("ours", method.read(clip.frames)[0]),
            ("mean place", np.repeat(mean[None], len(clip), 0)),
        ):
            rows.append({"system": system, **_named(clip), **metrics.joints_found(found, *true)})
    table = pd.DataFrame(rows)
    ours = table["system"] == "ours"
    facts["references"] = reference_digest(run, facts)
    results.write_references(facts["references"], table[~ours])
    return {"clips": table[ours].drop(columns="system")}, table[~ours], sample(method, data)


def _named(clip: Clip) -> dict[str, object]:
    return {"subject": clip.subject, "expression": clip.expression}


def _card(run: Run, facts: Mapping[str, object], parts: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    known = dict.fromkeys((*results.SHOWN, *results.SHOWN_OF_BODIES, *results.SHOWN_OF_READINGS))
    rows = {}
    for part, how in (("clips", ""), ("forecast", " by forecast poses")):
        if part in parts:
            of_it = parts[part].groupby("expression")[[name for name in known if name in parts[part]]].mean()
            means = of_it.round(3).dropna(axis=1, how="all")
            rows |= {f"{name}{how}, {facts['split']} subjects": means[name].to_dict() for name in means}
    return {
        "expressions": ", ".join(dict.fromkeys(parts["clips"]["expression"])), "data": dict(run.data),
        **{name: facts[name] for name in ("steps", "seed", "device", "seconds", "commit")}, **rows,
        "measured": "with weights of 16 bits",
    }  # fmt: skip


def reference_digest(run: Run, facts: Mapping[str, object]) -> str:
    """Names the reference rows by all that they depend on, none of which is the method: the clips held out and those
    trained on (whose peaks a cross-fade shows), how often faces are read and by which readers.

    Args:
        run: one whose reference rows they are.
        facts: of its result: ``split``; ``measured_actors`` and ``readings`` if its data are actors, and of bodies
            ``measured_performers``.
    """
    # Bodies are driven by nobody: those that are drawn are filed together, whether by condition maps or without.
    drives = issubclass(run.kind, Follower) or (run.bodies and run.kind.makes == "pictures")
    parts = {
        "data": run.data, "taught": run.taught, "backwards": run.backwards, "every": run.every,
        "dealt": run.settings.expressions if run.dealt else (), "driven_by": DRIVEN_BY if drives else 0,
        "split": facts["split"], "actors": facts.get("measured_actors"),
        "readers": facts.get("readings", {}).get("extractors"),
    }  # fmt: skip
    if run.bodies:
        parts |= {"performers": facts["measured_performers"], "pictures": run.kind.makes == "pictures"}
    if run.kind.makes == "readings":
        parts |= {"reads": True}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()[:16]


def retargeted(draw: Callable[[Clip], Redrawn], data: Sequence[Clip], every: int = 1) -> pd.DataFrame:
    """As `metrics.evaluate`, of a method that takes no intensity: each clip against what is drawn of its first frame
    (`Method.redraw`, `before`), by its own condition maps or by time; where actors are ``driven_by`` others, that is
    retargeting between people."""
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
    return metrics.to_table(rows, {"drive": "conditions", "readers": True, "every": every, "seed": 0})


def pairs(draw: Callable[[Clip], Redrawn], data: Sequence[Clip]) -> list[dict]:
    """How a method draws a frame of a clip from one that is not neutral, two rows a clip, without any reader of faces.

    Returns:
        subject, expression; pair, ``"peak to neutral"`` or ``"halfway to peak"``; moving_ratio, the error where the two
        true frames differ, over that of copying the one given; motion, the change made there, over the true one.
    """
    from i2vlib import metrics

    rows = []
    for clip in (data[index] for index in range(len(data))):
        peak = metrics.peak_frame(clip)
        risen = clip.intensity.reshape(len(clip), -1).max(1)[: peak + 1]
        halfway = int(np.abs(risen - risen[-1] / 2).argmin())
        for name, ends in (("peak to neutral", [peak, 0]), ("halfway to peak", [halfway, peak])):
            true = clip[ends]
            made = draw(true).frames
            rows.append(
                {"subject": clip.subject, "expression": clip.expression, "pair": name}
                | {"moving_ratio": metrics.moving_ratio(made[1], true.frames[1], true.frames[0])}
                | {"motion": metrics.motion(made, true.frames)}
            )
    return rows


def inferences(method: Method, data: Sequence[Clip]) -> list[dict]:
    """What a model reads off held-out clips, and where its encoders look, a row a clip.

    Returns:
        subject, expression; true and inferred intensity, the signed projection, and the intensity that is read back
        off the frames made at the inferred one (read_back), a value a frame; the motion of the frame made at intensity
        1, over the true one at the peak (motion_at_one); the share of the picture's area (area_share) and of the
        `AffineGAN.sensitivity` of E_0 (base_share) and E_Delta (residual_share) that lies in the region that moves; and
        of a model that was taught to name expressions what it calls the true peak (named_true) and the frame made at
        intensity 1 (named_made).
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
        names = {}
        if method.names_expressions():
            shown = np.stack([ends[1], at_one[1]])
            names = dict(zip(("named_true", "named_made"), method.named(shown, ends[0]), strict=True))
        rows.append(
            {"subject": clip.subject, "expression": clip.expression}
            | names
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
    shown = method.expressions if isinstance(method, Dialled) else sorted({clip.expression for clip in clips})
    for expression in shown:
        of_it = [clip for clip in clips if clip.expression == expression]
        clip = of_it[known.index(expression) % len(of_it) if expression in known else 0]
        frames = method.redraw(clip).frames
        rows += [video.film_strip(x, columns) for x in (clip.frames, frames)]
    return np.concatenate(rows)
