"""A certificate says what brute force says, and is the same however its run was cut."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import causalkit as ck
from causalkit.discovery import FCI, PC, Knowledge
from causalkit.errors import InputError
from causalkit.estimation import OLS
from causalkit.graph import Kind, members
from causalkit.workflow.certificates.certificate import Certificate
from causalkit.workflow.certificates.certification import certify
from causalkit.workflow.certificates.drawn_graphs import random_member
from causalkit.workflow.certificates.monte_carlo import MonteCarlo
from causalkit.workflow.certificates.trial_journal import Journal, Trial
from causalkit.workflow.certificates.twin_draws import draws_of
from causalkit.workflow.certificates.twin_trials import World
from causalkit.workflow.learnt.graph_set import GraphSet

GRAPH = ck.CausalGraph.parse("age -> dose -> health; age -> health")


def patients(n: int = 150, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    dose = age + rng.normal(size=n)
    return pd.DataFrame({"age": age, "dose": dose, "health": dose - age + rng.normal(size=n)})


def analysed(data: pd.DataFrame, **settings) -> ck.workflow.Analysis:
    settings = {"graph": GRAPH, "estimator": OLS(), "checks": [], **settings}
    return ck.analyze(data, "dose", "health", **settings)


def same(one: Certificate, other: Certificate) -> bool:
    return repr(one.trials) == repr(other.trials) and one.worlds == other.worlds


# --- the arithmetic -------------------------------------------------------------------------------


def test_the_error_of_worlds_of_one_trial_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(size=40)
    found = MonteCarlo.of(values, np.arange(40))
    error = values.std(ddof=1) / math.sqrt(40)
    assert found.clustered == pytest.approx(error)
    assert found.independent == pytest.approx(error)


def test_with_worlds_of_equal_size_it_is_the_error_of_the_mean_of_their_means():
    rng = np.random.default_rng(1)
    values = (rng.normal(size=(8, 1)) + rng.normal(size=(8, 25))).ravel()
    means = values.reshape(8, 25).mean(axis=1)
    found = MonteCarlo.of(values, np.repeat(np.arange(8), 25))
    assert found.clustered == pytest.approx(means.std(ddof=1) / math.sqrt(8))
    assert found.std_error == found.clustered > 2 * found.independent


def test_its_intervals_cover_the_mean_over_all_worlds():
    rng = np.random.default_rng(2)
    worlds = np.repeat(np.arange(10), 20)
    covered = []
    for _ in range(300):
        chances = rng.beta(8, 2, size=10)[worlds]
        found = MonteCarlo.of((rng.random(200) < chances).astype(float), worlds, share=True)
        lower, upper = found.interval()
        covered.append(lower < 0.8 < upper)
    assert abs(np.mean(covered) - 0.95) < 4 * math.sqrt(0.05 * 0.95 / 300)


def test_a_share_without_exceptions_is_not_known_without_error():
    found = MonteCarlo.of(np.ones(100), np.repeat(np.arange(5), 20), share=True)
    assert found.value == 1
    assert found.clustered == 0 < found.std_error
    assert found.interval()[0] < 0.98 < found.interval()[1] == 1
    assert not MonteCarlo.of(np.full(3, np.nan), np.arange(3)).n_trials


def test_few_trials_that_all_cover_have_wilsons_interval():
    """Centred at one it reached down to 0.789 only, and the exact one to 0.631."""
    from scipy.stats import binomtest

    found = MonteCarlo.of(np.ones(8), np.repeat([0, 1], 4), share=True)
    wilson = binomtest(8, 8).proportion_ci(method="wilson")
    assert found.interval() == pytest.approx((wilson.low, 1.0))
    some = MonteCarlo.of(np.array([1.0, 0, 1, 1, 1, 0, 1, 1]), np.zeros(8, dtype=int), share=True)
    wilson = binomtest(6, 8).proportion_ci(method="wilson")
    assert some.interval() == pytest.approx((wilson.low, wilson.high))


def test_coverage_bias_power_and_verdict_are_those_of_the_trials():
    with_effect = World(0, GRAPH, 1.0, 0.0, has_effect=True, auc=0.5)
    without = World(1, GRAPH, 0.0, 0.0, has_effect=False, auc=0.6)
    trials = (
        Trial(0, 0, "answered", 1.5, (1.2, 1.8), (0.5, 2.5)),
        Trial(0, 1, "answered", 0.9, (-0.1, 1.9), (-1.0, 3.0)),
        Trial(1, 0, "answered", 0.2, (0.1, 0.3), (-1.0, 1.4)),
        Trial(1, 1, "not identified", message="NotIdentifiableError: open"),
    )
    found = Certificate("dose", "health", 0.95, 150, True, (with_effect, without), trials)
    assert found.coverage["given_graph"].value == pytest.approx(1 / 3)
    assert found.coverage["honest"].value == 1
    assert found.bias.value == pytest.approx((0.5 - 0.1 + 0.2) / 3)
    assert found.power["given_graph"].value == found.power["honest"].value == 0.5
    assert found.false_positives["given_graph"].value == 1
    assert found.false_positives["honest"].value == 0
    assert found.answered.value == 0.75
    assert found.verdict == "not settled"
    assert any("1 of 4 tables got no answer" in note for note in found.notes)
    assert found.to_frame()["answers"].tolist() == [2, 1]
    assert "honest" not in str(found)  # one word for one thing: interval()
    many = tuple(replace(trials[0], honest=(2.0, 3.0), number=k) for k in range(50))
    failing = replace(found, worlds=(with_effect,), trials=many)
    assert failing.verdict == "too short"
    assert "too short" in failing._repr_html_()
    endless = replace(found, trials=(replace(trials[0], honest=(-math.inf, math.inf)),))
    assert any("1 table(s) the interval is the whole line" in note for note in endless.notes)


# --- the graphs -----------------------------------------------------------------------------------


def test_members_of_a_class_are_equally_likely():
    graph = ck.CausalGraph.parse("a -- b -- c", kind="CPDAG")
    known = list(members(graph))
    rng = np.random.default_rng(0)
    drawn = [known.index(random_member(graph, rng)) for _ in range(60)]
    counts = np.bincount(drawn, minlength=3)
    assert ((counts - 20) ** 2 / 20).sum() < 13.8  # 0.1 % of chi-square, 2 degrees


def test_a_member_of_a_large_class_is_one_of_it():
    names = "abcdefg"
    edges = [(a, b, "--") for k, a in enumerate(names) for b in names[k + 1 :]]
    clique = ck.CausalGraph.from_edges(names, edges, kind="CPDAG")
    rng = np.random.default_rng(0)
    drawn = [random_member(clique, rng) for _ in range(3)]
    assert all(dag.kind is Kind.DAG and dag.to_cpdag() == clique for dag in drawn)
    assert len(set(drawn)) == 3


def test_a_member_of_a_pag_has_common_causes_for_its_arrows():
    rng = np.random.default_rng(0)
    pag = ck.CausalGraph.parse("PAG: a o-> b <-o c")
    drawn = {random_member(pag, rng) for _ in range(60)}
    assert len(drawn) == 4
    assert {graph.kind for graph in drawn} == {Kind.DAG, Kind.ADMG}


# --- the call -------------------------------------------------------------------------------------


def test_the_truth_of_a_linear_twin_is_the_estimate_that_it_was_fitted_to():
    data = patients()
    analysis = analysed(data)
    found = certify(analysis, data, n_twins=1, n_replicates=12)
    assert found.worlds[0].truth == pytest.approx(analysis.effect.value, abs=1e-3)
    assert found.coverage["honest"] == found.coverage["given_graph"]
    assert found.answered.value == 1
    assert abs(found.bias.value) < 4 * found.bias.std_error


def test_graphs_are_drawn_from_those_that_were_learnt():
    data = patients()
    analysis = analysed(data, graph=None, discovery=PC(alpha=0.05), n_resamples=2)
    found = certify(analysis, data, n_twins=3, n_replicates=1)
    classes = {graph.to_cpdag() for graph in (world.graph for world in found.worlds)}
    assert classes <= set(analysis.learnt.graphs.graphs)
    for trial in found.trials:
        assert trial.honest[0] <= trial.given[0]
        assert trial.given[1] <= trial.honest[1]
    assert "graph as given" in repr(found)


def test_a_graph_without_a_path_has_no_effect_and_no_false_positive():
    data = patients()
    apart = ck.CausalGraph.parse("age -> dose; age -> health")
    found = certify(analysed(data, graph=apart), data, n_twins=1, n_replicates=2)
    assert found.worlds[0].truth == 0
    assert not found.worlds[0].has_effect
    assert found.false_positives["honest"].value == 0
    assert not found.power["honest"].n_trials


@pytest.mark.parametrize(
    "kind",
    [
        "numbers",
        pytest.param("labels", marks=pytest.mark.slow),
        pytest.param("booleans", marks=pytest.mark.slow),
    ],
)
def test_two_levels_are_held_against_each_other(kind: str):
    data = patients(300)
    high = data["dose"] > 0
    data["dose"] = {
        "numbers": np.where(high, 6.0, 1.0),
        "labels": pd.Categorical(np.where(high, "yes", "no")),
        "booleans": high,
    }[kind]
    analysis = analysed(data)
    found = certify(analysis, data, n_twins=1, n_replicates=2)
    assert found.worlds[0].truth == pytest.approx(analysis.effect.value, rel=0.05)
    assert found.answered.value == 1


def test_a_run_that_is_cut_goes_on_where_it_was(tmp_path: Path):
    data = patients(80)
    analysis = analysed(data)
    whole = certify(analysis, data, n_twins=2, n_replicates=3)
    certify(analysis, data, n_twins=1, n_replicates=2, store=tmp_path)
    (kept,) = tmp_path.iterdir()
    lines = kept.read_bytes()
    kept.write_bytes(lines + b'{"world": 0, "num')  # what a kill may leave
    assert same(certify(analysis, data, n_twins=2, n_replicates=3, store=tmp_path), whole)
    assert kept.read_bytes().startswith(lines)
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert same(certify(analysis, data, n_twins=2, n_replicates=3, store=tmp_path), whole)
    assert [path.stat().st_size for path in sorted(tmp_path.iterdir())] == sizes
    other = certify(analysis, data, n_twins=1, n_replicates=1, store=tmp_path, random_state=1)
    assert not same(other, replace(whole, trials=whole.trials[:1]))


def test_a_journal_without_a_folder_keeps_nothing():
    journal = Journal(None)
    journal.note(0, {"truth": 1.0})
    assert journal.read(0) == (None, {})


class Moody(OLS):
    """An estimator that refuses tables by chance."""

    def solve(self, problem):
        if problem.y[0] > problem.y[1] and len(problem.y) == 61:
            raise RuntimeError("not in the mood")
        return super().solve(problem)


def test_what_fails_is_counted():
    data = patients(61, seed=3)
    data = data if data["health"][0] <= data["health"][1] else data[::-1].reset_index(drop=True)
    found = certify(analysed(data, estimator=Moody()), data, n_twins=1, n_replicates=10)
    failed = [trial for trial in found.trials if trial.status == "failed"]
    assert 0 < len(failed) < 10
    assert found.coverage["honest"].n_trials == 10 - len(failed)
    assert failed[0].message == "RuntimeError: not in the mood"


def test_a_trial_that_lost_the_other_graphs_is_no_honest_coverage(monkeypatch):
    from causalkit.workflow import searching

    data = patients(120)
    tiers = Knowledge(tiers=[["age"], ["dose"], ["health"]])
    analysis = analysed(data, graph=None, knowledge=tiers, n_resamples=4)
    assert analysis.learnt is not None
    possible_graphs = searching.possible_graphs

    def moody(variables, *args, **options):
        if variables.values[0, 0] > 0:
            raise InputError("no graph today.")
        return possible_graphs(variables, *args, **options)

    monkeypatch.setattr(searching, "possible_graphs", moody)
    found = certify(analysis, data, n_twins=2, n_replicates=6)
    lost = [trial for trial in found.trials if trial.status == "graph as given"]
    assert 0 < len(lost) < 12
    assert all(np.isnan(trial.honest).all() for trial in lost)
    assert not np.isnan([(trial.estimate, *trial.given) for trial in lost]).any()
    assert lost[0].message == "no graph today."
    assert found.coverage["honest"].n_trials == 12 - len(lost)
    assert found.coverage["given_graph"].n_trials == found.bias.n_trials == 12
    assert found.graph_as_given.value == pytest.approx(len(lost) / 12)
    assert found.answered.value == 1
    assert any(f"On {len(lost)} of 12 tables going over other" in note for note in found.notes)
    nothing = replace(found, trials=tuple(lost), worlds=found.worlds)
    assert nothing.verdict == "no answer"


def test_what_cannot_be_certified_is_refused(tmp_path: Path):
    data = patients(60)
    analysis = analysed(data)
    with pytest.raises(InputError, match="not those of the analysis"):
        certify(analysis, patients(60, seed=1), n_twins=1, n_replicates=1)
    with pytest.raises(InputError, match="expected an integer, so that"):
        certify(analysis, data, store=tmp_path, random_state=None)
    with pytest.raises(InputError, match="expected what analyze"):
        certify(GRAPH, data)
    weighted = analysed(data, sample_weight=np.ones(60))
    with pytest.raises(InputError, match="has sample_weight"):
        certify(weighted, data)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        certify(analysis, data, store=tmp_path / "file")
    bow = ck.CausalGraph.parse("age -> dose -> health; age -> health; dose <-> health")
    with pytest.raises(
        InputError, match=r"cannot have all hidden causes.*whose graph has no others"
    ):
        certify(replace(analysis, graph=bow), data, n_twins=1, n_replicates=1)


# --- against brute force --------------------------------------------------------------------------

N, WEAK, STRONG, EFFECT = 400, 0.25, 1.0, 0.5
TIERS = Knowledge(tiers=[["c"], ["x"], ["y"]])


def confounded(noise: np.ndarray) -> pd.DataFrame:
    """A confounder that tests overlook now and then, and that matters."""
    c = noise[:, 0]
    x = STRONG * c + noise[:, 1]
    return pd.DataFrame({"c": c, "x": x, "y": EFFECT * x + WEAK * c + noise[:, 2]})


def exact_noise(seed: int) -> np.ndarray:
    """Noise whose sample moments are those of the model, so that what is fitted is the model."""
    noise = np.random.default_rng(seed).normal(size=(N, 3))
    noise -= noise.mean(axis=0)
    root = np.linalg.cholesky(np.cov(noise.T, ddof=0))
    return np.linalg.solve(root, noise.T).T


def overlooking(data: pd.DataFrame, n_resamples: int = 0, seed: int = 0) -> ck.workflow.Analysis:
    return ck.analyze(
        data,
        "x",
        "y",
        discovery=PC(alpha=0.001, knowledge=TIERS),
        estimator=OLS(),
        checks=[],
        n_resamples=n_resamples,
        random_state=seed,
    )


def covers(interval) -> bool:
    return bool(interval.lower <= EFFECT <= interval.upper)


def agree(found: MonteCarlo, brute: np.ndarray) -> bool:
    error = math.hypot(found.std_error, brute.std(ddof=1) / math.sqrt(len(brute)))
    return bool(abs(found.value - brute.mean()) < 3 * error)


def test_it_agrees_with_brute_force_on_a_pipeline_that_covers_too_seldom():
    rng = np.random.default_rng(0)
    tables = [confounded(rng.normal(size=(N, 3))) for _ in range(70)]
    brute = np.array([covers(overlooking(table).effect.interval()) for table in tables])
    data = confounded(exact_noise(1))
    found = certify(overlooking(data), data, n_twins=3, n_replicates=24)
    assert found.worlds[0].truth == pytest.approx(EFFECT, abs=1e-3)
    assert agree(found.coverage["given_graph"], brute)
    assert found.coverage["given_graph"].interval()[1] < 0.9
    assert found.verdict == "too short"


@pytest.mark.slow
def test_it_agrees_with_brute_force_on_both_intervals():
    rng = np.random.default_rng(0)
    given, honest = [], []
    for seed in range(250):
        one = overlooking(confounded(rng.normal(size=(N, 3))), 20, seed)
        given.append(covers(one.effect.interval()))
        honest.append(covers(one.interval()))
    data = confounded(exact_noise(1))
    analysis = overlooking(data, 20)
    true_graph = ck.CausalGraph.parse("c -> x -> y; c -> y")
    known = GraphSet((true_graph,), np.ones(1), np.zeros(1))
    analysis = replace(analysis, learnt=replace(analysis.learnt, graphs=known))
    found = certify(analysis, data, n_twins=6, n_replicates=40)
    assert agree(found.coverage["given_graph"], np.array(given))
    assert agree(found.coverage["honest"], np.array(honest))
    assert found.coverage["given_graph"].value < 0.85 < 0.93 < found.coverage["honest"].value


# --- workers, kills, and other data ---------------------------------------------------------------


@pytest.mark.slow
def test_workers_change_no_number():
    data = patients()
    analysis = analysed(data, graph=None, discovery=PC(alpha=0.01), n_resamples=5)
    one, two = (certify(analysis, data, n_twins=3, n_replicates=2, n_jobs=n) for n in (None, 2))
    assert same(one, two)
    axes = one.plot()
    assert axes.get_xlabel() == "coverage of the 95 % interval"
    assert [len(line.get_xdata()) for line in axes.lines] == [3, 3, 2]


@pytest.mark.slow
def test_latent_common_causes_are_drawn():
    data = patients(300)
    analysis = analysed(data, graph=None, discovery=FCI(alpha=0.05), n_resamples=5)
    found = certify(analysis, data, n_twins=4, n_replicates=2)
    assert found.answered.n_trials == 8


@pytest.mark.slow
def test_tables_have_holes_where_the_data_have():
    data = patients(300)
    data["income"] = np.where(np.arange(300) % 7, np.random.default_rng(5).normal(size=300), np.nan)
    data = data.assign(other="text that is no variable")
    graph = ck.CausalGraph.parse("age -> dose -> health; age -> health; income -> age")
    analysis = analysed(data, graph=graph)
    assert certify(analysis, data, n_twins=1, n_replicates=3).answered.value == 1


def test_twins_have_the_levels_in_the_order_in_which_they_were_read():
    cells = ["control", "case"] * 20
    data = pl.DataFrame({"x": np.arange(40.0) % 7, "status": cells})
    for kind, levels in ((pl.Categorical, ["case", "control"]), (pl.Enum(cells[:2]), cells[:2])):
        table = data.with_columns(pl.col("status").cast(kind))
        analysis = ck.analyze(table, "x", "status", graph="x -> status", checks=[])
        frame = draws_of(analysis, table).frame
        assert list(frame["status"].cat.categories) == levels
        assert list(frame["status"]) == cells


@pytest.mark.slow
def test_the_kind_of_table_changes_nothing():
    data = patients()
    wanted = certify(analysed(data), data, n_twins=1, n_replicates=2)
    for other in (pl.from_pandas(data), {name: data[name].to_numpy() for name in data}):
        assert same(certify(analysed(other), other, n_twins=1, n_replicates=2), wanted)
    graph = ck.CausalGraph.parse("x0 -> x1 -> x2; x0 -> x2")
    plain = data.to_numpy()
    analysis = ck.analyze(plain, "x1", "x2", graph=graph, estimator=OLS(), checks=[])
    assert certify(analysis, plain, n_twins=1, n_replicates=2).answered.value == 1


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from test_certificate import analysed, certify, patients
certify(analysed(patients()), patients(), n_twins=2, n_replicates=40, store=sys.argv[1], n_jobs=1)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_repeats_nothing_but_the_lost_call(tmp_path: Path):
    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), here])
    deadline = time.monotonic() + 120
    while sum(path.read_bytes().count(b"\n") for path in tmp_path.iterdir()) < 45:
        assert process.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline, "it kept nothing"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    n_left = sum(lines.count(b"\n") for lines in left.values())
    assert 45 <= n_left < 82
    data = patients()
    again = certify(analysed(data), data, n_twins=2, n_replicates=40, store=tmp_path)
    assert all((tmp_path / name).read_bytes().startswith(lines) for name, lines in left.items())
    lines = sum(path.read_bytes().count(b"\n") for path in tmp_path.iterdir())
    torn = sum(not lines.endswith(b"\n") for lines in left.values())
    assert lines == 82 + torn
    assert same(again, certify(analysed(data), data, n_twins=2, n_replicates=40))
