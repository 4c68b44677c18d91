"""The book's tables: plain words for headings, one number of decimals a column, an interval in a second line.

A table is as wide as what it says; where a page is narrower, the table scrolls in its own box.
"""

from __future__ import annotations

import html
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from i2vbook.evidence import plan
from i2vbook.evidence.effects import Effect
from i2vlib.metrics import BODY_COLUMNS, COLUMNS
from i2vlib.papers import carried

if TYPE_CHECKING:
    import pandas as pd

    from i2vbook.evidence.plan import Run

#: What a metric is called where people read it; `metrics.COLUMNS` says it in full.
WORDS = {
    "spearman": "rank correlation with the truth",
    "intensity_peak": "intensity read at the peak",
    "psnr_neutral": "still given back at 0 (dB)",
    "psnr": "likeness of the frames (dB)",
    "error": "error over the frame",
    "moving_error": "error where it moves (grey levels)",
    "moving_ratio": "error where it moves",
    "halfway_ratio": "error half way",
    "motion": "how much moves",
    "sharpness": "sharpness",
    "sharpness_mouth": "sharpness of the mouth",
    "mouth_ratio": "error in the mouth",
    "falls": "steps that fall back",
    "growth": "growth with intensity",
    "unevenness": "unevenness of steps",
    "lead_rise": "rise of the expression",
    "lead_change": "change of the expression",
    "lead_change_real": "change in the real clip",
    "landmark_error": "error of landmarks (%)",
    "landmark_error_mouth": "error of landmarks, mouth (%)",
    "landmark_error_eyes": "error of landmarks, eyes (%)",
    "landmark_ratio": "error of landmarks",
    "blendshape_error": "error of blendshapes (scores)",
    "blendshape_ratio": "error of blendshapes",
    "flicker": "flicker",
    "static_change": "change where all is still",
    "mask_mean": "mean of the mask",
    "mask_iou": "mask on what moves",
    "acd_i": "distance of identity to the still",
    "acd_c": "distance of identity among frames",
    "acd_g": "distance of identity to the truth",
    "acd_i_ratio": "drift of identity from the still",
    "acd_c_ratio": "drift of identity among frames",
    "acd_g_ratio": "drift of identity from the truth",
    "acd_i_paper": "ACD-I by the paper's rule",
    "acd_c_paper": "ACD-C by the paper's rule",
    "acd_g_paper": "ACD-G by the paper's rule",
    "detection": "frames with a face found",
    "mse": "mean squared error",
    "figure_ratio": "error on the person",
    "pck": "joints found",
    "joint_error": "error of joints",
    "real": "real clips",
    "copy": "the still, copied",
    "cross-fade": "cross-fade to a peak",
}
#: What a real clip has by definition, of the metrics that are divided by its own.
REAL = dict.fromkeys(
    ("motion", "sharpness", "sharpness_mouth", "lead_rise", "flicker", "acd_i_ratio", "acd_c_ratio", "spearman"), 1.0
)

#: The terms of carried drawing, which no paper has: shown where a run weighs one.
_CARRIED = {
    "flow": "where it comes from (ours, Eq. 5)",
    "flow_moving": "that, where it moves",
    "gate": "what the still does not show (ours, Eq. 6)",
    "colour": "the colour there (ours, Eq. 7)",
    "edges": "differences of neighbours (ours, Eq. 8)",
    "shade": "no more light than needed",
}
#: What a loss term is called, by the method, and where it stands; what stands nowhere is ours.
TERMS = {
    "AffineGAN": {
        "adversarial": "D_g (Eq. 7)",
        "adversarial_local": "D_l (Eq. 8)",
        "reconstruction": "the frame again (Eq. 9)",
        "reconstruction_self": "a frame from its own code (Eq. 10)",
        "adversarial_intensity": "D_a (Eq. 11)",
        "reconstruction_moving": "the frame again, where it moves",
        "classification": "its expression named (section 3.1)",
        **_CARRIED,
    },
    "FAN": {
        "adversarial": "D_g (Eq. 3)",
        "adversarial_local": "D_l (Eq. 4)",
        "reconstruction": "the frame again (L_r)",
        "temporal": "R_t (Eq. 5)",
        "landmarks": "landmarks (L_k)",
        "reconstruction_moving": "the frame again, where it moves",
        **_CARRIED,
    },
}

Key = str | tuple[str, str]

_STYLE = """
.i2v-table { max-width: 100%; overflow-x: auto; margin: 0.5em 0; }
.i2v-table table { border-collapse: collapse; width: auto; margin: 0; font-size: 0.9em; color: inherit; }
.i2v-table tr { background: none !important; border-bottom: 1px solid rgba(128, 128, 128, 0.35); }
.i2v-table :is(th, td) { padding: 0.35em 0.8em; text-align: right; vertical-align: top; font-weight: normal;
  white-space: nowrap; border: 0; }
.i2v-table thead th { vertical-align: bottom; white-space: normal; min-width: 5em; max-width: 11em; opacity: 0.8; }
.i2v-table tbody th, .i2v-table thead th:first-child { text-align: left; }
.i2v-table tbody th { white-space: normal; min-width: 7em; }
.i2v-table th.i2v-group { padding-top: 0.9em; font-weight: 600; }
.i2v-table td.i2v-words { text-align: left; white-space: normal; min-width: 12em; }
.i2v-table td small { display: block; font-size: 0.85em; opacity: 0.75; }
"""


@dataclass(frozen=True)
class Table:
    """A table that a notebook shows; in a terminal it is the data frame that it was made of."""

    frame: pd.DataFrame
    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return str(self.frame)


def words(name: object) -> str:
    """What a metric or a reference is called where people read it; any other name as it is."""
    return WORDS.get(str(name), str(name))


def table(
    rows: Mapping[Key, Mapping[str, object]] | pd.DataFrame,
    digits: int | Mapping[str, int] = 2,
    *,
    turned: bool = False,
    signed: bool = False,
    first: str = "",
) -> Table:
    """Numbers, with their intervals where they have one, and words.

    Args:
        rows: by row and column; a row of two names, ``(group, name)``, stands under its group. What a row lacks, None
            and NaN are empty cells.
        digits: decimals of every number that is not whole; or by column as they stand when shown, 2 for others.
        turned: the columns are given as rows: what is compared stands side by side.
        signed: every number has its sign, as differences have.
        first: the heading of the first column.
    """
    import pandas as pd

    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame.from_dict(_objects(rows), orient="index")
    frame = frame.T if turned else frame
    decimals = {name: digits if isinstance(digits, int) else digits.get(name, 2) for name in frame.columns}
    head = "".join(_heading(name, "col") for name in frame.columns)
    body, group = [], None
    for key, values in zip(frame.index, frame.itertuples(index=False), strict=True):
        names = tuple(key) if isinstance(key, tuple) else (key,)
        if len(names) > 1 and names[0] != group:
            group = names[0]
            wide = f'colspan="{len(frame.columns) + 1}"'
            body.append(f'<tr><th class="i2v-group" scope="rowgroup" {wide}>{html.escape(words(group))}</th></tr>')
        cells = [_cell(value, decimals[name], signed) for name, value in zip(frame.columns, values, strict=True)]
        body.append(f"<tr>{_heading(names[-1], 'row')}{''.join(cells)}</tr>")
    text = (
        f'<div class="i2v-table" tabindex="0"><style>{_STYLE}</style><table><thead><tr><th scope="col">'
        f"{html.escape(first)}</th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
    return Table(frame, text)


def changes(rows: Mapping[str, str]) -> str:
    """Says in a sentence per arm what its row of the table of runs sets otherwise than the first arm's.

    Args:
        rows: rows of the table, by what an arm is called; of the first one only the name is used.
    """
    lines = {arm: [f"{name} {before} → {after}" for name, (before, after) in one.items()]
             for arm, one in plan.changes(rows).items()}  # fmt: skip
    width = max(map(len, lines))
    return "\n".join(f"{arm:{width}}  {', '.join(said)}" for arm, said in lines.items())


def losses(shown: Mapping[str, Run]) -> Table:
    """The weight of every loss term in some runs: 0 of those that a run leaves out.

    Args:
        shown: runs of one method, by what their columns are to be called.
    """
    terms = TERMS[next(iter(shown.values())).method]
    weights = {name: run.settings.weights for name, run in shown.items()}
    shown_terms = {
        term: said
        for term, said in terms.items()
        if term not in carried.TERMS or any(run[term] for run in weights.values())
    }
    rows = {said: {name: f"{run[term]:g}" for name, run in weights.items()} for term, said in shown_terms.items()}
    return table(rows, first="weight of")


def _objects(rows: Mapping[Key, Mapping[str, object]]) -> dict[Key, dict[str, object]]:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    return {key: {name: row.get(name) for name in columns} for key, row in rows.items()}


def _heading(name: object, scope: str) -> str:
    full = (BODY_COLUMNS | COLUMNS).get(str(name))
    tip = f' title="{html.escape(full)}"' if full else ""
    return f'<th scope="{scope}"{tip}>{html.escape(words(name))}</th>'


def _cell(value: object, digits: int, signed: bool) -> str:
    form = f"{'+' * signed}.{digits}f"
    if isinstance(value, Effect):
        if np.isnan(value.mean):
            return "<td></td>"
        mean, low, high = (_number(part, form) for part in (value.mean, *value.interval))
        certain = np.isnan(value.low) or value.low == value.high
        return f"<td>{mean}</td>" if certain else f"<td>{mean}<small>{low} to {high}</small></td>"
    if isinstance(value, bool | np.bool_):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, numbers.Integral):
        return f"<td>{value:{'+' * signed},}</td>"
    if isinstance(value, numbers.Real):
        return f"<td>{'' if np.isnan(value) else _number(float(value), form)}</td>"
    text = "" if value is None else str(value)
    return f"<td{' class=i2v-words' * (len(text) > 24)}>{html.escape(text)}</td>"


def _number(value: float, form: str) -> str:
    """A number with a true minus, and no sign where it is rounded to nothing."""
    written = f"{value:{form}}"
    if not written.strip("+-0."):
        written = written.lstrip("+-")
    return written.replace("-", "−")


def names_in_order(rows: Mapping[Key, object]) -> Sequence[str]:
    """The second names of rows ``(group, name)``, each once, as they come; of other rows the rows themselves."""
    return list(dict.fromkeys(key[-1] if isinstance(key, tuple) else key for key in rows))
