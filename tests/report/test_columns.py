"""Which columns stay."""

from accelerator_sim.report.columns import Column, fitted

COLUMNS = [
    Column[str]("name", lambda row: row, 0, left=True),
    Column[str]("minor", lambda row: "x" * 10, 2),
    Column[str]("major", lambda row: "y" * 10, 1),
]


def headings(width: int, name: str = "short") -> list[str]:
    return [column.heading for column, _ in fitted(COLUMNS, [name], width)]


def test_less_important_columns_give_way() -> None:
    assert headings(100) == ["name", "minor", "major"]
    assert headings(27) == ["name", "major"]
    assert headings(15) == ["name"]


def test_a_name_keeps_sixteen_characters_before_a_column_gives_way() -> None:
    long = "stage4/block.23/attention/projection"
    (_, (cut,)), *rest = fitted(COLUMNS, [long], 40)
    assert (len(cut), len(rest)) == (16, 2)
    (_, (whole,)), *rest = fitted(COLUMNS, [long], 60)
    assert (whole, len(rest)) == (long, 2)
