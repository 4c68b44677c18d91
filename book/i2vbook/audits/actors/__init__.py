"""An audit of the actors: do face readers see in rendered people what is there, and are they different people?

``python -m i2vbook.audits.actors`` renders subjects of the test split in every expression at five intensities, and once
neutral, reads every frame with dlib, MediaPipe and a classifier of expressions, measures how many frames are rendered
a second, and writes ``book/results/actors_audit.json`` and the tables of the data card. What was read is kept in the
user cache, clip by clip, so an audit that was stopped goes on. ``--folder`` reads only real clips in AffineGAN's
layout, as far as that goes without truth (so does the plain command, where ``I2V_REAL_DATA`` names their place),
``--sheets`` draws the contact sheets, and ``--table`` prints the results as the book shows them.

It measures detection, landmarks against the mesh's own, identity within and between subjects, whether the expression
that is read grows with the true intensity, and whether a classifier names it.
"""

from i2vbook.audits.actors.measures import (
    LEFT_OUT,
    NAMED,
    REGIONS,
    UNREAD,
    Sample,
    accuracy,
    confusion,
    equal_error_rate,
    identity_distances,
    lead_correlation,
    lead_of,
    region_errors,
    summarise,
)
from i2vbook.audits.actors.reading import FIRST, LEVELS, SUBJECTS, audit, audit_folder, read_clip, read_subject
from i2vbook.audits.actors.report import RESULT, Aim, aims, table

__all__ = [
    "FIRST", "LEFT_OUT", "LEVELS", "NAMED", "REGIONS", "RESULT", "SUBJECTS", "UNREAD",
    "Aim", "Sample", "accuracy", "aims", "audit", "audit_folder", "confusion", "equal_error_rate",
    "identity_distances", "lead_correlation", "lead_of", "read_clip", "read_subject", "region_errors", "summarise",
    "table",
]  # fmt: skip
