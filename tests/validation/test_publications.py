"""The files of published figures and what is refused in them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.files.model import load_model
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.validation.publications import Publication, load_publications, publication_names
from accelerator_sim.validation.quantities import QUANTITIES

FIGURE = {"name": "f", "quantity": "cycles", "case": "c", "where": "T", "read": "printed", "why": "w"}
CASES = {"c": {"workload": "alexnet", "architecture": "eyeriss_v2"}}


def refused(tmp_path: Path, **figure: object) -> str:
    content = {"title": "t", "source": "s", "cases": CASES, "figures": [FIGURE | figure]}
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InvalidFile) as caught:
        load_model(Publication, load_document(path))
    return str(caught.value)


def test_every_file_loads_and_its_parts_exist() -> None:
    publications = load_publications()
    assert list(publications) == publication_names() == sorted(publication_names())
    for publication in publications.values():
        for figure in publication.figures:
            assert figure.quantity in QUANTITIES
            assert figure.fitted is None or load_technology(figure.fitted).name == figure.fitted
        for case in publication.cases.values():
            assert case.mapping is None or case.mapping in builtin_names("arch_configs", "mappings")


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match=r"'eyeris_v2'; did you mean 'eyeriss_v2'\?; there are: eie, eyeriss_v1"):
        load_publications(["eyeris_v2"])


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ({}, "give one of value, values, or least and most"),
        ({"value": 1.0, "within": 0.1, "least": 1.0}, "give one of value, values, or least and most"),
        ({"value": 1.0}, "value and values need within, or else margin"),
        ({"value": 1.0, "within": 0.1, "margin": 1.0}, "value and values need within, or else margin"),
        ({"value": 1.0, "within": 0.1, "mean_within": 0.1}, "mean_within is for values"),
        ({"value": 1.0, "within": 0.1, "case": "d"}, "figure 'f' is of case 'd'"),
        ({"value": 1.0, "within": 0.1, "over": "cc"}, "did you mean 'c'"),
    ],
)
def test_what_is_refused(tmp_path: Path, figure: dict[str, object], message: str) -> None:
    assert message in refused(tmp_path, **figure)
