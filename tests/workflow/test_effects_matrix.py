"""All pairs at once: the answers of identify and OLS one by one, and of path algebra."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from matplotlib.figure import Figure
from statsmodels.stats.multitest import multipletests

from causalkit.errors import GraphError, InputError, NotIdentifiableError, NumericalError
from causalkit.estimation import OLS
from causalkit.estimation.simultaneous import joint_covariance
from causalkit.graph import CausalGraph, Kind, dag_to_mag, mag_to_pag
from causalkit.graph.equivalence import members
from causalkit.graph.generate import random_admg, random_dag
from causalkit.identification import NoEffectEstimand, identify
from causalkit.workflow.pairs.pair_regressions import fit_all
from causalkit.workflow.pairs.pair_samples import sample_of_rows
from causalkit.workflow.pairs.pairwise_effects import effects_matrix

INF = math.inf


def weights_of(dag, rng):
    size = rng.uniform(0.3, 0.9, dag.directed.shape)
    return np.where(dag.directed, size * rng.choice([-1, 1], size.shape), 0.0)


def population(W, rng):
    """Covariance of a linear model, and its total effects."""
    total = np.linalg.inv(np.eye(len(W)) - W)
    return total.T @ np.diag(rng.uniform(0.5, 2.0, len(W))) @ total, total


def rows_of(graph, rng, n=150):
    """Rows that fit no graph in particular, correlated."""
    p = len(graph.nodes)
    values = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) * rng.uniform(0.1, 10, p)
    return dict(zip(graph.nodes, (values + 5 * np.arange(p)).T, strict=True))


def off_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def asked(graph, x, y, observed=None):
    """Adjustment sets by identify: None for no effect; empty if there is none."""
    try:
        try:
            found = identify(graph, x, y, observed=observed, strategy="no effect")
        except NotIdentifiableError:
            found = identify(graph, x, y, observed=observed, strategy="adjustment")
    except NotIdentifiableError:
        if graph.kind is not Kind.CPDAG:
            return set()
        try:
            found = identify(graph, x, y, observed=observed, strategy="possible")
        except NotIdentifiableError:
            return set()
    return {
        None if isinstance(one, NoEffectEstimand) else frozenset(one.adjustment)
        for one in getattr(found, "alternatives", (found,))
    }


def check_against_identify(graph, data, observed=None):
    """Every pair: the same sets, the numbers of OLS."""
    effects = effects_matrix(graph, data, correction=None)
    names = [name for name in graph.nodes if name in data]
    assert effects.treatments == effects.outcomes == tuple(names)
    for x, y in permutations(names, 2):
        found = effects[x, y]
        sets = [None if a.adjustment is None else frozenset(a.adjustment) for a in found]
        assert len(set(sets)) == len(sets)
        assert set(sets) == asked(graph, x, y, observed), (str(graph), x, y)
        for answer in found:
            if answer.adjustment is not None:
                Z = np.column_stack([np.ones(len(data[x])), *(data[z] for z in answer.adjustment)])
                ols = OLS().fit(Z[:, 1:] if Z.shape[1] > 1 else None, data[y], t=data[x]).effect_
                np.testing.assert_allclose(answer.value, ols.value, rtol=1e-9)
                np.testing.assert_allclose(answer.std_error, ols.std_error, rtol=1e-9)
                if len(found) == 1:
                    at = names.index(x), names.index(y)
                    np.testing.assert_allclose(effects.p_values[at], ols.p_value(), rtol=1e-6)
                    ends = tuple(effects.interval(x, y)), tuple(ols.interval())
                    np.testing.assert_allclose(*ends, rtol=1e-7)
    return effects


@pytest.mark.parametrize("seed", range(3))
def test_in_a_dag_each_pair_is_what_identify_and_ols_say(seed):
    rng = np.random.default_rng(seed)
    graph = random_dag(7, expected_degree=3.0, rng=rng)
    check_against_identify(graph, rows_of(graph, rng))


@pytest.mark.parametrize("seed", range(3))
def test_in_a_class_of_dags_each_pair_is_what_identify_and_ols_say(seed):
    rng = np.random.default_rng(10 + seed)
    graph = random_dag(6, expected_degree=3.0, rng=rng).to_cpdag()
    effects = check_against_identify(graph, rows_of(graph, rng))
    assert "possible range" in effects.status


def test_background_knowledge_in_a_class_is_used():
    graph = CausalGraph.parse("CPDAG: A -> B; B -- C; A -- C; C -- D; A -- D")
    effects = check_against_identify(graph, rows_of(graph, np.random.default_rng(3)))
    assert effects["B", "A"][0].adjustment is None


@pytest.mark.parametrize("seed", range(3))
def test_hidden_variables_mags_and_pags_are_judged_pair_by_pair(seed):
    rng = np.random.default_rng(20 + seed)
    dag = random_dag(7, expected_degree=3.0, rng=rng)
    data = rows_of(dag, rng)
    kept = {name: data[name] for name in dag.nodes[:-1]}
    check_against_identify(dag, kept, tuple(kept))
    check_against_identify(dag.to_cpdag(), kept, tuple(kept))
    mag = dag_to_mag(dag, latent=[dag.nodes[-1]])
    check_against_identify(mag, kept)
    check_against_identify(mag_to_pag(mag), kept)
    admg = random_admg(6, expected_degree=2.0, bidirected_degree=1.0, rng=rng)
    effects = check_against_identify(admg, rows_of(admg, rng))
    assert {"estimated", "no path"} <= set(effects.status.ravel())


@pytest.mark.parametrize("adjustment", ["optimal", "parents"])
def test_of_a_population_effects_are_sums_over_paths(adjustment):
    rng = np.random.default_rng(1)
    for _ in range(5):
        dag = random_dag(15, expected_degree=4.0, rng=rng)
        covariance, total = population(weights_of(dag, rng), rng)
        effects = effects_matrix(dag, covariance, adjustment=adjustment, n_obs=INF)
        np.testing.assert_allclose(off_diagonal(effects.matrix), off_diagonal(total), atol=1e-10)
        assert np.isnan(np.diag(effects.matrix)).all()
        assert np.isnan(effects.p_values).all()
        assert np.nanmax(effects.std_errors) == 0
        assert tuple(effects.interval("x0", "x1")) == (effects.matrix[0, 1],) * 2


@pytest.mark.parametrize("adjustment", ["optimal", "parents"])
def test_the_range_in_a_class_is_that_over_its_members(adjustment):
    """Each member is fitted to the covariance by regressing nodes on parents."""
    rng = np.random.default_rng(2)
    for _ in range(6):
        dag = random_dag(6, expected_degree=2.5, rng=rng)
        covariance, _ = population(weights_of(dag, rng), rng)
        totals = []
        for member in members(dag.to_cpdag()):
            W = np.zeros((6, 6))
            for v in range(6):
                pa = np.flatnonzero(member.reordered(dag.nodes).directed[:, v])
                W[pa, v] = np.linalg.solve(covariance[np.ix_(pa, pa)], covariance[pa, v])
            totals.append(np.linalg.inv(np.eye(6) - W))
        effects = effects_matrix(dag.to_cpdag(), covariance, adjustment=adjustment, n_obs=INF)
        low, high = np.min(totals, axis=0), np.max(totals, axis=0)
        np.testing.assert_allclose(off_diagonal(effects.smallest), off_diagonal(low), atol=1e-9)
        np.testing.assert_allclose(off_diagonal(effects.largest), off_diagonal(high), atol=1e-9)
        one = off_diagonal(high - low) < 1e-9
        np.testing.assert_array_equal(np.isfinite(off_diagonal(effects.matrix)), one)


DAG = CausalGraph.parse("A -> B -> D; A -> C -> D; D -> E; B -> E; C <- F; G -> F")
RNG = np.random.default_rng(5)
ROWS = pd.DataFrame(rows_of(DAG, RNG, 120), columns=list(DAG.nodes))


def test_parents_are_held_fixed_if_asked_for():
    effects = effects_matrix(DAG, ROWS, adjustment="parents")
    for (x, _), (answer,) in effects.answers.items():
        assert answer.adjustment is None or set(answer.adjustment) == DAG.parents(x)
    with pytest.raises(InputError, match=r'expected a DAG or CPDAG .* Use adjustment="optimal"'):
        effects_matrix("A -> B; A <-> B", ROWS, adjustment="parents")
    with pytest.raises(InputError, match="6 of 7 variables"):
        effects_matrix(DAG, ROWS.drop(columns="G"), adjustment="parents")


def test_classical_errors_are_those_of_statsmodels_and_need_no_rows():
    effects = effects_matrix(DAG, ROWS, covariance="classical")
    for (x, y), (answer,) in effects.answers.items():
        if answer.adjustment is not None:
            design = sm.add_constant(ROWS[[x, *answer.adjustment]])
            peer = sm.OLS(ROWS[y], design).fit()
            np.testing.assert_allclose(answer.std_error, peer.bse[x], rtol=1e-9)
            np.testing.assert_allclose(answer.df, peer.df_resid)
    bare = effects_matrix(DAG, ROWS.cov(), n_obs=120)
    for kept in ("matrix", "std_errors", "p_values", "ratios"):
        np.testing.assert_allclose(getattr(bare, kept), getattr(effects, kept), rtol=1e-7)
    np.testing.assert_allclose(bare.adjusted, effects.adjusted, atol=0.002)
    assert bare.covariance == "classical"
    hc0, hc1 = (effects_matrix(DAG, ROWS, covariance=kind).std_errors for kind in ("HC0", "HC1"))
    assert np.nanmax(hc0 / hc1) < 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("bh", "fdr_bh"), ("by", "fdr_by"), ("holm", "holm"), ("bonferroni", "bonferroni")],
)
def test_corrections_are_those_of_statsmodels(ours, theirs):
    effects = effects_matrix(DAG, ROWS, correction=ours)
    tested = np.isfinite(effects.p_values)
    assert tested.sum() == 16
    peer = multipletests(effects.p_values[tested], method=theirs)[1]
    np.testing.assert_allclose(effects.adjusted[tested], peer, rtol=1e-10)
    np.testing.assert_array_equal(np.isfinite(effects.adjusted), tested)


def test_romano_and_wolf_compare_with_the_joint_law_of_the_influences():
    """The law is that of the estimates of OLS; p-values lie between Holm's and uncorrected ones."""
    sample = sample_of_rows(DAG, ROWS)
    questions = [(0, 3, ()), (1, 3, (0,)), (1, 3, (2,)), (2, 4, (1, 5)), (5, 4, (6,))]
    fits = fit_all(sample, questions)
    values = ROWS[list(sample.names)].to_numpy()
    peers = [
        OLS().fit(values[:, list(Z)] if Z else None, values[:, y], t=values[:, x]).effect_
        for x, y, Z in questions
    ]
    joint = joint_covariance(peers)[0]
    errors = np.sqrt(np.diag(joint))
    got = fits.correlation(sample, "HC1", np.arange(len(questions)))
    np.testing.assert_allclose(got, joint / np.outer(errors, errors), atol=1e-9)

    effects = effects_matrix(DAG, ROWS)
    holm = effects_matrix(DAG, ROWS, correction="holm")
    tested = np.isfinite(effects.p_values)
    assert (effects.adjusted >= effects.p_values)[tested].all()
    assert (effects.adjusted <= holm.adjusted + 0.03)[tested].all()
    again = effects_matrix(DAG, ROWS)
    np.testing.assert_array_equal(again.adjusted, effects.adjusted)


def test_the_joint_law_of_normal_rows_follows_from_the_covariance():
    """Correlations by Isserlis are those by many normal rows."""
    rng = np.random.default_rng(6)
    n = 100_000
    values = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4))
    names = CausalGraph.parse("A -> B -> C -> D").nodes
    sample = sample_of_rows(
        CausalGraph.parse("A -> B -> C -> D"), dict(zip(names, values.T, strict=True))
    )
    fits = fit_all(sample, [(0, 3, ()), (0, 3, (1,)), (1, 3, (0, 2)), (2, 1, (3,))])
    every = np.arange(4)
    exact, seen = (fits.correlation(sample, kind, every) for kind in ("classical", "HC1"))
    assert np.abs(exact - np.eye(4)).max() > 0.1
    # A correlation of products of normal residuals has a standard error of at most sqrt(8 / n).
    np.testing.assert_allclose(seen, exact, atol=4 * math.sqrt(8 / n))


def test_units_order_and_kind_of_table_do_not_matter():
    effects = effects_matrix(DAG, ROWS)
    factors = pd.Series([1e-6, 3.0, 1e5, 1.0, 0.1, 7.0, -2.0], index=ROWS.columns)
    other = effects_matrix(DAG, ROWS * factors)
    by = factors.to_numpy()
    np.testing.assert_allclose(other.matrix, effects.matrix * by / by[:, None], rtol=1e-7)
    np.testing.assert_allclose(other.p_values, effects.p_values, rtol=1e-5)
    polars = pl.from_pandas(ROWS[list("GFEDCBA")]).with_columns(text=pl.lit("a"))
    shuffled = effects_matrix(DAG, polars)
    np.testing.assert_allclose(shuffled.matrix, effects.matrix, rtol=1e-9)
    order = list(DAG.nodes)[::-1]
    turned = effects_matrix(DAG.reordered(order), ROWS)
    np.testing.assert_allclose(turned.matrix[::-1, ::-1], effects.matrix, rtol=1e-9)
    some = effects_matrix(DAG, ROWS, treatments=["B", "A"], outcomes="E", correction=None)
    assert some.matrix.shape == (2, 1)
    expected = [effects[x, "E"][0].value for x in "BA"]
    np.testing.assert_allclose(some.matrix[:, 0], expected)


def test_the_frame_has_a_row_for_each_pair_and_the_report_counts_them():
    data = ROWS[list("ABCDE")]
    graph = CausalGraph.parse("CPDAG: A -- B; B -- C; A -> D; C -> D; D -> E")
    effects = effects_matrix(graph, data)
    frame = effects.to_frame().set_index(["treatment", "outcome"])
    assert len(frame) == 20
    assert set(frame["status"]) == {"estimated", "possible range", "no path"}
    for pair, row in frame.iterrows():
        found = effects[pair]
        assert (row["smallest"], row["largest"]) == (
            min(one.value for one in found),
            max(one.value for one in found),
        )
        if row["status"] == "no path":  # the graph says so, and nothing was estimated
            assert math.isnan(row["lower"])
            assert math.isnan(row["upper"])
        else:
            assert (row["lower"], row["upper"]) == tuple(effects.interval(*pair))
        assert math.isnan(row["effect"]) == (row["status"] == "possible range")
        assert math.isnan(row["std_error"]) == math.isnan(row["adjusted"])
        assert math.isfinite(row["p_value"]) == (row["status"] == "estimated")
    assert frame.loc[("D", "A"), "effect"] == 0
    wide = frame[frame["status"] == "possible range"]
    assert (wide["lower"] < wide["smallest"]).any()
    assert (wide["lower"] <= wide["smallest"]).all()
    text = repr(effects)
    assert next(iter(frame.columns)) == "status"
    assert "possible range" in text
    assert "A → D: " in text
    assert "Romano-Wolf" in text
    open_pair = effects_matrix("A -> B; A <-> B", data)
    assert tuple(open_pair.interval("A", "B")) == (-INF, INF)
    assert open_pair.status.tolist() == [["", "not identified"], ["no path", ""]]
    assert "1 no path, 1 not identified" in repr(open_pair)


def test_of_two_levels_with_names_it_says_which_counts_as_one():
    rng = np.random.default_rng(0)
    ill, sex = rng.random(100) < 0.5, rng.random(100) < 0.5
    status = pd.Categorical(np.where(ill, "case", "control"), categories=["control", "case"])
    people = pd.DataFrame({"x": ill + rng.normal(size=100), "status": status, "sex": sex})
    effects = effects_matrix("x -> status; sex -> status", people)
    assert effects.ones == {"status": "case"}
    assert effects["x", "status"][0].value > 0
    assert "counted as 1     status = case" in repr(effects)
    assert "counted as 1" not in repr(effects_matrix("x -> sex", people))


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda d: d.rename(columns=str.lower), {}, "0 variable"),
        (lambda d: d.assign(A=np.nan), {}, "missing"),
        (lambda d: d.assign(A=1.0), {}, "one value only"),
        (lambda d: d.assign(A=["a", "b", "c"] * 40), {}, "categor"),
        (lambda d: d.head(4), {}, "too few"),
        (lambda d: d, {"adjustment": "all"}, "adjustment="),
        (lambda d: d, {"covariance": "HC3"}, "covariance="),
        (lambda d: d, {"correction": "fdr"}, "correction="),
        (lambda d: d, {"treatments": "Q"}, "Q"),
        (lambda d: d, {"treatments": "A", "outcomes": "A"}, "same variable"),
        (lambda d: d, {"treatments": []}, "treatments is empty"),
        (lambda d: d, {"n_obs": 50}, "shape"),
        (lambda d: d.cov(), {"n_obs": True}, "n_obs=True"),
        (lambda d: d.cov(), {"n_obs": 50, "covariance": "HC1"}, "needs rows"),
        (lambda d: [list(d)], {"n_obs": 50}, "rows of numbers"),
        (lambda d: d.cov() * np.nan, {"n_obs": 50}, "missing|no covariance"),
        (lambda d: d.cov() - 5 * np.eye(7) * d.var().max(), {"n_obs": 50}, "no covariance matrix"),
        (lambda d: np.triu(d.cov()), {"n_obs": 50}, "no covariance matrix"),
    ],
)
def test_what_cannot_be_used_is_refused(change, settings, words):
    with pytest.raises(InputError, match=words):
        effects_matrix(DAG, change(ROWS), **settings)


def test_graphs_and_pairs_that_have_no_answer_are_refused(monkeypatch):
    effects = effects_matrix(DAG, ROWS, correction=None)
    for pair, words in [(("A", "Q"), "Q"), (("A", "A"), "both"), ("A", "expected a pair")]:
        with pytest.raises(InputError, match=words):
            effects[pair]
    with pytest.raises(GraphError, match="selection"):
        effects_matrix("MAG: A -- B", ROWS)
    monkeypatch.setattr("causalkit.workflow.pairs.pairwise_effects._MOST_JOINT", 15)
    with pytest.raises(InputError, match="16 effects are too many to draw"):
        effects_matrix(DAG, ROWS)
    monkeypatch.setattr("causalkit.workflow.pairs.pair_answers._MOST_CLASSES", 2)
    with pytest.raises(NotIdentifiableError, match="at B can be oriented in more than 2 ways"):
        effects_matrix("CPDAG: A -- B -- C", ROWS, treatments="B")
    twice = ROWS.assign(C=ROWS["A"] * 2)
    with pytest.raises(NumericalError, match="linear combination"):
        effects_matrix("A -> C -> E; A -> E", twice)


def test_collinear_covariates_do_no_harm():
    data = ROWS.assign(C=ROWS["A"] * 2 - 1)
    effects = effects_matrix("A -> B; C -> B; A -> E; C -> E; B -> E", data, treatments="B")
    peer = OLS().fit(data[["A", "C"]].to_numpy(), data["E"], t=data["B"]).effect_
    np.testing.assert_allclose(effects["B", "E"][0].value, peer.value, rtol=1e-7)
    np.testing.assert_allclose(effects["B", "E"][0].std_error, peer.std_error, rtol=1e-7)


def test_the_heat_map_shows_each_kind_of_cell():
    graph = CausalGraph.parse("CPDAG: A -- B; B -- C; A -> D; C -> D; D -> E")
    effects = effects_matrix(graph, ROWS)
    ax = effects.plot(Figure().add_subplot(), limit=2.0)
    squares, itself, low, high = ax.collections
    status = effects.status
    shown = squares.get_array().reshape(5, 5)
    np.testing.assert_array_equal(~np.ma.getmaskarray(shown), status == "estimated")
    kept = status == "estimated"
    np.testing.assert_allclose(shown[kept], (effects.matrix * effects.ratios)[kept])
    assert squares.get_clim() == (-2.0, 2.0)
    assert len(itself.get_paths()) == 5
    assert len(low.get_paths()) == len(high.get_paths()) == (status == "possible range").sum()
    sure = sum(len(line.get_xdata()) for line in ax.lines)
    assert sure == np.nansum(effects.adjusted <= 0.05)
    assert [text.get_text() for text in ax.get_yticklabels()] == list("ABCDE")
    assert ax.yaxis_inverted()
    plain = effects.plot(Figure().add_subplot(), standardized=False).collections[0].get_array()
    np.testing.assert_allclose(plain.reshape(5, 5)[kept], effects.matrix[kept])
    hatched = effects_matrix("A -> B; A <-> B", ROWS).plot(Figure().add_subplot())
    assert [box.get_hatch() for box in hatched.collections] == [None, None, "//////"]
    assert len(hatched.figure.axes) == 1  # without a number there is no scale
    for wrong in ({"alpha": 2}, {"limit": 0}):
        with pytest.raises(InputError):
            effects.plot(Figure().add_subplot(), **wrong)


def test_names_of_forty_variables_can_be_read():
    import matplotlib.pyplot as plt

    names = [f"a rather long name of variable {k}" for k in range(40)]
    effects = effects_matrix(CausalGraph.from_edges(names, []), np.eye(40), n_obs=100)
    ax = effects.plot()
    try:
        for axis in (ax.xaxis, ax.yaxis):
            labels = axis.get_ticklabels()
            assert len({label.get_text() for label in labels}) == 40
            assert labels[0].get_fontsize() >= 7
    finally:
        plt.close(ax.figure)
    small = effects.plot(Figure(figsize=(2, 2)).add_subplot())
    assert len(small.get_yticklabels()) < 40


def test_effects_that_are_nearly_one_are_corrected_as_nearly_one():
    """Holm does not see that ten copies of an outcome are one test; Romano and Wolf do."""
    effects, holm = (
        effects_matrix(*copies(3), correction=kind) for kind in ("romano-wolf", "holm")
    )
    row = effects.treatments.index("X")
    raw, corrected, by_holm = (
        np.nanmin(kept[row]) for kept in (effects.p_values, effects.adjusted, holm.adjusted)
    )
    assert raw <= corrected < 2.5 * raw + 0.02
    assert by_holm > 5 * raw


def copies(seed):
    """A treatment without effect on ten outcomes that hardly differ."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2, 300))
    data = {"X": X} | {f"Y{k}": Y + 0.05 * rng.normal(size=300) for k in range(10)}
    return CausalGraph.from_edges(
        list(data), [("X", name, "->") for name in data if name != "X"]
    ), data


@pytest.mark.slow
def test_copies_of_an_outcome_are_found_in_one_of_twenty_data_sets():
    false = sum(np.nanmin(effects_matrix(*copies(seed)).adjusted) <= 0.05 for seed in range(600))
    assert abs(false / 600 - 0.05) < 3.5 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.slow
@pytest.mark.parametrize("covariance", ["HC1", "classical"])
def test_romano_and_wolf_find_something_false_in_one_of_twenty_data_sets(covariance):
    """The graph has paths, the data have no effects: any finding is false."""
    rng = np.random.default_rng(7)
    graph = random_dag(12, expected_degree=5.0, rng=1)
    n_data_sets, false = 600, 0
    for _ in range(n_data_sets):
        data = dict(zip(graph.nodes, rng.normal(size=(12, 300)), strict=True))
        effects = effects_matrix(graph, data, covariance=covariance)
        false += np.nanmin(effects.adjusted) <= 0.05
    assert abs(false / n_data_sets - 0.05) < 3 * math.sqrt(0.05 * 0.95 / n_data_sets)


@pytest.mark.slow
def test_intervals_cover_in_a_linear_model():
    rng = np.random.default_rng(8)
    graph = random_dag(10, expected_degree=3.0, rng=2)
    W = weights_of(graph, rng)
    total, covered, tested = np.linalg.inv(np.eye(10) - W), 0, 0
    for _ in range(300):
        values = rng.laplace(size=(400, 10)) @ total
        data = dict(zip(graph.nodes, values.T, strict=True))
        frame = effects_matrix(graph, data, correction=None).to_frame()
        frame = frame[frame["status"] == "estimated"]
        pairs = zip(frame["treatment"], frame["outcome"], strict=True)
        truth = np.array([total[graph.index(x), graph.index(y)] for x, y in pairs])
        covered += int(((frame["lower"] <= truth) & (frame["upper"] >= truth)).sum())
        tested += len(frame)
    assert 0.93 < covered / tested < 0.97
