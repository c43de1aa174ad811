"""The recurrent layers of PyTorch, one after another, with their weights as ONNX orders them."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx

from accelerator_sim.workload.torch.call import AtenRule, Call

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""The gates of PyTorch (LSTM: input, forget, cell, output; GRU: reset, update, new) in the order of ONNX."""
_STEPS, _DIRECTIONS, _BATCH, _HIDDEN = range(4)
"""Dimensions of what a recurrent operator of ONNX writes."""


def _recurrent(op: str) -> AtenRule:
    return lambda call: _Recurrence(call, op).write()


class _Recurrence:
    """A call of a recurrent operator: layers, each of one or two directions."""

    def __init__(self, call: Call, op: str) -> None:
        self.call, self.op = call, op
        self.layers, self.directions = int(call.get("num_layers")), 2 if call.get("bidirectional") else 1
        self.given: list[fx.Node] = call.get("params")
        self.each = 4 if call.get("has_biases") else 2
        """Tensors of a direction: two of weights, and two of biases."""
        if len(self.given) != self.layers * self.directions * self.each:
            raise call.fail(
                f"{len(self.given)} weights for {self.layers} layers of {self.directions} directions; projections of"
                " the state (proj_size) are not read"
            )

    def write(self) -> list[str]:
        call = self.call
        x, batch_first = call.shape("input"), bool(call.get("batch_first"))
        read = call.tensor("input")
        alone = len(x) == 2
        if alone:
            read = call.reshaped(read, (x[0], 1, x[1]))
        elif batch_first:
            read = call.emit("Transpose", read, perm=[1, 0, 2])
        last: list[list[str]] = []
        for layer in range(self.layers):
            read, *states = self._layer(read, layer)
            last.append(states)
        if alone:
            read = call.reshaped(read, call.out_shape())
        elif batch_first:
            read = call.emit("Transpose", read, perm=[1, 0, 2])
        used = {user.args[1] for user in call.node.users}
        results = [read]
        for at, ends in enumerate(zip(*last, strict=True), start=1):
            results.append(ends[0] if len(ends) == 1 or at not in used else call.emit("Concat", *ends, axis=0))
        return results

    def _layer(self, read: str, layer: int) -> list[str]:
        """One layer: its outputs with both directions in the last dimension, and its last states."""
        call = self.call
        weights, states = self._weights(layer), self._first_states(layer)
        count = 3 if self.op == "LSTM" else 2
        hidden = self._shape(layer)[1]
        attributes: dict[str, Any] = {"hidden_size": hidden}
        if self.directions == 2:
            attributes["direction"] = "bidirectional"
        if self.op == "GRU":
            attributes["linear_before_reset"] = 1
        if self.op == "RNN" and "relu" in call.operator:
            attributes["activations"] = ["Relu"] * self.directions
        out, *rest = call.emit_many(self.op, [read, *weights, "", *states], count, **attributes)
        turned = call.emit("Transpose", out, perm=[_STEPS, _BATCH, _DIRECTIONS, _HIDDEN])
        return [call.reshaped(turned, (0, 0, self.directions * hidden)), *rest]

    def _parts(self, layer: int, which: int) -> list[fx.Node]:
        """One kind of tensor of each direction of a layer."""
        first = layer * self.directions * self.each
        return [self.given[first + direction * self.each + which] for direction in range(self.directions)]

    def _shape(self, layer: int) -> tuple[int, int]:
        shape = self.call.shape_of(self._parts(layer, 1)[0])
        return shape[0], shape[1]

    def _weights(self, layer: int) -> list[str]:
        """W and R of all directions, and B where there is one."""
        names = [self._joined(f"weights.{layer}.{which}", [self._parts(layer, which)]) for which in (0, 1)]
        biases = [self._parts(layer, which) for which in (2, 3)] if self.each == 4 else []
        return [*names, self._joined(f"bias.{layer}", biases) if biases else ""]

    def _joined(self, name: str, kinds: list[list[fx.Node]]) -> str:
        """A constant of all directions, each with its kinds of tensors one after another, gates as ONNX orders them."""
        rows = []
        for parts in zip(*kinds, strict=True):
            held = [self.call.value_of(part) for part in parts]
            if any(value is None for value in held):
                raise self.call.fail("weights that depend on the input are not read")
            rows.append(torch.cat([self._ordered(value) for value in held if value is not None]))
        return self.call.writer.constant(f"{self.call.scope or self.call.node.name}.{name}", torch.stack(rows))

    def _ordered(self, value: torch.Tensor) -> torch.Tensor:
        gates = value.detach().chunk(len(_GATES[self.op]))
        return torch.cat([gates[at] for at in _GATES[self.op]])

    def _first_states(self, layer: int) -> list[str]:
        """The first states of a layer, of all directions."""
        call = self.call
        given = call.get("hx")
        nodes: list[fx.Node] = given if isinstance(given, list) else [given]
        names = []
        for node in nodes:
            read, shape = call.read(node), call.shape_of(node)
            if len(shape) == 2:  # without a dimension for the batch
                read = call.reshaped(read, (shape[0], 1, shape[1]))
            if self.layers > 1:
                first = layer * self.directions
                bounds = [call.ints([at]) for at in (first, first + self.directions)]
                read = call.emit("Slice", read, *bounds, call.ints([0]))
            names.append(read)
        return names


RECURRENT: dict[str, AtenRule] = {
    "lstm": _recurrent("LSTM"),
    "gru": _recurrent("GRU"),
    "rnn_tanh": _recurrent("RNN"),
    "rnn_relu": _recurrent("RNN"),
}
"""Rules by the name of the operator."""
