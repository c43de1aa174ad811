"""From document to model; one test a message."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationInfo, field_validator, model_validator

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.units import Bytes, Hertz
from accelerator_sim.files.yaml_tree import parse_document


class Mesh(FileModel):
    kind: Literal["mesh"]
    routers: int = Field(ge=1, le=8, description="routers in a cluster")


class Bus(FileModel):
    kind: Literal["bus"]
    width: Bytes


class Store(FileModel):
    banks: int = 1
    size: Bytes | None = None
    scale: float = Field(default=1.0, gt=0)
    ports: Literal[1, 2] = 1

    @model_validator(mode="after")
    def _sized(self) -> "Store":
        if self.banks > 1 and self.size is None:
            raise ValueError("banks without a size")
        return self


class Machine(FileModel):
    name: str = Field(min_length=1)
    clock: Hertz = Field(description="core clock")
    zero: Literal["skip", "gate"] = "skip"
    fast: bool = False
    store: Store = Store()
    noc: dict[Literal["iact", "psum"], Annotated[Mesh | Bus, Field(discriminator="kind")]] = Field(default={})
    sizes: list[int] = Field(default=[1, 2], min_length=1, max_length=4)
    depth: dict[Literal["iact", "psum"], int] = Field(default={})
    width: int | list[int] = 1


GOOD = "name: m\nclock: 200 MHz\n"


def load(text: str, *overrides: tuple[str, str]) -> Machine:
    return load_model(Machine, parse_document(text, "f"), overrides)


def problems(text: str, *overrides: tuple[str, str]) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        load(text, *overrides)
    return [str(problem) for problem in caught.value.problems]


def test_good_file() -> None:
    machine = load(GOOD + "store: {banks: 2, size: 4 KiB, scale: 2}\nnoc: {iact: {kind: mesh, routers: 2}}")
    assert machine.clock == 200e6
    assert machine.store == Store.model_construct(banks=2, size=4096, scale=2.0, ports=1)
    assert machine.noc["iact"] == Mesh(kind="mesh", routers=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clock: 1 Hz", "f:1:1: name: missing; text is required"),
        ("name: m", 'f:1:1: clock: missing; a frequency such as "200 MHz" (core clock) is required'),
        ("name: m\nclock: 200", 'f:2:1: clock: 200 has no unit; write e.g. "200 MHz"'),
        ("name: ''\nclock: 1 Hz", "f:1:1: name: '' is too short; at least 1 character(s) are required"),
        ("name: 3\nclock: 1 Hz", "f:1:1: name: 3 given; text is required (quote a number to make it text)"),
        (GOOD + "clok: 3", "f:3:1: clok: unknown key; did you mean 'clock'?"),
        (GOOD + "store: {qqq: 3}", "f:3:9: store.qqq: unknown key; allowed: banks, size, scale, ports"),
        (GOOD + "zero: skp", "f:3:1: zero: 'skp' is not allowed; allowed: 'skip' or 'gate'; did you mean 'skip'?"),
        (GOOD + "store: {ports: 3}", "f:3:9: store.ports: 3 is not allowed; allowed: 1 or 2"),
        (GOOD + "store: {banks: true}", "f:3:9: store.banks: true given; a whole number is required"),
        (GOOD + "store: {banks: 3.0}", "f:3:9: store.banks: 3.0 given; a whole number is required"),
        (GOOD + "store: {banks: '3'}", "f:3:9: store.banks: '3' given; a whole number is required"),
        (GOOD + "store: {banks: 3}", "f:3:1: store: banks without a size"),
        (GOOD + "store: {scale: x}", "f:3:9: store.scale: 'x' given; a number is required"),
        (GOOD + "store: {scale: .inf}", "f:3:9: store.scale: inf given; a finite number is required"),
        (GOOD + "store: {scale: 0}", "f:3:9: store.scale: 0 is not allowed; it must be more than 0.0"),
        (GOOD + "store: 3", "f:3:1: store: 3 given; a mapping is required"),
        (GOOD + "store:", "f:3:1: store: nothing given; a mapping is required"),
        (GOOD + "fast: yes", "f:3:1: fast: 'yes' given; true or false is required"),
        (GOOD + "sizes: 3", "f:3:1: sizes: 3 given; a list is required"),
        (GOOD + "sizes: []", "f:3:1: sizes: 0 item(s) given; at least 1 required"),
        (GOOD + "sizes: [1, 2, 3, 4, 5]", "f:3:1: sizes: 5 item(s) given; at most 4 allowed"),
        (GOOD + "sizes: [1,\n  {a: 1}]", "f:4:3: sizes.1: a mapping given; a whole number is required"),
        (GOOD + "depth: {iakt: 1}", "f:3:9: depth.iakt: unknown key; allowed: 'iact' or 'psum'; did you mean 'iact'?"),
        (GOOD + "depth: {iact: x}", "f:3:9: depth.iact: 'x' given; a whole number is required"),
        (GOOD + "width: x", "f:3:1: width: 'x' given; a whole number is required or: 'x' given; a list is required"),
        (
            GOOD + "noc:\n  iact: {kind: mesh, routers: 9}",
            "f:4:22: noc.iact.routers: 9 is not allowed; it must be at most 8",
        ),
        (
            GOOD + "noc:\n  iact: {kind: mesh}",
            "f:4:3: noc.iact.routers: missing; a whole number (routers in a cluster) is required",
        ),
        (
            GOOD + "noc:\n  iact: {kind: bus, width: 2 B, routers: 3}",
            "f:4:33: noc.iact.routers: unknown key; allowed: kind, width",
        ),
        (
            GOOD + "noc:\n  iact: {kind: mehs}",
            "f:4:10: noc.iact.kind: 'mehs' is not allowed; allowed: 'mesh', 'bus'; did you mean 'mesh'?",
        ),
        (GOOD + "noc:\n  iact: {}", "f:4:3: noc.iact.kind: missing; one of 'mesh', 'bus' is required"),
    ],
)
def test_messages(text: str, message: str) -> None:
    assert problems(text) == [message]


def test_all_problems_come_at_once_and_sorted_by_line() -> None:
    lines = [line.split(": ")[0] for line in problems("nmae: m\nfast: 1\nsizes: [x, 1, y]\nclock: 010\nfast: 2\n")]
    assert lines == ["f:1:1", "f:1:1", "f:2:1", "f:3:9", "f:3:15", "f:4:1", "f:4:8", "f:5:1"]


def test_context_reaches_the_validators() -> None:
    class Named(FileModel):
        name: str

        @field_validator("name")
        @classmethod
        def _prefix(cls, value: str, info: ValidationInfo) -> str:
            return f"{(info.context or {})['prefix']}{value}"

    assert load_model(Named, parse_document("name: x", "f"), context={"prefix": "a-"}).name == "a-x"


def test_overrides() -> None:
    document = parse_document(GOOD + "sizes: [1, 2]\nstore:\n", "f")
    changes = [("clock", "1 GHz"), ("sizes.1", "7"), ("store.banks", "1"), ("store.size", "8 B"), ("fast", "true")]
    machine = load_model(Machine, document, [*changes, ("noc.iact", "{kind: mesh, routers: 1}"), ("name", "'12'")])
    assert (machine.clock, machine.sizes, machine.store.size, machine.fast) == (1e9, [1, 7], 8, True)
    assert (machine.noc["iact"].kind, machine.name) == ("mesh", "12")
    assert document.tree["sizes"] == [1, 2]  # the document itself is not touched
    assert document.tree["store"] is None


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (("clok", "1 Hz"), "--set clok=1 Hz: clok: unknown key; did you mean 'clock'?"),
        (("stoer.size", "1 B"), "--set stoer.size=1 B: stoer: unknown key; did you mean 'store'?"),
        (("store.sise", "1 B"), "--set store.sise=1 B: store.sise: unknown key; did you mean 'size'?"),
        (("clock", "0 Hz"), "--set clock=0 Hz: clock: '0 Hz' is zero; a frequency such as \"200 MHz\" is required"),
        (("clock.x", "1"), "--set clock.x=1: 'clock' is a single value; it has no 'x'"),
        (("sizes.2", "1"), "--set sizes.2=1: '2' is not an item of the list 'sizes'; allowed: 0 to 1"),
        (("sizes.x", "1"), "--set sizes.x=1: 'x' is not an item of the list 'sizes'; allowed: 0 to 1"),
        (("a..b", "1"), "--set a..b=1: the path has an empty part; write e.g. glb.psum.banks"),
        (
            ("sizes.0", "[1"),
            "--set sizes.0=[1: not valid YAML: did not find expected ',' or ']'"
            " (while parsing a flow sequence that begins in line 1)",
        ),
        (
            ("sizes.0", "010"),
            "--set sizes.0=010: 010 is octal to some readers and decimal to others; write 10, or quote it",
        ),
    ],
)
def test_messages_of_overrides(override: tuple[str, str], message: str) -> None:
    assert problems(GOOD + "sizes: [1, 2]", override) == [message]


def test_problems_of_file_and_overrides_come_together() -> None:
    assert problems(GOOD + "fast: 3", ("clock", "1"), ("zero", "x"))[:1] == [
        '--set clock=1: clock: 1 has no unit; write e.g. "1 MHz"'
    ]
    assert len(problems(GOOD + "fast: 3", ("clock", "1"), ("zero", "x"))) == 3


def test_json_schema() -> None:
    schema = Machine.model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["clock"]["type"] == "string"
    json.dumps(schema)
