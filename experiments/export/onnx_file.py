"""A network as an ONNX model.

input    observation   (B, I) float
output   values        (B, O) double for a genome, (B, branches, choices) float for a DQN; see `network`
output   keys          (B, K) bool, or `action`: (B,) int64, or (B, elements) double
"""

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from experiments.export.network import DenseNetwork, GenomeNetwork, Head, levels_of

OPSET = 17
IR_VERSION = 8
"""A version from 2022, which all current runtimes support."""


class Graph:
    """A graph under construction; values are referenced by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers = count()

    def constant(self, values: np.ndarray) -> str:
        """Add a constant and return its name."""
        name = f"constant{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add an operator and return the name of its result."""
        name = name or f"{operator.lower()}{next(self._numbers)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name


def onnx_bytes(network: GenomeNetwork | DenseNetwork) -> bytes:
    """Return the content of the file.

    Raises:
        ValueError: The network is recurrent.
    """
    graph = Graph()
    if isinstance(network, GenomeNetwork):
        values, shape, kind = _genome(graph, network), [None, len(network.outputs)], TensorProto.DOUBLE
    else:
        values, shape, kind = _dense(graph, network), [None, network.branches, network.choices], TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info(values, kind, shape), _decide(graph, network.head, values, shape)]
    observation = helper.make_tensor_value_info("observation", TensorProto.FLOAT, [None, network.inputs])
    made = helper.make_graph(graph.nodes, "champion", [observation], outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="kuznechik")
    model.ir_version = IR_VERSION
    helper.set_model_props(model, {"kuznechik": json.dumps(dict(network.about))})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _genome(graph: Graph, network: GenomeNetwork) -> str:
    if network.recurrent:
        raise ValueError("a recurrent network can only be exported to python, torch or neat-json")
    known, sums, width = graph.add("Cast", "observation", to=TensorProto.DOUBLE), [], network.inputs
    for first, last in levels_of(network):
        nodes = network.nodes[first:last]
        weights = np.zeros((width, len(nodes)))
        for column, (_, response, _, links) in enumerate(nodes):
            for source, weight in links:
                weights[source, column] = response * weight
        bias = graph.constant(np.array([node[0] for node in nodes]))
        z = graph.add("Add", graph.add("MatMul", known, graph.constant(weights)), bias)
        sums.append(z)
        known = graph.add("Concat", known, _activated(graph, z, [node[2] for node in nodes]), axis=1)
        width += len(nodes)
    places = graph.constant(np.array([source - network.inputs for source in network.outputs]))
    return graph.add("Gather", graph.add("Concat", *sums, axis=1), places, axis=1, name="values")


def _activated(graph: Graph, z: str, names: Sequence[str]) -> str:
    """Add the activations of columns and return the name of the result."""
    if len(set(names)) == 1:
        return _activate(graph, z, names[0])
    columns = [graph.add("Gather", z, graph.constant(np.array([n])), axis=1) for n in range(len(names))]
    return graph.add("Concat", *(_activate(graph, one, name) for one, name in zip(columns, names, strict=True)), axis=1)


def _activate(graph: Graph, z: str, name: str) -> str:
    def scaled(factor: float, value: str = z) -> str:
        return graph.add("Mul", value, graph.constant(np.array(factor)))

    def clipped(value: str, limit: float) -> str:
        return graph.add("Clip", value, graph.constant(np.array(-limit)), graph.constant(np.array(limit)))

    if name == "identity":
        return z
    if name in ("relu", "abs"):
        return graph.add(name.capitalize(), z)
    if name == "clamped":
        return clipped(z, 1.0)
    if name == "gauss":
        narrow = clipped(z, 3.4)
        return graph.add("Exp", scaled(-5.0, graph.add("Mul", narrow, narrow)))
    operator, factor = {"sigmoid": ("Sigmoid", 5.0), "tanh": ("Tanh", 2.5), "sin": ("Sin", 5.0)}[name]
    return graph.add(operator, clipped(scaled(factor), 60.0))


def _dense(graph: Graph, network: DenseNetwork) -> str:
    weights = network.weights

    def layer(name: str, value: str) -> str:
        parts = (graph.constant(weights[f"{name}.{part}"].astype(np.float32)) for part in ("weight", "bias"))
        return graph.add("Gemm", value, *parts, transB=1)

    hidden = "observation"
    for name in network.layers:
        hidden = graph.add("LeakyRelu", layer(name, hidden), alpha=0.1)
    shape = graph.constant(np.array([-1, network.branches, network.choices]))
    if "value.weight" not in weights:
        return graph.add("Reshape", layer("advantage", hidden), shape, name="values")
    advantages = graph.add("Reshape", layer("advantage", hidden), shape)
    value = graph.add("Unsqueeze", layer("value", hidden), graph.constant(np.array([2])))
    mean = graph.add("ReduceMean", advantages, axes=[2], keepdims=1)
    return graph.add("Sub", graph.add("Add", value, advantages), mean, name="values")


def _decide(graph: Graph, head: Head, values: str, shape: Sequence[int | None]) -> onnx.ValueInfoProto:
    """Add the action or keys, and return them as an output."""
    last = shape[-1]
    assert last is not None, "only the first axis is open"
    if head.kind == "keys":
        graph.add("Greater", values, graph.constant(np.array(0.0)), name="keys")
        return helper.make_tensor_value_info("keys", TensorProto.BOOL, [None, last])
    if head.kind == "branches":
        release, press = (graph.add("Gather", values, graph.constant(np.array(n)), axis=2) for n in (0, 1))
        graph.add("Greater", press, release, name="keys")
        return helper.make_tensor_value_info("keys", TensorProto.BOOL, [None, shape[1]])
    if head.kind == "one_key":
        best = graph.add("ArgMax", values, axis=2, keepdims=0)
        graph.add("Equal", best, graph.constant(np.arange(1, last)[None]), name="keys")
        return helper.make_tensor_value_info("keys", TensorProto.BOOL, [None, last - 1])
    if head.kind == "action":
        best, start = graph.add("ArgMax", values, axis=1, keepdims=0), graph.constant(np.array(head.options["start"]))
        graph.add("Add", best, start, name="action")
        return helper.make_tensor_value_info("action", TensorProto.INT64, [None])
    low, high = (np.array(head.options[name], dtype=np.float64) for name in ("low", "high"))  # None becomes NaN
    half = graph.add("Mul", graph.add("Tanh", values), graph.constant((np.nan_to_num(high) - np.nan_to_num(low)) / 2))
    middle = graph.constant((np.nan_to_num(high) + np.nan_to_num(low)) / 2)
    graph.add("Where", graph.constant(np.isnan(low)), values, graph.add("Add", half, middle), name="action")
    return helper.make_tensor_value_info("action", TensorProto.DOUBLE, [None, last])
