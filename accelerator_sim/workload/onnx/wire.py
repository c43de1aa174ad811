"""An ONNX file without its large tensors, read piece by piece.

A file may hold gigabytes of weights, of which a shape needs none.  This walks the protocol-buffer encoding (tags, wire
types and lengths, https://protobuf.dev/programming-guides/encoding/) of ModelProto, GraphProto, NodeProto,
AttributeProto and TensorProto through a memory map, copies all but the payload of large tensors, and notes where each
of those lies.  What is left is parsed by `onnx` as usual: such a tensor looks like one whose data is in another file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SMALL = 1 << 16
"""Bytes of a tensor up to which it stays: shapes, axes, scales and biases do."""
DEEPEST = 64
"""Nested messages: subgraphs in subgraphs."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

Buffer = mmap.mmap | bytes

# Field numbers of onnx.proto: messages that lead to tensors, by the message that holds them.
_INNER = {
    "model": {7: "main graph", 25: "function"},
    "main graph": {1: "node", 5: "initializer"},
    "graph": {1: "node", 5: "tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
_DATA = {4: "float_data", 5: "int32_data", 6: "string_data", 7: "int64_data", 9: "raw_data", 10: "double_data",
         11: "uint64_data"}  # fmt: skip
_NAME, _LOCATION, _EXTERNAL = 8, 14, 1


@dataclass(frozen=True)
class Payload:
    """Where the data of a tensor lies in its file: the field that holds it, its first byte and its bytes."""

    field: str
    begin: int
    size: int


class Malformed(ValueError):
    """The bytes are not those of a protocol buffer."""


def read_stripped(path: Path, small: int = SMALL, most: int | None = None) -> tuple[bytes, dict[str, Payload]]:
    """Return the encoded model without its large tensors, and where those of the main graph lie, by name.

    small: bytes of a tensor up to which it stays; most: bytes that the rest may take.  Raises Malformed for bytes that
    are not a protocol buffer, and for more of them than `most`; OSError for a file that cannot be read.
    """
    if path.stat().st_size == 0:
        raise Malformed("is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
        walk = _Walk(buffer, small, most)
        return walk.message("model", 0, len(buffer), 0), walk.payloads


class _Walk:
    def __init__(self, buffer: Buffer, small: int, most: int | None) -> None:
        self.buffer = buffer
        self.small = small
        self.most = most
        self.payloads: dict[str, Payload] = {}

    def message(self, kind: str, begin: int, end: int, depth: int) -> bytes:
        """Return one message, its large tensors without their payloads."""
        if depth > DEEPEST:
            raise Malformed(f"holds messages nested more than {DEEPEST} deep")
        if kind in ("tensor", "initializer"):
            return self.tensor(begin, end, kind == "initializer")
        inner = _INNER[kind]
        out = bytearray()
        for number, start, content, stop in fields(self.buffer, begin, end):
            if content is not None and number in inner and stop - content > self.small:
                text = self.message(inner[number], content, stop, depth + 1)
                out += _varint(number << 3 | _LENGTH) + _varint(len(text)) + text
            else:
                if self.most is not None and len(out) + stop - start > self.most:
                    raise Malformed(f"holds more than {self.most} bytes besides its weights")
                out += self.buffer[start:stop]
        return bytes(out)

    def tensor(self, begin: int, end: int, noted: bool) -> bytes:
        """Return a tensor; if it is large, as one whose data is elsewhere; noted: whether that place is kept."""
        out = bytearray()
        name, payload = "", None
        for number, start, content, stop in fields(self.buffer, begin, end):
            if number in _DATA and content is not None and stop - content > self.small:
                payload = Payload(_DATA[number], content, stop - content)
                continue
            if number == _NAME and content is not None:
                name = bytes(self.buffer[content:stop]).decode("utf-8", "replace")
            out += self.buffer[start:stop]
        if payload is not None:
            if noted:
                self.payloads[name] = payload
            out += _varint(_LOCATION << 3 | _VARINT) + _varint(_EXTERNAL)
        return bytes(out)


def fields(buffer: Buffer, begin: int, end: int) -> Iterator[tuple[int, int, int | None, int]]:
    """Yield each field: its number, where it starts, where its content starts if it has a length, and where it ends."""
    at = begin
    while at < end:
        start = at
        tag, at = _read_varint(buffer, at, end)
        number, wire = tag >> 3, tag & 7
        content = None
        if wire == _LENGTH:
            length, content = _read_varint(buffer, at, end)
            at = content + length
        elif wire == _VARINT:
            _, at = _read_varint(buffer, at, end)
        elif wire in (_FIXED32, _FIXED64):
            at += 4 if wire == _FIXED32 else 8
        else:
            raise Malformed(f"has a field of an unknown kind at byte {start}")
        if at > end or number == 0:
            raise Malformed(f"ends in the middle of a field, or has a bad one, at byte {start}")
        yield number, start, content, at


def _read_varint(buffer: Buffer, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    raise Malformed(f"ends in the middle of a number at byte {at}")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
