"""A network: its layers in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from accelerator_sim.files.errors import AcceleratorSimError, UsageError, did_you_mean
from accelerator_sim.files.text import printable
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.phases import dense_phases


class WorkNotCounted(AcceleratorSimError):
    """Some layers hold work that is in no total."""

    exit_code = 5


@dataclass(frozen=True, repr=False)
class Network:
    """Layers with unique names, the publication that their shapes come from, and the file that they were read from."""

    name: str
    source: str
    layers: tuple[Layer, ...]
    file: str
    notes: str = ""
    family: str = ""
    """Kind of network, a word of `network_file.Family`; empty: not stated."""
    parts: tuple[str, ...] = ()
    """Files of the networks that it is made of, each once."""
    reused: frozenset[str] = frozenset()
    """Names of the layers that have the weights of an earlier one, such as the later steps of a recurrent network."""
    batch: int = 1
    """Inferences that the layers are of: more than 1 where the tensors of a file have a batch."""

    def __repr__(self) -> str:
        return f"<Network: {printable(self.name)}, {len(self.layers)} layers, {self.macs:,} MACs>"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers, those on padding included."""
        return sum(layer.macs for layer in self.layers)

    @property
    def macs_text(self) -> str:
        """Its multiply-accumulates in words, per inference where it is of several."""
        if self.batch == 1:
            return f"{self.macs:,} MACs"
        whole, rest = divmod(self.macs, self.batch)
        each = f"{whole:,}" if not rest else f"{self.macs / self.batch:,.1f}"
        return f"{each} MACs per inference, batch {self.batch}"

    @property
    def weight_words(self) -> int:
        """Weights, reused ones once; the second operands of matmuls are activations and not counted."""
        own = (layer for layer in self.layers if layer.op != "matmul" and layer.name not in self.reused)
        return sum(layer.weight_words for layer in own)

    def with_batch(self, n: int) -> Network:
        """Return the network for a multiple of its inputs.  Raises UsageError where a layer becomes too large.

        n: factor of the batch.
        """
        try:
            layers = tuple(layer.with_batch(n) for layer in self.layers)
        except ValueError as error:
            raise UsageError(f"batch {n}: {error}") from None
        return replace(self, layers=layers, batch=self.batch * n)

    @property
    def uncounted(self) -> tuple[Layer, ...]:
        """The layers with an operator that may multiply and that nobody counts."""
        return tuple(layer for layer in self.layers if layer.uncounted)

    def require_counted(self) -> None:
        """Check that all work is counted, for those who sum it up.  Raises WorkNotCounted with the layers."""
        if self.uncounted:
            shown = ", ".join(f"{layer.name} ({layer.uncounted})" for layer in self.uncounted[:8])
            more = f" and {len(self.uncounted) - 8} more" if len(self.uncounted) > 8 else ""
            raise WorkNotCounted(
                f"{self.name} has layers with an operator that may multiply and is not counted: {shown}{more}; export"
                " the network without them, or select the other layers"
            )

    def mac_layer(self, name: str) -> Layer:
        """Return a layer, or a dense phase of one.  Raises UsageError for no such name, or one without MACs.

        name: that of the layer, or of one of its several dense phases.
        """
        layers = {phase.name: phase for layer in self.layers for phase in dense_phases(layer)}
        layers |= {layer.name: layer for layer in self.layers}
        if name not in layers:
            mapped = [layer.name for layer in self.layers if layer.is_mac]
            shown = ", ".join(mapped[:8]) + ", ..." * (len(mapped) > 8)
            raise UsageError(f"{self.name} has no layer {name!r}{did_you_mean(name, layers) or f'; it has {shown}'}")
        if not layers[name].is_mac:
            raise UsageError(f"layer {name} ({layers[name].op}) has no multiply-accumulates")
        return layers[name]

    def select(self, globs: Sequence[str]) -> Network:
        """Return the network with only the layers whose name is, or matches, a pattern.

        globs: patterns of names such as "CONV*"; none for all layers.

        Raises UsageError for a glob that matches no layer.
        """
        if not globs:
            return self
        names = [layer.name for layer in self.layers]
        chosen: set[str] = set()
        for glob in globs:
            matches = {name for name in names if name == glob or fnmatchcase(name, glob)}
            if not matches:
                hint = did_you_mean(glob, names) or f"; its layers: {', '.join(names[:8])}{', ...' * (len(names) > 8)}"
                raise UsageError(f"no layer of {self.name} matches {glob!r}{hint}")
            chosen |= matches
        return replace(self, layers=tuple(layer for layer in self.layers if layer.name in chosen))
