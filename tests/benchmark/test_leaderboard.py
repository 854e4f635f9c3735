"""Comparisons: what is counted is counted right, nothing is lost, nothing is done twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from causalkit.benchmark import leaderboard as module
from causalkit.benchmark.leaderboard import compare
from causalkit.benchmark.methods import Learnt
from causalkit.benchmark.tasks import score_discovery
from causalkit.benchmark.truths import KnownTruth
from causalkit.discovery import PC, Bootstrap, ExactPosterior, Granger
from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation import OLS
from causalkit.graph import CausalGraph, LaggedGraph, random_dag
from causalkit.metrics import auprc, auroc, shd, sid
from causalkit.models import random_svar

CHAIN = "a -> b -> c; a -> c"


def linear_table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, n))
    b = b + a
    return {"a": a, "b": b, "c": c + b - 0.5 * a}


TABLE = KnownTruth(linear_table(), CHAIN, {("a", "b"): 1.0, ("b", "c"): 1.0, ("a", "c"): 0.5})


class Counting:
    """A method that notes its calls in a file, and breaks off at one of them."""

    def __init__(self, path, answer=CHAIN, stop_at=None):
        self.path, self.answer, self.stop_at = path, answer, stop_at

    def __call__(self, _data):
        with self.path.open("a") as file:
            file.write("x")
        if self.stop_at is not None and len(self.path.read_text()) == self.stop_at:
            raise KeyboardInterrupt
        return self.answer

    def __reduce__(self):  # who is asked, and not when it breaks off
        return Counting, (self.path, self.answer)


def numbers(board):
    frame = board.to_frame().drop(columns="seconds")
    return frame.sort_values("key").reset_index(drop=True)


# --- numbers --------------------------------------------------------------------------------------


def test_a_graph_is_measured_as_the_metrics_measure_it():
    learnt = "b -> a; b -> c"
    board = compare(
        {"wrong": lambda _: learnt, "right": lambda _: CHAIN},
        {"table": TABLE},
        tasks="discovery",
        n_obs=100,
        n_repeats=2,
    )
    frame = board.to_frame().set_index("method")
    row = frame.loc["wrong"].iloc[0]
    assert row["shd"] == shd(CHAIN, learnt) == 2
    assert row["sid_lower"] == row["sid_upper"] == sid(CHAIN, learnt)
    assert row["shd_class"] == shd(
        CausalGraph.parse(CHAIN).to_cpdag(), CausalGraph.parse(learnt).to_cpdag()
    )
    assert row["f1"] == pytest.approx(2 * 2 / (3 + 2))
    assert row["arrow_precision"] == 1 / 2
    assert row["arrow_recall"] == 1 / 3
    right = frame.loc["right"].iloc[0]
    assert right["shd"] == right["sid_upper"] == right["oset_aid"] == 0
    assert board.best("shd") == "right"
    assert np.isnan(row["auroc"])


def test_confidences_are_ranked_and_prevalence_is_told():
    model = random_svar(4, max_lag=2, rng=1)
    scores = np.random.default_rng(0).random((4, 4))
    board = compare(
        {"scores": lambda _: scores}, {"var": model}, tasks="discovery", n_obs=50, n_repeats=1
    )
    row = board.to_frame().set_index("method").loc["scores"]
    assert row["auroc"] == auroc(model.graph, scores)
    assert row["auprc"] == auprc(model.graph, scores)
    links = model.graph.summary_graph().adjacency & ~np.eye(4, dtype=bool)
    assert row["prevalence"] == links.sum() / 12
    assert np.isnan(row["shd"])


@pytest.mark.parametrize("learner", [Bootstrap(PC(), 10), ExactPosterior()])
def test_shares_and_probabilities_of_edges_are_ranked(learner):
    x = np.random.default_rng(0).normal(size=(400, 4))
    x[:, 2] += x[:, 0] + x[:, 1]
    x[:, 3] += x[:, 2]
    model = KnownTruth(dict(zip("abcd", x.T, strict=True)), "a -> c <- b; c -> d")
    board = compare({"it": learner}, {"t": model}, tasks="discovery", n_obs=300, n_repeats=1)
    row = board.to_frame().set_index("method").loc["it"]
    assert row["auroc"] > 0.9, row["message"]
    assert row["prevalence"] == 3 / 12


def test_strengths_of_links_are_ranked_by_their_best_lag():
    class Strong:
        def fit(self, _data):
            self.graph_ = LaggedGraph.parse("x0[t-1] -> x1[t]; x2[t]")
            self.strengths_ = np.full((3, 3, 3), np.nan)
            self.strengths_[1:] = np.arange(18.0).reshape(2, 3, 3) - 12

    model = random_svar(3, max_lag=2, rng=3)
    board = compare({"it": Strong()}, {"v": model}, tasks="discovery", n_obs=50, n_repeats=1)
    expected = np.abs(np.arange(18.0).reshape(2, 3, 3) - 12).max(axis=0)
    row = board.to_frame().set_index("method").loc["it"]
    assert row["auroc"] == auroc(model.graph, expected)


def test_latent_causes_are_held_against_the_mag():
    truth = KnownTruth(linear_table(), "a -> b <-> c")
    pag = CausalGraph.parse("a o-> b; c o-> b", kind="PAG")
    board = compare(
        {"pag": lambda _: pag}, {"latent": truth}, tasks="discovery", n_obs=50, n_repeats=1
    )
    row = board.to_frame().set_index("method").loc["pag"]
    assert row["shd_class"] == 0
    assert row["shd"] == 2  # both open ends count as not found
    assert row["f1"] == 1
    assert np.isnan(row["sid_lower"])


def test_effects_are_estimated_by_way_of_the_learnt_graph():
    class Asked(KnownTruth):
        treatment, outcome = "b", "c"

    model = Asked(linear_table(), CHAIN, {("b", "c"): 1.0})
    methods = {
        "right": (lambda _: CHAIN, OLS()),
        "no confounder": (lambda _: "a -> b -> c", OLS()),
        "no effect": (lambda _: "c -> b; a -> b", OLS()),
        "open": (lambda _: CausalGraph.parse("a -- b; b -- c; a -- c", kind="CPDAG"), OLS()),
    }
    board = compare(methods, {"table": model}, tasks="effect", n_obs=300, n_repeats=3)
    frame = board.to_frame().set_index(["method", "repeat"])
    for repeat in range(3):
        right, told = frame.loc[("right", repeat)], frame.loc[("true graph, OLS", repeat)]
        assert right["error"] == told["error"]
        assert right["covered"] == (abs(right["error"]) <= right["width"] / 2)
        assert frame.loc[("no effect", repeat), "error"] == -1.0
        assert frame.loc[("no effect", repeat), "covered"] == 0.0
    assert set(frame.loc["open"]["status"]) == {"not identified"}
    summary = board.summary("effect")
    assert summary.loc["no confounder", "bias"] < -0.15  # a: 1 -> b, -0.5 -> c, var(b) = 2
    assert abs(summary.loc["right", "bias"]) < 0.2
    errors = frame.loc["right"]["error"]
    assert summary.loc["right", "rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert summary.loc["open", "not identified"] == 3
    assert "true graph, OLS" not in board.ranks("absolute_error").methods


def test_effects_of_series_are_those_of_the_model():
    model = random_svar(3, max_lag=1, step_links=0.0, rng=2)
    board = compare({"G": Granger(1)}, {"var": model}, tasks="effect", n_obs=2000, n_repeats=3)
    told = board.to_frame().set_index("method").loc["true graph"]
    effects = model.effects(1)[1]
    assert all(np.isclose(effects, truth).any() for truth in told["truth"])
    assert (told["error"].abs() < 5 * told["width"] / 3.92).all()


def test_an_effect_that_nothing_identifies_is_a_trap():
    class Bow(KnownTruth):
        treatment, outcome = "a", "b"

    model = Bow(linear_table(), "a -> b; a <-> b; c", {("a", "b"): 1.0})
    honest = (lambda _: "a -> b; a <-> b; c", OLS())
    methods = {"honest": honest, "bold": (lambda _: "a -> b; c", OLS())}
    board = compare(methods, {"bow": model}, tasks="effect", n_obs=50, n_repeats=2)
    summary = board.summary()
    assert summary.loc["bold", "trapped"] == summary.loc["empty", "trapped"] == 1.0
    assert summary.loc["honest", "trapped"] == summary.loc["true graph, OLS", "trapped"] == 0.0
    assert board.best("trapped") == "honest"
    assert "rmse" not in summary
    assert "bold" in repr(board)


def test_where_no_effect_can_be_asked_for_there_is_a_row_that_says_why():
    bent_one = random_svar(3, max_lag=1, function=np.tanh, rng=2)
    board = compare({"G": Granger(1)}, {"bent": bent_one}, tasks="effect", n_obs=60, n_repeats=1)
    frame = board.to_frame()
    assert set(frame["status"]) == {"not applicable"}
    assert frame["message"].str.contains("not linear").all()


def test_sortability_is_reported_in_the_units_of_the_data():
    board = compare(
        {"none": lambda _: CHAIN}, {"t": TABLE}, tasks="discovery", n_obs=200, n_repeats=2
    )
    assert board.sortability.loc["t", "varsortability"] == 1.0
    frame = board.to_frame().set_index("method")
    by_variance = [
        frame.loc["sorted by variance", "shd"].mean(),
        compare(
            {"none": lambda _: CHAIN},
            {"t": TABLE},
            tasks="discovery",
            n_obs=200,
            n_repeats=2,
            standardize=False,
        )
        .summary()
        .loc["sorted by variance", "shd"],
    ]
    assert by_variance[1] == 0 < by_variance[0]  # units give the order away, and are taken away


def test_methods_meet_the_same_data_and_those_of_another_repeat_differ():
    seen = {"one": [], "two": []}
    methods = {
        "one": lambda data: seen["one"].append(data["a"].copy()) or CHAIN,
        "two": lambda data: seen["two"].append(data["a"].copy()) or CHAIN,
    }
    compare(methods, {"t": TABLE}, tasks="discovery", n_obs=50, n_repeats=2)
    assert np.array_equal(seen["one"], seen["two"])
    assert not np.array_equal(seen["one"][0], seen["one"][1])


def test_order_of_work_changes_no_number(monkeypatch):
    def ask():
        return compare(
            {"PC": PC(), "G": lambda _: CHAIN},
            {"t": TABLE},
            tasks=("discovery", "effect"),
            n_obs=100,
            n_repeats=2,
        )

    plain, usual = ask(), module.run

    def backwards(job, arguments, **settings):
        return usual(job, arguments[::-1], **settings)[::-1]

    monkeypatch.setattr(module, "run", backwards)
    assert numbers(plain).equals(numbers(ask()))


@pytest.mark.slow
def test_workers_change_no_number(tmp_path):
    settings = {"n_obs": 100, "n_repeats": 2}
    ours = {"G": Granger(1), "mine": lambda _: "x0[t-1] -> x1[t]; x2[t]"}
    models = {"vars": lambda rng: random_svar(3, max_lag=1, rng=rng)}
    serial = compare(ours, models, **settings)
    side_by_side = compare(ours, models, n_jobs=2, store=tmp_path / "kept", **settings)
    assert numbers(serial).equals(numbers(side_by_side))
    assert not list((tmp_path / "kept" / "journal").iterdir())


def test_a_family_gives_each_repeat_a_model_of_its_own():
    drawn = []

    def family(rng):
        drawn.append(random_svar(5, max_lag=2, rng=rng))
        return drawn[-1]

    board = compare({"G": Granger(2)}, {"vars": family}, tasks="discovery", n_obs=100, n_repeats=4)
    assert len({model.graph for model in drawn}) == 4
    assert board.summary().loc["G", "rank"] < 2


# --- interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["folder", "results.duckdb"])
def test_an_interrupted_run_is_continued_and_repeats_nothing(tmp_path, name):
    if name.endswith("duckdb"):
        pytest.importorskip("duckdb")
    calls, settings = tmp_path / "calls", {"tasks": "discovery", "n_obs": 50, "n_repeats": 4}
    with pytest.raises(KeyboardInterrupt):
        compare({"it": Counting(calls, stop_at=3)}, {"t": TABLE}, store=tmp_path / name, **settings)
    assert len(calls.read_text()) == 3  # two are done, and the third was lost on the way
    board = compare({"it": Counting(calls)}, {"t": TABLE}, store=tmp_path / name, **settings)
    assert len(calls.read_text()) == 3 + 2
    again = compare({"it": Counting(calls)}, {"t": TABLE}, store=tmp_path / name, **settings)
    assert len(calls.read_text()) == 5
    assert numbers(board).equals(numbers(again))
    assert board.to_frame()["seconds"].equals(again.to_frame()["seconds"])
    fresh = compare({"it": Counting(calls)}, {"t": TABLE}, **settings)
    assert numbers(board).equals(numbers(fresh))


KILLED = """
import os, signal, sys
sys.path.insert(0, {folder!r})
import killed
usual = killed.Method.__call__
def dies_at_the_fourth(self, data):
    if killed.calls.exists() and len(killed.calls.read_text()) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return usual(self, data)
killed.Method.__call__ = dies_at_the_fourth
killed.ask()
"""

MODULE = """
import numpy as np
from pathlib import Path
from causalkit.benchmark.leaderboard import compare
from causalkit.benchmark.truths import KnownTruth
folder = Path(__file__).parent
calls = folder / "calls"
class Method:
    def __call__(self, data):
        with calls.open("a") as file:
            file.write("x")
        return "a -> b"
method = Method()
method.settings = [{"b", "a", "c"}, lambda data: data + 1, {"alpha": 0.1}]
x = np.random.default_rng(0).normal(size=(50, 2))
model = KnownTruth({"a": x[:, 0], "b": x[:, 1]}, "a -> b")
def ask():
    return compare({"it": method}, {"t": model}, tasks="discovery", n_obs=20, n_repeats=5,
                   store=folder / "kept")
"""


def test_a_run_that_had_no_time_to_tidy_up_has_lost_nothing(tmp_path, monkeypatch):
    calls, settings = tmp_path / "calls", {"tasks": "discovery", "n_obs": 50, "n_repeats": 3}
    with monkeypatch.context() as patch:
        patch.setattr(module.Store, "gather", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            compare(
                {"it": Counting(calls, stop_at=3)},
                {"t": TABLE},
                store=tmp_path / "kept",
                **settings,
            )
    assert not list((tmp_path / "kept").glob("part-*"))
    board = compare({"it": Counting(calls)}, {"t": TABLE}, store=tmp_path / "kept", **settings)
    assert len(calls.read_text()) == 4
    assert board.summary().loc["it", "done"] == 3


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a signal that nobody can catch")
def test_a_run_that_was_killed_has_lost_nothing(tmp_path, monkeypatch):
    (tmp_path / "killed.py").write_text(MODULE)
    script = KILLED.format(folder=str(tmp_path))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert len((tmp_path / "calls").read_text()) == 3
    assert not list((tmp_path / "kept").glob("part-*"))  # it had no time to tidy up
    monkeypatch.syspath_prepend(tmp_path)
    import killed

    board = killed.ask()
    assert len((tmp_path / "calls").read_text()) == 5
    assert board.summary().loc["it", "done"] == 5
    assert not list((tmp_path / "kept" / "journal").iterdir())


def test_more_repeats_methods_and_tasks_are_added_to_what_is_there(tmp_path):
    calls, settings = tmp_path / "calls", {"n_obs": 50, "store": tmp_path / "kept"}
    ours = {"it": Counting(calls)}
    compare(ours, {"t": TABLE}, tasks="discovery", n_repeats=2, **settings)
    compare(ours, {"t": TABLE}, tasks="discovery", n_repeats=3, **settings)
    assert len(calls.read_text()) == 3
    board = compare(
        {"renamed": Counting(calls), "PC": PC()},
        {"other name": TABLE},
        tasks="discovery",
        n_repeats=3,
        **settings,
    )
    assert len(calls.read_text()) == 3
    assert board.models == ("other name",)
    assert {"renamed", "PC"} <= set(board.methods)
    compare(ours, {"t": TABLE}, tasks="discovery", n_repeats=3, random_state=1, **settings)
    assert len(calls.read_text()) == 6


# --- trouble --------------------------------------------------------------------------------------


def test_failures_are_rows_and_can_be_tried_again(tmp_path):
    state = {"broken": True}

    def sometimes(data):
        if state["broken"]:
            raise RuntimeError("a library is missing\nand more")
        return CHAIN

    class Sometimes:
        def __call__(self, data):
            return sometimes(data)

    settings = {"tasks": "discovery", "n_obs": 50, "n_repeats": 2, "store": tmp_path / "kept"}
    board = compare({"it": Sometimes()}, {"t": TABLE}, **settings)
    rows = board.to_frame().set_index("method").loc["it"]
    assert set(rows["status"]) == {"failed"}
    assert set(rows["message"]) == {"RuntimeError: a library is missing"}
    assert "failed on 2" in repr(board)
    assert board.summary().loc["it", "failed"] == 2
    assert board.best("shd") != "it"
    state["broken"] = False
    assert compare({"it": Sometimes()}, {"t": TABLE}, **settings).best("shd") != "it"
    retried = compare({"it": Sometimes()}, {"t": TABLE}, retry="failed", **settings)
    assert retried.best("shd") == "it"


def test_a_method_without_an_answer_ranks_last():
    def half(data):
        if data["a"][0] > 0:
            raise ValueError
        return CHAIN

    board = compare({"half": half}, {"t": TABLE}, tasks="discovery", n_obs=30, n_repeats=8)
    frame = board.to_frame()
    failed = frame[(frame["method"] == "half") & (frame["status"] == "failed")]["repeat"]
    assert 0 < len(failed) < 8
    n_others = len(board.methods) - 1
    expected = (len(failed) * (n_others + 1) + (8 - len(failed))) / 8
    assert board.summary().loc["half", "rank"] == expected


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
def test_what_takes_too_long_is_stopped_and_has_a_row(tmp_path):
    def slow(data):
        try:
            for _ in range(3000):
                time.sleep(0.01)
        except Exception:  # what comes must not be caught by this
            return CHAIN
        return CHAIN

    settings = {"tasks": ("discovery", "effect"), "n_obs": 50, "n_repeats": 1}
    settings["store"] = tmp_path / "kept"
    board = compare({"slow": slow}, {"t": TABLE}, time_limit=0.1, **settings)
    rows = board.to_frame().set_index("method").loc["slow"]
    assert set(rows["status"]) == {"timeout"}
    assert (rows["seconds"] < 5).all()
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    calls = tmp_path / "calls"
    compare({"slow": slow, "it": Counting(calls)}, {"t": TABLE}, time_limit=0.1, **settings)
    assert set(board.to_frame()["time_limit"]) == {0.1}


def test_a_timeout_counts_until_there_is_more_time(tmp_path):
    calls = tmp_path / "calls"

    class Slow(Counting):
        def __call__(self, data):
            super().__call__(data)
            time.sleep(0.15)
            return CHAIN

        def __reduce__(self):
            return Slow, (self.path,)

    def ask(limit):
        return compare(
            {"it": Slow(calls)},
            {"t": TABLE},
            tasks="discovery",
            n_obs=50,
            n_repeats=1,
            store=tmp_path / "kept",
            time_limit=limit,
        )

    ask(0.05)
    ask(0.05)
    assert len(calls.read_text()) == 1
    assert ask(10.0).best("shd") == "it"
    assert len(calls.read_text()) == 2
    ask(0.05)  # it is done, and stays done
    assert len(calls.read_text()) == 2


def test_warnings_are_noted_and_not_raised():
    import warnings

    def warns(data):
        warnings.warn("mind the noise", AssumptionWarning, stacklevel=1)
        return CHAIN

    board = compare({"it": warns}, {"t": TABLE}, tasks="discovery", n_obs=50, n_repeats=1)
    assert board.to_frame().set_index("method").loc["it", "warned"] == "AssumptionWarning"


def test_a_model_that_fails_is_the_models_fault():
    class Fails:
        graph = CausalGraph.parse("a -> b")

        def __init__(self):
            self.n = 0

        def sample(self, n, rng=None):
            if rng.random() < 0.99 and self.n:
                raise ArithmeticError("ran away")
            self.n += 1
            return {"a": rng.normal(size=n), "b": rng.normal(size=n)}

    board = compare(
        {"it": lambda _: "a -> b"}, {"m": Fails()}, tasks="discovery", n_obs=20, n_repeats=2
    )
    assert "the model: ArithmeticError: ran away" in set(board.to_frame()["message"])


@pytest.mark.parametrize(
    ("methods", "models", "settings", "says"),
    [
        ({}, {"t": TABLE}, {}, "methods is a dict"),
        ({"PC": PC}, {"t": TABLE}, {}, "not its class"),
        ({"it": 3}, {"t": TABLE}, {}, "expected an algorithm"),
        ({"it": (PC(), 3)}, {"t": TABLE}, {}, "expected an algorithm"),
        ({"empty": PC()}, {"t": TABLE}, {}, "another name"),
        ({"it": PC()}, {}, {}, "models is a dict"),
        ({"it": PC()}, {"t": 3}, {}, "without sample"),
        ({"it": PC()}, {"t": TABLE, "s": random_svar(3, rng=0)}, {}, "some of series"),
        ({"it": PC()}, {"t": TABLE}, {"tasks": "nonsense"}, "tasks"),
        ({"it": PC()}, {"t": TABLE}, {"n_obs": 10**6}, "400 rows"),
        ({"it": PC()}, {"t": TABLE}, {"n_repeats": 0}, "n_repeats"),
        ({"it": PC()}, {"t": TABLE}, {"store": "x.csv"}, r"ends in '\.csv'"),
        ({"it": PC()}, {"t": TABLE}, {"store": "x", "random_state": None}, "an integer"),
        ({"it": PC()}, {"t": TABLE}, {"time_limit": -1}, "time_limit"),
        ({"it": PC()}, {"t": TABLE}, {"retry": "all"}, "retry"),
    ],
)
def test_what_cannot_be_compared_is_refused(methods, models, settings, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        compare(methods, models, **{"n_obs": 50, "n_repeats": 1, **settings})


def test_a_method_for_tables_on_series_has_a_row_that_says_so():
    graph = LaggedGraph.parse("a[t-1] -> b[t]")
    model = KnownTruth(linear_table()["a"][:, None] * [1.0, 2.0], graph)
    assert model.sample(5, rng=0).shape == (5, 2)
    effects = {("a[t-1]", "b[t]"): 0.0}
    named = KnownTruth({k: linear_table()[k] for k in "ab"}, graph, effects)
    board = compare(
        {"it": lambda _: CausalGraph.parse("a -> b")},
        {"s": named},
        tasks=("discovery", "effect"),
        n_obs=50,
        n_repeats=1,
    )
    rows = board.to_frame().set_index("method").loc["it"]
    assert set(rows["status"]) == {"failed"}


def test_bounds_that_would_take_long_are_left_out():
    truth = random_dag(8, rng=0)
    pairs = [f"{a} -- {b}" for k, a in enumerate(truth.nodes) for b in truth.nodes[:k]]
    full = CausalGraph.parse("; ".join(pairs), kind="CPDAG")
    found = score_discovery(truth, Learnt(full))
    assert "sid_upper" not in found
    assert found["parent_aid"] > 0
    assert "sid_upper" in score_discovery(truth, Learnt(truth.to_cpdag()))


def test_what_is_to_be_done_is_said_if_asked(capsys):
    settings = {"tasks": "discovery", "n_obs": 100, "n_repeats": 2}
    models = {"linear": random_svar(3, max_lag=1, rng=0)}
    compare({"mine": Granger(1)}, models, **settings)
    assert capsys.readouterr().err == ""
    board = compare({"mine": Granger(1)}, models, **settings, progress=True)
    n = len(board.methods)
    said = capsys.readouterr().err.splitlines()[0]
    assert said.startswith(f"comparing {n} methods (1 given, {n - 1} to hold them against)")
    assert said.endswith(f"on 2 data sets: {2 * n} runs")
