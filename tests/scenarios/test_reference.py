"""docs/scenarios.md is what the schema says."""

from pathlib import Path

from scenarios.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run: python -m scenarios.reference > docs/scenarios.md"


def test_fields_come_with_type_bounds_default_and_meaning() -> None:
    row = (
        "| `trigger` | number (≥ 0, < 1) | `0.0` |"
        " Margin call threshold β, as a fraction of the loan; two-sided. |"
    )
    assert row in reference().splitlines()
    assert '## `[network]` with `topology = "scale-free"`' in reference()
