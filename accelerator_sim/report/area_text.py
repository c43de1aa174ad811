"""An area in words."""

from __future__ import annotations

from accelerator_sim.report.numbers import si
from accelerator_sim.technology.area import Area, Part

_NAMES = {"pe_datapath": "PE datapath", "pe_control": "PE control", "spad": "SPads", "glb": "GLB", "top": "top level"}
_NAMES |= {f"noc_{tensor}": f"NoC {tensor}" for tensor in ("iact", "weight", "psum")}


def area_text(area: Area, node_nm: float) -> str:
    """Return an area in one line: "21.3 mm2 at 65 nm, 2.69 M gates, 246.0 KiB SRAM"."""
    mm2_at = "no area rule at" if area.mm2 is None else f"{area.mm2:.3g} mm2 at"
    return f"{mm2_at} {node_nm:g} nm, {_size(area.total)}"


def area_lines(area: Area) -> list[str]:
    """Return a line for each component, with its share of the silicon."""
    return [
        f"{_NAMES[name]:<11} {100.0 * part.um2 / area.total.um2:5.1f}%  {_size(part)}"
        for name, part in area.parts.items()
    ]


def _size(part: Part) -> str:
    sram = f", {part.sram_bits / 8192:.1f} KiB SRAM" if part.sram_bits else ""
    return si(part.gates, "gates") + sram
