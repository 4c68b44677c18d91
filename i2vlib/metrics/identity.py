"""Whether it is still the same person: the papers' average content distances between identity vectors."""

from __future__ import annotations

from typing import Literal

import numpy as np

from i2vlib.metrics.statistics import mean

Rule = Literal["paper", "detected"]


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
    return mean(np.linalg.norm(kept[1:] - kept[0], axis=-1))


def acd_c(embeddings: np.ndarray, seed: int = 0, rule: Rule = "paper") -> float:
    r"""ACD-C, the average content distance between all pairs of frames: a consistent clip is low.

    .. math:: \frac{2}{T(T-1)}\sum_{s<t} \lVert e_s - e_t \rVert_2

    Arguments, result and errors as `acd_i`.
    """
    kept = _by_rule(embeddings, seed, rule)
    first, second = np.triu_indices(len(kept), 1)
    return mean(np.linalg.norm(kept[first] - kept[second], axis=-1))


def acd_g(embeddings: np.ndarray, real: np.ndarray, seed: int = 0, rule: Rule = "paper") -> float:
    r"""ACD-G, the average content distance to the real frames (AffineGAN, section 4.1.3), frame by frame.

    .. math:: \frac{1}{T}\sum_t \lVert e_t - e^{\text{real}}_t \rVert_2

    Arguments, result and errors as `acd_i`, ``real`` being ``(T, 128)``.
    """
    embeddings, real = np.asarray(embeddings), np.asarray(real)
    if embeddings.shape != real.shape:
        raise ValueError(f"ACD-G compares frame by frame; given were {embeddings.shape} and {real.shape} vectors.")
    kept = _by_rule(np.concatenate([embeddings, real]), seed, rule)
    return mean(np.linalg.norm(kept[: len(real)] - kept[len(real) :], axis=-1))


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
