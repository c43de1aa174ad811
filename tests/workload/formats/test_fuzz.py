"""Whatever is done to a file, it is read or refused."""

import random
from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from tests.workload.formats import texts

FILES = {
    "yaml": [texts.CONV, texts.FLAT, texts.KEBAB, texts.GROUPED, texts.GEMM, texts.ATTENTION],
    "csv": [texts.RESNET, texts.MOBILENET, texts.PRODUCTS],
}
PIECES = [b"{", b"]", b"[", b":", b",", b"0", b"-1", b"1e400", b"99999999999999999999", b"&a", b"*a", b"\xff", b"\0",
          b"null", b"true", b"\n", b"  ", b"#", b"'", b"- ", b"<<: ", b"problem:", b"DP", b"1:4"]  # fmt: skip


def mutated(rng: random.Random, text: str) -> bytes:
    data = bytearray(text.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        lines = bytes(data).split(b"\n")
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del lines[rng.randrange(len(lines))]
            data = bytearray(b"\n".join(lines))
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            data[at:at] = rng.choice(PIECES)
        elif kind == 4:
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            data = bytearray(b"\n".join(lines))
        else:  # a value becomes another
            words = bytes(data).split(b" ")
            words[rng.randrange(len(words))] = rng.choice(PIECES)
            data = bytearray(b" ".join(words))
    return bytes(data)


def run(folder: Path, cases: range) -> None:
    outcomes = {Network: 0, InvalidFile: 0}
    for seed in cases:
        rng = random.Random(seed)
        suffix = rng.choice(sorted(FILES))
        path = folder / f"x.{suffix}"
        path.write_bytes(mutated(rng, rng.choice(FILES[suffix])))
        try:
            assert load_network(str(path)).layers
            outcomes[Network] += 1
        except InvalidFile as error:
            outcomes[InvalidFile] += all(problem.file == str(path) for problem in error.problems)
    assert sum(outcomes.values()) == len(cases)
    assert min(outcomes.values()) > len(cases) // 20


def test_damaged_files(tmp_path: Path) -> None:
    run(tmp_path, range(300))


@pytest.mark.slow
def test_damaged_files_at_length(tmp_path: Path) -> None:
    run(tmp_path, range(300, 2300))
