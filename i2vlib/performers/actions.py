"""The eight actions as key poses of a right-handed person, who faces forwards at first; `motion` runs through them.

Units are those of `skeleton.Skeleton.posed`. A key says what differs from the key before it; the first one follows
the last, so that each action can go on for ever. Drawn by hand, after what coaches say of each movement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: What of a pose is told, as in `Skeleton.posed`.
Values = tuple[float, ...]


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
        seconds: how long a turn takes at the usual speed.
        starts: between which of its seconds a clip begins.
        views: where the camera may be, in degrees from the front to the person's left, and how far from there.
        keys: seconds, and what changes in the pose.
        held: what lies in the hands, one of `props`.
    """

    seconds: float
    starts: tuple[float, float]
    views: tuple[tuple[float, float], ...]
    keys: tuple[tuple[float, dict[str, Values]], ...] = field(repr=False)
    held: str = ""


#: Standing with hanging arms: what the first key of an action begins from.
STANDING: dict[str, Values] = {
    "pelvis": (0, 0, 0),
    "turn": (0, 0, 0),
    "chest": (0, 0, 0),
    "look": (0, 0),
    "left_hand": (0.08, 0.45, -0.92),
    "right_hand": (0.08, -0.45, -0.92),
    "left_elbow": (-0.7, 0.7, -0.4),
    "right_elbow": (-0.7, -0.7, -0.4),
    "left_foot": (0.1, 0.13, 0, 6, 0),
    "right_foot": (0.1, -0.13, 0, -6, 0),
}


def _both(forward: float, left: float, up: float) -> dict[str, Values]:
    """Both hands at the same place of their side."""
    return {"left_hand": (forward, left, up), "right_hand": (forward, -left, up)}


def _elbows(forward: float, left: float, up: float) -> dict[str, Values]:
    return {"left_elbow": (forward, left, up), "right_elbow": (forward, -left, up)}


def _feet(forward: float, left: float, up: float, yaw: float, heel: float) -> dict[str, Values]:
    """Both feet at the same place of their side, turned outwards by `yaw`."""
    return {"left_foot": (forward, left, up, yaw, heel), "right_foot": (forward, -left, up, -yaw, heel)}


def _grip(forward: float, left: float, up: float) -> dict[str, Values]:
    """Both hands around one handle, the right one beyond the left."""
    return {"right_hand": (forward, left - 0.03, up + 0.03), "left_hand": (forward + 0.02, left + 0.06, up - 0.04)}


_JACKS = (
    (0.00, {"pelvis": (0, 0, -0.03), **_both(0.06, 0.50, -0.93), **_elbows(-0.5, 0.8, -0.4),
            **_feet(0.1, 0.08, 0, 6, 0)}),
    (0.09, {"pelvis": (0, 0, -0.09), **_feet(0.1, 0.08, 0, 6, 0)}),
    (0.27, {"pelvis": (0, 0, 0.07), **_both(0.08, 1.32, 0.05), **_feet(0.1, 0.22, 0.07, 8, 28)}),
    (0.44, {"pelvis": (0, 0, -0.02), **_both(0.06, 0.62, 0.92), **_feet(0.1, 0.37, 0, 12, 0)}),
    (0.55, {"pelvis": (0, 0, -0.10), **_both(0.06, 0.34, 0.98), **_feet(0.1, 0.37, 0, 12, 0)}),
    (0.75, {"pelvis": (0, 0, 0.05), **_both(0.08, 1.32, 0.05), **_feet(0.1, 0.22, 0.07, 8, 28)}),
    (0.91, {"pelvis": (0, 0, -0.02), **_both(0.06, 0.66, -0.88), **_feet(0.1, 0.08, 0, 6, 0)}),
)  # fmt: skip

_ROPE = (
    (0.00, {"pelvis": (0, 0, -0.05), "turn": (0, 3, 0), "look": (0, 6), **_both(0.39, 0.66, -0.52),
            **_elbows(-1, 0.35, -0.4), **_feet(0.1, 0.08, 0, 5, 0)}),
    (0.08, {"pelvis": (0, 0, -0.05), **_both(0.30, 0.66, -0.63), **_feet(0.1, 0.08, 0, 5, 0)}),
    (0.22, {"pelvis": (0, 0, 0.07), **_both(0.18, 0.66, -0.52), **_feet(0.1, 0.08, 0.08, 5, 32)}),
    (0.34, {"pelvis": (0, 0, 0.01), **_both(0.28, 0.66, -0.40), **_feet(0.1, 0.08, 0.01, 5, 8)}),
)  # fmt: skip

_PITCH = (
    (0.00, {"pelvis": (0.05, 0, 0), "turn": (-78, 4, 0), **_both(0.4, 0.07, -0.2), **_elbows(-0.2, 0.7, -0.8),
            "left_foot": (0.22, -0.1, 0, -82, 0), "right_foot": (-0.08, -0.1, 0, -90, 0)}),
    (0.25, {"pelvis": (0.0, 0, 0), "left_foot": (0.20, -0.1, 0, -82, 0)}),
    (0.42, {"pelvis": (-0.03, 0, 0), "left_foot": (0.17, -0.2, 0.25, -88, 35)}),
    (0.62, {"pelvis": (-0.04, 0.01, 0), "turn": (-104, -4, 0), **_both(0.36, 0.07, -0.05),
            "left_foot": (0.10, -0.30, 0.52, -98, 40)}),
    (0.82, {"pelvis": (0.12, 0.01, -0.07), "turn": (-98, 0, 0), "right_hand": (0.05, -0.72, -0.65),
            "left_hand": (0.35, 0.85, -0.25), "left_foot": (0.46, -0.14, 0.22, -70, 5)}),
    (1.00, {"pelvis": (0.38, 0, -0.20), "turn": (-55, 4, 0), "chest": (-22, 0, 0),
            "right_hand": (-0.18, -0.86, 0.42), "right_elbow": (-0.2, -0.8, -0.6), "left_hand": (0.25, 1.15, 0.05),
            "left_foot": (0.95, -0.03, 0, -8, 0), "right_foot": (-0.08, -0.1, 0, -80, 20)}),
    (1.09, {"pelvis": (0.50, 0, -0.21), "turn": (-8, 14, 0), "chest": (0, 4, -4), "right_hand": (-0.30, -0.78, 0.42),
            "left_hand": (0.38, 0.62, -0.2), "right_foot": (-0.08, -0.1, 0, -60, 55)}),
    (1.16, {"pelvis": (0.56, 0, -0.20), "turn": (15, 22, 0), "chest": (20, 18, 10),
            "right_hand": (0.55, -0.62, 0.60), "right_elbow": (-0.2, -1, 0.1), "left_hand": (0.15, 0.55, -0.4),
            "left_foot": (0.95, -0.03, 0, -5, 0), "right_foot": (-0.06, -0.12, 0.03, -45, 70)}),
    (1.24, {"turn": (34, 32, 0), "chest": (30, 26, 8), "right_hand": (0.80, -0.05, -0.15), "look": (0, 5)}),
    (1.34, {"pelvis": (0.64, 0, -0.15), "turn": (46, 38, 0), "chest": (34, 28, 6), "right_hand": (0.52, 0.40, -0.66),
            "right_elbow": (-0.3, -1, -0.2), "left_hand": (-0.15, 0.55, -0.55),
            "right_foot": (0.05, -0.30, 0.36, -15, 85)}),
    (1.60, {"pelvis": (0.76, -0.1, -0.12), "turn": (40, 24, 0), "chest": (18, 18, 0),
            "right_hand": (0.5, 0.1, -0.7), "left_hand": (0.1, 0.5, -0.7), "right_foot": (0.72, -0.36, 0.12, 5, 20),
            "left_foot": (0.95, -0.03, 0, -5, 0)}),
    (1.78, {"pelvis": (0.84, -0.16, -0.09), "turn": (12, 12, 0), "chest": (4, 10, 0),
            "right_hand": (0.3, -0.3, -0.75), "left_hand": (0.3, 0.35, -0.7), "right_foot": (0.95, -0.38, 0, -8, 0)}),
    (2.10, {"pelvis": (0.84, -0.16, -0.04), "turn": (0, 3, 0), "chest": (0, 2, 0), **_both(0.15, 0.42, -0.82),
            "left_foot": (0.95, -0.03, 0, -5, 0), "right_foot": (0.95, -0.38, 0, -8, 0),
            "right_elbow": (-0.2, -0.7, -0.8)}),
    (2.35, {"pelvis": (0.62, -0.14, -0.02), "turn": (-30, 3, 0), "left_foot": (0.62, -0.08, 0.08, -40, 20)}),
    (2.55, {"pelvis": (0.45, -0.08, -0.03), "turn": (-60, 3, 0), "left_foot": (0.22, -0.1, 0, -82, 0),
            "right_foot": (0.95, -0.38, 0, -20, 25)}),
    (2.75, {"pelvis": (0.2, -0.02, -0.03), "turn": (-75, 3, 0), **_both(0.35, 0.2, -0.5),
            "left_foot": (0.22, -0.1, 0, -82, 0), "right_foot": (0.3, -0.25, 0.1, -65, 25)}),
    (2.92, {"right_foot": (-0.08, -0.1, 0, -90, 0)}),
)  # fmt: skip

_SWING = (
    (0.00, {"pelvis": (0, -0.03, -0.08), "turn": (-5, 12, 0), "chest": (-12, 8, 0), "look": (68, 4),
            **_grip(0.32, -0.40, 0.10), "right_elbow": (-0.4, -0.8, -0.5), "left_elbow": (0.3, 0.3, -1),
            "left_foot": (0.12, 0.33, 0, 8, 0), "right_foot": (0.12, -0.33, 0, -6, 0)}),
    (0.22, {"pelvis": (0, -0.06, -0.07), **_grip(0.28, -0.50, 0.13), "left_foot": (0.12, 0.33, 0, 8, 0)}),
    (0.40, {"pelvis": (0, -0.10, -0.07), "turn": (-18, 12, 0), "chest": (-22, 8, 0), **_grip(0.24, -0.60, 0.16),
            "left_foot": (0.13, 0.32, 0.14, 12, 22)}),
    (0.60, {"pelvis": (0, 0, -0.13), "turn": (-6, 12, 0), "chest": (-34, 8, 0), **_grip(0.18, -0.68, 0.16),
            "left_foot": (0.12, 0.50, 0, 30, 0), "right_foot": (0.12, -0.33, 0, 0, 8)}),
    (0.72, {"pelvis": (0, 0.05, -0.14), "turn": (34, 10, 0), "chest": (-28, 8, -6), **_grip(0.38, -0.52, -0.16),
            "right_foot": (0.12, -0.33, 0, 25, 32)}),
    (0.80, {"pelvis": (0, 0.09, -0.13), "turn": (66, 6, -5), "chest": (0, 8, -8), **_grip(0.72, -0.10, -0.34),
            "right_elbow": (-0.2, -0.8, -0.6), "left_elbow": (0, 0.6, -0.8), "right_foot": (0.12, -0.33, 0, 45, 52)}),
    (0.88, {"pelvis": (0, 0.11, -0.11), "turn": (80, 3, -5), "chest": (18, 6, -6), **_grip(0.74, 0.22, -0.16)}),
    (0.98, {"turn": (86, 0, 0), "chest": (28, 0, -2), **_grip(0.42, 0.46, 0.12), "right_elbow": (0.3, -0.6, -0.8),
            "left_elbow": (0, 0.8, -0.6)}),
    (1.14, {"pelvis": (0, 0.12, -0.08), "turn": (90, -2, 0), "chest": (38, -4, 0), **_grip(0.06, 0.50, 0.26),
            "right_elbow": (0.7, -0.4, -0.4), "left_foot": (0.12, 0.50, 0, 30, 0),
            "right_foot": (0.12, -0.33, 0, 55, 62), "look": (72, 0)}),
    (1.50, {"chest": (32, 0, 0), "left_foot": (0.12, 0.50, 0, 30, 0), "right_foot": (0.12, -0.33, 0, 50, 45)}),
    (1.85, {"pelvis": (0, 0.08, -0.04), "turn": (40, 4, 0), "chest": (0, 4, 0), **_grip(0.4, 0.0, -0.2),
            "left_elbow": (0.3, 0.3, -1), "right_elbow": (-0.4, -0.8, -0.5), "right_foot": (0.12, -0.33, 0, 0, 0),
            "left_foot": (0.12, 0.50, 0, 20, 0)}),
    (2.00, {"pelvis": (0, -0.02, -0.05), "left_foot": (0.12, 0.42, 0.06, 12, 12), "turn": (10, 8, 0)}),
    (2.15, {"left_foot": (0.12, 0.33, 0, 8, 0), "right_foot": (0.12, -0.33, 0, -6, 0)}),
)  # fmt: skip

_CLEAN = (
    (0.00, {"pelvis": (-0.30, 0, -0.46), "turn": (0, 40, 0), "chest": (0, 8, 0), "look": (0, 2),
            **_both(0.72, 0.50, -0.64), **_elbows(-0.6, 0.8, 0), **_feet(0.1, 0.16, 0, 14, 0)}),
    (0.30, {"pelvis": (-0.26, 0, -0.26), "turn": (0, 46, 0), "look": (0, 4), **_both(0.72, 0.50, -0.66)}),
    (0.50, {"pelvis": (-0.10, 0, -0.11), "turn": (0, 24, 0), "chest": (0, 4, 0), **_both(0.44, 0.50, -0.86),
            **_feet(0.1, 0.16, 0, 14, 0)}),
    (0.61, {"pelvis": (0.02, 0, 0.08), "turn": (0, -6, 0), "chest": (0, -8, 0), "look": (0, -8),
            **_both(0.30, 0.50, -0.80), **_elbows(-0.2, 1, 0.3), **_feet(0.1, 0.16, 0, 14, 42)}),
    (0.70, {"pelvis": (0.0, 0, 0.0), "turn": (0, 0, 0), **_both(0.32, 0.52, -0.30), **_elbows(-0.2, 1, 0.5),
            **_feet(0.1, 0.20, 0.05, 18, 25)}),
    (0.80, {"pelvis": (-0.10, 0, -0.24), "turn": (0, 8, 0), "chest": (0, 0, 0), **_both(0.30, 0.44, 0.02),
            **_elbows(1, 0.3, -0.3), **_feet(0.1, 0.25, 0, 22, 0)}),
    (0.92, {"pelvis": (-0.14, 0, -0.34), "turn": (0, 10, 0), **_both(0.26, 0.42, 0.04)}),
    (1.22, {"pelvis": (-0.02, 0, -0.03), "turn": (0, 0, 0), "chest": (0, -3, 0)}),
    (1.36, {"pelvis": (0, 0, -0.02), "chest": (0, -4, 0), **_both(0.26, 0.42, 0.04), **_elbows(1, 0.35, -0.4),
            **_feet(0.1, 0.25, 0, 22, 0)}),
    (1.50, {"pelvis": (0, 0, -0.15), **_both(0.26, 0.42, 0.04)}),
    (1.61, {"pelvis": (0, 0, 0.06), "chest": (0, -6, 0), **_both(0.20, 0.44, 0.42), **_elbows(0.5, 0.9, -0.4),
            **_feet(0.1, 0.25, 0, 22, 38)}),
    (1.68, {"pelvis": (0.02, 0, -0.06), **_both(0.10, 0.48, 0.75), "left_foot": (0.35, 0.23, 0.06, 8, 0),
            "right_foot": (-0.2, -0.23, 0.06, -14, 45)}),
    (1.77, {"pelvis": (0.03, 0, -0.22), "chest": (0, -2, 0), **_both(0.02, 0.52, 0.94), **_elbows(-0.3, 1, -0.2),
            "left_foot": (0.58, 0.22, 0, 2, 0), "right_foot": (-0.42, -0.22, 0, -14, 50)}),
    (2.15, {"pelvis": (0.03, 0, -0.20), **_both(0.02, 0.52, 0.94), "left_foot": (0.58, 0.22, 0, 2, 0),
            "right_foot": (-0.42, -0.22, 0, -14, 50)}),
    (2.32, {"pelvis": (0.0, 0, -0.10), "left_foot": (0.34, 0.20, 0.05, 8, 15)}),
    (2.46, {"left_foot": (0.1, 0.18, 0, 12, 0), "right_foot": (-0.42, -0.22, 0, -14, 50)}),
    (2.62, {"pelvis": (0.0, 0, -0.04), "right_foot": (-0.15, -0.20, 0.06, -14, 40)}),
    (2.76, {"pelvis": (0, 0, 0), **_both(0.02, 0.52, 0.94), **_feet(0.1, 0.18, 0, 14, 0)}),
    (3.00, {**_both(0.02, 0.52, 0.94), **_feet(0.1, 0.18, 0, 14, 0)}),
    (3.25, {"pelvis": (-0.05, 0, -0.08), **_both(0.4, 0.48, -0.1), **_elbows(-0.3, 1, -0.3)}),
    (3.45, {"pelvis": (-0.22, 0, -0.26), "turn": (0, 34, 0), **_both(0.68, 0.50, -0.62),
            **_feet(0.1, 0.18, 0, 14, 0)}),
)  # fmt: skip

_GOLF = (
    (0.00, {"pelvis": (-0.10, 0, -0.07), "turn": (0, 20, 0), "chest": (0, 18, -4), "look": (4, 46),
            **_grip(0.54, 0.0, -0.66), "right_elbow": (-0.5, -0.7, -0.5), "left_elbow": (-0.5, 0.7, -0.5),
            "left_foot": (0.12, 0.26, 0, 16, 0), "right_foot": (0.12, -0.26, 0, -8, 0)}),
    (0.15, {**_grip(0.54, -0.02, -0.66)}),
    (0.45, {"turn": (-16, 20, 0), "chest": (-24, 16, 0), **_grip(0.66, -0.22, -0.44)}),
    (0.82, {"pelvis": (-0.10, -0.04, -0.06), "turn": (-42, 18, 0), "chest": (-46, 12, 2), "look": (2, 44),
            **_grip(0.44, -0.38, 0.34), "right_elbow": (-0.3, -0.6, -0.8)}),
    (0.92, {"turn": (-38, 18, 0), **_grip(0.43, -0.40, 0.35), "right_foot": (0.12, -0.26, 0, -8, 0)}),
    (1.02, {"turn": (-12, 20, 0), "chest": (-44, 14, 0), **_grip(0.50, -0.42, 0.02)}),
    (1.10, {"turn": (12, 20, -2), "chest": (-24, 18, -5), **_grip(0.60, -0.22, -0.48),
            "right_foot": (0.12, -0.26, 0, -2, 8)}),
    (1.16, {"pelvis": (-0.09, 0.06, -0.06), "turn": (32, 18, -5), "chest": (-8, 18, -6), **_grip(0.55, 0.0, -0.66),
            "look": (4, 42), "right_foot": (0.12, -0.26, 0, 5, 20)}),
    (1.24, {"turn": (54, 14, -5), "chest": (14, 16, -8), **_grip(0.68, 0.22, -0.42),
            "right_foot": (0.12, -0.26, 0, 20, 38)}),
    (1.38, {"pelvis": (-0.05, 0.12, -0.04), "turn": (74, 8, -3), "chest": (30, 6, -6), **_grip(0.52, 0.36, 0.22),
            "look": (40, 20), "right_elbow": (0.2, -0.6, -0.8), "right_foot": (0.12, -0.26, 0, 38, 58)}),
    (1.60, {"pelvis": (-0.02, 0.16, -0.02), "turn": (88, 0, 0), "chest": (36, -6, 0), **_grip(0.12, 0.42, 0.36),
            "look": (72, 2), "right_elbow": (0.7, -0.5, -0.3), "left_elbow": (0, 0.8, -0.6),
            "right_foot": (0.12, -0.26, 0, 50, 66), "left_foot": (0.12, 0.26, 0, 20, 0)}),
    (1.95, {"chest": (32, -4, 0), **_grip(0.16, 0.40, 0.30), "right_foot": (0.12, -0.26, 0, 50, 62)}),
    (2.30, {"pelvis": (-0.06, 0.06, -0.03), "turn": (30, 8, 0), "chest": (8, 8, 0), "look": (20, 20),
            **_grip(0.5, 0.05, -0.45), "right_elbow": (-0.5, -0.7, -0.5), "left_elbow": (-0.5, 0.7, -0.5),
            "right_foot": (0.12, -0.26, 0, 0, 10)}),
    (2.55, {"right_foot": (0.12, -0.26, 0, -8, 0), "left_foot": (0.12, 0.26, 0, 16, 0), "turn": (4, 18, 0)}),
)  # fmt: skip

_FOREHAND = (
    (0.00, {"pelvis": (0, 0, -0.12), "turn": (0, 14, 0), "chest": (0, 12, 0), "right_hand": (0.60, -0.14, -0.25),
            "left_hand": (0.60, 0.10, -0.18), **_elbows(-0.3, 0.8, -0.6), **_feet(0.1, 0.27, 0, 14, 0)}),
    (0.12, {"pelvis": (0, 0, -0.15), **_feet(0.1, 0.27, 0, 14, 0)}),
    (0.32, {"pelvis": (-0.03, -0.05, -0.11), "turn": (-46, 8, 0), "chest": (-32, 6, 0),
            "right_hand": (0.25, -0.85, 0.12), "left_hand": (0.62, 0.32, 0.0), "left_foot": (0.28, 0.15, 0.09, -18, 12),
            "right_foot": (0.1, -0.27, 0, -58, 0)}),
    (0.54, {"pelvis": (0.05, -0.02, -0.14), "turn": (-62, 8, 0), "chest": (-38, 6, 0),
            "right_hand": (-0.18, -1.10, 0.05), "left_hand": (0.60, 0.48, 0.05), "left_foot": (0.46, 0.03, 0, -25, 0)}),
    (0.68, {"pelvis": (0.12, 0, -0.15), "turn": (-42, 10, 0), "chest": (-32, 6, -4),
            "right_hand": (-0.18, -1.00, -0.45), "left_hand": (0.5, 0.62, 0.08),
            "right_foot": (0.1, -0.27, 0, -45, 20)}),
    (0.80, {"pelvis": (0.18, 0, -0.11), "turn": (-6, 8, 0), "chest": (4, 5, -2), "right_hand": (0.60, -0.88, -0.18),
            "right_elbow": (-0.5, -0.5, -0.8), "left_hand": (0.32, 0.62, 0.0), "right_foot": (0.1, -0.27, 0, -20, 45)}),
    (0.89, {"turn": (24, 7, 0), "chest": (22, 4, 0), "right_hand": (0.84, -0.28, 0.12),
            "left_hand": (0.15, 0.52, -0.1)}),
    (1.02, {"pelvis": (0.22, 0.02, -0.08), "turn": (46, 4, 0), "chest": (34, 2, 0), "right_hand": (0.40, 0.42, 0.32),
            "right_elbow": (0.6, -0.6, 0.1), "left_hand": (0.12, 0.52, -0.08), "left_foot": (0.46, 0.03, 0, -15, 0),
            "right_foot": (0.1, -0.27, 0, 0, 62)}),
    (1.20, {"pelvis": (0.22, -0.05, -0.09), "turn": (36, 6, 0), "chest": (24, 4, 0), "right_hand": (0.42, 0.40, 0.20),
            "right_foot": (0.22, -0.32, 0.10, 0, 30)}),
    (1.38, {"pelvis": (0.2, -0.08, -0.10), "turn": (12, 10, 0), "chest": (6, 8, 0), "right_hand": (0.60, 0.0, -0.2),
            "right_elbow": (-0.3, -0.8, -0.6), "left_hand": (0.5, 0.15, -0.2), "left_foot": (0.46, 0.03, 0, -10, 0),
            "right_foot": (0.36, -0.34, 0, -10, 0)}),
    (1.55, {"pelvis": (0.14, -0.05, -0.11), "left_foot": (0.28, 0.16, 0.07, 5, 15),
            "right_foot": (0.36, -0.34, 0, -10, 0)}),
    (1.70, {"left_foot": (0.1, 0.27, 0, 14, 0), "right_foot": (0.36, -0.34, 0, -10, 10)}),
    (1.84, {"pelvis": (0.04, 0, -0.11), "left_foot": (0.1, 0.27, 0, 14, 0), "right_foot": (0.2, -0.3, 0.07, -12, 18)}),
    (1.96, {"right_foot": (0.1, -0.27, 0, -14, 0)}),
)  # fmt: skip

_SERVE = (
    (0.00, {"pelvis": (0, 0, -0.02), "turn": (-60, 5, 0), "chest": (-4, 6, 0), "right_hand": (0.52, -0.16, -0.32),
            "left_hand": (0.54, 0.06, -0.26), **_elbows(-0.4, 0.7, -0.7), "left_foot": (0.25, 0.03, 0, -42, 0),
            "right_foot": (-0.2, -0.16, 0, -78, 0)}),
    (0.18, {"right_hand": (0.45, -0.30, -0.55), "left_hand": (0.50, 0.16, -0.55), "chest": (-4, 10, 0)}),
    (0.42, {"pelvis": (0.04, 0, -0.04), "turn": (-70, 2, 0), "chest": (-10, 0, 0), "right_hand": (0.0, -0.92, -0.55),
            "left_hand": (0.62, 0.50, -0.05), "look": (-8, -12)}),
    (0.68, {"pelvis": (0.10, 0, -0.12), "turn": (-78, -6, 0), "chest": (-16, -10, -10),
            "right_hand": (-0.18, -0.95, 0.22), "right_elbow": (-0.3, -0.7, -0.7), "left_hand": (0.32, 0.50, 0.86),
            "look": (-20, -34)}),
    (0.88, {"pelvis": (0.16, 0, -0.19), "turn": (-74, -6, 0), "chest": (-18, -12, -12),
            "right_hand": (-0.10, -0.72, 0.42), "left_foot": (0.25, 0.03, 0, -42, 0),
            "right_foot": (-0.2, -0.16, 0, -72, 12)}),
    (1.02, {"pelvis": (0.24, 0, -0.02), "turn": (-40, 0, 0), "chest": (-8, -10, -8), "right_hand": (-0.42, -0.52, 0.02),
            "right_elbow": (-0.1, -0.8, 0.9), "left_hand": (0.40, 0.52, 0.35), "left_foot": (0.25, 0.03, 0, -36, 42),
            "right_foot": (-0.2, -0.16, 0, -60, 48), "look": (0, -40)}),
    (1.12, {"pelvis": (0.34, 0.02, 0.10), "turn": (-2, 6, 0), "chest": (8, 4, 14), "right_hand": (0.24, -0.42, 0.93),
            "right_elbow": (0, -1, 0.2), "left_hand": (0.25, 0.42, -0.2), "left_foot": (0.30, 0.04, 0.07, -22, 58),
            "right_foot": (-0.12, -0.18, 0.12, -40, 66), "look": (4, -34)}),
    (1.22, {"pelvis": (0.42, 0.02, 0.04), "turn": (24, 20, 0), "chest": (20, 18, 8), "right_hand": (0.84, -0.16, 0.05),
            "left_hand": (0.2, 0.42, -0.35), "left_foot": (0.44, 0.04, 0.06, -10, 20),
            "right_foot": (-0.08, -0.2, 0.22, -25, 78), "look": (2, -4)}),
    (1.34, {"pelvis": (0.50, 0.02, -0.10), "turn": (40, 28, 0), "chest": (26, 22, 2), "right_hand": (0.52, 0.46, -0.52),
            "right_elbow": (0, -1, -0.1), "left_hand": (0.0, 0.5, -0.5), "left_foot": (0.58, 0.04, 0, -4, 0),
            "right_foot": (-0.02, -0.24, 0.36, -12, 88)}),
    (1.58, {"pelvis": (0.60, 0, -0.10), "turn": (28, 18, 0), "chest": (12, 12, 0), "right_hand": (0.46, 0.30, -0.60),
            "left_hand": (0.25, 0.42, -0.55), "left_foot": (0.58, 0.04, 0, -4, 0),
            "right_foot": (0.50, -0.26, 0.12, -2, 25)}),
    (1.78, {"pelvis": (0.62, -0.06, -0.08), "turn": (6, 12, 0), "chest": (4, 8, 0), "right_hand": (0.50, -0.1, -0.35),
            "right_elbow": (-0.4, -0.7, -0.7), "left_hand": (0.50, 0.1, -0.3), "left_foot": (0.58, 0.04, 0, -4, 0),
            "right_foot": (0.66, -0.27, 0, -6, 0)}),
    (2.00, {"pelvis": (0.55, -0.06, -0.05), "left_foot": (0.58, 0.04, 0, -4, 0),
            "right_foot": (0.66, -0.27, 0, -6, 0)}),
    (2.18, {"pelvis": (0.4, -0.05, -0.04), "turn": (-25, 6, 0), "left_foot": (0.42, 0.04, 0.07, -25, 18)}),
    (2.34, {"left_foot": (0.25, 0.03, 0, -42, 0), "right_foot": (0.66, -0.27, 0, -20, 15)}),
    (2.54, {"pelvis": (0.16, -0.02, -0.04), "turn": (-50, 5, 0), "left_foot": (0.25, 0.03, 0, -42, 0),
            "right_foot": (0.2, -0.22, 0.08, -55, 22)}),
    (2.72, {"pelvis": (0.02, 0, -0.03), "right_foot": (-0.2, -0.16, 0, -78, 0)}),
)  # fmt: skip

#: By name, as in `i2vlib.joints.ACTIONS`.
TABLE: dict[str, Action] = {
    "baseball_pitch": Action(3.1, (0.05, 0.40), ((-85, 35), (-30, 30), (165, 25)), _PITCH),
    "baseball_swing": Action(2.4, (0.0, 0.32), ((0, 40), (60, 30)), _SWING),
    "clean_and_jerk": Action(3.75, (0.05, 0.45), ((0, 45),), _CLEAN),
    "golf_swing": Action(2.8, (0.0, 0.40), ((0, 35), (-85, 20)), _GOLF),
    "jumping_jacks": Action(1.0, (0.0, 1.0), ((0, 38),), _JACKS),
    "jump_rope": Action(0.46, (0.0, 0.46), ((0, 60),), _ROPE),
    "tennis_forehand": Action(2.1, (0.0, 0.25), ((-20, 50), (180, 45)), _FOREHAND),
    "tennis_serve": Action(2.9, (0.05, 0.40), ((-65, 40), (165, 35)), _SERVE),
}
