"""Names what `i2vlib` offers, for editors and type checkers; at run time most of it is imported when it is used."""

from pathlib import Path
from typing import Any, Literal, overload

from i2vlib import curves as curves
from i2vlib import datasets as datasets
from i2vlib import faces as faces
from i2vlib import hub as hub
from i2vlib import metrics as metrics
from i2vlib import papers as papers
from i2vlib import training as training
from i2vlib import video as video
from i2vlib import widgets as widgets
from i2vlib.clips import Clip as Clip
from i2vlib.clips import load_image as load_image
from i2vlib.compared import FGST as FGST
from i2vlib.compared import HP as HP
from i2vlib.compared import VGAN as VGAN
from i2vlib.compared import ConvLSTM as ConvLSTM
from i2vlib.compared import ConvLSTMConfig as ConvLSTMConfig
from i2vlib.compared import FGSTConfig as FGSTConfig
from i2vlib.compared import GANimation as GANimation
from i2vlib.compared import GANimationConfig as GANimationConfig
from i2vlib.compared import HPConfig as HPConfig
from i2vlib.compared import Mathieu as Mathieu
from i2vlib.compared import MathieuConfig as MathieuConfig
from i2vlib.compared import MCNet as MCNet
from i2vlib.compared import MCNetConfig as MCNetConfig
from i2vlib.compared import MoCoGAN as MoCoGAN
from i2vlib.compared import MoCoGANConfig as MoCoGANConfig
from i2vlib.compared import VGANConfig as VGANConfig
from i2vlib.datasets import load_clip as load_clip
from i2vlib.expressions import BLENDSHAPES as BLENDSHAPES
from i2vlib.expressions import EXPRESSIONS as EXPRESSIONS
from i2vlib.faces import NoFaceError as NoFaceError
from i2vlib.faces import align_face as align_face
from i2vlib.faces import paste_back as paste_back
from i2vlib.metrics import evaluate as evaluate
from i2vlib.papers.affinegan import AffineGAN as AffineGAN
from i2vlib.papers.affinegan import AffineGANConfig as AffineGANConfig
from i2vlib.papers.fan import FAN as FAN
from i2vlib.papers.fan import FANConfig as FANConfig
from i2vlib.papers.frgan import FRGAN as FRGAN
from i2vlib.papers.frgan import Forecast as Forecast
from i2vlib.papers.frgan import ForecastConfig as ForecastConfig
from i2vlib.papers.frgan import FRGANConfig as FRGANConfig
from i2vlib.papers.frgan import FRGANPoses as FRGANPoses
from i2vlib.papers.frgan import FRGANPosesConfig as FRGANPosesConfig
from i2vlib.papers.frgan import Hourglass as Hourglass
from i2vlib.papers.frgan import HourglassConfig as HourglassConfig
from i2vlib.papers.frgan import PosePredictor as PosePredictor
from i2vlib.papers.frgan import PosePredictorConfig as PosePredictorConfig
from i2vlib.papers.frgan import Refine as Refine
from i2vlib.papers.frgan import RefineConfig as RefineConfig
from i2vlib.training import fit as fit
from i2vlib.widgets import meter as meter

METHODS: dict[str, str]

_Runtime = Literal["pytorch", "onnx"]

@overload
def load_pretrained(
    name: Literal["affinegan", "affinegan_painted"], device: str | None = None, runtime: _Runtime = "pytorch"
) -> AffineGAN: ...
@overload
def load_pretrained(
    name: Literal["fan", "fan_painted"], device: str | None = None, runtime: _Runtime = "pytorch"
) -> FAN: ...
@overload
def load_pretrained(name: Literal["frgan"], device: str | None = None, runtime: _Runtime = "pytorch") -> FRGAN: ...
@overload
def load_pretrained(
    name: Literal["frgan_poses"], device: str | None = None, runtime: _Runtime = "pytorch"
) -> FRGANPoses: ...
@overload
def load_pretrained(name: str | Path, device: str | None = None, runtime: _Runtime = "pytorch") -> Any: ...
