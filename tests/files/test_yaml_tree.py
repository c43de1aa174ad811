"""YAML with positions; one test a message."""

import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.files import yaml_tree
from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.files.yaml_tree import load_document, parse_document, parse_value


def message_of(text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        _ = parse_document(text, "f").tree
    return str(caught.value)


def test_values_and_positions() -> None:
    document = parse_document("a: 1\nb:\n  - x: {y: 2}\n  - [3, 4]\n", "f")
    assert document.tree == {"a": 1, "b": [{"x": {"y": 2}}, [3, 4]]}
    assert document.positions == {
        (): (1, 1),
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 0, "x"): (3, 5),
        ("b", 0, "x", "y"): (3, 9),
        ("b", 1): (4, 5),
        ("b", 1, 0): (4, 6),
        ("b", 1, 1): (4, 9),
    }
    assert document.position(("b", 1, "z", 3)) == (4, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9", 1e9),
        ("200e6", 200e6),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0x1F", 31),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", "1_000"),
        ("25.6 GB/s", "25.6 GB/s"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("'1e9'", "1e9"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("[1, two]", [1, "two"]),
    ],
)
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    read = parse_value(text, "f")
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(parse_value(".nan", "f"))


def test_keys_are_text() -> None:
    assert parse_document("1: a\non: b\n~: c", "f").tree == {"1": "a", "on": "b", "~": "c"}


def test_aliases_and_merge_keys() -> None:
    tree = parse_document("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\nd: {<<: [*x, {r: 4}]}", "f").tree
    assert tree["b"] == {"p": 1, "q": 2}
    assert tree["c"] == {"p": 1, "q": 3}
    assert tree["d"] == {"p": 1, "q": 2, "r": 4}


def test_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert load_document(tmp_path / "a.yaml").tree == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: is empty; a mapping is required"),
        ("# nothing\n", "f: is empty; a mapping is required"),
        ("~", "f: is empty; a mapping is required"),
        ("- 1", "f:1:1: a list at the top; a mapping is required"),
        ("word", "f:1:1: a single value at the top; a mapping is required"),
        ("a: 1\nb:\n  a: 1\na: 2", "f:4:1: a: duplicate key; first given in line 1"),
        ("a: 1\nx: {b: 1, b: 2}", "f:2:11: x.b: duplicate key; first given in line 2"),
        ("a: 010", "f:1:4: a: 010 is octal to some readers and decimal to others; write 10, or quote it"),
        ("a: 1e999", "f:1:4: a: 1e999 is too large or too long a number"),
        ("a: " + "1" * 5000, f"f:1:4: a: {'1' * 20} is too large or too long a number"),
        ("a: 1\n---\nb: 2", "f:2:1: a second document begins here; only one is allowed"),
        ("a: !!python/object:os.x 1", "f:1:4: a: tag 'tag:yaml.org,2002:python/object:os.x' is not supported;"
         " write the value without it"),
        ("a: !foo [1]", "f:1:4: a: tag '!foo' is not supported; write the value without it"),
        ("[a]: 1", "f:1:1: a mapping or a list cannot be a key"),
        ("a: &x 1\n*x : 2", "f:2:1: an alias cannot be a key"),
        ("'': 1", "f:1:1: empty key"),
        ("a: &x [*x]", "f:1:8: a: *x refers to a value that contains it"),
        ("a: &one 1\nb: *onee", "f:2:4: *onee has no anchor; did you mean 'one'?"),
        ("a: {<<: 3}", "f:1:1: a: only mappings can be merged with <<"),
        ("a:\n\tb: 1", "f:2:1: a tab is used for indentation; use spaces"),
        ("a: [1, 2", "f:2:1: not valid YAML: did not find expected ',' or ']' (while parsing a flow sequence"
         " that begins in line 1)"),
        ("a: b: c", "f:1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: \x01", "f: not valid YAML: control characters are not allowed"),
        ("a: \udc80", "f: is not UTF-8 text"),
    ],
)  # fmt: skip
def test_messages(text: str, message: str) -> None:
    assert message_of(text) == message


def test_all_problems_that_leave_the_rest_readable() -> None:
    assert len(message_of("a: 010\na: 1\nb: !x 2\n").splitlines()) == 3


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "a: " + "{b: " * 100_000, "- " * 100_000])
def test_depth_is_limited(text: str) -> None:
    assert message_of(text).endswith("nested more than 64 deep")


def test_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "more than 1000000 values (aliases counted each time)" in message_of("\n".join(lines))


def test_missing_file(tmp_path: Path) -> None:
    (tmp_path / "alexnet.yaml").write_text("a: 1")
    with pytest.raises(InvalidFile, match=r"alexnt\.yaml: no such file; did you mean 'alexnet\.yaml'\?"):
        load_document(tmp_path / "alexnt.yaml")


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"no such file; the folder .*nowhere does not exist"):
        load_document(tmp_path / "nowhere" / "a.yaml")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="is a folder, not a file"):
        load_document(tmp_path)


def test_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidFile, match="is not a regular file"):
        load_document(tmp_path / "pipe")


def test_name_that_no_file_can_have() -> None:
    with pytest.raises(InvalidFile, match="cannot be read"):
        load_document("a\0b.yaml")


def test_binary_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a\0b")
    with pytest.raises(InvalidFile, match="is a binary file; YAML text in UTF-8 is required"):
        load_document(tmp_path / "a.yaml")


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(InvalidFile, match=r"a\.yaml:2: is not UTF-8 text"):
        load_document(tmp_path / "a.yaml")


def test_size_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_tree, "MAX_BYTES", 10)
    (tmp_path / "a.yaml").write_text("a: 1234567890")
    with pytest.raises(InvalidFile, match="refused by size: 13 bytes; at most 10 are read"):
        load_document(tmp_path / "a.yaml")


@given(st.text(alphabet=st.sampled_from(list("ab:-[]{},&*!|>'\"#%@ \n\t0.e<")), max_size=40))
def test_any_text_is_a_document_or_an_invalid_file(text: str) -> None:
    try:
        tree = parse_document(text, "f").tree
    except InvalidFile:
        return
    assert isinstance(tree, dict)
