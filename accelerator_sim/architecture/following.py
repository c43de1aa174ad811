"""Values of an architecture file that follow others where they are left out: routers and banks per PE row or column.

Chen et al., "Eyeriss v2", IEEE JETCAS 9(2) 2019, Table II: a cluster of 3 x 4 PEs has 3 iact and 3 weight routers, one
per PE row, and 4 psum routers, one per PE column; each iact and psum router is paired with a bank of the GLB.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FOLLOWING: Mapping[tuple[str, str, str], str] = MappingProxyType(
    {
        ("noc", "iact", "routers"): "rows",
        ("noc", "weight", "routers"): "rows",
        ("noc", "psum", "routers"): "columns",
        ("glb", "iact", "banks"): "rows",
        ("glb", "psum", "banks"): "columns",
    }
)
"""Path of each value that may be left out, and the side of `pe_cluster` that it follows."""


def followed(tree: Mapping[str, Any]) -> dict[str, int]:
    """Return the values that follow in this tree of an architecture file, by dotted path.

    Routers follow in a network of routers only, banks only where their size is given.
    What is wrong with the tree is left for the model to report.
    """
    cluster = tree.get("pe_cluster")
    sizes = {}
    for path, side in FOLLOWING.items():
        size = cluster.get(side) if isinstance(cluster, Mapping) else None
        holder = tree.get(path[0])
        part = holder.get(path[1]) if isinstance(holder, Mapping) else None
        if isinstance(part, Mapping) and path[2] not in part and _applies(path[2], part):
            # Without a size to follow, the missing value is not an error of its own: that of pe_cluster is reported.
            sizes[".".join(path)] = size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else 1
    return sizes


def _applies(key: str, part: Mapping[str, Any]) -> bool:
    return part.get("kind") == "hierarchical_mesh" if key == "routers" else part.get("size") is not None


def with_following(tree: Any) -> Any:
    """Return a tree with the values that follow filled in; anything but a mapping as it is."""
    if not isinstance(tree, Mapping):
        return tree
    out = dict(tree)
    for path, value in followed(tree).items():
        section, part, key = path.split(".")
        out[section] = {**out[section], part: {**out[section][part], key: value}}
    return out
