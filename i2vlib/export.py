"""A method as two ONNX graphs, which run without PyTorch: what is computed once a face, and what once a frame.

``encoder.onnx`` takes a still to all that does not depend on the intensity: the still's own code, and the direction of
every expression. ``decoder.onnx`` takes these maps, under the same names, one intensity an expression and a mask to a
frame; of a model that carries its still, to the maps that a frame is composed by. ``model.json`` says what a page or a
program has to know of both.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import store
from i2vlib.clips import MAPS

if TYPE_CHECKING:
    import onnx
    import onnxruntime

ENCODER, DECODER, NOTE = "encoder.onnx", "decoder.onnx", "model.json"
OPSET = 20
#: What is computed of weights alone, and larger than this, is left to whoever loads the graph: a kernel is stored as
#: it was learnt, smaller than its folded form, and half precision holds it exactly.
FOLDED = 256
#: A frame of the graphs may differ from PyTorch's by this much of [-1, 1] at most: half a grey level of 255.
TOLERANCE = 1 / 255


class Exportable(Protocol):
    """What a method answers so that it can be exported."""

    size: int
    expressions: tuple[str, ...]
    about: str
    limits: str
    ranges: Mapping[str, Sequence[float]]
    """What `drawn` gives, by name: ``frame`` alone, or the maps; the lowest and the highest value of each."""

    def encoded(self, still: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Encodes all that frames of a still ``(1, 3, H, W)`` share.

        Returns:
            Its own code, one ``(1, C, h, w)`` per level; and the directions of all expressions, in their order, one
            ``(expressions, C, h, w)`` per level.
        """

    def rest(self, base: Sequence[Tensor], still: Tensor) -> Sequence[Tensor]:
        """What is said of the still's own code, and the still, where frames are said as changes from that; nothing
        otherwise."""

    def drawn(self, codes: Sequence[Tensor], *rest: Tensor) -> Tensor:
        """Decodes codes, one ``(B, C, h, w)`` per level, to pictures ``(B, 3, H, W)`` in [-1, 1].

        With `rest`, of a model that carries its still, to maps ``(B, 7, H, W)`` in the order of `i2vlib.clips.MAPS`.
        """


class _Encoder(nn.Module):
    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        self.method = method

    def forward(self, still: Tensor) -> tuple[Tensor, ...]:
        base, directions = self.method.encoded(still)
        # An output that is the input itself, as FAN's still in pixels, would rename the input.
        shared = [*base, *directions, *self.method.rest(base, still)]
        return tuple(map_.clone() if map_ is still else map_ for map_ in shared)


class _Decoder(nn.Module):
    r""":math:`d(e_0(I) + m \sum_i a_i e_i(I))`, the mask as `i2vlib.regions.at_level` shrinks it."""

    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        self.method = method

    def forward(
        self,
        base: Sequence[Tensor],
        directions: Sequence[Tensor],
        rest: Sequence[Tensor],
        intensity: Tensor,
        mask: Tensor,
    ) -> tuple[Tensor, ...]:
        codes = []
        for code, direction in zip(base, directions, strict=True):
            step = (intensity[None] @ direction.flatten(1)).view_as(code)
            codes.append(code + F.avg_pool2d(mask, mask.shape[-1] // code.shape[-1]) * step)
        drawn = self.method.drawn(codes, *rest)
        return drawn.split(tuple(MAPS.values()), 1) if rest else (drawn,)


def write_graphs(method: Exportable, folder: str | Path, half: bool = False) -> dict[str, object]:
    """Writes a method's graphs and their note into a folder, and says what the note says.

    Args:
        method: in evaluation mode.
        folder: made where it is not there; an earlier export in it is replaced.
        half: keep weights as float16, each with a cast to float32 behind it: half the size, and computed as before.

    Raises:
        ImportError: onnx, onnxscript or onnxruntime is not installed.
        ValueError: the folder is a file.
        RuntimeError: the graphs draw another picture than PyTorch does, by `TOLERANCE` or more.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; an export is a folder of three files. Name a folder.")
    graphs = {file: _halved(graph) if half else graph for file, graph in traced(method).items()}
    data = {file: graph.SerializeToString(deterministic=True) for file, graph in graphs.items()}
    errors = _errors(method, data)
    if not max(errors[DECODER], errors["both"]) < TOLERANCE:
        raise RuntimeError(f"The exported graphs differ from PyTorch by {errors}, in [-1, 1]; nothing was written.")
    for file, content in data.items():
        store.write_file(folder / file, content)
    what, composed = "frames in [-1, 1]", {}
    if "frame" not in method.ranges:
        what = "maps in their ranges"
        composed = {"drawing": method.config.drawing, "reach": method.config.reach, "shaded": method.config.shaded}
    note = {
        "method": type(method).__name__,
        "about": method.about,
        "intended_use": method.limits,
        "license": "MIT",
        "size": method.size,
        "expressions": list(method.expressions),
        "ranges": {"still": [-1, 1], **method.ranges, "intensity": [0, 1], "mask": [0, 1]},
        "layout": "RGB, (batch, channel, row, column); intensity has a number an expression, in their order",
        "opset": OPSET,
        "weights": "float16, cast to float32" if half else "float32",
        "weights_sha256": getattr(method, "facts", {}).get("sha256"),
        "largest_error": errors["both"],
        "largest_error_on": f"{what}, both graphs one after the other, against PyTorch",
        **composed,
        **{
            file.removesuffix(".onnx"): {
                "file": file,
                "bytes": len(data[file]),
                "sha256": store.file_digest(folder / file),
                "inputs": [_described(value) for value in graphs[file].graph.input],
                "outputs": [_described(value) for value in graphs[file].graph.output],
                "largest_error": errors[file],
            }
            for file in (ENCODER, DECODER)
        },
    }
    store.write_file(folder / NOTE, (json.dumps(note, indent=1) + "\n").encode())
    return note


def _shared(method: Exportable, still: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """What the frames of a still share: its own code, the directions, and, if it is carried, its maps at rest
    and the still itself."""
    base, directions = method.encoded(still)
    return list(base), list(directions), list(method.rest(base, still))


def _names(levels: int, rest: int) -> list[str]:
    """What the maps that frames share are called in the graphs, of so many levels."""
    codes = [f"{which}_{level}" for which in ("base", "direction") for level in range(levels)]
    return [*codes, *("rest", "seen")[:rest]]


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """An ``InferenceSession`` of ONNX Runtime on the CPU, with as many threads as PyTorch has."""
    with _installed():
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def decoder_of(
    method: Exportable, still: Tensor, mask: Tensor | None, labels: Sequence[int]
) -> Callable[[Tensor], Tensor]:
    """What `i2vlib.animation.drawer` asks for, drawn by ONNX Runtime, each frame alone: intensities to images or maps.

    Args:
        still: ``(1, 3, H, W)``.
        mask: ``(1, 1, H, W)``, or None for everywhere.
        labels: the number of the expression that each column of intensities is of.
    """
    run, (base, directions, rest) = decoder_session(method).run, _shared(method, still)
    maps = dict(zip(_names(len(base), len(rest)), [*base, *directions, *rest], strict=True))
    maps["mask"] = torch.ones_like(still[:, :1]) if mask is None else mask
    shared = {name: map_.cpu().numpy() for name, map_ in maps.items()}

    def decode(rows: Tensor) -> Tensor:
        intensity = np.zeros((len(rows), len(method.expressions)), np.float32)
        intensity[:, labels] = rows.cpu().numpy()
        frames = [np.concatenate(run(None, {**shared, "intensity": row}), 1) for row in intensity]
        return torch.from_numpy(np.concatenate(frames))

    return decode


_SESSIONS: dict[str, onnxruntime.InferenceSession] = {}


def decoder_session(method: Exportable) -> onnxruntime.InferenceSession:
    """The session that draws a method's frames, of its weights as they are now; its graph is kept in the cache."""
    state = {name: p.detach().cpu().numpy() for name, p in method.state_dict().items() if "discriminator" not in name}
    made_of = np.frombuffer(f"{method.config} {OPSET} {FOLDED} {torch.__version__}".encode(), np.uint8)
    key = f"{store.digest(made_of, *state.values())}-{torch.get_num_threads()}"
    if key not in _SESSIONS:
        path = store.user_cache() / "onnx" / f"{key.partition('-')[0]}.onnx"
        if not path.is_file():
            with torch.inference_mode(False):
                store.write_file(path, traced(method)[DECODER].SerializeToString(deterministic=True))
        _SESSIONS.clear()  # of the last weights alone: sessions are large
        _SESSIONS[key] = session(path.read_bytes())
    return _SESSIONS[key]


def traced(method: Exportable) -> dict[str, onnx.ModelProto]:
    """Both graphs by their file, without a trace of the machine and the source that they were made from."""
    still = _still(method)
    with torch.no_grad():
        base, directions, rest = _shared(method, still)
    shared = _names(len(base), len(rest))
    intensity, mask = still.new_ones(len(method.expressions)), torch.ones_like(still[:, :1])
    given = (base, directions, rest, intensity, mask)
    return {
        ENCODER: _graph(_Encoder(method), (still,), ["still"], shared),
        DECODER: _graph(_Decoder(method), given, [*shared, "intensity", "mask"], list(method.ranges)),
    }


def _graph(module: nn.Module, given: tuple[object, ...], inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
    with _installed():
        from onnxscript import optimizer

    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of torchvision, which nobody needs here
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore", FutureWarning)
            graph = torch.onnx.export(
                module.eval(), given, dynamo=True, opset_version=OPSET, verbose=False, optimize=False,
                input_names=inputs, output_names=outputs,
            ).model_proto  # fmt: skip
    finally:
        logger.setLevel(level)
    graph = optimizer.optimize(graph, input_size_limit=FOLDED, output_size_limit=FOLDED)
    for part in (graph, graph.graph, *graph.graph.node, *_values(graph), *graph.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    del graph.graph.value_info[:]
    return graph


def _values(graph: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    return [*graph.graph.input, *graph.graph.output]


def _halved(graph: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with every tensor of weights as float16, cast back before it is used; single numbers stay."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or not tensor.dims:
            continue
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(tensor).astype(np.float16)
        if np.isfinite(values).all():
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values, f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(casts + nodes)
    return graph


def _still(method: Exportable) -> Tensor:
    """A picture of noise ``(1, 3, H, W)``, coarse and fine, always the same one."""
    size, device = method.size, next(method.parameters()).device
    rng = torch.Generator().manual_seed(0)
    coarse = F.interpolate(torch.rand(1, 3, 4, 4, generator=rng), (size, size), mode="bilinear")
    return (2 * (0.8 * coarse + 0.2 * torch.rand(1, 3, size, size, generator=rng)) - 1).to(device)


@torch.no_grad()
def _errors(method: Exportable, data: Mapping[str, bytes]) -> dict[str, float]:
    """Measures how far the graphs are from PyTorch: the encoder alone, the decoder alone, and one after the other.

    It draws each expression alone at its peak, no expression, and all of them at once in half of the picture.
    """
    encode, decode = session(data[ENCODER]), session(data[DECODER])
    still, count = _still(method), len(method.expressions)
    base, directions, at_rest = _shared(method, still)
    maps = [map_.cpu().numpy() for map_ in (*base, *directions, *at_rest)]
    found = encode.run(None, {"still": still.cpu().numpy()})
    whole = torch.ones_like(still[:, :1])
    part = whole.clone()
    part[..., : method.size // 2] = 0
    asked = [(row, whole) for row in torch.eye(count).to(still)]
    asked += [(still.new_zeros(count), whole), (still.new_full((count,), 1 / count), part)]
    draw, named = _Decoder(method), _names(len(base), len(at_rest))
    errors = {ENCODER: max(map(_apart, maps, found)), DECODER: 0.0, "both": 0.0}
    for intensity, mask in asked:
        drawn = [map_.cpu().numpy() for map_ in draw(base, directions, at_rest, intensity, mask)]
        rest = {"intensity": intensity.cpu().numpy(), "mask": mask.cpu().numpy()}
        for which, given in ((DECODER, maps), ("both", found)):
            again = decode.run(None, {**dict(zip(named, given, strict=True)), **rest})
            errors[which] = max(errors[which], *map(_apart, drawn, again))
    return errors


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def _described(value: onnx.ValueInfoProto) -> dict[str, object]:
    from onnx import helper

    kind = value.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    return {"name": value.name, "shape": [d.dim_value for d in kind.shape.dim], "dtype": dtype}


@contextmanager
def _installed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ImportError(
            f"A model as ONNX needs onnx, onnxscript and onnxruntime ({error}). Install them with: "
            'pip install "i2vlib[onnx]".'
        ) from error
