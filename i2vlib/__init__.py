"""One still image to a video: FAN, AffineGAN and FRGAN, readable, trainable, checked.

``import i2vlib`` needs torch, numpy and pillow; everything else is imported when it is first used.
``__init__.pyi`` tells editors and type checkers what there is.
"""

import importlib

from i2vlib.clips import Clip, load_image
from i2vlib.expressions import BLENDSHAPES, EXPRESSIONS

#: The one registry of methods: the folder of each, by the name of its class, which ``config.json`` states.
METHODS = {
    "AffineGAN": "papers.affinegan",
    "ConvLSTM": "compared",
    "FAN": "papers.fan",
    "FGST": "compared",
    "FRGAN": "papers.frgan",
    "FRGANPoses": "papers.frgan",
    "Forecast": "papers.frgan",
    "GANimation": "compared",
    "HP": "compared",
    "Hourglass": "papers.frgan",
    "MCNet": "compared",
    "Mathieu": "compared",
    "MoCoGAN": "compared",
    "PosePredictor": "papers.frgan",
    "Refine": "papers.frgan",
    "VGAN": "compared",
}
_HOMES = {
    **METHODS,
    **{f"{name}Config": home for name, home in METHODS.items()},
    "NoFaceError": "faces",
    "align_face": "faces",
    "evaluate": "metrics",
    "fit": "training",
    "load_clip": "datasets",
    "load_pretrained": "hub",
    "paste_back": "faces",
}
#: Rooms that are imported when they are asked for.
_ROOMS = {
    "curves": "curves",
    "datasets": "datasets",
    "faces": "faces",
    "hub": "hub",
    "meter": "widgets.meter",
    "metrics": "metrics",
    "papers": "papers",
    "training": "training",
    "video": "video",
    "widgets": "widgets",
}
__all__ = ["BLENDSHAPES", "EXPRESSIONS", "Clip", "load_image", *_HOMES, *_ROOMS]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return vars(importlib.import_module(f"i2vlib.{_HOMES[name]}"))[name]
    if name in _ROOMS:
        return importlib.import_module(f"i2vlib.{_ROOMS[name]}")
    raise AttributeError(f"module 'i2vlib' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
