"""Einsum of any number of operands, as matrix products of two at a time in the order that costs least."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import onnx

from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.piece import Piece, layer_of, product
from accelerator_sim.workload.onnx.unreadable import Unreadable

MOST_TRIED = 6
"""Operands up to which all orders are tried, 2,700 at six; of more, the cheapest next pair is taken."""
MOST_OPERANDS = 64
"""Operands of an equation that are read: published ones have up to five."""
_ELLIPSIS = "..."


@dataclass(frozen=True)
class _Term:
    """An operand: the letters of its axes that are longer than one, and its tensor ("" for what a pair before gave)."""

    letters: frozenset[str]
    tensor: str
    text: str
    constant: bool


@dataclass(frozen=True)
class _Pair:
    """A product of two terms."""

    left: _Term
    right: _Term
    kept: frozenset[str]

    def macs(self, sizes: dict[str, int]) -> int:
        """Multiply-accumulates: one for each combination of all letters that meet."""
        return _count(_summed(self.left, self.right, self.kept), sizes)

    def result(self) -> _Term:
        """What the product is to the next."""
        letters = (self.left.letters | self.right.letters) & self.kept
        constant = self.left.constant and self.right.constant
        return _Term(letters, "", _spelled(letters), constant)


def einsum(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return an Einsum as matrix products; none where there is one operand, of which nothing is multiplied."""
    reads = list(node.input)
    terms, out, sizes = _parsed(graph, node, name)
    if len(terms) < 2 or any(graph.is_empty(read) for read in reads):
        return []
    pairs = _cheapest(terms, out, sizes)
    note = ""
    if len(pairs) > 1:
        order = ", ".join(f"{p.left.text},{p.right.text}->{p.result().text}" for p in pairs)
        note = (
            f"{name}: an Einsum of {len(terms)} operands, counted pair by pair in the order that costs least: {order}"
        )
    pieces = []
    for number, pair in enumerate(pairs, 1):
        called = name if len(pairs) == 1 else f"{name}.{number}"
        pieces.append(_piece(pair, called, node.output[0], sizes, note if number == 1 else ""))
    return pieces


def _parsed(graph: Graph, node: onnx.NodeProto, name: str) -> tuple[list[_Term], frozenset[str], dict[str, int]]:
    """The operands, the letters that are kept, and the size of each letter.  Raises Unreadable for a bad equation."""
    equation = str(attribute(node, "equation", "")).replace(" ", "")
    left, arrow, right = equation.partition("->")
    texts = left.split(",")
    if len(texts) != len(node.input):
        raise Unreadable(name, f"equation {equation!r} has {len(texts)} operands; the node has {len(node.input)}")
    if len(texts) > MOST_OPERANDS:
        raise Unreadable(name, f"an Einsum of {len(texts)} operands; up to {MOST_OPERANDS} are read")
    sizes: dict[str, int] = {}
    spelled: list[list[str]] = []
    for text, read in zip(texts, node.input, strict=True):
        shape = graph.shape(read, name)
        letters = _letters(text, len(shape), equation, name)
        spelled.append(letters)
        for letter, size in zip(letters, shape, strict=True):
            before = sizes.setdefault(letter, size)
            if before == 1:
                sizes[letter] = size
            elif size not in (1, before):
                raise Unreadable(name, f"letter {letter!r} of {equation!r} is {before} and {size}")
    terms = [
        _Term(
            frozenset(letter for letter, size in zip(letters, graph.shape(read, name), strict=True) if size > 1),
            read, text, graph.is_constant(read),
        )
        for letters, read, text in zip(spelled, node.input, texts, strict=True)
    ]  # fmt: skip
    if arrow:
        dots = [letter for letter in sizes if letter.startswith(_ELLIPSIS)] if _ELLIPSIS in right else []
        kept = {*right.replace(_ELLIPSIS, ""), *dots}
    else:  # numpy's rule: the ellipsis, and the letters that are there once
        flat = [letter for letters in spelled for letter in letters]
        kept = {letter for letter in sizes if letter.startswith(_ELLIPSIS) or flat.count(letter) == 1}
    unknown = sorted(kept - sizes.keys())
    if unknown:
        raise Unreadable(name, f"equation {equation!r} keeps {unknown[0]!r}, which no operand has")
    return terms, frozenset(kept), sizes


def _letters(text: str, rank: int, equation: str, name: str) -> list[str]:
    """The letter of each axis; those of an ellipsis are counted from the right, as they are broadcast."""
    before, dots, after = text.partition(_ELLIPSIS)
    spread = rank - len(before) - len(after)
    if spread < 0 or (not dots and spread) or (not (before + after).isalpha() and before + after):
        raise Unreadable(name, f"operand {text!r} of equation {equation!r} does not fit {rank} dimensions")
    return [*before, *(f"{_ELLIPSIS}{number}" for number in range(spread - 1, -1, -1)), *after]


def _spelled(letters: frozenset[str]) -> str:
    plain = "".join(sorted(letter for letter in letters if not letter.startswith(_ELLIPSIS)))
    return (_ELLIPSIS if len(plain) < len(letters) else "") + plain


def _cheapest(terms: list[_Term], out: frozenset[str], sizes: dict[str, int]) -> list[_Pair]:
    """The pairs in the order that costs least; the first such order where several cost the same."""
    if len(terms) > MOST_TRIED:
        pair, rest = min(_next(terms, out), key=lambda choice: choice[0].macs(sizes))
        return [pair, *_cheapest(rest, out, sizes)]
    if len(terms) == 1:
        return []
    orders: list[list[_Pair]] = [[pair, *_cheapest(rest, out, sizes)] for pair, rest in _next(terms, out)]
    return min(orders, key=lambda pairs: sum(pair.macs(sizes) for pair in pairs))


def _next(terms: Sequence[_Term], out: frozenset[str]) -> Iterator[tuple[_Pair, list[_Term]]]:
    """Every pair that can be multiplied next, and the operands that are there after it."""
    for i in range(len(terms)):
        for j in range(i + 1, len(terms)):
            others = [term for at, term in enumerate(terms) if at not in (i, j)]
            kept = frozenset(out.union(*(term.letters for term in others)))
            pair = _Pair(terms[i], terms[j], kept)
            yield pair, [*others, pair.result()]


def _count(letters: frozenset[str], sizes: dict[str, int]) -> int:
    return math.prod(sizes[letter] for letter in letters)


def _summed(left: _Term, right: _Term, kept: frozenset[str]) -> frozenset[str]:
    """The letters that meet: one of a single operand that is not kept is summed before, which multiplies nothing."""
    alone = (left.letters ^ right.letters) - kept
    return (left.letters | right.letters) - alone


def _piece(pair: _Pair, name: str, out: str, sizes: dict[str, int], note: str) -> Piece:
    a, b, kept = pair.left.letters, pair.right.letters, pair.kept
    groups, inner = _count(a & b & kept, sizes), _count((a & b) - kept, sizes)
    rows, columns = _count((a - b) & kept, sizes), _count((b - a) & kept, sizes)
    reads = tuple(term.tensor for term in (pair.left, pair.right) if term.tensor and not term.constant)
    if pair.right.constant:
        return Piece(product(name, rows, inner, columns, groups), reads, out, note=note)
    if pair.left.constant:
        return Piece(product(name, columns, inner, rows, groups), reads, out, note=note)
    return Piece(layer_of(name, "matmul", G=groups, W=rows, C=inner, M=columns), reads, out, note=note)
