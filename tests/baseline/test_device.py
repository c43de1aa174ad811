"""Device files: what they hold, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from accelerator_sim.baseline.device import Device, Software, load_device, read_device, schema
from accelerator_sim.baseline.measured_device import load_baseline
from accelerator_sim.files.data import builtin_names, data_dir
from accelerator_sim.files.errors import InvalidFile, UsageError

PROMISED = [
    "jetson_nano_5w",
    "jetson_nano_10w",
    "jetson_tx2_maxn",
    "jetson_tx2_maxp",
    "jetson_tx2_maxq",
    "jetson_xavier_maxn",
    "jetson_xavier_30w",
    "jetson_xavier_15w",
    "jetson_xavier_10w",
    "jetson_tx1",
    "jetson_tk1",
    "jetson_xavier_nx",
    "jetson_orin_nano",
]
WEAK = {"jetson_tx1", "jetson_tk1", "jetson_xavier_nx", "jetson_orin_nano", "nvidia_p40", "raspberry_pi_4"}


@pytest.fixture
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((data_dir("arch_configs") / "baselines/jetson_tx2_maxq.yaml").read_text())
    return loaded


def refusal(content: dict[str, Any], folder: Path) -> str:
    path = folder / "device.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(InvalidFile) as caught:
        read_device(path)
    (problem,) = caught.value.problems
    assert problem.line
    return f"{problem.path}: {problem.message}"


def test_every_promised_baseline_is_there_and_the_weak_ones_say_so() -> None:
    names = builtin_names("arch_configs", "baselines")
    assert set(PROMISED) <= set(names)
    loaded = {name: load_baseline(name) for name in names}
    devices = {name: device for name, device in loaded.items() if isinstance(device, Device)}
    assert {name for name, device in devices.items() if device.evidence == "weak"} == WEAK
    assert all(device.name == name for name, device in devices.items())
    assert {device.kind for device in devices.values()} == {"mobile_gpu", "data_centre_gpu", "mobile_cpu"}


def test_peaks_follow_from_lanes_and_clock() -> None:
    device = load_device("jetson_tx2_maxq")
    assert device.peak.fp32 == pytest.approx(2 * 256 * 854e6, rel=1e-3)
    assert device.peak.fp16 == pytest.approx(2 * 2 * 256 * 854e6, rel=1e-3)
    assert device.node_nm == 16


def test_a_device_with_its_own_software_in_one_file(content: dict[str, Any], tmp_path: Path) -> None:
    stack = load_device("jetson_tx2_maxq").family.stacks["tuned"].model_dump(mode="json")
    (tmp_path / "device.yaml").write_text(
        yaml.safe_dump(content | {"software": {"name": "mine", "stacks": {"a": stack}}})
    )
    device = read_device(tmp_path / "device.yaml")
    assert device.stack() == ("a", load_device("jetson_tx2_maxq").stack()[1])


def test_software_beside_the_device(content: dict[str, Any], tmp_path: Path) -> None:
    text = (data_dir("arch_configs") / "baselines/software/tegra_pascal.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text)
    (tmp_path / "device.yaml").write_text(yaml.safe_dump(content | {"software": "./mine.yaml"}))
    assert read_device(tmp_path / "device.yaml").family.name == "tegra_pascal"


def test_refusals(content: dict[str, Any], tmp_path: Path) -> None:
    def with_(**changes: Any) -> str:
        return refusal(content | changes, tmp_path)

    assert with_(software="tegra_paskal") == (
        "software: unknown software 'tegra_paskal'; did you mean 'tegra_pascal'?; allowed: tegra_pascal, tegra_volta,"
        " a file, or a mapping"
    )
    assert with_(clock="854") == 'clock: 854 has no unit; write e.g. "854 MHz"'
    assert with_(peak={"fp16": "1 GHz"}).startswith("peak.fp16: '1 GHz' is a frequency; a rate of operations such as")
    assert with_(kind="gpu") == ("kind: 'gpu' is not allowed; allowed: 'mobile_gpu', 'data_centre_gpu' or 'mobile_cpu'")
    assert with_(power={"static": "3 W", "idle": "4 W"}) == ("power: idle power 4 W is more than the static power, 3 W")
    assert with_(energy={"int8": "1 pJ", "dram": "150 pJ"}) == (
        ": no number format has both a peak rate and an energy per operation"
    )


def test_a_stack_or_format_without_data_is_refused_with_what_exists() -> None:
    device = load_device("jetson_nano_5w")
    with pytest.raises(
        UsageError, match=r"^jetson_nano_5w has no software stack 'tunedd'; did you mean 'tuned'\?; it has"
    ):
        device.stack("tunedd")
    name, stack = device.stack()
    assert (name, device.pick_precision(None, stack, name)) == ("tuned", "fp16")
    with pytest.raises(UsageError, match=r"^jetson_nano_5w has no int8 data with stack 'tuned'; it has: fp16, fp32$"):
        device.pick_precision("int8", stack, name)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bandwidth: 0.659", "bandwidth: 1e-300", "bandwidth: 1e-300 is not allowed; it must be at least 1e-06"),
        ("conv: 1.0711", "conv: 1e300", "conv: 1e+300 is not allowed; it must be at most 1000.0"),
        ("launch_cycles: 24066", "launch_cycles: 1e300", "launch_cycles: 1e+300 is not allowed; it must be at most"),
        ("batch_gain: 0.12", "batch_gain: 1e300", "batch_gain: 1e+300 is not allowed; it must be at most 1000.0"),
    ],
)
def test_numbers_that_would_end_in_infinity_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    software = (data_dir("arch_configs") / "baselines" / "software" / "tegra_pascal.yaml").read_text()
    device = (data_dir("arch_configs") / "baselines" / "jetson_nano_5w.yaml").read_text()
    (tmp_path / "software.yaml").write_text(software.replace(old, new))
    (tmp_path / "device.yaml").write_text(device.replace("software: tegra_pascal", "software: ./software.yaml"))
    with pytest.raises(InvalidFile, match=re.escape(message)):
        load_device(str(tmp_path / "device.yaml"))


def test_an_unknown_baseline() -> None:
    with pytest.raises(UsageError, match=r"unknown baseline 'jetson_tx2'.*list baselines"):
        load_device("jetson_tx2")


def test_the_schemas_in_the_folder_are_up_to_date() -> None:
    folder = data_dir("arch_configs") / "schemas"
    assert json.loads((folder / "baseline.schema.json").read_text()) == json.loads(json.dumps(schema()))
    assert json.loads((folder / "software.schema.json").read_text()) == Software.model_json_schema()
    assert schema() == Device.model_json_schema()
