"""What is read off the pixels: errors, the moving region, motion, flicker, sharpness, masks and normals.

Frames are ``uint8``; errors are in units of the full range, [0, 1].
"""

from __future__ import annotations

import numpy as np

from i2vlib import regions
from i2vlib.clips import to_tensor
from i2vlib.metrics.statistics import mean, ratio

#: dB, what equal pictures count as in a mean.
BEST_PSNR = 60.0


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    r"""Peak signal-to-noise ratio of two ``uint8`` arrays, :math:`10\log_{10}(255^2 / \text{MSE})` dB; inf if equal."""
    from skimage.metrics import peak_signal_noise_ratio

    check_shapes(a, b)
    return float("inf") if np.array_equal(a, b) else float(peak_signal_noise_ratio(a, b, data_range=255))


def moving_region(real: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Where a real frame differs from the neutral one, by the one definition that there is, `regions.moving`.

    Args:
        real: ``uint8 (..., H, W, 3)``.
        neutral: ``uint8 (H, W, 3)``.

    Returns:
        ``bool (..., H, W)``.
    """
    frames = real.reshape(-1, *real.shape[-3:])
    check_shapes(frames[0], neutral)
    region = regions.moving(to_tensor(frames)[None], to_tensor(neutral)[None])
    return region.numpy().astype(bool).reshape(real.shape[:-1])


def moving_error(generated: np.ndarray, real: np.ndarray, region: np.ndarray) -> float:
    """Mean absolute error of ``uint8 (..., H, W, 3)`` inside ``bool (..., H, W)``; NaN if that is empty."""
    check_shapes(generated, real)
    return mean(difference(generated, real)[region])


def moving_ratio(generated: np.ndarray, real: np.ndarray, neutral: np.ndarray) -> float:
    """The error inside the moving region of one real frame, divided by that of copying the neutral frame.

    1 is no better than copying, 0 is perfect; NaN where nothing moves. All ``uint8 (H, W, 3)``.
    """
    region = moving_region(real, neutral)
    return ratio(moving_error(generated, real, region), moving_error(neutral, real, region))


def motion(generated: np.ndarray, real: np.ndarray, peak: int = -1) -> float:
    """How far a clip moves from its first frame to its peak, over how far the real clip does; NaN if that is still.

    Mean absolute change inside the real clip's moving region; each clip is compared with its own first frame, so an
    error that all frames share does not count as motion. Both ``uint8 (T, H, W, 3)``.
    """
    region = moving_region(real[peak], real[0])
    return ratio(moving_error(generated[peak], generated[0], region), moving_error(real[peak], real[0], region))


def flicker(generated: np.ndarray, real: np.ndarray) -> float:
    r"""How much a clip trembles, over how much the real one does: the mean of :math:`|I_{t-1} - 2 I_t + I_{t+1}|`.

    A smooth motion has next to no second difference. Both ``uint8 (T, H, W, 3)``; NaN with fewer than three frames, or
    if the real clip stands still.
    """
    check_shapes(generated, real)
    of = lambda frames: np.abs(np.diff(frames.astype(np.float32), 2, axis=0))  # noqa: E731
    return ratio(mean(of(generated)), mean(of(real)))


def static_change(generated: np.ndarray, real: np.ndarray) -> float:
    """How far the pixels change, in grey levels of 255, where the real clip never changes by more than one of them.

    The mean absolute difference from the real first frame. Both ``uint8 (T, H, W, 3)``.
    """
    check_shapes(generated, real)
    still = (np.abs(real.astype(np.int16) - real[0]) <= 1).all((0, 3))
    return mean(np.abs(generated.astype(np.float32) - real[0])[:, still])


def mask_iou(mask: np.ndarray, region: np.ndarray) -> float:
    """Intersection over union of a mask ``(H, W)``, where it is above one half, and a region ``bool (H, W)``; NaN for a
    mask of NaN, which is none."""
    if np.isnan(mask).any():
        return float("nan")
    chosen = mask > 0.5
    return ratio(float((chosen & region).sum()), float((chosen | region).sum()))


def normal_error(maps: np.ndarray, wanted: np.ndarray) -> float:
    """Mean angle in degrees between the normals of two condition maps, where both show the head (FRGAN, section 3.1).

    Args:
        maps, wanted: ``int8 (..., H, W, 3)`` of `condition.condition_maps`.

    Returns:
        0 to 180; NaN where the two share no pixel.
    """
    check_shapes(maps, wanted)
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
    from scipy.ndimage import laplace

    laplacian = laplace(frame.astype(np.float64).mean(-1) / 255, mode="nearest")
    inside = laplacian if mask is None else laplacian[mask]
    return float(inside.var()) if inside.size else float("nan")


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean absolute difference over the channels of ``uint8 (..., 3)``, of the full range."""
    return np.abs(a.astype(np.float32) - b).mean(-1) / 255


def distances(frames: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """L2 of each frame to the neutral one, of the full range."""
    return np.sqrt(((frames.astype(np.float32) - neutral) ** 2).sum((1, 2, 3))) / 255


def check_shapes(a: np.ndarray, b: np.ndarray) -> None:
    """Raises `ValueError` unless two pictures, or two stacks of them, have one shape."""
    if a.shape != b.shape:
        raise ValueError(f"Pictures are compared at one size; given were {a.shape} and {b.shape}.")
