"""PCMCI and its kin with tests that see curves: what they find, and that jobs change nothing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.tree import DecisionTreeRegressor

from causalkit._core.kernel_matrices import Block
from causalkit._core.series import as_series
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.discovery.series.latent.lpcmci import LPCMCI
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.errors import InputError
from causalkit.independence import GCM, CMIknn, FisherZ, RCoT
from causalkit.independence.landmarks import LandmarkSmoother
from causalkit.independence.ridge import Smoother, inflation


def humps(n=400, seed=0):
    """X drives Y a step later and Y drives Z in the same step, both by an even curve."""
    x, y, z = np.random.default_rng(seed).normal(size=(3, n))
    for t in range(1, n):
        x[t] += 0.3 * x[t - 1]
        y[t] = 0.6 * y[t] + 0.3 * y[t - 1] + 3.0 * np.exp(-(x[t - 1] ** 2)) - 1.7
        z[t] = 0.6 * z[t] + 0.3 * z[t - 1] + 3.0 * np.exp(-(y[t] ** 2)) - 1.7
    return {"x": x, "y": y, "z": z}


def between(graph):
    """Links between series as (cause, effect, lag), the pair sorted within a step."""
    found = set()
    for edge in graph.edges():
        one, other = edge.left, edge.right
        if one.name != other.name:
            ends = (one.name, other.name) if one.lag else tuple(sorted((one.name, other.name)))
            found.add((*ends, one.lag))
    return found


# --- what is found --------------------------------------------------------------------------------


def test_curves_are_found_that_no_line_shows():
    truth = {("x", "y", 1), ("y", "z", 0)}
    missed = 0
    for seed in range(3):
        data = humps(seed=seed)
        assert truth <= between(PCMCIPlus(RCoT(), max_lag=1, alpha=0.01).fit(data).graph_)
        missed += len(truth - between(PCMCIPlus(FisherZ(), max_lag=1, alpha=0.01).fit(data).graph_))
    assert missed >= 5


@pytest.mark.parametrize("test", [RCoT(), GCM()])
def test_links_that_the_past_explains_are_not_found(test):
    """Z drives both by curves: a test of lines takes X for a cause of Y, these do not."""
    rng = np.random.default_rng(3)
    wrong, wrong_lines, n = 0, 0, 400
    for _ in range(6):
        x, y, z = rng.normal(size=(3, n))
        x[1:] += np.exp(0.8 * z[:-1])
        y[2:] += np.exp(0.8 * z[:-2])
        data = {"x": x, "y": y, "z": z}
        wrong += ("x", "y", 1) in between(PCMCI(test, max_lag=2, alpha=0.01).fit(data).graph_)
        lines = PCMCI(FisherZ(), max_lag=2, alpha=0.01).fit(data).graph_
        wrong_lines += ("x", "y", 1) in between(lines)
    assert wrong <= 1  # by chance, in 6 tests at 1 %, twice in a thousand
    assert wrong_lines == 6


@pytest.mark.slow
@pytest.mark.parametrize("test", [RCoT(), GCM()])
def test_momentary_answers_keep_the_level(test):
    """Series that remember themselves by a curve, and have nothing to do with each other."""
    rng = np.random.default_rng(8)
    p_values = []
    for _ in range(60):
        x = rng.normal(size=(300, 3))
        for t in range(1, len(x)):
            x[t] += 0.9 * np.tanh(2.0 * x[t - 1])
        found = PCMCI(test, max_lag=1, alpha=0.05).fit(x).p_values_[1]
        p_values += found[~np.eye(3, dtype=bool)].tolist()
    n_rejected = int((np.array(p_values) < 0.05).sum())
    assert stats.binom.sf(n_rejected - 1, len(p_values), 0.07) > 0.01
    assert stats.binom.cdf(n_rejected, len(p_values), 0.02) > 0.01


# --- jobs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "test",
    [RCoT(), GCM(), CMIknn(n_permutations=49), GCM(DecisionTreeRegressor(min_samples_leaf=20))],
)
@pytest.mark.parametrize("algorithm", [PCMCI, PCMCIPlus, LPCMCI])
def test_jobs_do_not_change_a_number(algorithm, test):
    data = humps(120)
    found = [algorithm(test, max_lag=1, alpha=0.05, n_jobs=n).fit(data) for n in (None, 2, 5)]
    for one in found[1:]:
        assert one.graph_ == found[0].graph_
        # Up to last digits, which depend on where a matrix lies in memory.
        np.testing.assert_allclose(one.p_values_, found[0].p_values_, rtol=1e-9)
        np.testing.assert_allclose(one.strengths_, found[0].strengths_, rtol=1e-9)
        assert one.n_tests_ == found[0].n_tests_


@pytest.mark.parametrize("test", [RCoT(), GCM(), CMIknn(n_permutations=49)])
def test_an_answer_is_the_same_whatever_was_asked_before(test):
    """Batches, threads and fresh bindings give the numbers of a single question."""
    series, rng = as_series(humps(150)), np.random.default_rng(0)
    asked = [rng.permutation(9)[:4] for _ in range(12)]
    pairs, sets = (np.array([part[cut] for part in asked]) for cut in (slice(2), slice(2, 4)))
    bound = bind_lagged(test, series, 2, who="test")
    batch = Questions(bound, 3, 1, n_jobs=2).ask(pairs, sets)
    for row in reversed(range(len(asked))):
        alone = bind_lagged(test, series, 2, who="test")(*pairs[row], tuple(sets[row]))
        assert alone.statistic == pytest.approx(batch[0][row], rel=1e-9)
        assert alone.p_value == pytest.approx(batch[1][row], rel=1e-9)


def test_what_two_jobs_smooth_alike_counts_as_one_basis():
    """Degrees of freedom are those of one smoother, though each job has made its own."""
    rng = np.random.default_rng(1)
    n = 200
    block = Block(rng.normal(size=(n, 1)), np.zeros(n, dtype=np.intp), 1)
    targets = rng.normal(size=(n, 2)) + np.sin(block.numbers)
    shared = Smoother(block)
    first, second = (shared.residuals(targets[:, [k]]) for k in (0, 1))
    again = Smoother(block).residuals(targets[:, [1]])
    assert inflation(first, second) == inflation(first, again)


# --- regressions on landmarks ---------------------------------------------------------------------


def test_landmark_regressions_solve_the_generalised_problem():
    """`kernel @ turn`, centred, is an orthonormal basis in which the kernel is diagonal."""
    rng = np.random.default_rng(2)
    n = 300
    Z = rng.normal(size=(n, 2))
    Z[:20] = Z[20:40]  # equal rows among the landmarks
    smoother = LandmarkSmoother.of(Block(Z, np.zeros(n, dtype=np.intp), 1), 60)
    U = smoother.kernel @ smoother.turn
    U -= U.mean(axis=0)
    np.testing.assert_allclose(U.T @ U, np.eye(U.shape[1]), atol=0.01)
    C = smoother.kernel - smoother.kernel.mean(axis=0)
    W = smoother.kernel[smoother.rows]
    approximate = C @ np.linalg.solve(W + 1e-7 * len(W) * np.eye(len(W)), C.T)
    np.testing.assert_allclose((U * smoother.values) @ U.T, approximate, atol=1e-6)


# --- other input ----------------------------------------------------------------------------------


def test_units_and_order_of_the_series_do_not_matter():
    data = humps(150)
    first = PCMCIPlus(RCoT(), max_lag=1).fit(data)
    turned = PCMCIPlus(RCoT(), max_lag=1).fit(
        pl.DataFrame({name: 1e6 * data[name] - 3.0 for name in ("z", "x", "y")})
    )
    order = [1, 2, 0]  # where x, y, z are
    np.testing.assert_allclose(
        turned.p_values_[:, order][:, :, order], first.p_values_, rtol=1e-5, atol=1e-12
    )
    assert between(turned.graph_) == between(first.graph_)


@pytest.mark.parametrize("test", [RCoT(), GCM(), CMIknn()])
def test_bad_series_get_one_clear_error(test):
    with pytest.raises(InputError, match="constant"):
        PCMCIPlus(test, max_lag=1).fit({"x": np.arange(50.0), "y": np.ones(50)})
    with pytest.raises(InputError, match="step"):
        PCMCIPlus(test, max_lag=3).fit(np.random.default_rng(0).normal(size=(8, 2)))
