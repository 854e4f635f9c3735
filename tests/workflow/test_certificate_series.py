"""A certificate of series: drawn in their shape, true by algebra, and what brute force says."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import causalkit as ck
from causalkit._core.series import as_series
from causalkit.discovery import LPCMCI, PCMCIPlus
from causalkit.errors import InputError
from causalkit.estimation import OLS
from causalkit.graph import Kind, LaggedGraph
from causalkit.models.structural_var import StructuralVAR
from causalkit.workflow.certificates.certificate import Certificate
from causalkit.workflow.certificates.certification import certify
from causalkit.workflow.certificates.drawn_graphs import may_affect, random_member
from causalkit.workflow.certificates.monte_carlo import MonteCarlo
from causalkit.workflow.certificates.twin_draws import draws_of
from causalkit.workflow.learnt.graph_set import GraphSet

EFFECT, WEAK = 0.3, 0.15
LINKS = {
    "C[t-1] -> C[t]": 0.5,
    "X[t-1] -> X[t]": 0.3,
    "Y[t-1] -> Y[t]": 0.3,
    "C[t-1] -> X[t]": 0.5,
    "C[t-2] -> Y[t]": WEAK,
    "X[t-1] -> Y[t]": EFFECT,
}
MODEL = StructuralVAR.from_links(LINKS)
GRAPH = MODEL.graph


def series(n: int = 120, seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame(MODEL.sample(n, rng=seed))


def panel() -> pd.DataFrame:
    """Subjects of 20, 35 and 28 days; the second has no row on four of them."""
    parts = []
    for k, n in enumerate((20, 35, 28)):
        part = series(n, k)
        part.insert(0, "day", np.arange(n))
        part.insert(0, "who", f"s{k}")
        parts.append(part)
    parts[1] = parts[1].drop(index=[5, 6, 7, 20])
    return pd.concat(parts, ignore_index=True)


def analysed(data, treatment="X[t-1]", **settings) -> ck.workflow.Analysis:
    settings = {"graph": GRAPH, "estimator": OLS(), "checks": [], **settings}
    return ck.analyze(data, treatment, "Y", **settings)


def same(one: Certificate, other: Certificate) -> bool:
    return repr((one.trials, one.worlds)) == repr((other.trials, other.worlds))


# --- the graphs -----------------------------------------------------------------------------------


def test_members_of_a_class_of_series_are_equally_likely():
    graph = LaggedGraph.parse("CPDAG: A[t] -- B[t]; B[t] -- D[t]; X[t-1] -> X[t]")
    rng = np.random.default_rng(0)
    drawn = Counter(random_member(graph, rng) for _ in range(60))
    assert all(dag.kind is Kind.DAG and dag.to_cpdag() == graph for dag in drawn)
    counts = np.array(list(drawn.values()))
    assert len(counts) == 3
    assert ((counts - 20) ** 2 / 20).sum() < 13.8  # 0.1 % of chi-square, 2 degrees


def test_the_outcome_may_come_after_the_treatment_by_way_of_steps_between():
    assert may_affect(GRAPH, "C[t-4]", "Y[t]")
    assert may_affect(GRAPH, "C[t-3]", "Y[t-1]")
    assert not may_affect(GRAPH, "C[t-1]", "Y[t-1]")
    assert not may_affect(GRAPH, "X[t]", "Y[t-1]")
    assert not may_affect(GRAPH, "Y[t-3]", "X[t]")


# --- what is drawn --------------------------------------------------------------------------------


CELLS = {"C": 0.0, "X": 0.25, "Y": 0.5}


class Chains:
    """In the place of a twin: each cell says whose it is, of which step, and of which series."""

    gaps_ = None

    def sample(self, n_steps, n_chains, *_, **__):
        chain, step = np.divmod(np.arange(n_steps * n_chains), n_steps)
        return pd.DataFrame({name: 1000 * chain + step + k for name, k in CELLS.items()})


def test_a_row_that_is_drawn_is_of_the_subject_and_the_step_of_that_row_of_the_data():
    data = panel()
    draws = draws_of(analysed(data, panel="who", time="day"), data)
    drawn = draws.sample(Chains(), np.random.default_rng(0))
    subject = data["who"].str[1:].astype(int)
    assert draws.n_rows == len(drawn) == len(data)
    assert drawn[["who", "day"]].equals(data[["who", "day"]])
    for name, k in CELLS.items():
        assert drawn[name].tolist() == (1000 * subject + data["day"] + k).tolist()


def test_a_list_of_series_is_drawn_as_a_list_and_no_year_is_drawn_for_a_gap_of_one():
    one, other = series(20, 1), series(30, 2)
    one.index = pd.date_range("2020-01-01", periods=20)
    other.index = [
        *pd.date_range("2020-01-01", periods=25),
        *pd.date_range("2021-01-01", periods=5),
    ]
    data = [one, other]
    draws = draws_of(analysed(data), data)
    drawn = draws.sample(Chains(), np.random.default_rng(0))
    assert [len(part) for part in drawn] == [20, 30]
    assert drawn[1].index.equals(other.index)
    assert drawn[1]["C"].tolist() == [1000.0 + k for k in (*range(25), *range(124, 129))]
    assert as_series(drawn).follows.tolist() == as_series(data).follows.tolist()


def test_twins_have_no_other_edges_than_their_graph_and_holes_where_the_data_have():
    data = series(150)
    data.loc[30:44, "C"] = np.nan
    data["X"] = data["X"] > 0
    draws = draws_of(analysed(data), data)
    twin = draws.twin(GRAPH, 0)
    drawn = draws.sample(twin, np.random.default_rng(0))
    assert twin.graph_ == GRAPH
    assert drawn["C"].isna().sum() == 15
    assert drawn["X"].dtype == bool


# --- the call -------------------------------------------------------------------------------------


def test_the_truth_is_the_response_of_the_twin_and_close_to_its_estimate():
    data = series(400, 3)
    for lag in (1, 2):
        analysis = analysed(data, f"X[t-{lag}]")
        draws = draws_of(analysis, data)
        twin = draws.twin(GRAPH, 0)
        truth, error = draws.truth(twin, analysis, np.random.default_rng(0))
        slopes = twin.model_.equations_.weights()  # [lag, cause, effect]
        c, x, y = range(3)
        direct, memories = slopes[1, x, y], slopes[1, x, x] + slopes[1, y, y]
        wanted = direct * (1.0 if lag == 1 else memories)
        assert truth == pytest.approx(wanted, abs=max(5 * error, 1e-3))
        assert truth == pytest.approx(analysis.effect.value, abs=2 * analysis.effect.std_error)
        assert not slopes[:, y, c].any()


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_graphs_of_series_are_drawn_from_those_that_were_learnt():
    data = panel()
    how = {"discovery": PCMCIPlus(max_lag=1), "n_resamples": 2, "graph": None}
    analysis = analysed(data, panel="who", time="day", clusters="who", **how)
    found = certify(analysis, data, n_twins=2, n_replicates=1)
    known = set(analysis.learnt.graphs.graphs)
    assert {world.graph.to_cpdag() for world in found.worlds} <= known
    assert found.answered.value == 1
    assert found.n_rows == len(data)
    for trial in found.trials:
        assert trial.honest[0] <= trial.given[0] <= trial.given[1] <= trial.honest[1]


def test_a_run_on_series_that_is_cut_goes_on_where_it_was(tmp_path: Path):
    data = panel().drop(columns="day")
    analysis = analysed(data, panel="who")
    whole = certify(analysis, data, n_twins=1, n_replicates=3)
    certify(analysis, data, n_twins=1, n_replicates=1, store=tmp_path)
    (kept,) = tmp_path.iterdir()
    lines = kept.read_bytes()
    kept.write_bytes(lines + b'{"world": 0, "num')  # what a kill may leave
    assert same(certify(analysis, data, n_twins=1, n_replicates=3, store=tmp_path), whole)
    assert kept.read_bytes().startswith(lines)
    length = kept.stat().st_size
    assert same(certify(analysis, data, n_twins=1, n_replicates=3, store=tmp_path), whole)
    assert kept.stat().st_size == length
    other = data.assign(who=["a"] * 40 + ["b"] * (len(data) - 40))  # the values are the same
    certify(analysed(other, panel="who"), other, n_twins=1, n_replicates=1, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_series_of_which_no_twin_can_be_made_are_refused():
    data = series(80)
    with pytest.raises(InputError, match="not those of the analysis"):
        certify(analysed(data), series(80, 1), n_twins=1, n_replicates=1)
    masked = data.assign(winter=np.arange(80) % 40 < 20)
    with pytest.raises(InputError, match="has mask='winter'; expected none"):
        certify(analysed(masked, mask="winter"), masked, n_twins=1, n_replicates=1)
    shared = LaggedGraph.parse("X[t-1] -> Y[t]; C[t] <-> Y[t]; X[t-1] -> X[t]")
    with pytest.raises(InputError, match="kind ADMG, which allows for hidden causes"):
        certify(analysed(data, graph=shared), data, n_twins=1, n_replicates=1)
    between = LaggedGraph.parse("X[t-1] -> M[t]; M[t] -> Y[t]; C[t-1] -> Y[t]")
    with pytest.raises(InputError, match="no columns of the data, such as 'M'"):
        certify(analysed(data, graph=between), data, n_twins=1, n_replicates=1)
    levels = data.assign(C=pd.Categorical(np.resize(["low", "middle", "high"], 80)))
    with pytest.raises(InputError, match="'C' has categories"):
        certify(analysed(levels), levels, n_twins=1, n_replicates=1)
    latent = analysed(data, graph=None, discovery=LPCMCI(max_lag=1), n_resamples=2)
    with pytest.raises(InputError, match=r"none has a member that a twin can have.*PAG"):
        certify(latent, data, n_twins=1, n_replicates=1)


@pytest.mark.slow
def test_the_kind_of_data_and_workers_change_nothing_of_series():
    data = series(100)
    analysis = analysed(data, graph=None, discovery=PCMCIPlus(max_lag=1), n_resamples=2)
    wanted = certify(analysis, data, n_twins=2, n_replicates=2)
    assert same(certify(analysis, data, n_twins=2, n_replicates=2, n_jobs=2), wanted)
    for other in (pl.from_pandas(data), {name: data[name].to_numpy() for name in data}):
        again = analysed(other, graph=None, discovery=PCMCIPlus(max_lag=1), n_resamples=2)
        assert same(certify(again, other, n_twins=2, n_replicates=2), wanted)
    cube = np.stack([series(40, seed).to_numpy() for seed in range(3)])
    how = {"discovery": PCMCIPlus(max_lag=1), "estimator": OLS(), "checks": [], "n_resamples": 0}
    found = [
        certify(ck.analyze(kind, "x1[t-1]", "x2", **how), kind, n_twins=1, n_replicates=2)
        for kind in (cube, list(cube))
    ]
    assert same(*found)
    assert found[0].answered.value == 1


# --- against brute force --------------------------------------------------------------------------

N = 200


def exact_series(seed: int) -> pd.DataFrame:
    """Series of which least squares give the very weights of the model: what is fitted is it."""
    names = ("C", "X", "Y")
    parents = {k: [] for k in range(3)}
    for link, weight in LINKS.items():
        (cause, lag), effect = link.split(" -> ")[0].rstrip("]").split("[t-"), link[-4]
        parents[names.index(effect)].append((int(lag), names.index(cause), weight))
    burn_in = 100
    noise = np.random.default_rng(seed).normal(size=(burn_in + N, 3))
    for _ in range(100):
        values = np.zeros_like(noise)
        for t in range(2, len(values)):
            for k in range(3):
                values[t, k] = noise[t, k] + sum(w * values[t - g, c] for g, c, w in parents[k])
        now = np.arange(burn_in + 2, burn_in + N)
        for k in range(3):
            past = [values[now - lag, cause] for lag, cause, _ in parents[k]]
            design = np.column_stack([np.ones(len(now)), *past])
            left = noise[now, k]
            left = left - design @ np.linalg.lstsq(design, left, rcond=None)[0]
            noise[now, k] = left / left.std()
    return pd.DataFrame(values[burn_in:], columns=list(names))


def overlooking(data, seed: int = 0) -> ck.workflow.Analysis:
    """A search that overlooks the weak link of the confounder now and then."""
    search = PCMCIPlus(max_lag=2, alpha=0.01)
    how = {"graph": None, "discovery": search, "n_resamples": 6, "random_state": seed}
    return analysed(data, **how)


def agree(found: MonteCarlo, brute: np.ndarray) -> bool:
    error = math.hypot(found.std_error, brute.std(ddof=1) / math.sqrt(len(brute)))
    return bool(abs(found.value - brute.mean()) < 3 * error)


@pytest.mark.slow
def test_it_agrees_with_brute_force_on_series():
    given, honest, bias = [], [], []
    for seed in range(100):
        one = overlooking(series(N, 1000 + seed), seed)
        for ends, kept in ((one.effect.interval(), given), (one.interval(), honest)):
            kept.append(ends.lower <= EFFECT <= ends.upper)
        value = getattr(one.effect, "value", None)
        bias.append((np.mean(one.effect.values) if value is None else value) - EFFECT)
    data = exact_series(1)
    analysis = overlooking(data)
    known = GraphSet((GRAPH,), np.ones(1), np.zeros(1))
    analysis = replace(analysis, learnt=replace(analysis.learnt, graphs=known))
    found = certify(analysis, data, n_twins=4, n_replicates=25)
    # Twins shrink what is weak, by ridge regression; their truth is what they have.
    assert [world.truth for world in found.worlds] == pytest.approx([EFFECT] * 4, rel=0.1)
    assert agree(found.coverage["given_graph"], np.array(given))
    assert agree(found.coverage["honest"], np.array(honest))
    assert agree(found.bias, np.array(bias))
    assert found.coverage["given_graph"].interval()[1] < 0.95
