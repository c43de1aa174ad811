"""A tree of plain values as YAML text that `yaml_tree` reads back to the same tree."""

from __future__ import annotations

import re
from typing import Any

import yaml

_SHORT = 110
_BREAK = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff]")
_LIKE_A_NUMBER = re.compile(r"[-+.]?[0-9]")


class _Dumper(yaml.SafeDumper):
    """Writes short mappings and lists of plain values on one line, like the shipped files."""

    open_top = True
    """The outermost mapping comes first, and is never put on one line."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        values = list(mapping.values())
        plain = not any(isinstance(value, dict | list) for value in values)
        short = len(str(mapping)) <= _SHORT and not self.open_top
        self.open_top = False
        return super().represent_mapping(tag, mapping, plain and short)

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out each time."""
        return True


class _Flow(_Dumper):
    """Writes the mappings of a list on one line each, with the lists and mappings in them."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        top, self.open_top = self.open_top, False
        return yaml.SafeDumper.represent_mapping(self, tag, mapping, not top)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # 1e9 is text to YAML 1.1, which the dumper follows, and a number to the reader.
    style = '"' if _BREAK.search(value) else "'" if _LIKE_A_NUMBER.match(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)  # words of closed sets as well


def dump(tree: dict[str, Any], one_line: bool = False) -> str:
    """Return the YAML text of a tree; with `one_line`, every mapping below the top stands on one line."""
    text: str = yaml.dump(
        tree,
        Dumper=_Flow if one_line else _Dumper,
        sort_keys=False,
        default_flow_style=None,
        width=1 << 20 if one_line else 120,
        allow_unicode=True,
    )
    return text
