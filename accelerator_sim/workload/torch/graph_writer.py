"""The graph of a PyTorch module as an ONNX file of its own, which the layers' weights are read from later."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from accelerator_sim.workload.onnx.labels import SCOPES
from accelerator_sim.workload.onnx.unreadable import Unreadable
from accelerator_sim.workload.onnx.wire import SMALL

OPERATOR_SET = min(23, onnx.defs.onnx_opset_version())
"""The operator set that nodes are written in: the first with Attention, or the newest that is installed."""
_WEIGHTS = "weights.bin"


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """The folder of this process; it is removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="accelerator-sim-")


class GraphWriter:
    """Nodes, constants and shapes of a graph, written to a file in a temporary folder.

    stem: name of the file, without its suffix; holds: whether the values of large constants are written, not only
    their shapes; taken: names that no constant may have.
    """

    def __init__(self, stem: str, holds: bool, taken: Iterable[str]) -> None:
        self.file = Path(tempfile.mkdtemp(dir=_folder().name), f"{stem}.onnx")
        self.nodes: list[onnx.NodeProto] = []
        self.turned: dict[str, str] = {}
        """Constant matrices whose transposed is written: its name, by that of the matrix."""
        self._holds = holds
        self._constants: dict[str, onnx.TensorProto] = {}
        self._values: dict[str, onnx.ValueInfoProto] = {}
        self._taken = set(taken)
        self._end = 0

    def constant(self, name: str, value: torch.Tensor | NDArray[Any]) -> str:
        """Add a constant.  Return its name, which others may have taken.  Raises Unreadable for a type without values.

        name: that it gets if no other has it; value: of any type; only its shape and type count on the device "meta".
        """
        while name in self._taken:
            name += "'"
        self._taken.add(name)
        if isinstance(value, torch.Tensor) and value.device.type == "meta":
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(_numpy_type(value.dtype)))
            self._constants[name] = self._elsewhere(onnx.TensorProto(name=name, data_type=kind, dims=value.shape), None)
            return name
        array = _as_array(name, value)
        if array.nbytes <= SMALL:
            self._constants[name] = numpy_helper.from_array(array, name)
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            tensor = onnx.TensorProto(name=name, data_type=kind, dims=array.shape)
            self._constants[name] = self._elsewhere(tensor, array if self._holds else None)
        return name

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is a constant that was added."""
        return name in self._constants

    def _elsewhere(self, tensor: onnx.TensorProto, array: NDArray[Any] | None) -> onnx.TensorProto:
        """Keep the values of a constant in a file beside the graph; None: nowhere."""
        tensor.data_location = onnx.TensorProto.EXTERNAL
        size = 0 if array is None else array.nbytes
        entries = {"location": _WEIGHTS, "offset": str(self._end), **({"length": str(size)} if size else {})}
        for key, text in entries.items():
            tensor.external_data.add(key=key, value=text)
        if array is not None:
            with self.file.with_name(_WEIGHTS).open("ab") as stream:
                stream.write(np.ascontiguousarray(array).data)
            self._end += size
        return tensor

    def shape(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> None:
        """Note the shape and the type of a tensor."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(_numpy_type(dtype)))
        self._values.setdefault(name, helper.make_tensor_value_info(name, kind, list(shape)))

    def node(
        self,
        op: str,
        reads: Sequence[str],
        writes: Sequence[str],
        place: tuple[str, str],
        attributes: Mapping[str, Any],
    ) -> None:
        """Add a node.

        op: its operator, after its domain and a colon where that is not the standard; place: the path of the module
        that computes it, and its name in the traced graph.
        """
        domain, _, op_type = op.rpartition(":")
        node = helper.make_node(op_type, list(reads), list(writes), name=place[1], domain=domain, **attributes)
        node.metadata_props.add(key=SCOPES, value=repr(["", place[0], place[1]] if place[0] else ["", place[1]]))
        self.nodes.append(node)

    def write(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Path:
        """Write the graph.  Return the path of its file.

        name: that of the graph; inputs, outputs: its tensors, whose shapes were noted.
        """
        values = self._values
        ends = {*inputs, *outputs}
        graph = helper.make_graph(
            self.nodes,
            name,
            [values[each] for each in inputs],
            [values[each] for each in outputs if each in values],
            list(self._constants.values()),
            value_info=[value for each, value in values.items() if each not in ends and each not in self._constants],
        )
        used = dict.fromkeys(node.domain for node in self.nodes if node.domain)
        imports = [helper.make_opsetid("", OPERATOR_SET), *(helper.make_opsetid(domain, 1) for domain in used)]
        model = helper.make_model(graph, opset_imports=imports, producer_name="PyTorch")
        model.ir_version = helper.find_min_ir_version_for(imports[:1])
        model.producer_version = torch.__version__
        self.file.write_bytes(model.SerializeToString(deterministic=True))
        return self.file


def _as_array(name: str, value: torch.Tensor | NDArray[Any]) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    try:
        plain = value.detach().to("cpu").resolve_conj().resolve_neg()
        if plain.layout != torch.strided:
            plain = plain.to_dense()
        if plain.is_quantized:
            plain = plain.dequantize()
        if plain.is_floating_point() and plain.dtype not in (torch.float32, torch.float64, torch.float16):
            plain = plain.to(torch.float32)
        array: NDArray[Any] = plain.contiguous().numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise Unreadable(name, f"a tensor of {value.dtype} whose values are not read: {error}") from None
    return array


def _numpy_type(dtype: torch.dtype) -> str:
    """The type of numpy that holds the values of one of torch."""
    text = str(dtype).removeprefix("torch.")
    try:
        np.dtype(text)
    except TypeError:
        return "complex64" if dtype.is_complex else "float32" if dtype.is_floating_point else "int8"
    return text
