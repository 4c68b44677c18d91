r"""Metrics: pure functions from clips to numbers, and `evaluate`, which makes a table of them.

Beside every identity metric stands a motion metric: copying the input wins the first and loses the second. So every
table has three reference rows, `REFERENCE_ROWS`: the real clips themselves, "copy the neutral frame", and "cross-fade
to the nearest training peak".

``pixels``, ``identity``, ``expression`` and ``curves`` each measure one thing, ``frechet`` and ``i3d`` whole sets of
videos, ``references`` are what a table is held against, ``evaluation`` makes the table, ``statistics`` the intervals;
``poses`` is about joints, and what a forecast of them is held against. Start with `COLUMNS`.
"""

from i2vlib.metrics.bodies import BODY_COLUMNS, Nearest, body_table, compare_bodies
from i2vlib.metrics.curves import falls, spearman, unevenness
from i2vlib.metrics.evaluation import (
    COLUMNS,
    Model,
    compare,
    compare_frames,
    evaluate,
    evaluate_references,
    summary,
    to_table,
)
from i2vlib.metrics.expression import blendshape_error, landmark_error, lead_change, lead_rise
from i2vlib.metrics.frechet import frechet_distance
from i2vlib.metrics.i3d import video_features
from i2vlib.metrics.identity import acd_c, acd_g, acd_i, detection_rate
from i2vlib.metrics.pixels import (
    BEST_PSNR,
    flicker,
    mask_iou,
    motion,
    moving_error,
    moving_ratio,
    moving_region,
    normal_error,
    psnr,
    sharpness,
    static_change,
)
from i2vlib.metrics.poses import constant_pose, constant_velocity, joint_error, joints_found, mean_pose
from i2vlib.metrics.references import REFERENCE_ROWS, CopyNeutral, CrossFade, peak_frame
from i2vlib.metrics.statistics import crossed, interval, paired, share

__all__ = [
    "BEST_PSNR", "BODY_COLUMNS", "COLUMNS", "REFERENCE_ROWS", "CopyNeutral", "CrossFade", "Model", "Nearest", "acd_c",
    "acd_g", "acd_i", "blendshape_error", "body_table", "compare", "compare_bodies", "compare_frames", "constant_pose",
    "constant_velocity", "crossed", "detection_rate", "evaluate", "evaluate_references", "falls", "flicker",
    "frechet_distance", "interval", "joint_error", "joints_found", "landmark_error", "lead_change", "lead_rise",
    "mask_iou", "mean_pose", "motion", "moving_error", "moving_ratio", "moving_region", "normal_error", "paired",
    "peak_frame", "psnr", "share", "sharpness", "spearman", "static_change", "summary", "to_table", "unevenness",
    "video_features",
]  # fmt: skip
