"""Tables: a model, or the references, on held-out clips, a row a clip and a column a metric."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from i2vlib import expressions, faces, regions
from i2vlib.clips import Clip
from i2vlib.metrics.curves import falls, rank_correlation, spearman, unevenness
from i2vlib.metrics.expression import blendshape_error, landmark_error, lead_change, lead_rise
from i2vlib.metrics.identity import acd_c, acd_g, acd_i, detection_rate
from i2vlib.metrics.pixels import (
    BEST_PSNR,
    check_shapes,
    difference,
    distances,
    flicker,
    motion,
    moving_error,
    moving_ratio,
    moving_region,
    psnr,
    sharpness,
    static_change,
)
from i2vlib.metrics.references import CopyNeutral, CrossFade, peak_frame
from i2vlib.metrics.statistics import interval, mean, ratio

if TYPE_CHECKING:
    import pandas as pd

#: What the columns of `evaluate` say, a row a clip.
COLUMNS = {
    "spearman": "rank correlation of inferred with true intensity, over frames with true intensity > 0",
    "intensity_peak": "inferred intensity of the frame with the largest true one",
    "psnr_neutral": "dB, the frame animated at a = 0 against the input; at most 60",
    "psnr": "dB, mean over the driven frames against the real ones; at most 60 each",
    "error": "mean absolute error over the driven frames",
    "moving_error": "mean absolute error inside the moving region of the peak frame",
    "moving_ratio": "that, divided by the error of copying the neutral frame",
    "halfway_ratio": "the same for the frame whose true intensity is nearest to one half, where a cross-fade shows",
    "motion": "mean absolute change from first to peak frame inside the moving region, over the real clip's",
    "sharpness": "variance of the Laplacian inside the moving region of the peak frame, over the real clip's",
    "sharpness_mouth": "the same inside the mouth of the peak frame; NaN where the clip knows no landmarks",
    "mouth_ratio": "mean absolute error inside the mouth of the peak frame, over that of copying the neutral frame",
    "falls": "share of steps on 21 intensities from 0 to 1 whose L2 to the first frame drops",
    "growth": "rank correlation of that L2 with the intensity",
    "unevenness": "standard deviation of the L2 between neighbours on 21 intensities from 0 to 1, over its mean",
    "lead_rise": "the lead's change from first to peak frame, over the real clip's; NaN where that is under 0.1",
    "lead_change": "the lead's change from first to peak frame",
    "lead_change_real": "the same of the real clip",
    "landmark_error": "% of the distance between the outer eye corners, all 68 points",
    "landmark_error_mouth": "the same, points 48 to 67",
    "landmark_error_eyes": "the same, points 36 to 47",
    "landmark_ratio": "landmark_error over that of copying the neutral frame",
    "blendshape_error": "mean absolute error of the blendshapes that can be read, frames after the first",
    "blendshape_ratio": "that, divided by the error of copying the neutral frame",
    "flicker": "mean absolute second difference in time, over the real clip's",
    "static_change": "mean absolute change from the input, in grey levels, where the real clip never changes",
    "mask_mean": "mean of the motion mask at the peak (FRGAN)",
    "mask_iou": "intersection over union of the mask above one half with the moving region, at the peak (FRGAN)",
    "acd_i": "identity distance to the input, frames after the first, detected faces only",
    "acd_c": "identity distance between all pairs of frames, detected faces only",
    "acd_g": "identity distance to the real frames, frames after the first, detected faces only",
    "acd_i_ratio": "acd_i over the real clip's",
    "acd_c_ratio": "acd_c over the real clip's",
    "acd_g_ratio": "acd_g over that of copying the neutral frame",
    "acd_i_paper": "as acd_i, a missed face replaced by a N(0, 1) vector (AffineGAN, section 4.1.3)",
    "acd_c_paper": "as acd_c, by the same rule",
    "acd_g_paper": "as acd_g, by the same rule",
    "detection": "share of the frames in which dlib's detector finds a face",
}

_KEPT_READINGS = 20_000


class Model(Protocol):
    """A model that `evaluate` can measure; ``infer_intensity`` is called where it is driven by what it infers."""

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip: ...

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray: ...


def evaluate(
    model: Model,
    clips: Sequence[Clip],
    drive: Literal["inferred", "true"] | None = None,
    readers: bool = True,
    every: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    """Animates the first frame of each clip by that clip's intensity and compares the result with the clip.

    Args:
        model: anything with ``animate``, and ``infer_intensity`` if it infers one.
        clips: real or rendered clips, the neutral frame first, at the model's size; with true intensities where known.
        drive: ``inferred`` animates by the intensity that the model infers from the clip; ``true`` by the clip's own,
            and ``infer_intensity`` is not asked for: the columns on it are NaN. Left out, ``inferred`` for a model that
            infers an intensity (AffineGAN) and ``true`` for one that does not (FAN).
        readers: whether to read faces: about 0.1 s a frame, generated and real; a frame read before is not read again.
            Without, the columns of leads, landmarks and identity are NaN.
        every: read the first, the peak, the last and every so many frames between them. Pixels and intensities are
            compared on all frames.
        seed: of the vectors that stand for missed faces.

    Returns:
        A row a clip: ``subject``, ``expression``, and the columns of `COLUMNS`. ``attrs`` holds the arguments and,
        under ``extractors``, the readers with their versions.

    Raises:
        ValueError: no clips, a clip of another size than the model's, ``drive="true"`` without true intensities,
            ``drive="inferred"`` for a model that infers none, or what the model refuses.
    """
    if drive not in ("inferred", "true", None):
        raise ValueError(f"Clips are driven by the 'inferred' or the 'true' intensity; given was {drive!r}.")
    infers = hasattr(model, "infer_intensity")
    drive = drive or ("inferred" if infers else "true")
    if drive == "inferred" and not infers:
        raise ValueError(f"{type(model).__name__} infers no intensity to be driven by. Use drive='true'.")
    rows = []
    for index in range(len(clips)):
        clip = clips[index]
        inferred = _inferred(model, clip) if drive == "inferred" else None
        if inferred is None and clip.intensity is None:
            other = " Use drive='inferred'." if infers else " This model infers none: give clips that know theirs."
            raise ValueError(f"Clip {index} has no true intensity to be driven by.{other}")
        used = clip.intensity if inferred is None else inferred
        with warnings.catch_warnings():
            # An inferred intensity may pass 1; that is for the table to show, not to warn of.
            warnings.simplefilter("ignore", UserWarning)
            generated = model.animate(clip.frames[0], clip.expression, np.clip(used, 0, None)).frames
            grid = model.animate(clip.frames[0], clip.expression, np.linspace(0, 1, 21)).frames
        if generated.shape != clip.frames.shape:
            size = clip.frames.shape[1]
            raise ValueError(
                f"Clip {index} has frames of {size} px and the model makes {generated.shape[1]} px; "
                f"open the data with size={generated.shape[1]}."
            )
        reach = distances(grid, grid[0])
        rows.append(
            compare(generated, clip, inferred, readers, every, seed + index)
            | {
                "psnr_neutral": min(BEST_PSNR, psnr(grid[0], clip.frames[0])),
                "falls": falls(reach),
                "unevenness": unevenness(grid),
                "growth": rank_correlation(reach, np.linspace(0, 1, 21)),
            }
        )
    return to_table(rows, {"drive": drive, "readers": readers, "every": every, "seed": seed})


def evaluate_references(
    clips: Sequence[Clip], train_clips: Iterable[Clip], readers: bool = True, every: int = 1, seed: int = 0
) -> pd.DataFrame:
    """The three reference rows on the same clips: as `evaluate`, with a column ``system``, one of `REFERENCE_ROWS`.

    What a real clip cannot answer (an intensity inferred, a grid of intensities) is NaN in its rows.
    """
    import pandas as pd

    options = {"readers": readers, "every": every, "seed": seed}
    real = [compare(clips[i].frames, clips[i], None, readers, every, seed + i) for i in range(len(clips))]
    systems = {
        "real": to_table(real, options),
        "copy": evaluate(CopyNeutral(), clips, **options),
        "cross-fade": evaluate(CrossFade(train_clips), clips, **options),
    }
    attrs = systems["copy"].attrs
    table = pd.concat([frame.assign(system=name) for name, frame in systems.items()], ignore_index=True)
    table.attrs = attrs
    return table[["system", *(name for name in table if name != "system")]]


def compare(
    generated: np.ndarray,
    clip: Clip,
    inferred: np.ndarray | None = None,
    readers: bool = True,
    every: int = 1,
    seed: int = 0,
) -> dict[str, object]:
    """One row of `evaluate`: generated frames ``uint8 (T, H, W, 3)`` against the real ones of a clip.

    ``inferred`` is the intensity that the model inferred, ``(T,)``. Columns on the grid of intensities are left out.
    """
    real, peak = clip.frames, peak_frame(clip)
    check_shapes(generated, real)
    region = moving_region(real[peak], real[0])
    row: dict[str, object] = {"subject": clip.subject, "expression": clip.expression}
    if inferred is not None and clip.intensity is not None and clip.intensity.ndim == 1:
        row |= {"spearman": spearman(inferred, clip.intensity), "intensity_peak": float(inferred[peak])}
    row |= {
        "psnr": float(np.mean([min(BEST_PSNR, psnr(a, b)) for a, b in zip(generated, real, strict=True)])),
        "error": float(difference(generated, real).mean()),
        "moving_error": moving_error(generated[peak], real[peak], region),
        "moving_ratio": moving_ratio(generated[peak], real[peak], real[0]),
        "halfway_ratio": _halfway(generated, clip),
        "motion": motion(generated, real, peak),
        "sharpness": ratio(sharpness(generated[peak], region), sharpness(real[peak], region)),
        "flicker": flicker(generated, real),
        "static_change": static_change(generated, real),
    }
    if clip.landmarks is not None and np.isfinite(clip.landmarks[peak]).all():
        mouth = regions.mouth(clip.landmarks[peak], real.shape[1])
        copying = moving_error(real[0], real[peak], mouth)
        row["sharpness_mouth"] = ratio(sharpness(generated[peak], mouth), sharpness(real[peak], mouth))
        row["mouth_ratio"] = ratio(moving_error(generated[peak], real[peak], mouth), copying)
    if readers:
        row |= _compare_readings(generated, clip, peak, every, seed)
    return row


def compare_frames(generated: np.ndarray, clip: Clip, readers: bool = True, every: int = 1) -> dict[str, object]:
    """Where `compare` has one number a clip, one a frame: how a clip leaves its still, and how long it stays sharp.

    All is measured from the true still and inside the region that moves at the true peak.

    Args:
        generated: ``uint8 (T, H, W, 3)``.
        clip: the true one, of as many frames.
        readers: whether to read faces; without, there are no curves.
        every: as of `evaluate`.

    Returns:
        subject, expression; reach and reach_true, a value a frame: the mean absolute change from the still, over that
        of the true peak; sharp, the variance of the Laplacian over the true frame's; shown, which frames are read;
        curve and curve_true, a value for each of these: the mean distance of the landmarks from those read in the
        first frame of the same clip, in % of the distance between the true face's outer eye corners. NaN where no face
        was found, or nothing moves.
    """
    real, peak = clip.frames, peak_frame(clip)
    check_shapes(generated, real)
    region = moving_region(real[peak], real[0])
    whole = moving_error(real[peak], real[0], region)
    row: dict[str, object] = {"subject": clip.subject, "expression": clip.expression}
    for name, frames in (("reach", generated), ("reach_true", real)):
        row[name] = [ratio(moving_error(frame, real[0], region), whole) for frame in frames]
    pairs = zip(generated, real, strict=True)
    row["sharp"] = [ratio(sharpness(ours, region), sharpness(theirs, region)) for ours, theirs in pairs]
    if readers:
        row["shown"] = _shown(clip, every)
        ours, theirs = (_read(frames[row["shown"]]).landmarks for frames in (generated, real))
        scale = np.linalg.norm(theirs[0, 36] - theirs[0, 45])
        for name, points in (("curve", ours), ("curve_true", theirs)):
            row[name] = (100 * np.linalg.norm(points - points[0], axis=-1).mean(-1) / scale).tolist()
    return row


def _shown(clip: Clip, every: int) -> list[int]:
    """Which frames of a clip are read."""
    return sorted({0, peak_frame(clip), len(clip) - 1, *range(0, len(clip), max(1, every))})


def _halfway(generated: np.ndarray, clip: Clip) -> float:
    if clip.intensity is None or clip.intensity.ndim != 1:
        return float("nan")
    half = int(np.abs(clip.intensity - 0.5).argmin())
    return moving_ratio(generated[half], clip.frames[half], clip.frames[0])


def _compare_readings(generated: np.ndarray, clip: Clip, peak: int, every: int, seed: int) -> dict[str, float]:
    shown = _shown(clip, every)
    ours, theirs = _read(generated[shown]), _read(clip.frames[shown])
    of_input, at = theirs.embeddings[0], shown.index(peak)
    row = {"detection": detection_rate(ours.embeddings)}
    if clip.expression in expressions.TABLE:
        read = [Clip(clip.frames[shown], landmarks=r.landmarks, blendshapes=r.blendshapes) for r in (ours, theirs)]
        row |= {
            "lead_rise": lead_rise(*read, clip.expression, at),
            "lead_change": lead_change(read[0], clip.expression, at),
            "lead_change_real": lead_change(read[1], clip.expression, at),
        }
    for name, points in (("", slice(None)), ("_mouth", slice(48, 68)), ("_eyes", slice(36, 48))):
        row["landmark_error" + name] = landmark_error(ours.landmarks, theirs.landmarks, points)
    first = np.repeat(theirs.landmarks[:1], len(shown), 0), np.repeat(theirs.blendshapes[:1], len(shown), 0)
    row["landmark_ratio"] = ratio(row["landmark_error"], landmark_error(first[0], theirs.landmarks))
    row["blendshape_error"] = blendshape_error(ours.blendshapes[1:], theirs.blendshapes[1:])
    row["blendshape_ratio"] = ratio(row["blendshape_error"], blendshape_error(first[1][1:], theirs.blendshapes[1:]))
    for rule, name in (("detected", ""), ("paper", "_paper")):
        row["acd_i" + name] = acd_i(ours.embeddings[1:], of_input, seed, rule)
        row["acd_c" + name] = acd_c(ours.embeddings, seed, rule)
        row["acd_g" + name] = acd_g(ours.embeddings[1:], theirs.embeddings[1:], seed, rule)
    # A copy's frames all have the input's vector, so its ACD-G is the real clip's ACD-I.
    real_i = acd_i(theirs.embeddings[1:], of_input, seed, "detected")
    row["acd_i_ratio"] = ratio(row["acd_i"], real_i)
    row["acd_c_ratio"] = ratio(row["acd_c"], acd_c(theirs.embeddings, seed, "detected"))
    row["acd_g_ratio"] = ratio(row["acd_g"], real_i)
    return row


def summary(table: pd.DataFrame, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """The mean of every metric over subjects, with its bootstrap interval, by expression and over all of them.

    A subject's clips are averaged first: subjects are what was drawn.

    Args:
        table: from `evaluate` or `evaluate_references`.
        level: of the interval.
        seed: of the bootstrap.

    Returns:
        Columns ``mean``, ``low``, ``high`` and ``subjects`` (those with a value), indexed by ``system`` (if there is
        one), ``expression`` (``all`` for all) and ``metric``.
    """
    import pandas as pd

    table = table.assign(subject=[s if isinstance(s, str) else f"clip {i}" for i, s in enumerate(table["subject"])])
    by = ["system"] if "system" in table else []
    rows = []
    for group in [table.assign(expression="all"), table] if len(table) else [table]:
        for keys, part in group.groupby([*by, "expression"], sort=False):
            subjects = part.groupby("subject")[[name for name in COLUMNS if name in part]].mean()
            for metric, values in subjects.items():
                low, high = interval(values, seed, level)
                rows.append((*keys, metric, mean(values.to_numpy()), low, high, int(np.isfinite(values).sum())))
    index = [*by, "expression", "metric"]
    result = pd.DataFrame(rows, columns=[*index, "mean", "low", "high", "subjects"]).set_index(index)
    result.attrs = table.attrs
    return result


def to_table(rows: list[dict[str, object]], options: dict[str, object]) -> pd.DataFrame:
    """Rows of `compare` as `evaluate` returns them."""
    import pandas as pd

    if not rows:
        raise ValueError("There are no clips to evaluate on. Is the split of the data set empty?")
    table = pd.DataFrame(rows).reindex(columns=["subject", "expression", *COLUMNS])
    table = table.astype(dict.fromkeys(COLUMNS, np.float64))
    table.attrs = {**options, **({"extractors": faces.extractors()} if options["readers"] else {})}
    return table


def _inferred(model: Model, clip: Clip) -> np.ndarray:
    return np.asarray(model.infer_intensity(clip.frames, clip.frames[0], clip.expression), np.float32)


_readings: dict[bytes, faces.Reading] = {}


def _read(frames: np.ndarray) -> faces.Reading:
    """`faces.measure`, with the readings of the last frames kept by content: real clips are read once a session."""
    keys = [hashlib.sha256(str(frame.shape).encode() + frame.tobytes()).digest() for frame in frames]
    new = {key: index for index, key in enumerate(keys) if key not in _readings}
    if new:
        found = vars(faces.measure(frames[list(new.values())]))
        for row, key in enumerate(new):
            _readings[key] = faces.Reading(**{name: value[row] for name, value in found.items()})
    result = faces.Reading(
        **{name: np.stack([vars(_readings[key])[name] for key in keys]) for name in vars(_readings[keys[0]])}
    )
    for key in list(_readings)[: max(0, len(_readings) - _KEPT_READINGS)]:
        del _readings[key]
    return result
