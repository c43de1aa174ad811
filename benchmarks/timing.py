"""Seconds of functions and of whole processes, and the tables that show them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent / "README.md"
PATIENCE = 900.0
"""Seconds after which a process is given up: the slowest takes 30 on an idle machine."""


def least(action: Callable[[], object], clock: Callable[[], float] = time.process_time, repeats: int = 3) -> float:
    """Least seconds of some repeats: what else runs on the machine only adds to them.

    action: is timed; clock: seconds, those of the CPU if not stated; repeats: at least 1.
    """
    times = []
    for _ in range(repeats):
        start = clock()
        action()
        times.append(clock() - start)
    return min(times)


class ProcessFailed(Exception):
    """A process that ended with an error; the text is the last line that it printed."""


@dataclass(frozen=True)
class ProcessRun:
    """What a process took and printed."""

    cpu_s: float
    """Seconds of the CPU, its own children included."""
    wall_s: float
    memory: int
    """Most bytes at a time."""
    printed: str


def run_process(words: Sequence[str], folder: Path | None = None, env: Mapping[str, str] | None = None) -> ProcessRun:
    """Run a process to its end.

    words: the command; folder: in which it runs; env: its environment (None: that of this process).

    Raises ProcessFailed where it ends with an error or takes longer than PATIENCE.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(words, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=folder, env=env)
        watch = threading.Timer(PATIENCE, child.kill)
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        watch.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, said = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if child.returncode != 0:
        lines = (said or printed).strip().splitlines()
        raise ProcessFailed(lines[-1].strip() if lines else f"exit code {child.returncode}")
    return ProcessRun(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, printed)


def ours(*words: str) -> list[str]:
    """The command of this program with some words."""
    return [sys.executable, "-m", "accelerator_sim", *words]


def machine() -> str:
    """One line on the machine."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    for line in cpus.read_text().splitlines() if cpus.exists() else []:
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, Python {platform.python_version()}, {platform.system()}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, under a line on the machine."""
    lines = [head, ["---"] * len(head), *rows]
    return f"Machine: {machine()}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in lines)


def put_between(text: str, name: str, part: str) -> str:
    """A text with another part between its markers `<!-- name -->` and `<!-- /name -->`.

    Raises ValueError where a marker is missing.
    """
    begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    if begin not in text or end not in text.split(begin, 1)[1]:
        raise ValueError(f"no markers {begin.strip()} and {end.strip()}, each on a line of its own")
    before, rest = text.split(begin, 1)
    return before + begin + part + end + rest.split(end, 1)[1]


def show(name: str, text: str) -> None:
    """Print a table and, with --write, put it into benchmarks/README.md between the markers of a name."""
    print(text)
    if "--write" in sys.argv[1:]:
        README.write_text(put_between(README.read_text(), name, text))
