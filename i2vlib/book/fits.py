"""How well the performers' body fits people of Penn Action: ``python -m i2vlib.book.fits --folder <Penn Action>``.

Of the labels, which may not be passed on, nothing is committed but how far fitted joints are from them, by action.
A clip is fitted once and kept in the user's cache (`i2vlib.performers.fit`), so the command goes on where it was
stopped. Six minutes of one core in all.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from i2vlib.book import checkout
from i2vlib.datasets import penn_action
from i2vlib.joints import ACTIONS
from i2vlib.performers.fit import Fit, fitted, performed, reference, usable
from i2vlib.store import write_text

if TYPE_CHECKING:
    import pandas as pd

#: Where the residuals are committed.
TABLE = checkout.RESULTS / "penn_fits.csv"


def residuals(joints: np.ndarray, visible: np.ndarray, fit: Fit) -> dict[str, float]:
    """How far the fitted joints are from the label's visible ones, the mean of a clip.

    ``percent`` of the body's height, and ``pixels``; ``performed``, in percent as well, after a performer of usual
    shape has taken the motion, with feet that stand, each frame moved to where it fits best; and ``slide``, by how many
    centimetres a foot that is down moves in a frame.
    """
    feet = [fit.pose[f"{side}_foot"] for side in ("left", "right")]
    moved = [
        np.linalg.norm(np.diff(foot[:, :2], axis=0), axis=1)[(foot[1:, 2] == 0) & (foot[:-1, 2] == 0)] for foot in feet
    ]
    steps = np.concatenate(moved)
    off = fit.errors(joints, visible)
    made = fit.errors(joints, visible, performed(fit, joints, visible))
    return {
        "percent": 100 * float(np.nanmean(off)) / fit.height,
        "pixels": float(np.nanmean(off)),
        "performed": 100 * float(np.nanmean(made)) / fit.height,
        "slide": 100 * reference().leg * float(np.mean(steps)) if len(steps) else 0.0,
    }


def measure_fits(sequences: Sequence[penn_action.Poses]) -> pd.DataFrame:
    """The residuals by action and over all: medians, and the percentage that nine clips of ten stay under.

    Columns: ``action``; ``sequences``, how many there are, ``fitted`` of which with ``frames`` frames; and of
    `residuals` ``percent``, ``percent_90``, ``pixels``, ``performed`` and ``slide``.
    """
    import pandas as pd

    chosen = [poses for poses in sequences if usable(poses.visible)]
    clips = [penn_action.own_sides(poses) for poses in chosen]
    rows = pd.DataFrame([residuals(*clip, fit) for clip, fit in zip(clips, fitted(clips), strict=True)])
    rows["action"] = [poses.action for poses in chosen]
    rows["frames"] = [len(poses) for poses in chosen]
    given = pd.Series([poses.action for poses in sequences]).value_counts()
    parts = [(name, rows[rows["action"] == name]) for name in ACTIONS] + [("all", rows)]
    return pd.DataFrame(
        {
            "action": name,
            "sequences": len(sequences) if name == "all" else int(given.get(name, 0)),
            "fitted": len(part),
            "frames": int(part["frames"].sum()),
            "percent": part["percent"].median(),
            "percent_90": part["percent"].quantile(0.9),
            "pixels": part["pixels"].median(),
            "performed": part["performed"].median(),
            "slide": part["slide"].median(),
        }
        for name, part in parts
    ).round(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """``python -m i2vlib.book.fits``: fits all sequences of the eight actions, and writes `TABLE`."""
    parser = argparse.ArgumentParser(prog="python -m i2vlib.book.fits", description="Fit bodies to Penn Action.")
    parser.add_argument("--folder", type=Path, required=True, help="of Penn Action, with its labels")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    labels = (penn_action.read_label(path) for path in penn_action.find_labels(chosen.folder))
    write_text(TABLE, measure_fits([poses for poses in labels if poses.action in ACTIONS]).to_csv(index=False))


if __name__ == "__main__":
    main()
