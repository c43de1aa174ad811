"""Workloads of other tools with something wrong: read, or refused as documented."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shutil import copyfile

import pytest

from accelerator_sim.workload.network_loader import load_network
from tests.mutants import ALL, QUICK, mutate_bytes, mutate_text, seeds, survives
from tests.workload.formats import texts

DATA = Path(__file__).parent / "data"
QUOTED = '"Layer name";"IFMAP Height";"IFMAP Width";"Filter Height";"Filter Width";"Channels";"Num Filter";"Strides"\n'
KINDS = {
    "timeloop.yaml": [texts.CONV, texts.GEMM, (DATA / "library" / "t04_include_base.yaml").read_text()],
    "base.yaml": [(DATA / "library" / "t04_base.yaml").read_text()],
    "zigzag.yaml": [(DATA / "zigzag.yaml").read_text()],
    "scalesim.csv": [texts.RESNET, texts.PRODUCTS, QUOTED + '"conv, first";"16";16;3;3;"4";8;1\n"b";9;9;3;3;8;8;1\n'],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [QUICK, pytest.param(ALL, marks=pytest.mark.slow)])
def test_mutants(tmp_path: Path, kind: str, count: int) -> None:
    texts_of_kind = KINDS[kind]
    used = tmp_path / kind
    copyfile(DATA / "library" / "t04_base.yaml", tmp_path / "t04_base.yaml")
    if kind == "base.yaml":  # what is wrong is in the file that is included
        used = tmp_path / "problem.yaml"
        copyfile(DATA / "library" / "t04_include_base.yaml", used)
    read = 0
    for number, rng in enumerate(seeds(count)):
        text = texts_of_kind[number % len(texts_of_kind)]
        data = mutate_bytes(text.encode(), rng) if number % 4 == 0 else mutate_text(text, rng).encode()
        (tmp_path / ("t04_base.yaml" if kind == "base.yaml" else kind)).write_bytes(data)
        read += survives(partial(load_network, str(used)))
    assert 0 < read < count
