"""Tensor files: headers before values, damaged and lying files."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from accelerator_sim.workload import tensor_file
from accelerator_sim.workload.tensor_file import open_tensor


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    """A .npy file with any header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + data


def header(shape: str, kind: str = "|i1") -> str:
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


def test_values_and_density_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_file, "PIECE", 100)
    values = np.random.default_rng(0).integers(0, 2, (7, 5, 3)).astype(np.float32)
    np.save(tmp_path / "c.npy", values)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    np.savez_compressed(tmp_path / "z.npz", a=values)
    for name in ("c.npy", "f.npy", "z.npz"):
        found = open_tensor(tmp_path / name, None, name)
        assert (found.shape, found.density) == ((7, 5, 3), np.count_nonzero(values) / values.size)
        assert np.array_equal(found.values(), values)


def test_complex_numbers_and_version_2(tmp_path: Path) -> None:
    with (tmp_path / "x.npy").open("wb") as stream:
        np.lib.format.write_array(stream, np.array([0, 1j, 2.0]), version=(2, 0))
    assert open_tensor(tmp_path / "x.npy", None, "x.npy").density == pytest.approx(2 / 3)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path: Path) -> None:
    place = tmp_path / "bomb.npz"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("w.npy", "w") as stream:
        stream.write(npy(header("(300000000,)")))
        for _ in range(300):
            stream.write(bytes(1_000_000))
    tracemalloc.start()
    tensor = open_tensor(place, None, "bomb.npz")
    with pytest.raises(ValueError, match="holds a tensor of 300000000; the weights are 8 x 3 x 3 x 3"):
        tensor.compare((8, 3, 3, 3), 0, 8, "the weights")
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


BROKEN = {
    "empty": b"",
    "cut in its header": npy(header("(2,)"))[:30],
    "cut in its data": npy(header("(9,)"), bytes(5)),
    "negative": npy(header("(-3,)"), bytes(5)),
    "true": npy(header("(True,)"), bytes(5)),
    "not a tuple": npy(header("7"), bytes(7)),
    "more than an integer holds": npy(header("(1 << 63,)")),
    "huge": npy(header("(4294967296, 4294967296)"), bytes(8)),
    "nested": npy("(" * 5000 + ")" * 5000),
    "no dictionary": npy("[1, 2]"),
    "a type that is none": npy(header("(1,)", "|z9"), bytes(9)),
    "objects": npy(header("(1,)", "|O"), bytes(8)),
    "text": npy(header("(1,)", "<U1"), bytes(4)),
    "version": npy(header("(1,)"), bytes(1), version=3),
    "bytes that are no text": b"\x93NUMPY\x01\x00\x08\x00\xff\xfe\x00\x00\x80\x81\n\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
def test_broken_files(name: str, packed: bool, tmp_path: Path) -> None:
    place = tmp_path / "x"
    if packed:
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("a.npy", BROKEN[name])
    else:
        place.write_bytes(BROKEN[name])
    with pytest.raises(ValueError, match=r"^'x' (is not a readable|holds no numbers|claims \d+ values)"):
        open_tensor(place, None, "x")


def test_an_archive_without_tensors(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    (tmp_path / "x").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="'x' holds no tensors"):
        open_tensor(tmp_path / "x", None, "x")


def test_values_that_are_damaged(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", a=np.arange(1000))
    data = bytearray((tmp_path / "x.npz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"'x.npz' is not a readable .npy or .npz file: "):
        open_tensor(tmp_path / "x.npz", None, "x.npz").density  # noqa: B018
