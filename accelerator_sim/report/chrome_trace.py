"""Spans in the Chrome trace format, gzipped, as Perfetto opens it: a process per cluster, a thread per part.

One microsecond of the viewer is one cycle.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable

from accelerator_sim.run.trace import Span


def dumps(spans: Iterable[Span]) -> bytes:
    """Return the bytes of a trace file: the same for the same spans."""
    events: list[dict[str, object]] = []
    threads: dict[tuple[int, str], int] = {}
    for span in spans:
        key = span.cluster, span.track
        if key not in threads:
            threads[key] = len(threads) + 1
            process = "network" if span.cluster < 0 else f"cluster {span.cluster}"
            common = {"ph": "M", "pid": span.cluster + 2, "tid": threads[key]}
            events.append(common | {"name": "process_name", "args": {"name": process}})
            events.append(common | {"name": "thread_name", "args": {"name": span.track}})
        events.append(
            {"name": span.activity, "ph": "X", "pid": span.cluster + 2, "tid": threads[key], "ts": span.begin,
             "dur": span.end - span.begin}
        )  # fmt: skip
    text = json.dumps({"traceEvents": events, "displayTimeUnit": "ns"}, separators=(",", ":"))
    return gzip.compress(text.encode(), mtime=0)
