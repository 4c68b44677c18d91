"""How far two sets of videos lie from one another, as wholes."""

from __future__ import annotations

import numpy as np


def frechet_distance(one: np.ndarray, other: np.ndarray) -> float:
    r"""The Fréchet distance of two sets of features, each taken for a normal distribution.

    .. math:: d^2 = \lVert \mu_1 - \mu_2 \rVert^2 + \mathrm{tr}\bigl(C_1 + C_2 - 2 (C_1 C_2)^{1/2}\bigr)

    With the centred features :math:`X_i` of :math:`n_i` videos, :math:`C_i = X_i^\top X_i / (n_i - 1)`, and the trace
    of the root is the sum of the singular values of :math:`X_1 X_2^\top / \sqrt{(n_1 - 1)(n_2 - 1)}`: exact for fewer
    videos than features as well. But few videos make it large: hold it against that of two real sets of as many. With
    the features of `video_features` it is the distance that Unterthiner et al. (2018) call FVD.

    Args:
        one, other: ``(N, D)``, of at least two videos each.

    Returns:
        The square :math:`d^2`, 0 for a set and itself.

    Raises:
        ValueError: a set of one video, or features of different lengths.
    """
    if min(len(one), len(other)) < 2 or one.shape[1:] != other.shape[1:]:
        raise ValueError(
            f"A Fréchet distance is of two sets (N, D), N of 2 and more, of one D; given were {one.shape} and "
            f"{other.shape}."
        )
    sets = [np.asarray(features, float) for features in (one, other)]
    centred = [(x - x.mean(0)) / np.sqrt(len(x) - 1) for x in sets]
    spread = sum(float((x**2).sum()) for x in centred)
    shared = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum()
    return max(float(((sets[0].mean(0) - sets[1].mean(0)) ** 2).sum() + spread - 2 * shared), 0.0)
