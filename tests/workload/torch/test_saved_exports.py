"""Files of torch.export.save: the network of the module, sizes that are open, real inputs, weights, damaged files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

import accelerator_sim as sim  # noqa: E402
from tests.cli.conftest import Run, run  # noqa: E402, F401
from tests.workload.torch.test_from_torch import Unknown, small  # noqa: E402

pytestmark = pytest.mark.slow


class Sequence(nn.Module):
    """Attention over a sequence whose length may be open."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(4, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.up(x).view(x.shape[0], -1, 2, 4).transpose(1, 2)
        return (y @ y.transpose(2, 3)).softmax(-1) @ y


def saved(model: nn.Module, folder: Path, *inputs: Any, **more: Any) -> str:
    file = folder / "net.pt2"
    torch.export.save(torch.export.export(model.eval(), inputs, **more), file)
    return str(file)


def test_a_file_is_the_network_of_its_module(tmp_path: Path) -> None:
    model, example = small(), torch.randn(2, 3, 6, 6)
    read, direct = sim.load_network(saved(model, tmp_path, example)), sim.from_torch(model, example, measure=False)
    assert (read.name, read.batch, read.macs) == ("net", 2, direct.macs)
    assert [(x.name, x.op, x.macs, x.density.weight) for x in read.layers] == [
        (x.name, x.op, x.macs, x.density.weight) for x in direct.layers
    ]
    assert read.layers[0].density.tensor_weight[0] == read.file == str(tmp_path / "net.pt2")


def test_a_file_is_simulated_checked_and_written_as_yaml(run: Run, tmp_path: Path) -> None:  # noqa: F811
    file = saved(small(), tmp_path, torch.randn(1, 3, 6, 6))
    one = run("simulate", file, "--layer", "block.0", "--verify", "--format", "json")
    assert one.exit_code == 0, one.stderr
    assert run("check", file).exit_code == 0
    written = run("show", "workload", file, "--format", "yaml")
    (tmp_path / "net.yaml").write_text(written.stdout)
    two = run("simulate", str(tmp_path / "net.yaml"), "--layer", "block.0", "--format", "json")
    assert two.exit_code == 0, two.stderr
    assert '"effectual_macs"' in one.stdout
    of = [sim.load_network(str(tmp_path / name)).layers[0].density.weight for name in ("net.pt2", "net.yaml")]
    assert of[0] == of[1]


def test_weights_are_pruned_by_their_magnitude(tmp_path: Path) -> None:
    file = saved(small(), tmp_path, torch.randn(1, 3, 6, 6))
    for rule in ("magnitude:0.75", "lottery:6", "nm:1:3"):
        assert sim.load_network(file, sim.Choices(prune=rule)).layers[0].density.weight < 0.5


def test_densities_are_those_of_real_inputs(tmp_path: Path) -> None:
    model, inputs = small(), np.random.default_rng(1).normal(size=(3, 3, 6, 6)).astype(np.float32)
    inputs[:, 1] = 0
    np.savez(tmp_path / "in.npz", x=inputs)
    file = saved(model, tmp_path, torch.randn(1, 3, 6, 6))
    read = sim.load_network(file, sim.Choices(inputs=tmp_path / "in.npz"))
    direct = sim.from_torch(model, torch.from_numpy(inputs))
    assert read.layers[0].density.profile_iact == (1.0, 0.0, 1.0)
    shared = (next(x for x in network.layers if x.name == "shared").density for network in (read, direct))
    one, two = (density.profile_iact for density in shared)
    assert one == pytest.approx(two, abs=1e-6)
    assert "run on in.npz" in read.notes


def test_open_sizes_get_numbers(run: Run, tmp_path: Path) -> None:  # noqa: F811
    length = torch.export.Dim("length", min=2, max=64)
    file = saved(Sequence(), tmp_path, torch.randn(1, 6, 4), dynamic_shapes={"x": {1: length}})
    for number in (6, 10):
        bound = sim.load_network(file, sim.Choices(bind={"x.1": number}))
        assert bound.macs == sim.from_torch(Sequence(), torch.randn(1, number, 4)).macs
        assert bound.macs == number * 32 + 2 * 2 * number * number * 4
    message = run("check", file).stderr
    assert "unbound dimensions: s" in message
    assert "(x.1); bind them, as --bind x.1=1" in message
    assert "no dimension 'x.7' to bind" in run("simulate", file, "--bind", "x.7=1").stderr
    too_long = run("simulate", file, "--bind", "x.1=65")
    assert too_long.exit_code == 3
    assert "is 65; the export takes 2 to 64" in too_long.stderr


def test_what_is_not_counted_ends_with_its_exit_code(run: Run, tmp_path: Path) -> None:  # noqa: F811
    result = run("check", saved(Unknown(), tmp_path, torch.randn(4, 4)))
    assert result.exit_code == 5
    assert "aten._cdist_forward" in result.stdout + result.stderr


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"text"])
def test_a_damaged_file_is_one_line(run: Run, tmp_path: Path, content: bytes) -> None:  # noqa: F811
    (tmp_path / "bad.pt2").write_bytes(content)
    result = run("simulate", str(tmp_path / "bad.pt2"))
    assert result.exit_code == 3
    assert "bad.pt2: is not a file of torch.export.save" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_cut_file_is_one_line(run: Run, tmp_path: Path) -> None:  # noqa: F811
    file = Path(saved(small(), tmp_path, torch.randn(1, 3, 6, 6)))
    whole = file.read_bytes()
    for length in range(0, len(whole), len(whole) // 7):
        file.write_bytes(whole[:length])
        result = run("check", str(file))
        assert result.exit_code == 3
        assert result.stderr.count("\n") == 1


def test_a_file_without_values_is_read_without_weights(run: Run, tmp_path: Path) -> None:  # noqa: F811
    file = saved(small(), tmp_path, torch.randn(1, 3, 6, 6))
    network = sim.load_network(file, sim.Choices(weights=False))
    assert {layer.density.tensor_weight for layer in network.layers} == {None}
    assert run("simulate", file, "--no-weights", "--fidelity", "analytical").exit_code == 0
