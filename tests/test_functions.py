"""A function fits on a screen: at most 60 lines and 6 parameters."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "accelerator_sim"
MOST_LINES, MOST_PARAMETERS = 60, 6

WORDS = "each parameter is a word of the public interface, by name"
OPTIONS = "each parameter is an option of the command line"
EXCEPTIONS = {
    "api.py: simulate": WORDS,
    "api.py: explain": WORDS,
    "api.py: compare": WORDS,
    "api.py: compare_networks": WORDS,
    "api.py: compare_dataflows": WORDS,
    "api.py: sweep": WORDS,
    "cli/compare_command.py: command": OPTIONS,
    "cli/simulate_command.py: command": OPTIONS,
    "cli/sweep_command.py: run": OPTIONS,
}


def functions() -> list[tuple[str, str, int, int]]:
    """Module, name, lines and parameters (self and cls aside) of every function."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                module = str(path.relative_to(PACKAGE))
                found.append((module, node.name, lines, len(names) - (names[:1] in (["self"], ["cls"]))))
    return found


def test_functions_are_short() -> None:
    long = {
        f"{module}: {name}": f"{lines} lines, {parameters} parameters"
        for module, name, lines, parameters in functions()
        if lines > MOST_LINES or parameters > MOST_PARAMETERS
    }
    assert {name: size for name, size in long.items() if name not in EXCEPTIONS} == {}
    assert set(EXCEPTIONS) == set(long), "exceptions that are none any more"
    assert len(EXCEPTIONS) <= 10
