"""What is said, and what is not imported, where PyTorch is not used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import accelerator_sim as sim
from tests.cli.conftest import Run, run  # noqa: F401
from tests.conftest import Hide


def test_a_missing_torch_is_named_with_its_extra(hide: Hide, run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "net.pt2").write_bytes(b"")
    hide("accelerator_sim.workload.torch")
    message = "install it with: pip install 'accelerator-sim[torch]'"
    with pytest.raises(sim.AcceleratorSimError) as caught:
        sim.from_torch(object(), None)
    assert str(caught.value).startswith(f"from_torch needs the package torch; {message}")
    result = run("simulate", "net.pt2")
    assert result.exit_code == 1
    assert f"net.pt2: .pt2 files need the package torch; {message}" in result.stderr


def test_torch_is_imported_by_nothing_else() -> None:
    code = (
        "import sys, accelerator_sim as sim; sim.from_torch; sim.load_network('alexnet'); sim.Choices(prune='erk:0.9');"
        " print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("suffix", ["pt", "pth"])
def test_weights_alone_get_the_two_lines_that_export_a_model(run: Run, tmp_path: Path, suffix: str) -> None:  # noqa: F811
    (tmp_path / f"net.{suffix}").write_bytes(b"PK")
    result = run("simulate", f"net.{suffix}")
    assert result.exit_code == 3
    first, *lines, last = result.stderr.splitlines()
    assert first.startswith(
        f"net.{suffix}: this is a PyTorch file of weights or of a pickled module, without the graph"
    )
    assert [line.split("  #")[0].strip() for line in lines] == [
        "program = torch.export.export(model.eval(), (torch.zeros(1, 3, 224, 224),))",
        'torch.export.save(program, "net.pt2")',
    ]
    assert "exports of PyTorch (.pt2)" in last


def test_a_missing_export_is_a_missing_file(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "here.pt2").write_bytes(b"")
    result = run("simulate", "her.pt2")
    assert (result.exit_code, result.stderr) == (3, "her.pt2: no such file; did you mean 'here.pt2'?\n")
