"""The report of experiments of every shape, and the command that writes it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from abm.commands.cli import main
from analysis import ResultsError, read_results
from analysis.report import Report, build_report
from analysis.report.export import escape_latex
from analysis.report.page import page
from analysis.report.subject import Subject, _is_policy
from scenarios.scenario import Scenario
from tests.analysis.stores import PAIR, write_store

FIELDS = {
    "model": "agreement.model",
    "haircut": "agreement.haircut",
    "trigger": "agreement.trigger",
    "volatility": "prices.volatility",
    "inventory": "participants.prefunded_inventory",
}
SHAPES: dict[str, dict[str, Any]] = {
    "one run": {"replications": 1},
    "one design": {"replications": 4},
    "models": {
        "designs": [{"model": m, "volatility": v} for v in (0.01, 0.03) for m in range(5)],
        "replications": 3,
    },
    "grid": {
        "designs": [{"haircut": h, "trigger": t} for h in (0, 0.05, 0.1) for t in (0, 0.01, 0.03)],
        "replications": 2,
    },
    "inventories": {
        "designs": [
            {"participants.prefunded_inventory": i, "model": m}
            for i in (0.0, 0.1, 1.0)
            for m in (2, 4)
        ],
        "replications": 3,
    },
    "one replication": {
        "designs": [{"haircut": h / 100, "volatility": h / 500} for h in range(1, 13)],
        "replications": 1,
    },
    "some failed": {
        "designs": [{"model": m} for m in range(3)],
        "replications": 2,
        "failing": (1,),
    },
    "crash": {
        "scenario": "dealers-under-stress",
        "designs": [{"haircut": 0.05}, {"haircut": 0.2}],
        "replications": 2,
        "tables": ("runs", "days", "events", "participants", "loans"),
    },
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, shape in SHAPES.items():
        options = dict(shape)
        given = options.pop("scenario", None)
        short = {**PAIR, "window": {"start": "2010-09-01", "end": "2010-09-15"}}
        scenario = Scenario.load(given) if given else Scenario.parse(short, "pair")
        folder = tmp_path_factory.mktemp("store") / name
        made[name] = write_store(folder, scenario, fields=FIELDS, **options)
    return made


@pytest.fixture(scope="module")
def reports(folders: dict[str, Path]) -> dict[str, Report]:
    return {name: build_report(read_results(folder)) for name, folder in folders.items()}


class Loaded(HTMLParser):
    """Everything that a page would fetch, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("table", "figure", "details", "ul", "div"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value and not value.startswith("#"):
                self.links.append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("table", "figure", "details", "ul", "div"):
            assert self.open.pop() == tag


@pytest.mark.parametrize("shape", SHAPES)
class TestEveryShape:
    def test_page_stands_alone(self, shape: str, reports: dict[str, Report]) -> None:
        text = page(reports[shape])
        parsed = Loaded()
        parsed.feed(text)
        assert parsed.open == []
        assert all(link.startswith("data:") for link in parsed.links)
        assert "script" not in parsed.tags
        assert not re.search(r"url\(\s*['\"]?http", text)
        assert parsed.tags.count("figure") == len(reports[shape].figures) > 0

    def test_captions_have_no_holes(self, shape: str, reports: dict[str, Report]) -> None:
        report = reports[shape]
        words = [item.caption for item in report.figures] + report.findings + [report.subtitle]
        for text in words:
            assert text and text.rstrip().endswith(".")
            assert not re.search(r"\bnan\b|\binf\b|None|factor\.|  |\(\)", text), text

    def test_names_are_unique(self, shape: str, reports: dict[str, Report]) -> None:
        names = [item.name for item in reports[shape].figures]
        tables = [item.name for item in reports[shape].tables]
        assert len(set(names)) == len(names) and len(set(tables)) == len(tables)


def test_same_results_same_page(folders: dict[str, Path], reports: dict[str, Report]) -> None:
    again = build_report(read_results(folders["some failed"]))
    assert page(again) == page(reports["some failed"])


class TestContents:
    def test_sections_follow_what_there_is(self, reports: dict[str, Report]) -> None:
        titles = {name: [s.title for s in report.sections] for name, report in reports.items()}
        assert "What each factor does" not in titles["one design"]
        assert "Issuance against prefunded inventory" in titles["inventories"]
        assert "Issuance against prefunded inventory" not in titles["models"]
        assert {"Defaults", "The lending network"} <= set(titles["crash"])
        assert "Defaults" not in titles["models"]
        assert any(item.name.startswith("heat-map") for item in reports["grid"].figures)
        assert not any(item.name.startswith("heat-map") for item in reports["models"].figures)

    def test_says_when_there_is_one_path_only(self, reports: dict[str, Report]) -> None:
        (table,) = (t for t in reports["one run"].tables if t.name == "results")
        assert "no interval" in table.caption
        assert any(
            "differences may be chance" in text for text in reports["one replication"].findings
        )

    def test_failed_runs_are_named(self, reports: dict[str, Report]) -> None:
        report = reports["some failed"]
        assert report.subtitle.endswith("2 runs failed and are left out.")
        (table,) = (t for t in report.tables if t.name == "failed")
        assert "no such token" in table.shown.to_string()

    def test_tables_are_the_analysis(self, reports: dict[str, Report]) -> None:
        report = reports["models"]
        (table,) = (t for t in report.tables if t.name == "differences-model")
        calls = table.numbers.query("metric == 'margin_calls' and level == 3")
        (shown,) = table.shown.query("Difference == 'Margin calls'")["Model 3"]
        assert calls["difference"].item() < 0
        assert shown.startswith("−")
        (caption,) = (f.caption for f in report.figures if f.name == "differences")
        assert re.search(r"Model 3: .*% fewer margin calls", caption)

    def test_policies_are_what_can_be_chosen(self, folders: dict[str, Path]) -> None:
        assert Subject(read_results(folders["models"])).policies == ["factor.model"]
        both = Subject(read_results(folders["grid"])).policies
        assert both == ["factor.haircut", "factor.trigger"]
        # Sampled designs never differ in one factor alone: there the name decides.
        assert Subject(read_results(folders["one replication"])).policies == ["factor.haircut"]


@pytest.mark.parametrize("field", ["participants.delivery", "rules", "agreement.haircut"])
def test_what_can_be_chosen_under_a_name_of_its_own(field: str) -> None:
    designs: list[dict[str, Any]] = [
        {"factors": {"what": "one"}, "changes": {}},
        {"factors": {"what": "other"}, "changes": {field: "other"}},
    ]
    assert _is_policy("factor.what", designs)
    designs[1]["changes"] = {"participants.borrowers": 9}
    assert not _is_policy("factor.what", designs)


def report_of(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)], catch_exceptions=False)


class TestCommand:
    def test_writes_the_page_into_the_folder(self, folders: dict[str, Path]) -> None:
        result = report_of(folders["some failed"])
        assert result.exit_code == 0, result.output
        text = (folders["some failed"] / "report.html").read_text(encoding="utf-8")
        assert text.count("<svg") == text.count("<figure>") > 3
        # The page beside the tables is in nobody's way.
        assert len(read_results(folders["some failed"]).runs) == 4

    def test_all_formats(self, folders: dict[str, Path], tmp_path: Path) -> None:
        out = tmp_path / "deep" / "page.html"
        formats = ["--format", "html,svg", "--format", "csv,latex"]
        result = report_of(folders["crash"], "--out", out, *formats)
        assert result.exit_code == 0, result.output
        names = {path.name for path in (tmp_path / "deep" / "page").iterdir()}
        assert {"contagion.svg", "network.svg", "defaults.csv", "defaults.tex"} <= names
        designs = pd.read_csv(tmp_path / "deep" / "page" / "designs.csv")
        assert set(designs["factor.haircut"]) == {0.05, 0.2}
        tex = (tmp_path / "deep" / "page" / "defaults.tex").read_text()
        assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 1
        columns = re.search(r"begin{tabular}{(l+)}", tex)
        assert columns
        rows = [line for line in tex.splitlines() if line.endswith(r"\\")]
        assert all(row.replace(r"\&", "").count("&") == len(columns[1]) - 1 for row in rows)

    def test_only_tables(self, folders: dict[str, Path], tmp_path: Path) -> None:
        report_of(folders["one design"], "--out", tmp_path / "x.html", "--format", "csv")
        assert not (tmp_path / "x.html").exists()
        assert (tmp_path / "x" / "results.csv").exists()

    @pytest.mark.parametrize(
        ("prepare", "message"),
        [
            (lambda folder: folder / "nowhere", "no such folder"),
            (lambda folder: folder, "not a results folder"),
        ],
    )
    def test_refuses_other_folders(self, tmp_path: Path, prepare: Any, message: str) -> None:
        result = report_of(prepare(tmp_path))
        assert result.exit_code == 2
        assert message in result.output and len(result.output.splitlines()) == 1

    def test_refuses_without_finished_runs(self, tmp_path: Path) -> None:
        (tmp_path / "manifest.json").write_text(json.dumps({"format": 1}))
        result = report_of(tmp_path)
        assert result.exit_code == 2 and "no run has finished yet" in result.output

    def test_refuses_if_all_failed(self, tmp_path: Path) -> None:
        folder = write_store(
            tmp_path / "out",
            Scenario.parse(PAIR, "pair"),
            [{"model": 0}],
            fields=FIELDS,
            failing=(0,),
            tables=("runs",),
        )
        with pytest.raises(ResultsError, match=r"all 3 runs failed; the first: .*no such token"):
            build_report(read_results(folder))

    def test_refuses_unknown_formats_and_places(
        self, folders: dict[str, Path], tmp_path: Path
    ) -> None:
        result = report_of(folders["one run"], "--format", "pdf")
        assert result.exit_code == 2 and "html, svg, csv, latex" in result.output
        (tmp_path / "file").write_text("")
        result = report_of(folders["one run"], "--out", tmp_path / "file" / "x.html")
        assert result.exit_code == 2 and "cannot be written" in result.output


def test_user_texts_cannot_break_the_page(tmp_path: Path) -> None:
    scenario = Scenario.parse({**PAIR, "title": '<script>alert(1)</script> & "q"'}, "pair")
    folder = write_store(tmp_path / "out", scenario, replications=1)
    text = page(build_report(read_results(folder)))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_latex_escapes() -> None:
    assert escape_latex("5 % of $x_1$ & #2") == r"5 \% of \$x\_1\$ \& \#2"


def test_documentation_runs(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python in docs/analysis.md, on a real folder."""
    text = (Path(__file__).parents[3] / "docs" / "analysis.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(code.replace('"DIR"', repr(str(folders["models"]))), "analysis.md", "exec"), {})
    assert (tmp_path / "exposure.svg").stat().st_size > 1000
