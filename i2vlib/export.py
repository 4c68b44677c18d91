"""A method as two ONNX graphs, which run without PyTorch: what is computed once a face, and what once a frame.

``encoder.onnx`` takes a still to all that does not depend on the intensity: the still's own code, and the direction of
every expression. ``decoder.onnx`` takes these maps, under the same names, one intensity an expression and a mask to a
frame. ``model.json`` says what a page or a program has to know of both.
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

    def encoded(self, still: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """All that frames of a still ``(1, 3, H, W)`` share: its own code, one ``(1, C, h, w)`` a level; and the
        direction of every expression, in their order, one ``(expressions, C, h, w)`` a level."""

    def drawn(self, codes: Sequence[Tensor]) -> Tensor:
        """Pictures ``(B, 3, H, W)`` in [-1, 1] of codes, one ``(B, C, h, w)`` a level."""


class _Encoder(nn.Module):
    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        self.method = method

    def forward(self, still: Tensor) -> tuple[Tensor, ...]:
        base, directions = self.method.encoded(still)
        # An output that is the input itself, as FAN's still in pixels, would rename the input.
        return (*(code.clone() if code is still else code for code in base), *directions)


class _Decoder(nn.Module):
    r""":math:`d(e_0(I) + m \sum_i a_i e_i(I))`, the mask as `i2vlib.regions.at_level` shrinks it."""

    def __init__(self, method: nn.Module) -> None:
        super().__init__()
        self.method = method

    def forward(self, base: Sequence[Tensor], directions: Sequence[Tensor], intensity: Tensor, mask: Tensor) -> Tensor:
        codes = []
        for code, direction in zip(base, directions, strict=True):
            step = (intensity[None] @ direction.flatten(1)).view_as(code)
            codes.append(code + F.avg_pool2d(mask, mask.shape[-1] // code.shape[-1]) * step)
        return self.method.drawn(codes)


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
    note = {
        "method": type(method).__name__,
        "about": method.about,
        "intended_use": method.limits,
        "license": "MIT",
        "size": method.size,
        "expressions": list(method.expressions),
        "ranges": {"still": [-1, 1], "frame": [-1, 1], "intensity": [0, 1], "mask": [0, 1]},
        "layout": "RGB, (batch, channel, row, column); intensity has a number an expression, in their order",
        "opset": OPSET,
        "weights": "float16, cast to float32" if half else "float32",
        "weights_sha256": getattr(method, "facts", {}).get("sha256"),
        "largest_error": errors["both"],
        "largest_error_on": "frames in [-1, 1], both graphs one after the other, against PyTorch",
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


def _names(levels: int) -> tuple[list[str], list[str]]:
    """What the maps of so many levels are called, in the graphs: those of the still, and of the directions."""
    return [f"base_{level}" for level in range(levels)], [f"direction_{level}" for level in range(levels)]


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
    """What `i2vlib.animation.drawer` asks for, drawn by ONNX Runtime, each frame alone: intensities to images.

    Args:
        still: ``(1, 3, H, W)``.
        mask: ``(1, 1, H, W)``, or None for everywhere.
        labels: the number of the expression that each column of intensities is of.
    """
    run, (base, directions) = decoder_session(method).run, method.encoded(still)
    maps = dict(zip(sum(_names(len(base)), []), [*base, *directions], strict=True))
    maps["mask"] = torch.ones_like(still[:, :1]) if mask is None else mask
    shared = {name: map_.cpu().numpy() for name, map_ in maps.items()}

    def decode(rows: Tensor) -> Tensor:
        intensity = np.zeros((len(rows), len(method.expressions)), np.float32)
        intensity[:, labels] = rows.cpu().numpy()
        return torch.from_numpy(np.concatenate([run(None, {**shared, "intensity": row})[0] for row in intensity]))

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
        base, directions = (list(maps) for maps in method.encoded(still))
    of_base, of_directions = _names(len(base))
    intensity, mask = still.new_ones(len(method.expressions)), torch.ones_like(still[:, :1])
    given = (base, directions, intensity, mask)
    return {
        ENCODER: _graph(_Encoder(method), (still,), ["still"], of_base + of_directions),
        DECODER: _graph(_Decoder(method), given, [*of_base, *of_directions, "intensity", "mask"], ["frame"]),
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
    """The largest difference from PyTorch: of the encoder's maps, of the decoder's frames, and of both in a row.

    Asked are every expression alone at its peak, none, and all of them at once in a half of the picture.
    """
    encode, decode = session(data[ENCODER]), session(data[DECODER])
    still, count = _still(method), len(method.expressions)
    base, directions = method.encoded(still)
    maps = [map_.cpu().numpy() for map_ in (*base, *directions)]
    found = encode.run(None, {"still": still.cpu().numpy()})
    whole = torch.ones_like(still[:, :1])
    part = whole.clone()
    part[..., : method.size // 2] = 0
    asked = [(row, whole) for row in torch.eye(count).to(still)]
    asked += [(still.new_zeros(count), whole), (still.new_full((count,), 1 / count), part)]
    draw, named = _Decoder(method), sum(_names(len(base)), [])
    errors = {ENCODER: max(map(_apart, maps, found)), DECODER: 0.0, "both": 0.0}
    for intensity, mask in asked:
        drawn = draw(base, directions, intensity, mask).cpu().numpy()
        rest = {"intensity": intensity.cpu().numpy(), "mask": mask.cpu().numpy()}
        for which, given in ((DECODER, maps), ("both", found)):
            frame = decode.run(None, {**dict(zip(named, given, strict=True)), **rest})[0]
            errors[which] = max(errors[which], _apart(drawn, frame))
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
