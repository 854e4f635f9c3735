"""A bootstrap that is taken up again says what one that was never stopped says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from causalkit._core.journal import note_line, noted_lines, write_whole
from causalkit.discovery import PC, Bootstrap, PCMCIPlus
from causalkit.errors import InputError, ResamplingWarning
from causalkit.independence import FisherZ
from causalkit.independence.base import BoundTest

HERE = str(Path(__file__).resolve().parents[2])
needs_kill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="needs a signal that nobody can catch"
)


def rows(n: int = 200) -> np.ndarray:
    table = np.random.default_rng(0).normal(size=(n, 4))
    table[:, 1] += table[:, 0]
    table[:, 3] += 0.2 * table[:, 1]
    return table


def bootstrap(n: int = 12, *, algorithm=None, seed=0, **how) -> Bootstrap:
    return Bootstrap(PC() if algorithm is None else algorithm, n, random_state=seed, **how)


def same(one: Bootstrap, other: Bootstrap) -> bool:
    return (
        one.graph_ == other.graph_
        and list(one.replicates_) == list(other.replicates_)
        and one.failures_ == other.failures_
    )


def cut(path: Path, n_lines: int, torn: int = 9) -> None:
    """Leave so many lines of a store, and the beginning of one more."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:n_lines]) + lines[n_lines][:torn])


@pytest.mark.parametrize(
    "how", [{}, {"resample": "tests"}, {"resample": "gaussian"}, {"resample": "subsample"}]
)
def test_what_is_kept_is_not_learnt_again_and_changes_nothing(tmp_path, how, monkeypatch):
    path, plain = tmp_path / "kept", bootstrap(**how).fit(rows())
    assert same(bootstrap(store=path, **how).fit(rows()), plain)
    assert len(path.read_bytes().splitlines()) == 1 + 12
    cut(path, 8)
    again = bootstrap(store=path, n_jobs=2, **how).fit(rows())
    assert same(again, plain)
    numbers = [row["number"] for row in noted_lines(path) if "number" in row]
    assert numbers == list(range(12))  # seven were there, and five are new
    import causalkit.discovery.resampling.stability as module

    monkeypatch.setattr(module, "learn", None)  # nobody asks for it any more
    assert same(bootstrap(store=path, **how).fit(rows()), plain)


def test_more_resamples_are_added(tmp_path):
    path = tmp_path / "kept"
    few = bootstrap(6, store=path).fit(rows())
    more = bootstrap(12, store=path).fit(rows())
    assert list(more.replicates_[:6]) == list(few.replicates_)
    assert same(more, bootstrap(12).fit(rows()))
    assert same(bootstrap(6, store=path).fit(rows()), few)


def test_series_are_kept_too(tmp_path):
    path, how = tmp_path / "kept", {"algorithm": PCMCIPlus(max_lag=1)}
    plain = bootstrap(4, **how).fit(rows(80))
    bootstrap(4, store=path, **how).fit(rows(80))
    cut(path, 3)
    assert same(bootstrap(4, store=path, **how).fit(rows(80)), plain)


class Failing(FisherZ):
    """A test that breaks down on some samples."""

    def bind(self, table) -> BoundTest:
        if table.values[0, 0] > 0.5:
            raise InputError("this sample is no good.")
        return super().bind(table)


def test_failures_are_kept_too(tmp_path):
    path, data = tmp_path / "kept", rows()
    data[0, 0] = 0.0
    how = {"algorithm": PC(Failing())}
    with pytest.warns(ResamplingWarning):
        plain = bootstrap(**how).fit(data)
    with pytest.warns(ResamplingWarning):
        bootstrap(store=path, **how).fit(data)
    cut(path, 9)
    with pytest.warns(ResamplingWarning):
        again = bootstrap(store=path, **how).fit(data)
    assert plain.failures_
    assert same(again, plain)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": rows() + 1}, "other data"),
        ({"seed": 1}, "other random_state"),
        ({"algorithm": PC(alpha=0.2)}, "other settings of the algorithm"),
        ({"algorithm": PC(Failing())}, "other settings of the algorithm"),
        ({"resample": "subsample"}, "other settings of resampling"),
        ({"clusters": np.arange(200) // 2}, "other data"),
        ({"seed": None}, "expected an integer"),
        ({"seed": np.random.default_rng(0)}, "expected an integer"),
    ],
)
def test_a_store_of_something_else_is_refused(tmp_path, changed, message):
    path = tmp_path / "kept"
    bootstrap(3, store=path).fit(rows())
    before = path.read_bytes()
    data = changed.pop("data", rows())
    with pytest.raises(InputError, match=message):
        bootstrap(3, store=path, **changed).fit(data)
    assert path.read_bytes() == before
    if "n_jobs" in PC().get_params():  # how it is learnt is no setting
        bootstrap(3, store=path, algorithm=PC(n_jobs=1)).fit(rows())
        assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_left_alone(tmp_path):
    path = tmp_path / "table.csv"
    for content in (b"a,b\n1,2\n", b"text", b'{"format": "other"}\n', b"\x00\xff", b"[]\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="something else than replicates"):
            bootstrap(3, store=path).fit(rows())
        assert path.read_bytes() == content
    with pytest.raises(InputError, match="is a folder"):
        bootstrap(3, store=tmp_path).fit(rows())


def test_a_run_may_end_within_its_first_line(tmp_path):
    path = tmp_path / "kept"
    plain = bootstrap(3, store=path).fit(rows())
    whole = path.read_bytes()
    for length in (0, 1, 40, whole.index(b"\n")):
        path.write_bytes(whole[:length])
        assert same(bootstrap(3, store=path).fit(rows()), plain)


@pytest.mark.parametrize("broken", [{"number": 0}, {"number": 0, "marks": 1, "kind": "DAG"}])
def test_lines_of_another_shape_are_refused(tmp_path, broken):
    path = tmp_path / "kept"
    bootstrap(3, store=path).fit(rows())
    note_line(path, broken)
    with pytest.raises(InputError, match="something else"):
        bootstrap(3, store=path).fit(rows())


# --- killed ---------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from causalkit._core.journal import note_line
for number in range(10**6):
    note_line(Path(sys.argv[1]), {"number": number, "text": "x" * 20_000})
"""


@needs_kill
def test_of_lines_at_most_the_last_is_torn(tmp_path):
    path, read = tmp_path / "lines", []
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=HERE)
    killed_after(process, path, 200_000)
    read = [row["number"] for row in noted_lines(path)]
    assert read == list(range(len(read)))
    assert len(read) >= 9
    note_line(path, {"number": -1})
    assert [row["number"] for row in noted_lines(path)] == [*read, -1]


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"

    def stops(to: Path) -> None:
        to.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, stops)
    assert not path.exists()
    write_whole(path, lambda to: to.write_text("whole"))
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from tests.hardening.test_bootstrap_store import bootstrap, rows, PCMCIPlus
how = eval(sys.argv[3])
bootstrap(400, store=sys.argv[1], **how).fit(rows())
"""


@pytest.mark.slow
@needs_kill
@pytest.mark.parametrize(
    "how", ["{}", "{'n_jobs': 2}", "{'resample': 'tests'}", "{'algorithm': PCMCIPlus(max_lag=1)}"]
)
def test_a_bootstrap_that_was_killed_loses_at_most_the_last_line(tmp_path, how):
    path = tmp_path / "kept"
    command = [sys.executable, "-c", KILLED, str(path), HERE, how]
    process = subprocess.Popen(command, cwd=tmp_path)
    killed_after(process, path, 5_000)
    left = path.read_bytes()
    numbers = [row["number"] for row in noted_lines(path) if "number" in row]
    assert 0 < len(numbers) < 400
    settings = eval(how)
    again = bootstrap(400, store=path, **settings).fit(rows())
    assert path.read_bytes().startswith(left)
    lines = path.read_bytes().split(b"\n")
    after = [json.loads(line)["number"] for line in lines[1:-1] if whole(line)]
    assert sorted(after) == list(range(400))  # each once: none was learnt twice
    assert after[: len(numbers)] == numbers
    assert same(again, bootstrap(400, **settings).fit(rows()))


def killed_after(process: subprocess.Popen, path: Path, size: int) -> None:
    """Kill a process once a file has so many bytes."""
    deadline = time.monotonic() + 120
    while not path.exists() or path.stat().st_size < size:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "it wrote nothing"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
