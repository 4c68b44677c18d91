r"""Metrics: pure functions from clips to numbers, and `evaluate`, which makes a table of them.

Beside every identity metric stands a motion metric: copying the input wins the first and loses the second. So every
table has three reference rows, `REFERENCE_ROWS`: the real clips themselves, "copy the neutral frame", and "cross-fade
to the nearest training peak". Frames are ``uint8``; errors of pixels are in units of the full range, [0, 1].
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from i2vlib import expressions, faces, regions
from i2vlib.clips import Clip, to_tensor
from i2vlib.expressions import BLENDSHAPES

if TYPE_CHECKING:
    import pandas as pd

REFERENCE_ROWS = ("real", "copy", "cross-fade")

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

_NO_LEAD = 0.1
#: dB, what equal pictures count as in a mean.
BEST_PSNR = 60.0
_KEPT_READINGS = 20_000

Rule = Literal["paper", "detected"]


class Model(Protocol):
    """What `evaluate` asks of a model; ``infer_intensity`` only of one that is driven by what it infers."""

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip: ...

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray: ...


# Identity


def detection_rate(embeddings: np.ndarray) -> float:
    """Share of the rows of ``(T, 128)`` in which a face was detected, those without NaN."""
    return float(np.isfinite(embeddings).all(-1).mean())


def acd_i(embeddings: np.ndarray, reference: np.ndarray, seed: int = 0, rule: Rule = "paper") -> float:
    r"""ACD-I, the average content distance to the input (AffineGAN and FRGAN, section 4): identity kept is low.

    .. math:: \frac{1}{T}\sum_t \lVert e_t - e_{\text{input}} \rVert_2

    Args:
        embeddings: ``(T, 128)`` of the frames, NaN where the detector missed the face.
        reference: ``(128,)`` of the input.
        seed: of the stand-in vectors.
        rule: ``paper`` replaces a missed face by a vector drawn from N(0, 1), which alone can cost
            :math:`\sqrt{128} \approx 11`; ``detected`` leaves its frames out.

    Returns:
        The distance; NaN if nothing is left to compare.

    Raises:
        ValueError: shapes that do not fit, or another rule.
    """
    kept = _by_rule(np.vstack([np.reshape(reference, (1, -1)), embeddings]), seed, rule)
    return _mean(np.linalg.norm(kept[1:] - kept[0], axis=-1))


def acd_c(embeddings: np.ndarray, seed: int = 0, rule: Rule = "paper") -> float:
    r"""ACD-C, the average content distance between all pairs of frames: a consistent clip is low.

    .. math:: \frac{2}{T(T-1)}\sum_{s<t} \lVert e_s - e_t \rVert_2

    Arguments, result and errors as `acd_i`.
    """
    kept = _by_rule(embeddings, seed, rule)
    first, second = np.triu_indices(len(kept), 1)
    return _mean(np.linalg.norm(kept[first] - kept[second], axis=-1))


def acd_g(embeddings: np.ndarray, real: np.ndarray, seed: int = 0, rule: Rule = "paper") -> float:
    r"""ACD-G, the average content distance to the real frames (AffineGAN, section 4.1.3), frame by frame.

    .. math:: \frac{1}{T}\sum_t \lVert e_t - e^{\text{real}}_t \rVert_2

    Arguments, result and errors as `acd_i`, ``real`` being ``(T, 128)``.
    """
    embeddings, real = np.asarray(embeddings), np.asarray(real)
    if embeddings.shape != real.shape:
        raise ValueError(f"ACD-G compares frame by frame; given were {embeddings.shape} and {real.shape} vectors.")
    kept = _by_rule(np.concatenate([embeddings, real]), seed, rule)
    return _mean(np.linalg.norm(kept[: len(real)] - kept[len(real) :], axis=-1))


def _by_rule(embeddings: np.ndarray, seed: int, rule: Rule) -> np.ndarray:
    embeddings = np.array(embeddings, dtype=np.float64)
    if embeddings.ndim != 2:
        raise ValueError(
            f"Identity vectors come as (T, 128); these are {embeddings.shape}. Make them with faces.embed."
        )
    if rule not in ("paper", "detected"):
        raise ValueError(f"The rule for missed faces is 'paper' or 'detected'; given was {rule!r}.")
    missed = ~np.isfinite(embeddings).all(-1)
    stand_in = np.random.default_rng(seed).standard_normal(embeddings.shape)
    embeddings[missed] = stand_in[missed] if rule == "paper" else np.nan
    return embeddings


# Pixels


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    r"""Peak signal-to-noise ratio of two ``uint8`` arrays, :math:`10\log_{10}(255^2 / \text{MSE})` dB; inf if equal."""
    _same_shape(a, b)
    mse = float(((a.astype(np.float64) - b) ** 2).mean())
    return float("inf") if mse == 0 else float(10 * np.log10(255.0**2 / mse))


def moving_region(real: np.ndarray, neutral: np.ndarray, threshold: float = 0.06) -> np.ndarray:
    """Where a real frame differs from the neutral one, grown by a sixty-fourth of its side.

    Args:
        real: ``uint8 (..., H, W, 3)``.
        neutral: ``uint8 (H, W, 3)``.
        threshold: least absolute difference, averaged over the channels, of the full range.

    Returns:
        ``bool (..., H, W)``.
    """
    frames = real.reshape(-1, *real.shape[-3:])
    _same_shape(frames[0], neutral)
    grow = 2 * max(1, round(real.shape[-2] / 64)) + 1
    region = regions.moving(to_tensor(frames)[None], to_tensor(neutral)[None], 2 * threshold, grow)
    return region.numpy().astype(bool).reshape(real.shape[:-1])


def moving_error(generated: np.ndarray, real: np.ndarray, region: np.ndarray) -> float:
    """Mean absolute error of ``uint8 (..., H, W, 3)`` inside ``bool (..., H, W)``; NaN if that is empty."""
    _same_shape(generated, real)
    return _mean(_difference(generated, real)[region])


def moving_ratio(generated: np.ndarray, real: np.ndarray, neutral: np.ndarray) -> float:
    """The error inside the moving region of one real frame, divided by that of copying the neutral frame.

    1 is no better than copying, 0 is perfect; NaN where nothing moves. All ``uint8 (H, W, 3)``.
    """
    region = moving_region(real, neutral)
    return _ratio(moving_error(generated, real, region), moving_error(neutral, real, region))


def motion(generated: np.ndarray, real: np.ndarray, peak: int = -1) -> float:
    """How far a clip moves from its first frame to its peak, over how far the real clip does; NaN if that is still.

    Mean absolute change inside the real clip's moving region; each clip is compared with its own first frame, so an
    error that all frames share does not count as motion. Both ``uint8 (T, H, W, 3)``.
    """
    region = moving_region(real[peak], real[0])
    return _ratio(moving_error(generated[peak], generated[0], region), moving_error(real[peak], real[0], region))


def flicker(generated: np.ndarray, real: np.ndarray) -> float:
    r"""How much a clip trembles, over how much the real one does: the mean of :math:`|I_{t-1} - 2 I_t + I_{t+1}|`.

    A smooth motion has next to no second difference. Both ``uint8 (T, H, W, 3)``; NaN with fewer than three frames, or
    if the real clip stands still.
    """
    _same_shape(generated, real)
    of = lambda frames: np.abs(np.diff(frames.astype(np.float32), 2, axis=0))  # noqa: E731
    return _ratio(_mean(of(generated)), _mean(of(real)))


def static_change(generated: np.ndarray, real: np.ndarray) -> float:
    """How far the pixels change, in grey levels of 255, where the real clip never changes by more than one of them.

    The mean absolute difference from the real first frame. Both ``uint8 (T, H, W, 3)``.
    """
    _same_shape(generated, real)
    still = (np.abs(real.astype(np.int16) - real[0]) <= 1).all((0, 3))
    return _mean(np.abs(generated.astype(np.float32) - real[0])[:, still])


def mask_iou(mask: np.ndarray, region: np.ndarray) -> float:
    """Intersection over union of a mask ``(H, W)``, where it is above one half, and a region ``bool (H, W)``; NaN for a
    mask of NaN, which is none."""
    if np.isnan(mask).any():
        return float("nan")
    chosen = mask > 0.5
    return _ratio(float((chosen & region).sum()), float((chosen | region).sum()))


def blendshape_error(generated: np.ndarray, real: np.ndarray) -> float:
    """Mean absolute error of the blendshapes in `faces.READABLE`, ``(T, 52)`` each; unread frames are left out."""
    readable = [BLENDSHAPES.index(name) for name in faces.READABLE]
    return _mean(np.abs(np.asarray(generated) - real)[:, readable])


def normal_error(maps: np.ndarray, wanted: np.ndarray) -> float:
    """Mean angle in degrees between the normals of two condition maps, where both show the head (FRGAN, section 3.1).

    Args:
        maps, wanted: ``int8 (..., H, W, 3)`` of `condition.condition_maps`.

    Returns:
        0 to 180; NaN where the two share no pixel.
    """
    _same_shape(maps, wanted)
    both = maps.any(-1) & wanted.any(-1)
    a, b = (np.asarray(x[both], float) for x in (maps, wanted))
    if not len(a):
        return float("nan")
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return float(np.degrees(np.arccos(cosine.clip(-1, 1))).mean())


def sharpness(frame: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Variance of the Laplacian of the grey picture, of the full range, inside a mask; NaN if that is empty.

    Args:
        frame: ``uint8 (H, W, 3)``.
        mask: ``bool (H, W)``; the whole frame if not given.
    """
    grey = frame.astype(np.float64).mean(-1) / 255
    grown = np.pad(grey, 1, mode="edge")
    laplacian = grown[2:, 1:-1] + grown[:-2, 1:-1] + grown[1:-1, 2:] + grown[1:-1, :-2] - 4 * grey
    inside = laplacian if mask is None else laplacian[mask]
    return float(inside.var()) if inside.size else float("nan")


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(np.float32) - b).mean(-1) / 255


def _same_shape(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape:
        raise ValueError(f"Pictures are compared at one size; given were {a.shape} and {b.shape}.")


# Expression


def lead_change(source: Clip | np.ndarray, expression: str, peak: int = -1) -> float:
    """The lead's change from the first frame to the peak; arguments and errors as `faces.lead`."""
    values = faces.lead(source, expression)
    return float(values[peak] - values[0])


def lead_rise(generated: Clip | np.ndarray, real: Clip | np.ndarray, expression: str, peak: int = -1) -> float:
    """The lead's change from first to peak frame over the real clip's: 1 is the same expression, 0 none at all.

    NaN where the real clip's is under 0.1 of the scale, for then the lead cannot be read. Arguments as `faces.lead`.
    """
    wanted = lead_change(real, expression, peak)
    return lead_change(generated, expression, peak) / wanted if wanted >= _NO_LEAD else float("nan")


def landmark_error(generated: np.ndarray, real: np.ndarray, points: slice | Sequence[int] = slice(None)) -> float:
    """Mean distance of landmarks in % of the distance between the real face's outer eye corners.

    Args:
        generated, real: ``(T, 68, 2)``; frames with NaN in either are left out.
        points: which of the 68.

    Returns:
        The error; NaN if no frame is left.
    """
    distance = np.linalg.norm(np.asarray(generated) - real, axis=-1)[:, points].mean(-1)
    scale = np.linalg.norm(real[:, 36] - real[:, 45], axis=-1)
    return 100 * _mean(distance / scale)


# Curves


def spearman(inferred: np.ndarray, true: np.ndarray) -> float:
    """Rank correlation, ties at their average rank, over the frames whose true intensity is above 0.

    Args:
        inferred, true: ``(T,)``.

    Returns:
        In [-1, 1]; NaN with fewer than five distinct true values, which show no order; 0 if the inferred ones are all
        the same or not all finite, for an inference that says nothing is no missing value.
    """
    inferred, true = np.asarray(inferred, np.float64), np.asarray(true, np.float64)
    if inferred.shape != true.shape or true.ndim != 1:
        raise ValueError(f"Two curves of one length are compared; given were {inferred.shape} and {true.shape}.")
    shown = true > 0
    return _rank_correlation(inferred[shown], true[shown])


def _rank_correlation(values: np.ndarray, against: np.ndarray) -> float:
    import pandas as pd

    if len(np.unique(against)) < 5:
        return float("nan")
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        return 0.0
    return float(np.corrcoef(pd.Series(values).rank(), pd.Series(against).rank())[0, 1])


def falls(values: np.ndarray, tolerance: float = 0.005) -> float:
    """Share of the steps of a curve ``(n,)`` that drop by more than ``tolerance`` of its range.

    The book takes 21 intensities from 0 to 1. A curve that never moves has no falls; NaN if a value is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"Falls are counted on a curve of at least two values; this one has the shape {values.shape}.")
    return float((np.diff(values) < -tolerance * np.ptp(values)).mean()) if np.isfinite(values).all() else float("nan")


def unevenness(frames: np.ndarray) -> float:
    """How unequal the steps of a clip are: standard deviation over mean of the L2 from each frame to the next.

    0 where every step is as long as the others; NaN if nothing moves. ``uint8 (T, H, W, 3)``, at least two frames.
    """
    steps = np.linalg.norm(np.diff(frames.astype(np.float64), axis=0).reshape(len(frames) - 1, -1), axis=1)
    return _ratio(float(steps.std()), float(steps.mean()))


def interval(values: Iterable[float], seed: int = 0, level: float = 0.95, draws: int = 2000) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of one value a subject, NaN left out; NaN with fewer than two."""
    values = np.asarray(list(values), np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return float("nan"), float("nan")
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def share(count: int, of: int, level: float = 0.95) -> tuple[float, float, float]:
    """A share and the exact binomial interval around it (Clopper and Pearson): ``(share, low, high)``.

    Raises:
        ValueError: nothing was counted, or more than there is.
    """
    from scipy.stats import binomtest

    if not 0 <= count <= of or of < 1:
        raise ValueError(f"A share is a count out of at least one; given were {count} out of {of}.")
    interval = binomtest(count, of).proportion_ci(level)
    return count / of, float(interval.low), float(interval.high)


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


def _ratio(value: float, reference: float) -> float:
    return value / reference if reference > 1e-6 else float("nan")


# Reference models


class CopyNeutral:
    """Copies the neutral frame: keeps every identity, moves nothing, and infers no intensity."""

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        intensity = np.asarray(intensity, np.float32)
        return Clip(np.repeat(face[None], len(intensity), 0), intensity=intensity, expression=expression)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        return np.zeros(len(frames), np.float32)


class CrossFade:
    r"""Fades to the peak of the training clip of that expression whose neutral frame is nearest (L2).

    A frame is :math:`(1 - a) I_0 + a P`, and the inferred intensity :math:`\lVert I_t - I_0\rVert / \max_s \lVert I_s -
    I_0\rVert`. Needs the training clips' expressions; keeps two frames of each.

    Raises:
        ValueError: there is no training clip, or, later, none of the expression asked for.
    """

    def __init__(self, train_clips: Iterable[Clip]) -> None:
        pairs = [(clip.expression, clip.frames[0], clip.frames[peak_frame(clip)]) for clip in train_clips]
        if not pairs:
            raise ValueError("A cross-fade needs training clips to fade to; none were given.")
        self.pairs = pairs

    def animate(
        self, face: np.ndarray, expression: str | None = None, intensity: Sequence[float] | None = None
    ) -> Clip:
        """The face faded into the peak of the training person whose neutral frame is nearest to it.

        Raises:
            ValueError: no training clip shows the expression, or the sizes differ.
        """
        fitting = [(neutral, peak) for name, neutral, peak in self.pairs if name == expression or expression is None]
        if not fitting:
            names = sorted({str(name) for name, _, _ in self.pairs})
            raise ValueError(f"No training clip shows {expression!r}; they show: {', '.join(names)}.")
        for neutral, _ in fitting:
            _same_shape(neutral, face)
        _, peak = min(fitting, key=lambda pair: float(((pair[0].astype(np.float32) - face) ** 2).sum()))
        a = np.clip(np.asarray(intensity, np.float32), 0, 1)[:, None, None, None]
        frames = ((1 - a) * face + a * peak).round().astype(np.uint8)
        return Clip(frames, intensity=np.asarray(intensity, np.float32), expression=expression)

    def infer_intensity(self, frames: np.ndarray, neutral: np.ndarray, expression: str | None = None) -> np.ndarray:
        change = _distances(frames, neutral)
        return (change / max(float(change.max()), 1e-6)).astype(np.float32)


def _distances(frames: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """L2 of each frame to the neutral one, of the full range."""
    return np.sqrt(((frames.astype(np.float32) - neutral) ** 2).sum((1, 2, 3))) / 255


def peak_frame(clip: Clip) -> int:
    """The frame with the largest true intensity; if that is unknown, the one that differs most from the first (L2)."""
    if clip.intensity is None:
        return int(np.argmax(_distances(clip.frames, clip.frames[0])))
    return int(np.argmax(clip.intensity.reshape(len(clip), -1).max(1)))


# Tables


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
        reach = _distances(grid, grid[0])
        rows.append(
            compare(generated, clip, inferred, readers, every, seed + index)
            | {
                "psnr_neutral": min(BEST_PSNR, psnr(grid[0], clip.frames[0])),
                "falls": falls(reach),
                "unevenness": unevenness(grid),
                "growth": _rank_correlation(reach, np.linspace(0, 1, 21)),
            }
        )
    return as_table(rows, {"drive": drive, "readers": readers, "every": every, "seed": seed})


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
        "real": as_table(real, options),
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
    _same_shape(generated, real)
    region = moving_region(real[peak], real[0])
    row: dict[str, object] = {"subject": clip.subject, "expression": clip.expression}
    if inferred is not None and clip.intensity is not None and clip.intensity.ndim == 1:
        row |= {"spearman": spearman(inferred, clip.intensity), "intensity_peak": float(inferred[peak])}
    row |= {
        "psnr": float(np.mean([min(BEST_PSNR, psnr(a, b)) for a, b in zip(generated, real, strict=True)])),
        "error": float(_difference(generated, real).mean()),
        "moving_error": moving_error(generated[peak], real[peak], region),
        "moving_ratio": moving_ratio(generated[peak], real[peak], real[0]),
        "halfway_ratio": _halfway(generated, clip),
        "motion": motion(generated, real, peak),
        "sharpness": _ratio(sharpness(generated[peak], region), sharpness(real[peak], region)),
        "flicker": flicker(generated, real),
        "static_change": static_change(generated, real),
    }
    if clip.landmarks is not None and np.isfinite(clip.landmarks[peak]).all():
        mouth = regions.mouth(clip.landmarks[peak], real.shape[1])
        copying = moving_error(real[0], real[peak], mouth)
        row["sharpness_mouth"] = _ratio(sharpness(generated[peak], mouth), sharpness(real[peak], mouth))
        row["mouth_ratio"] = _ratio(moving_error(generated[peak], real[peak], mouth), copying)
    if readers:
        row |= _compare_readings(generated, clip, peak, every, seed)
    return row


def _halfway(generated: np.ndarray, clip: Clip) -> float:
    if clip.intensity is None or clip.intensity.ndim != 1:
        return float("nan")
    half = int(np.abs(clip.intensity - 0.5).argmin())
    return moving_ratio(generated[half], clip.frames[half], clip.frames[0])


def _compare_readings(generated: np.ndarray, clip: Clip, peak: int, every: int, seed: int) -> dict[str, float]:
    shown = sorted({0, peak, len(clip) - 1, *range(0, len(clip), max(1, every))})
    ours, theirs = _read(generated[shown]), _read(clip.frames[shown])
    of_input, at = theirs.embeddings[0], shown.index(peak)
    row = {"detection": float(ours.detected.mean())}
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
    row["landmark_ratio"] = _ratio(row["landmark_error"], landmark_error(first[0], theirs.landmarks))
    row["blendshape_error"] = blendshape_error(ours.blendshapes[1:], theirs.blendshapes[1:])
    row["blendshape_ratio"] = _ratio(row["blendshape_error"], blendshape_error(first[1][1:], theirs.blendshapes[1:]))
    for rule, name in (("detected", ""), ("paper", "_paper")):
        row["acd_i" + name] = acd_i(ours.embeddings[1:], of_input, seed, rule)
        row["acd_c" + name] = acd_c(ours.embeddings, seed, rule)
        row["acd_g" + name] = acd_g(ours.embeddings[1:], theirs.embeddings[1:], seed, rule)
    # A copy's frames all have the input's vector, so its ACD-G is the real clip's ACD-I.
    real_i = acd_i(theirs.embeddings[1:], of_input, seed, "detected")
    row["acd_i_ratio"] = _ratio(row["acd_i"], real_i)
    row["acd_c_ratio"] = _ratio(row["acd_c"], acd_c(theirs.embeddings, seed, "detected"))
    row["acd_g_ratio"] = _ratio(row["acd_g"], real_i)
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
                rows.append((*keys, metric, _mean(values.to_numpy()), low, high, int(np.isfinite(values).sum())))
    index = [*by, "expression", "metric"]
    result = pd.DataFrame(rows, columns=[*index, "mean", "low", "high", "subjects"]).set_index(index)
    result.attrs = table.attrs
    return result


def paired(ours: pd.DataFrame, theirs: pd.DataFrame, metric: str) -> tuple[float, tuple[float, float], pd.Series]:
    """How much more of a metric one system has than another on the same subjects, compared person by person.

    Args:
        ours, theirs: rows of `evaluate` with a column ``seed``, several seeds of a system one below the other.
        metric: one of `COLUMNS`.

    Returns:
        The mean difference, its 95 % bootstrap interval over subjects, each the mean of its clips and seeds, and the
        difference by seed. Subjects and seeds that one of the two lacks are left out.
    """
    one, other = (table.groupby(["seed", "subject"])[metric].mean() for table in (ours, theirs))
    difference = (one - other).dropna()
    people = difference.groupby("subject").mean()
    return float(people.mean()), interval(people), difference.groupby("seed").mean()


def with_interval(values: pd.Series) -> str:
    """One metric of a system as ``mean [low, high]``, with its 95 % bootstrap interval over subjects.

    Args:
        values: of clips, any seeds and expressions, with an index or an index level ``subject``.

    Returns:
        Two decimals each; nothing where no clip has a value.
    """
    if not values.notna().any():
        return ""
    low, high = interval(values.groupby(level="subject").mean())
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def _inferred(model: Model, clip: Clip) -> np.ndarray:
    return np.asarray(model.infer_intensity(clip.frames, clip.frames[0], clip.expression), np.float32)


def as_table(rows: list[dict[str, object]], options: dict[str, object]) -> pd.DataFrame:
    """Rows of `compare` as `evaluate` returns them."""
    import pandas as pd

    if not rows:
        raise ValueError("There are no clips to evaluate on. Is the split of the data set empty?")
    table = pd.DataFrame(rows).reindex(columns=["subject", "expression", *COLUMNS])
    table = table.astype(dict.fromkeys(COLUMNS, np.float64))
    table.attrs = {**options, **({"extractors": faces.extractors()} if options["readers"] else {})}
    return table


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
