"""The page of the benchmarks: tables are read as they were printed, and nothing is left out."""

import contextlib
import io
import itertools
import re
import signal

import numpy as np
import pytest

from benchmarks.comparisons import COMPARED
from benchmarks.environment import HERE, PEERS, describe, peers_of
from benchmarks.limits_page import limits
from benchmarks.page import PAGE, page, section
from benchmarks.plan import GROUPS, QUICK
from benchmarks.results import Result, kept_results, run
from benchmarks.summary import Compared
from benchmarks.tables import Table, beside, blocks_of, head, number, row
from benchmarks.time_limit import TooLongError, processor_limit

NAMES = [name for group in GROUPS.values() for name in group]


def result(printed, name="metrics", **changed):
    """A result as a run leaves it."""
    environment = {"machine": {"cores": "2"}, "versions": {"Python": "3.13"}, "peers": {}}
    told = {"arguments": "10", "outcome": "finished", "seconds": 4.0, "cpu_seconds": 2.0}
    return Result(
        **(
            {"name": name, "date": "2026-01-01", "environment": environment, "printed": printed}
            | told
            | changed
        )
    )


def printed(write):
    """What a function prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        write()
    return out.getvalue()


def test_every_benchmark_has_one_place():
    there = {path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py")}
    assert sorted(NAMES) == sorted(set(NAMES))
    assert there == set(NAMES)
    assert set(QUICK) <= there
    assert {each.benchmark for each in COMPARED} <= there


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_every_benchmark(name):
    assert f"\n### {name}: " in PAGE.read_text(encoding="utf-8")


def test_tables_come_back_as_they_were_printed():
    def write():
        head("library", "ms", title="100 nodes")
        row("ours", 4.1)
        row("theirs", None)

    said, table, last = blocks_of(f"asia is left out\n{printed(write)}\nand so on")
    assert said == "asia is left out"
    assert last == "and so on"
    assert table == Table("100 nodes", ("library", "ms"), (("ours", "4.1"), ("theirs", "–")))
    assert "| --- | --: |" in table.markdown()


def test_a_row_keeps_to_the_columns():
    (table,) = blocks_of("| a | b |\n| --- | --- |\n| 1 |\n| 1 | 2 | 3 |")
    assert table.rows == (("1", ""), ("1", "2 / 3"))


@pytest.mark.parametrize("gap", ["\n", "\n\n\n"])
def test_lines_elsewhere_above_a_table_are_no_title(gap):
    said, table = blocks_of(f"a note{gap}| a |\n| --- |\n| 1 |")
    assert (said, table.title) == ("a note", "")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1,204 ms", 1204.0), ("0.3 (+0.1 ± 0.2)", 0.3), ("1.2e-05", 1.2e-5), ("–", None)],
)
def test_numbers_are_read_from_cells(cell, value):
    assert number(cell) == value


def test_differences_have_paired_errors():
    rng = np.random.default_rng(0)
    scores = rng.random((9, 1))
    assert beside(scores + 0.5, scores) == [f"{scores.mean() + 0.5:.3f} (+0.500 ± 0.000)"]


LONG = """\
| n | library | ms |
| --- | --- | --- |
| 9 | causalkit | 2.0 |
| 9 | a | 6 |
| 9 | b | 5 |
"""
WIDE = """\
| n | ours, ms | a, ms |
| --- | --- | --- |
| 9 | 2.0 | 5 |
"""


@pytest.mark.parametrize(
    ("printed_value", "shown"), [(0.0421234, "0.0421"), (999.7, "1,000"), (28123.0, "28,123")]
)
def test_the_summary_has_no_exponents(printed_value, shown):
    spec = Compared("t", "metrics", "ms", where={"n": "9"})
    text = LONG.replace("2.0", str(printed_value))
    assert spec.row(result(text), "")[1] == f"{shown} ms"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (Compared("t", "metrics", "ms", where={"n": "9"}), LONG),
        (
            Compared("t", "metrics", by="", ours="ours, ms", peers=("a, ms",), where={"n": "9"}),
            WIDE,
        ),
    ],
)
def test_the_summary_reads_either_shape(spec, text):
    task, ours, theirs, ratio, _ = spec.row(result(text), "")
    assert (task, ours, ratio) == ("t", "2 ms", "2.5 ×")
    assert theirs in ("b: 5 ms", "a: 5 ms")


def test_the_summary_says_what_is_missing():
    spec = Compared("t", "metrics", "ms", where={"n": "9"})
    assert spec.row(result("stopped"), "")[1] == "not measured"
    alone = LONG.partition("| 9 | a")[0]
    assert spec.row(result(alone), "")[2] == "no peer answered"


def test_a_section_says_how_it_was_run():
    text = section(result(LONG), result("").environment)
    assert text.startswith("### metrics: Distances between graphs beside gadjid (Rust)\n")
    assert "`python -m benchmarks.bench_metrics 10`; 2 s of a processor, 4 s by the clock" in text
    assert "not installed: gadjid" in text
    assert "| 9 | causalkit | 2.0 |" in text


def test_a_run_that_ended_early_is_named():
    late = result(LONG, outcome="stopped after 900 s")
    assert "**Not finished:**" in page([late])
    assert "Not finished (stopped after 900 s)" in section(late, late.environment)
    assert "**Not finished" not in page([result(LONG)])


def test_another_environment_is_said():
    other = result(LONG, environment={"machine": {"cores": "8"}, "versions": {}, "peers": {}})
    text = section(other, result("").environment)
    assert "with other machine: cores 8" in text
    assert "with other versions: no Python" in text


def test_results_are_kept_by_name(tmp_path):
    result("one").keep(tmp_path)
    result("two").keep(tmp_path)
    result("three", name="graph").keep(tmp_path)
    assert {name: each.printed for name, each in kept_results(tmp_path).items()} == {
        "metrics": "two",
        "graph": "three",
    }


def test_a_run_that_fails_leaves_a_result(capfd):
    left = run("nothing_of_that_name", "", 60)
    assert not left.finished
    assert "No module named" in left.outcome
    assert capfd.readouterr().out == ""


def test_a_run_that_takes_too_long_is_stopped(capfd):
    left = run("metrics", "10", 0.01)
    assert left.outcome == "stopped after 0 s"
    assert left.printed == capfd.readouterr().out


def test_what_is_said_of_the_machine_names_no_host_or_folder():
    told = describe()
    assert {"processor", "cores", "memory", "system"} == set(told["machine"])
    words = repr(told) + PAGE.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|tmp|work|usr|root)/", words)


def test_peers_are_read_from_the_source():
    assert peers_of(HERE / "bench_metrics.py") == ("gadjid",)
    assert {"y0", "pyAgrum", "dowhy"} <= set(peers_of(HERE / "bench_identification.py"))
    named = {peer for path in HERE.glob("bench_*.py") for peer in peers_of(path)}
    assert named <= set(PEERS.values())


def test_a_call_is_stopped_by_its_use_of_the_processor():
    with pytest.raises(TooLongError), processor_limit(0.01):
        sum(1 for _ in itertools.count())
    before = signal.getsignal(signal.SIGALRM)
    with processor_limit(60.0):
        assert signal.getsignal(signal.SIGALRM) != before
    assert signal.getsignal(signal.SIGALRM) == before


def test_the_limits_are_shown_by_design(tmp_path):
    path = tmp_path / "limits.csv"
    path.write_text(
        "# Measured 2026-01-01.\nmethod,kind,model,n,degree,p_minute,p_beats,stopped\n"
        "PC,tables,linear,1000,2,500,500,grid\nPC,tables,linear,100,2,500,50,grid\n"
        "CCM,series,chaos,1000,2,20,,time\n"
    )
    said = limits(path)
    assert "Measured 2026-01-01." in said
    tables = [block for block in blocks_of(said) if isinstance(block, Table)]
    assert tables[0].names[2:] == ("n 100, degree 2", "n 1,000, degree 2")
    assert tables[0].rows == (("PC", "linear", "50 / ≥ 500", "≥ 500 / ≥ 500"),)
    assert tables[1].rows == (("CCM", "chaos", "", "– / 20"),)
    assert limits(tmp_path / "nowhere.csv") == ""
