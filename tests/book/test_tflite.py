"""Networks in the TFLite format, said in ONNX: operators by hand, and our readers' networks whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from i2vbook.pages import tflite
from i2vlib import export
from i2vlib.faces import with_mediapipe
from i2vlib.faces.litert import Network

FACES = np.load(Path(__file__).parents[1] / "faces/landmarker.npz")["frames_128"]


def made(kind: str, options: object, shapes: list[tuple[int, ...]], stored: dict[int, np.ndarray], version: int = 1):
    """The file of a network of one operator: tensors of some shapes, the first its input and the last its output, some
    of them stored; those of half precision are dequantised first, as in our readers' files."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers = 3, [graph], [schema.BufferT()]
    graph.tensors, graph.operators, model.operatorCodes = [], [], []

    def tensor(shape: tuple[int, ...], values: np.ndarray | None = None) -> int:
        one = schema.TensorT()
        one.shape, one.name, one.buffer = list(shape), f"t{len(graph.tensors)}", 0
        one.type = schema.TensorType.FLOAT32
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            one.buffer, one.type = len(model.buffers), getattr(schema.TensorType, values.dtype.name.upper())
            model.buffers.append(buffer)
        graph.tensors.append(one)
        return len(graph.tensors) - 1

    def operator(kind: str, inputs: list[int], output: int, options: object = None) -> None:
        code, one = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        one.opcodeIndex, one.inputs, one.outputs = len(model.operatorCodes), inputs, [output]
        if options is not None:
            one.builtinOptions = options
            one.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        model.operatorCodes.append(code)
        graph.operators.append(one)

    places = []
    for place, shape in enumerate(shapes):
        values = stored.get(place)
        places.append(tensor(shape, values))
        if values is not None and values.dtype == np.float16:
            places[-1] = tensor(shape)
            operator("DEQUANTIZE", [places[-1] - 1], places[-1])
    operator(kind, places[:-1], places[-1], options)
    graph.inputs = [place for n, place in enumerate(places[:-1]) if n not in stored]
    graph.outputs = [places[-1]]
    builder = schema.flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def ran(file: bytes, *inputs: np.ndarray) -> list[np.ndarray]:
    """What ONNX Runtime makes of a converted file."""
    session = export.session(tflite.to_onnx(file).SerializeToString())
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def agreed(file: bytes, *inputs: np.ndarray) -> np.ndarray:
    """The same, where the file's own runtime says so too."""
    (output,) = ran(file, *inputs)
    if len(inputs) == 1:
        assert np.array_equal(output, Network(file)(inputs[0])[0])
    return output


def options(kind: type, **values: object) -> object:
    made = kind()
    for name, value in values.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "expected"),
    [(5, 3, 1, (1, 1)), (4, 3, 2, (0, 1)), (5, 3, 2, (1, 1)), (4, 2, 2, (0, 0)), (4, 5, 2, (1, 2)), (3, 1, 2, (0, 0))],
)
def test_the_odd_line_of_padding_comes_last(side: int, kernel: int, stride: int, expected: tuple) -> None:
    assert tflite.padding(side, kernel, stride) == expected


PICTURE = np.arange(1, 17, dtype=np.float32).reshape(1, 4, 4, 1)


def test_a_convolution_adds_what_lies_under_it_and_its_bias() -> None:
    """Two maps: the sum of a 3x3 window, one pixel in two, nothing above and on the left; and the pixel itself."""
    kernel = np.zeros((2, 3, 3, 1), np.float16)
    kernel[0], kernel[1, 0, 0] = 1, 1
    shapes = [(1, 4, 4, 1), (2, 3, 3, 1), (2,), (1, 2, 2, 2)]
    same = options(schema.Conv2DOptionsT, padding=schema.Padding.SAME, strideW=2, strideH=2)
    made_of = {1: kernel, 2: np.array([100, 0], np.float16)}
    output = agreed(made("CONV_2D", same, shapes, made_of), PICTURE)
    beneath = [[1 + 2 + 3 + 5 + 6 + 7 + 9 + 10 + 11, 3 + 4 + 7 + 8 + 11 + 12], [9 + 10 + 11 + 13 + 14 + 15, 54]]
    assert (output[0, :, :, 0] - 100).tolist() == beneath and output[0, :, :, 1].tolist() == [[1, 3], [9, 11]]
    valid = options(schema.Conv2DOptionsT, padding=schema.Padding.VALID, strideW=1, strideH=1)
    output = agreed(made("CONV_2D", valid, shapes, made_of), PICTURE)
    assert output[0, 0, 0].tolist() == [154, 1] and output[0, 1, 1].tolist() == [100 + 9 * 11, 6]


def test_a_depthwise_convolution_keeps_channels_apart() -> None:
    kernel = np.zeros((1, 3, 3, 2), np.float32)
    kernel[0, 1, 1] = [1, 10]
    kernel[0, 1, 2] = [0, 1]  # and its neighbour on the right
    picture = np.concatenate([PICTURE, -PICTURE], -1)
    file = made(
        "DEPTHWISE_CONV_2D",
        options(schema.DepthwiseConv2DOptionsT, padding=schema.Padding.SAME, strideW=1, strideH=1, depthMultiplier=1),
        [(1, 4, 4, 2), (1, 3, 3, 2), (2,), (1, 4, 4, 2)],
        {1: kernel, 2: np.array([0.5, 0], np.float32)},
    )
    output = agreed(file, picture)
    assert np.array_equal(output[..., 0], PICTURE[..., 0] + 0.5)
    assert output[0, 0, :, 1].tolist() == [-12, -23, -34, -40]


def test_a_prelu_has_a_slope_a_channel() -> None:
    values = np.array([[[[-2, -2, 3]]]], np.float32)
    file = made("PRELU", None, [(1, 1, 1, 3), (1, 1, 3), (1, 1, 1, 3)], {1: np.array([[[0.5, 2, 7]]], np.float16)})
    assert agreed(file, values).tolist() == [[[[-1, -4, 3]]]]


def test_a_maximum_is_of_what_there_is() -> None:
    same = options(
        schema.Pool2DOptionsT, padding=schema.Padding.SAME, strideW=2, strideH=2, filterWidth=2, filterHeight=2
    )
    picture = -PICTURE[:, :3, :3]
    output = agreed(made("MAX_POOL_2D", same, [(1, 3, 3, 1), (1, 2, 2, 1)], {}), picture)
    assert output[0, :, :, 0].tolist() == [[-1, -3], [-9, -11]]  # what is beyond the border is no 0


def test_channels_are_padded_and_maps_reshaped_in_the_order_of_the_file() -> None:
    picture = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    widths = np.array([[0, 0], [0, 0], [1, 0], [0, 2]], np.int32)
    output = agreed(made("PAD", None, [(1, 2, 2, 2), (4, 2), (1, 2, 3, 4)], {1: widths}), picture)
    assert output[0, :, 0].tolist() == [[0] * 4] * 2 and output[0, 1, 2].tolist() == [6, 7, 0, 0]
    flat = options(schema.ReshapeOptionsT, newShape=[1, 4, 2])
    assert np.array_equal(
        agreed(made("RESHAPE", flat, [(1, 2, 2, 2), (1, 4, 2)], {}), picture), picture.reshape(1, 4, 2)
    )
    maps = options(schema.ReshapeOptionsT, newShape=[1, 1, 2, 4])
    expected = picture.reshape(1, 1, 2, 4)
    assert np.array_equal(agreed(made("RESHAPE", maps, [(1, 2, 2, 2), (1, 1, 2, 4)], {}), picture), expected)


def test_sums_rows_and_single_numbers() -> None:
    shape = (1, 2, 2, 1)
    one, other = np.array([-1, 0, 1, 2], np.float32).reshape(shape), np.full(shape, 3, np.float32)
    (output,) = ran(made("ADD", options(schema.AddOptionsT), [shape, shape, shape], {}), one, other)
    assert output.ravel().tolist() == [2, 3, 4, 5]
    joined = options(schema.ConcatenationOptionsT, axis=3)
    (output,) = ran(made("CONCATENATION", joined, [shape, shape, (1, 2, 2, 2)], {}), one, other)
    assert output[0, 1, 0].tolist() == [1, 3]
    assert agreed(made("RELU", None, [shape, shape], {}), one).ravel().tolist() == [0, 0, 1, 2]
    output = agreed(made("LOGISTIC", None, [shape, shape], {}), one * 0)
    assert output.ravel().tolist() == [0.5] * 4


def test_what_cannot_be_said_is_a_sentence() -> None:
    shape = (1, 2, 2, 1)
    with pytest.raises(ValueError, match="TANH.*ADD"):
        tflite.to_onnx(made("TANH", None, [shape, shape], {}))
    fused = options(schema.AddOptionsT, fusedActivationFunction=schema.ActivationFunctionType.RELU)
    with pytest.raises(ValueError, match="ADD.*fusedActivationFunction=1"):
        tflite.to_onnx(made("ADD", fused, [shape, shape, shape], {}))
    with pytest.raises(ValueError, match="computed"):
        tflite.to_onnx(made("ADD", options(schema.AddOptionsT), [shape, (1, 1, 1, 1), shape], {}))
    with pytest.raises(ValueError, match="half precision"):
        tflite.to_onnx(made("DEQUANTIZE", None, [shape, shape], {}))
    with pytest.raises(ValueError, match="is computed"):
        tflite.to_onnx(made("PRELU", None, [shape, (1, 1, 1), shape], {}))


@pytest.mark.parametrize(("which", "size", "steps"), [(0, 128, (127.5, -1)), (1, 256, (255, 0))])
def test_the_readers_networks_say_the_same_in_onnx(which: int, size: int, steps: tuple[float, float]) -> None:
    """To 1e-5 of the largest number, on rendered faces as they are."""
    file = with_mediapipe.files()[which]
    converted, network = export.session(tflite.to_onnx(file).SerializeToString()), Network(file)
    for face in FACES:
        values = face.repeat(size // len(face), 0).repeat(size // len(face), 1)[None] / np.float32(steps[0]) + steps[1]
        values = values.astype(np.float32)
        expected = [output.copy() for output in network(values)]
        outputs = converted.run(None, {converted.get_inputs()[0].name: values})
        assert [output.shape for output in outputs] == [output.shape for output in expected]
        for output, wanted in zip(outputs, expected, strict=True):
            assert np.abs(output - wanted).max() <= 1e-5 * max(np.abs(wanted).max(), 1)
