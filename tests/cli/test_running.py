"""What all commands have: two streams, a status, JSON, pipes, and help with examples."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from causalkit import __version__
from causalkit._core.progress import track
from causalkit.cli.app import _COMMANDS, main
from causalkit.cli.json_text import as_json_text
from causalkit.cli.running import Answer, Status, as_command, remark
from causalkit.errors import AssumptionWarning, NumericalError

NAMES = [command.__name__ for _, command, _ in _COMMANDS]


def started(*words: str, **options):
    """A process of its own, as a shell starts it."""
    command = [sys.executable, "-m", "causalkit", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


# --- one command around which everything is put -----------------------------------------------


@pytest.fixture
def odd():
    """A command that says and does what it is told."""

    def strange(what: str) -> Answer:
        """Do something."""
        remark("first", "second")
        if what == "warn":
            warnings.warn("mind this", AssumptionWarning, stacklevel=2)
        if what == "interrupt":
            raise KeyboardInterrupt
        if what == "singular":
            raise NumericalError("the matrix is singular.")
        if what == "fault":
            raise RuntimeError("nobody meant this")
        return Answer("the answer", {"value": np.float64("nan"), "n": np.int64(3)})

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(as_command(strange))
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_answer_alone_is_on_standard_output(odd):
    result = odd("fine")
    assert (result.exit_code, result.stdout) == (0, "the answer\n")
    assert result.stderr == "· first\n· second\n"
    assert odd("fine", "--quiet").stderr == ""


def test_json_is_one_document_without_nan(odd):
    result = odd("warn", "--json", "-q")
    assert json.loads(result.stdout) == {
        "format": "causalkit.strange", "version": 1, "causalkit": __version__,
        "value": None, "n": 3, "remarks": ["first", "second"],
        "warnings": [{"kind": "AssumptionWarning", "message": "mind this"}],
    }  # fmt: skip
    assert result.stderr == "causalkit: AssumptionWarning: mind this\n"


def test_every_way_to_end_has_its_status(odd):
    result = odd("interrupt", "--json", "-q")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "causalkit: interrupted\n"
    result = odd("singular", "--json")
    assert result.exit_code == 4
    told = json.loads(result.stdout)
    assert (told["command"], told["kind"], told["status"]) == ("strange", "NumericalError", 4)
    assert odd().exit_code == 2
    assert isinstance(odd("fault").exception, RuntimeError)
    assert {int(status) for status in Status} == {0, 1, 2, 3, 4, 5, 130, 141}


def test_progress_is_for_terminals(odd, monkeypatch, capfd):
    shown = []

    def looping() -> Answer:
        """Loop."""
        from causalkit._core import progress

        shown.append(progress._screen.get() is not None)
        return Answer("", {"n": len(list(track([1], label="loop")))})

    app = typer.Typer()
    app.command()(as_command(looping))
    CliRunner().invoke(app, [])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for words in ([], ["-q"]):
        with pytest.raises(SystemExit):
            app(words)
    assert shown == [False, True, False]


def test_a_fault_of_the_program_is_shown_in_full(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["causalkit", "datasets"])
    monkeypatch.setattr("causalkit.datasets.available", lambda: 1 / 0)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    shown = capsys.readouterr().err
    assert "ZeroDivisionError" in shown
    assert "a fault of the program" in shown


def test_values_of_every_kind_become_json():
    values = {
        1: (np.float32(0.5), np.inf, -np.inf),
        "array": np.array([[1.0, np.nan]]),
        "set": frozenset({"b", "a"}),
        "flag": np.bool_(True),
        "none": None,
        "other": pd.Timestamp("2024-03-01"),
        "letter": "ü",
    }
    assert json.loads(as_json_text(values)) == {
        "1": [0.5, None, None], "array": [[1.0, None]], "set": ["a", "b"], "flag": True,
        "none": None, "other": "2024-03-01 00:00:00", "letter": "ü",
    }  # fmt: skip
    assert as_json_text(values).isascii()


# --- help -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_help_has_examples_and_json(run, name):
    shown = run(name, "--help")
    assert shown.exit_code == 0
    assert f"causalkit {name}" in shown.stdout
    assert "--json" in shown.stdout


def test_the_help_of_all_names_every_command_and_status(run):
    shown = run("--help").stdout
    assert all(name in shown for name in NAMES)
    assert "Status: 0 fine" in shown
    assert run("-h").stdout == shown
    assert run("--version").stdout == f"causalkit {__version__}\n"
    assert run("nonsense").exit_code == 2
    assert run("discover").exit_code == 2


def test_the_examples_are_understood(folder, run):
    """Every option of an example is one that its command has."""
    for _, command, examples in _COMMANDS:
        shown = run(command.__name__, "--help").stdout
        for example in examples:
            words = example.split("|")[0 if command.__name__ in example.split("|")[0] else -1]
            options = [word for word in words.split() if word.startswith("--")]
            assert all(option in shown for option in options), example


# --- processes --------------------------------------------------------------------------------


def test_a_pipe_of_processes_with_a_status_at_its_end(folder):
    with started("convert", "X -> Y; X <-> Y", "--to", "json") as first:
        with started("identify", "-", "X", "Y", "--json", stdin=first.stdout) as second:
            out, err = second.communicate()
        assert first.wait() == 0
    assert second.returncode == json.loads(out)["status"] == 3
    assert err.startswith("causalkit: the effect of X on Y is not identified")
    assert "\r" not in err  # no progress outside of a terminal


def test_a_reader_that_has_gone_is_no_error(folder):
    with started("convert", "X -> Y") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_interrupted_while_it_waits_for_input():
    code = """
import signal, sys, types
from causalkit.cli.app import main

def read():
    signal.raise_signal(signal.SIGINT)

sys.stdin = types.SimpleNamespace(buffer=types.SimpleNamespace(read=read))
main()
"""
    words = [sys.executable, "-c", code, "convert", "-"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr == "causalkit: interrupted\n"


def test_a_warning_of_the_library_is_a_sentence(folder, run):
    rng = np.random.default_rng(1)
    lottery, hidden = rng.normal(size=(2, 400))
    served = 0.05 * lottery + hidden + rng.normal(size=400)
    wage = 2 * served + hidden + rng.normal(size=400)
    pd.DataFrame({"lottery": lottery, "served": served, "wage": wage}).to_csv("iv.csv", index=False)
    words = "analyze", "iv.csv", "--treatment", "served", "--outcome", "wage"
    graph = "lottery -> served -> wage; served <-> wage"
    result = run(*words, "--graph", graph, "--strategy", "instrument", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [one["kind"] for one in told["warnings"]] == ["WeakInstrumentWarning"]
    assert result.stderr.startswith("causalkit: WeakInstrumentWarning: ")
    assert result.stderr.count("\n") == 1
