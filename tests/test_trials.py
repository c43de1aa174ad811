"""Files that people have, through the command line: what must be counted, and what must end in a clear error.

Where the other rows of the trials are asserted: operators, shapes, batches and broken ONNX files in
`workload/onnx/test_trials.py`, exit codes of ONNX files in `cli/test_onnx.py`; layers of 2^60 MACs and of 2^31 groups
in `simulation/test_repeats.py`; includes of Timeloop in `workload/formats/test_timeloop_library.py`, workloads of
ZigZag in `test_zigzag.py`; words of Python calls in `results/test_layer_plain.py`.
"""

from __future__ import annotations

import json
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from accelerator_sim.cli.main import cli

DATA = Path(__file__).parent / "data" / "trials"
ONNX = Path(__file__).parent / "workload" / "onnx" / "data" / "trials"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the files."""
    for path in DATA.iterdir():
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> Result:
    result = CliRunner().invoke(cli, list(args), prog_name="accelerator-sim")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


CHECKED = [
    ("s01_crlf.csv", 139_392),
    ("s02_bom.csv", 56_448),
    ("s07_twice_width.csv", 14 * 18 * 9 * 4 * 8),
    ("s08_quoted.csv", 14 * 14 * 9 * 4 * 8),
    ("s11_dup_names.csv", 196_992),
    ("s18_gemm_batch.csv", 12 * 128 * 128 * 64),
    ("s22_dpn_name.csv", 110 * 110 * 9 * 64 * 96),
    ("s28_upper.CSV", 56_448),
    ("t01_conv3d.yaml", 10 * 12 * 4 * 8 * 16 * 27),
    ("t02_conv3d_stride_dil.yaml", 10 * 12 * 4 * 8 * 16 * 27),
]


@pytest.mark.parametrize(("file", "macs"), CHECKED, ids=[file for file, _ in CHECKED])
def test_must_hold_files_of_others(file: str, macs: int) -> None:
    result = run("check", file)
    assert (result.exit_code, f" {macs:,} MACs; " in result.stdout) == (0, True), result.output


REFUSED = [
    ("s03_utf16.csv", "is a binary file; CSV text in UTF-8 is required"),
    ("s04_latin1.csv", ":2: is not UTF-8 text"),
    ("s12_zero.csv", ":2:13: Channels: '0' given; a whole number between 1 and 2147483648 is required"),
    ("s13_float.csv", ":2:3: IFMAP Height: '16.0' given; a whole number"),
    ("s19_section_row.csv", ":3:1: Block A: 1 column(s); 8 are required"),
    ("s25_header_only.csv", ":2: no layers under the header"),
    ("s26_noheader.csv", ":1:1: the first line is a layer; SCALE-Sim takes it for the header"),
    ("s29_txt.txt", "a single value at the top; a mapping is required"),
    ("s31_wide_dash.csv", ":2:3: IFMAP Height: '１６' given"),
    ("baseline_tb_1.yaml", ":9:1: dram: '1e-300 GB/s' is too small"),
    ("software_tb_1.yaml", "stacks.tuned.bandwidth: 1e-300 is not allowed; it must be at least 1e-06"),
]


@pytest.mark.parametrize(("file", "message"), REFUSED, ids=[file for file, _ in REFUSED])
def test_must_hold_refusals(file: str, message: str) -> None:
    result = run("check", file)
    assert (result.exit_code, message in result.stderr) == (3, True), result.output


SWEEPS = [
    ("axis_batch_1e100.yaml", ":5:11: axes.batch.0: '9999999"),
    ("axis_batch_2e63.yaml", ":5:11: axes.batch.0: '9223372036854775807' is not a whole number from 1"),
    ("axis_to_1e999.yaml", ":5:3: axes.dram.bandwidth: '1e999 GB/s' is too large"),
    ("axis_width_1e999.yaml", ":5:11: axes.width.0: width is inf; a finite number"),
    ("sobol_22_axes.yaml", ":3:1: mode: a Sobol sequence of 22 axes; at most 21 are known"),
    ("constraint.yaml", "has 12,004 characters; at most 10,000 are allowed"),
]


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(("file", "message"), SWEEPS, ids=[file for file, _ in SWEEPS])
def test_must_hold_sweeps_fail_before_their_first_point(place: Path, file: str, message: str, dry: bool) -> None:
    terms = " + ".join(["pes"] * 2_000)
    (place / "constraint.yaml").write_text(
        "architecture: eyeriss_v2\nworkloads: [small.yaml]\naxes: {cluster_array.rows: [4, 8]}\n"
        f'constraints: ["{terms} <= 1e9"]\n'
    )
    result = run("sweep", file, *["--dry-run"] * dry)
    assert (result.exit_code, message in result.stderr) == (3, True), result.output
    assert not list(place.glob("*.sqlite"))


TENSORS = [
    ("npy_tb_1.npy", "is not a readable .npy or .npz file"),
    ("npy_tb_3.npy", "claims 99999999999999999999999 values; at most 4294967296 are read"),
    ("npz_tb_1.npz", "claims 99999999999999999999999 values; at most 4294967296 are read"),
    ("npz_tb_3.npz", "is not a readable .npy or .npz file"),
    ("bomb.npz", "holds a tensor of 50000000; the weights of layer c are 8 x 3 x 1 x 3 x 3"),
]


@pytest.mark.parametrize(("file", "message"), TENSORS, ids=[file for file, _ in TENSORS])
def test_must_hold_tensors_that_are_none(place: Path, file: str, message: str) -> None:
    header = b"{'descr': '|i1', 'fortran_order': False, 'shape': (50000000,), }".ljust(117) + b"\n"
    with zipfile.ZipFile(place / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(50_000_000))
    (place / "n.yaml").write_text(
        "name: n\nlayers: [{name: c, op: conv, C: 3, M: 8, H: 12, W: 12, kernel: 3,"
        f" density: {{weight: {{file: {file}}}}}}}]\n"
    )
    result = run("simulate", "n.yaml")
    assert (result.exit_code, message in result.stderr) == (3, True), result.output


@pytest.mark.parametrize("fidelity", ["event", "cycle", "analytical"])
@pytest.mark.parametrize(("file", "effectual"), [("c3d_like.yaml", 65_536_000), ("depth_padding.yaml", 36)])
def test_must_hold_planes_of_padding_are_no_values(file: str, effectual: int, fidelity: str) -> None:
    totals = json.loads(run("simulate", file, "--fidelity", fidelity, "--format", "json").stdout)["totals"]
    assert totals["effectual_macs"] == effectual


@pytest.mark.parametrize("form", ["table", "tsv", "csv"])
@pytest.mark.parametrize("file", ["injection_names.yaml", "injection_terminal.yaml"])
def test_must_hold_names_reach_no_terminal_raw(file: str, form: str) -> None:
    result = run("simulate", file, "--fidelity", "analytical", "--format", form)
    text = result.output.replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert form != "csv" or not any(cell.startswith(("=", "+", "@")) for cell in text.split(","))


def test_must_hold_a_batch_in_the_file_has_the_same_rates() -> None:
    def totals(name: str, *more: str) -> dict[str, float]:
        found = json.loads(run("simulate", str(ONNX / f"{name}.onnx"), *more, "--format", "json").stdout)
        assert found["batch"] == 4
        return dict(found["totals"])

    assert totals("c83_conv_batch4") == totals("c83_conv_batch1", "--batch", "4")


def test_must_hold_the_hint_of_an_open_dimension_is_an_argument() -> None:
    file = str(ONNX / "c51_expr_symbol.onnx")
    refused = run("simulate", file)
    assert refused.exit_code == 3
    hint = refused.stderr.split("bind them, as ", 1)[1].splitlines()[0]
    done = run("simulate", file, *shlex.split(hint), "--fidelity", "analytical", "--format", "json")
    assert json.loads(done.stdout)["complete"] is True
