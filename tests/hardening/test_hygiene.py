"""Nothing is left behind: no workers, threads, open files or memory, however often it is called."""

from __future__ import annotations

import gc
import os
import threading
import time
import tracemalloc
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit._core.journal import note_line, noted_lines
from causalkit._core.parallel import one_thread, run
from causalkit.benchmark.storage import Result, Store
from causalkit.discovery import PC, Bootstrap, Knowledge
from causalkit.estimation import AIPW
from causalkit.graph import CausalGraph, LaggedGraph
from causalkit.models import StructuralCausalModel

HANDLES = Path("/proc/self/fd")
needs_proc = pytest.mark.skipif(not HANDLES.is_dir(), reason="reads handles in /proc/self/fd")


def open_below(folder: Path) -> list[str]:
    """Files of the folder that this process has open; other threads may open others meanwhile."""
    found = []
    for handle in HANDLES.iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            found.append(handle.readlink())
    return [str(path) for path in found if path.is_relative_to(folder.resolve())]


def table(n: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    t = (0.5 * x + rng.normal(size=n) > 0).astype(float)
    return {"x": x, "t": t, "y": t + x + rng.normal(size=n)}


def blas_threads(_: int) -> tuple[int, list[int]]:
    from threadpoolctl import threadpool_info

    np.ones((50, 50)) @ np.ones((50, 50))
    return os.getpid(), [library["num_threads"] for library in threadpool_info()]


def children() -> list[int]:
    """Processes that are children of this one, by their status file."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text()
        except (OSError, ValueError):
            continue
        if int(fields[1]) == os.getpid() and "resource_tracker" not in command:
            found.append(int(folder.name))
    return found


def test_threads_end_with_the_call():
    before = threading.active_count()
    for _ in range(5):
        assert run(abs, [(-k,) for k in range(8)], n_jobs=2, threads=True) == list(range(8))
    assert threading.active_count() == before


def test_results_are_kept_one_by_one_and_in_their_order():
    for how in ({}, {"n_jobs": 2, "threads": True}):
        kept: dict[int, int] = {}
        found = run(abs, [(-k,) for k in range(9)], keep=kept.__setitem__, **how)
        assert list(kept.items()) == list(enumerate(found))


def test_numerical_libraries_get_their_threads_back():
    before = blas_threads(0)[1]
    with one_thread(), one_thread():
        assert set(blas_threads(0)[1]) <= {1}
    assert blas_threads(0)[1] == before
    with pytest.raises(ZeroDivisionError), one_thread():
        1 / 0  # noqa: B018
    assert blas_threads(0)[1] == before


@pytest.mark.slow
@needs_proc
def test_workers_do_not_pile_up_and_go_when_they_are_released():
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)
    before, cores = children(), os.cpu_count() or 1
    for steady in (True, False, True):
        found = run(blas_threads, [(k,) for k in range(6)], n_jobs=2, steady=steady)
        pids = {pid for pid, _ in found}
        assert len(pids) <= 2
        for _, threads in found:
            assert all(n * 2 <= max(2, cores) for n in threads)  # no more threads than cores
            assert not steady or set(threads) <= {1}
        assert len(children()) <= len(before) + 2
    get_reusable_executor().shutdown(wait=True)
    deadline = time.monotonic() + 30
    while set(children()) - set(before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(children()) - set(before)


@needs_proc
def test_no_file_is_left_open(tmp_path):
    graph, lagged = CausalGraph.parse("t -> y; x -> y"), LaggedGraph.parse("x[t-1] -> y[t]")
    model = StructuralCausalModel(graph, mechanism="linear", random_state=0).fit(table(50))
    (tmp_path / "known.yaml").write_text("tiers: [[x], [t], [y]]")
    store = Store.open(tmp_path / "board")

    def through(suffix: str) -> None:
        graph.save(tmp_path / f"graph{suffix}")
        CausalGraph.read(tmp_path / f"graph{suffix}")

    def as_lagged() -> None:
        lagged.save(tmp_path / "lagged.json")
        LaggedGraph.read(tmp_path / "lagged.json")

    def as_model() -> None:
        model.save(tmp_path / "model.npz")
        StructuralCausalModel.load(tmp_path / "model.npz")

    def as_lines() -> None:
        note_line(tmp_path / "lines.jsonl", {"number": 1})
        list(noted_lines(tmp_path / "lines.jsonl"))
        Knowledge.from_yaml(tmp_path / "known.yaml")

    def as_results() -> None:
        store.note([Result("k", "m", 0, 9, "PC", "discovery", "ok", 0.1)])
        store.gather()
        store.read()

    suffixes = (".json", ".dot", ".graphml", ".txt", ".tetrad", ".dagitty")
    ways = [partial(through, suffix) for suffix in suffixes]
    ways += [as_lagged, as_model, as_lines, as_results]

    for way in ways:
        way()
    gc.collect()
    before = len(list(HANDLES.iterdir()))
    gc.disable()  # what only the collector closes is left open
    try:
        for k in range(50):
            ways[k % len(ways)]()
        deadline = time.monotonic() + 30  # pyarrow's own threads close what they read
        while len(list(HANDLES.iterdir())) > before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert open_below(tmp_path) == []
        assert len(list(HANDLES.iterdir())) <= before
        lines = (tmp_path / "lines.jsonl").resolve()
        with lines.open():
            assert open_below(tmp_path) == [str(lines)]
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::causalkit.errors.CausalkitWarning")
@pytest.mark.parametrize("what", ["PC", "AIPW", "Bootstrap"])
def test_memory_does_not_grow_with_the_number_of_fits(what):
    data = table()
    estimand = None
    if what == "AIPW":
        import causalkit as ck

        estimand = ck.identify(CausalGraph.parse("x -> t -> y; x -> y"), "t", "y")

    def once(seed: int) -> None:
        if estimand is not None:
            learners = LinearRegression(), LogisticRegression()
            estimand.estimate(data, AIPW(*learners, n_folds=2, random_state=seed))
        elif what == "PC":
            PC(alpha=0.05).fit(table(seed=seed))
        else:
            Bootstrap(PC(), 5, random_state=seed).fit(table(seed=seed))

    for seed in range(10):
        once(seed)
    tracemalloc.start()
    try:
        held = []
        for half in range(2):
            for seed in range(100):
                once(100 * half + seed)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 50_000  # bytes in a hundred fits
