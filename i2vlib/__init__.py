"""One still image to a video: FAN, AffineGAN and FRGAN, readable, trainable, checked.

``import i2vlib`` needs torch, numpy and pillow; everything else is imported when it is first used.
"""

import importlib

from i2vlib.clips import BLENDSHAPES, EXPRESSIONS, Clip, load_image

_HOMES = {
    "AffineGAN": "affinegan",
    "AffineGANConfig": "affinegan",
    "FAN": "fan",
    "FANConfig": "fan",
    "FRGAN": "frgan",
    "FRGANConfig": "frgan",
    "Forecast": "frgan",
    "ForecastConfig": "frgan",
    "NoFaceError": "faces",
    "Refine": "frgan",
    "RefineConfig": "frgan",
    "align_face": "faces",
    "evaluate": "metrics",
    "fit": "training",
    "load_clip": "datasets",
    "load_pretrained": "hub",
    "paste_back": "faces",
}
_ROOMS = (
    "affinegan",
    "datasets",
    "faces",
    "fan",
    "frgan",
    "hub",
    "ledger",
    "losses",
    "meter",
    "metrics",
    "morphable",
    "reference",
    "training",
    "video",
    "widgets",
)
__all__ = ["BLENDSHAPES", "EXPRESSIONS", "Clip", "load_image", *_HOMES, *_ROOMS]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return vars(importlib.import_module(f"i2vlib.{_HOMES[name]}"))[name]
    if name in _ROOMS:
        return importlib.import_module(f"i2vlib.{name}")
    raise AttributeError(f"module 'i2vlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
