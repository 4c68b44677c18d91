r"""Reading a face: detection, landmarks, blendshape scores, identity; alignment.

Three readers, a file each, whose packages are not imported before they are used: `with_dlib`, `with_face_alignment`
and `with_mediapipe`, whose networks `landmarker` puts together; a fourth, `fer`, names expressions. `models` finds the
files of the last two, `litert` runs them. They look at a frame through `views`; `reading` asks them, `crop` aligns a
face, `paste` lays it back, `takes` says what is wrong with a clip of one's own, and `rest` what a still does already.
Of several faces the largest is read. Points are (x, y) in pixels, pixel centres at +0.5. Start with `reading`.
"""

from i2vlib.faces.crop import (
    EYE_DISTANCE,
    EYE_LEVEL,
    Found,
    NoFaceError,
    align_clip,
    align_face,
    crop_matrix,
    eye_centres,
    eyes_of,
    find,
    find_one,
    inverse,
    transform,
    warp,
)
from i2vlib.faces.paste import Place, paste_back
from i2vlib.faces.reading import (
    BACKENDS,
    Reading,
    blendshapes,
    boxes,
    embed,
    extractors,
    glance,
    landmarks,
    lead,
    measure,
    read,
)
from i2vlib.faces.takes import faults, onset
from i2vlib.faces.with_mediapipe import MESH_68, READABLE

__all__ = [
    "BACKENDS", "EYE_DISTANCE", "EYE_LEVEL", "MESH_68", "READABLE", "Found", "NoFaceError", "Place", "Reading",
    "align_clip", "align_face", "blendshapes", "boxes", "crop_matrix", "embed", "extractors", "eye_centres",
    "eyes_of", "faults", "find", "find_one", "glance", "inverse", "landmarks", "lead", "measure", "onset", "paste_back",
    "read", "transform", "warp",
]  # fmt: skip
