"""A network in the TFLite format as an ONNX graph, for pages that run it: the operators of our readers, and no others.

The graph takes and gives what the file does, in its layout; within, maps lie as ONNX has them, channels first. Weights
that are stored in half precision stay so, with a cast behind each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import TensorProto, helper, numpy_helper

from i2vlib.metrics.i3d import padding

OPSET = 20
#: From rows, columns, channels to channels first, and back.
TO_MAPS, FROM_MAPS = (0, 3, 1, 2), (0, 2, 3, 1)

_TYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16,
          schema.TensorType.INT32: np.int32}  # fmt: skip
_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


def to_onnx(content: bytes) -> onnx.ModelProto:
    """The network of a TFLite file.

    Args:
        content: of the file; a network for one picture a call, which computes in float32.

    Raises:
        ValueError: an operator, or a way of using one, that this cannot say in ONNX.
    """
    graph = _Graph(schema.ModelT.InitFromPackedBuf(content, 0))
    model = helper.make_model(graph.made(), opset_imports=[helper.make_opsetid("", OPSET)], producer_name="i2vlib")
    model.doc_string = "Converted from a TFLite file."
    model.ir_version = 9  # that of the opset; what reads a page's graphs is older than what writes them
    onnx.checker.check_model(model)
    return model


class _Graph:
    """One graph of a file, its operators said one after the other."""

    def __init__(self, model: schema.ModelT) -> None:
        if len(model.subgraphs) != 1:
            raise ValueError(f"The file has {len(model.subgraphs)} graphs; one of a single graph can be converted.")
        self.model, self.graph = model, model.subgraphs[0]
        self.tensors = self.graph.tensors
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self.wide: dict[int, int] = {}  # from a dequantised tensor to the stored one
        self.read: dict[tuple[int, tuple[int, ...] | None], str] = {}  # weights that an operator has asked for

    def made(self) -> onnx.GraphProto:
        for index in self.graph.inputs:
            self._add("Transpose", [self._outside(index)], self._inside(index), perm=TO_MAPS)
        for operator in self.graph.operators:
            code = self.model.operatorCodes[operator.opcodeIndex]
            name = _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
            if name not in _OPERATORS:
                raise ValueError(f"The file has the operator {name}; known are {', '.join(sorted(_OPERATORS))}.")
            _check(name, operator.builtinOptions)
            _OPERATORS[name](self, operator)
        for index in self.graph.outputs:
            maps = self._rank(index) == 4
            self._add("Transpose" if maps else "Identity", [self._inside(index)], self._outside(index),
                      **({"perm": FROM_MAPS} if maps else {}))  # fmt: skip
        ends = (
            [helper.make_tensor_value_info(self._outside(i), TensorProto.FLOAT, self._shape(i)) for i in indices]
            for indices in (self.graph.inputs, self.graph.outputs)
        )
        return helper.make_graph(self.nodes, "network", *ends, self.weights)

    # Operators, in the order of the file's names ----------------------------------------------------------------------

    def add(self, operator: schema.OperatorT) -> None:
        shapes = {self._shape(index) for index in operator.inputs}
        if len(shapes) > 1 or any(self._is_stored(index) for index in operator.inputs):
            raise ValueError(f"An ADD of {sorted(shapes)}: only two computed maps of one shape can be added.")
        self._simple("Add", operator)

    def concatenation(self, operator: schema.OperatorT) -> None:
        axis, rank = operator.builtinOptions.axis, self._rank(operator.outputs[0])
        self._simple("Concat", operator, axis=TO_MAPS.index(axis % rank) if rank == 4 else axis)

    def convolution(self, operator: schema.OperatorT) -> None:
        source, kernel, bias = operator.inputs
        # Stored as (to, rows, columns, from), or of a depthwise one (1, rows, columns, to).
        depthwise = isinstance(operator.builtinOptions, schema.DepthwiseConv2DOptionsT)
        order, groups = ((3, 0, 1, 2), self._shape(source)[3]) if depthwise else ((0, 3, 1, 2), 1)
        inputs = [self._inside(source), self._weight(kernel, order), self._weight(bias)]
        sides = self._shape(kernel)[1:3]
        self._add("Conv", inputs, self._inside(operator.outputs[0]), group=groups, **self._window(operator, sides))

    def dequantize(self, operator: schema.OperatorT) -> None:
        stored = operator.inputs[0]
        if not self._is_stored(stored) or self.tensors[stored].type != schema.TensorType.FLOAT16:
            raise ValueError("A DEQUANTIZE of something else than weights in half precision cannot be converted.")
        self.wide[operator.outputs[0]] = stored

    def logistic(self, operator: schema.OperatorT) -> None:
        self._simple("Sigmoid", operator)

    def max_pool(self, operator: schema.OperatorT) -> None:
        options = operator.builtinOptions
        self._simple("MaxPool", operator, **self._window(operator, (options.filterHeight, options.filterWidth)))

    def pad(self, operator: schema.OperatorT) -> None:
        source, widths = operator.inputs
        before, after = self._stored(widths)[list(TO_MAPS)].T
        name = self._constant(np.concatenate([before, after]).astype(np.int64), f"widths_{operator.outputs[0]}")
        self._add("Pad", [self._inside(source), name], self._inside(operator.outputs[0]))

    def prelu(self, operator: schema.OperatorT) -> None:
        source, slope = operator.inputs
        inputs = [self._inside(source), self._weight(slope, (2, 0, 1))]
        self._add("PRelu", inputs, self._inside(operator.outputs[0]))

    def relu(self, operator: schema.OperatorT) -> None:
        self._simple("Relu", operator)

    def reshape(self, operator: schema.OperatorT) -> None:
        """Of the file's own order of numbers, so a map is turned before and after."""
        source, target = operator.inputs[0], operator.outputs[0]
        name = self._inside(source)
        if self._rank(source) == 4:
            name = self._add("Transpose", [name], f"flat_{target}", perm=FROM_MAPS)
        shape = self._constant(np.array(self._shape(target), np.int64), f"shape_{target}")
        if self._rank(target) == 4:
            name = self._add("Reshape", [name, shape], f"shaped_{target}")
            self._add("Transpose", [name], self._inside(target), perm=TO_MAPS)
        else:
            self._add("Reshape", [name, shape], self._inside(target))

    # What they share --------------------------------------------------------------------------------------------------

    def _simple(self, kind: str, operator: schema.OperatorT, **attributes: object) -> None:
        self._add(kind, [self._inside(i) for i in operator.inputs], self._inside(operator.outputs[0]), **attributes)

    def _window(self, operator: schema.OperatorT, sides: Sequence[int]) -> dict[str, list[int]]:
        options = operator.builtinOptions
        strides = (options.strideH, options.strideW)
        pads = [(0, 0), (0, 0)]
        if options.padding == schema.Padding.SAME:
            lengths = self._shape(operator.inputs[0])[1:3]
            pads = [padding(*each) for each in zip(lengths, sides, strides, strict=True)]
        before, after = zip(*pads, strict=True)
        return {"kernel_shape": list(sides), "strides": list(strides), "pads": [*before, *after]}

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _weight(self, index: int, order: tuple[int, ...] | None = None) -> str:
        """A stored array in another order of its axes, as float32."""
        if (index, order) not in self.read:
            values = self._stored(self.wide.get(index, index))
            name = self._constant(values if order is None else values.transpose(order), f"weight_{len(self.weights)}")
            half = values.dtype == np.float16
            self.read[index, order] = self._add("Cast", [name], f"{name}_wide", to=TensorProto.FLOAT) if half else name
        return self.read[index, order]

    def _constant(self, values: np.ndarray, name: str) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _stored(self, index: int) -> np.ndarray:
        tensor = self.tensors[index]
        if not self._is_stored(index) or tensor.type not in _TYPES:
            raise ValueError(f"The tensor {tensor.name.decode()} is computed, or of a type that is not converted.")
        return np.asarray(self.model.buffers[tensor.buffer].data).view(_TYPES[tensor.type]).reshape(self._shape(index))

    def _is_stored(self, index: int) -> bool:
        return self.model.buffers[self.tensors[self.wide.get(index, index)].buffer].data is not None

    def _shape(self, index: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self.tensors[index].shape)

    def _rank(self, index: int) -> int:
        return len(self._shape(index))

    @staticmethod
    def _inside(index: int) -> str:
        return f"at_{index}"

    def _outside(self, index: int) -> str:
        return self.tensors[index].name.decode()


_OPERATORS: dict[str, Callable[[_Graph, schema.OperatorT], None]] = {
    "ADD": _Graph.add,
    "CONCATENATION": _Graph.concatenation,
    "CONV_2D": _Graph.convolution,
    "DEPTHWISE_CONV_2D": _Graph.convolution,
    "DEQUANTIZE": _Graph.dequantize,
    "LOGISTIC": _Graph.logistic,
    "MAX_POOL_2D": _Graph.max_pool,
    "PAD": _Graph.pad,
    "PRELU": _Graph.prelu,
    "RELU": _Graph.relu,
    "RESHAPE": _Graph.reshape,
}
#: Of an operator's options, those that have to be as they come.
_PLAIN = {"fusedActivationFunction": 0, "dilationWFactor": 1, "dilationHFactor": 1}


def _check(name: str, options: object) -> None:
    for option, plain in _PLAIN.items():
        if (given := getattr(options, option, plain)) != plain:
            raise ValueError(f"The operator {name} is used with {option}={given}; only {plain} can be converted.")
