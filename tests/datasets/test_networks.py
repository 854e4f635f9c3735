"""Networks: exact answers equal enumeration, samples agree with exact answers."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest

from causalkit.datasets import DiscreteNetwork, available_networks, load_network
from causalkit.datasets.bif import parse_bif
from causalkit.errors import CycleError, InputError, UnknownVariableError


def enumerate_states(network):
    """Yield every state with its probability: the product of the rows of all tables."""
    for values in itertools.product(*network.levels.values()):
        state = dict(zip(network.levels, values, strict=True))
        codes = {v: network.levels[v].index(level) for v, level in state.items()}
        chance = 1.0
        for v, parents in network.parents.items():
            chance *= network.tables[v][tuple(codes[u] for u in (*parents, v))]
        yield state, chance


def total(network, event):
    holds = lambda state: all(state[v] == level for v, level in event.items())  # noqa: E731
    return sum(chance for state, chance in enumerate_states(network) if holds(state))


def sampling_error(chance, n):
    """Bernstein's bound: a frequency strays further than this once in 10^8 times."""
    odds = np.log(2e8)
    return np.sqrt(2 * chance * (1 - chance) * odds / n) + 2 * odds / (3 * n)


def random_network(seed, n_nodes=5):
    """Random parents among earlier nodes, two to four levels; columns are shuffled."""
    rng = np.random.default_rng(seed)
    names = [f"V{k}" for k in range(n_nodes)]
    levels = {v: tuple("abcd"[: rng.integers(2, 5)]) for v in names}
    parents = {v: tuple(u for u in names[:k] if rng.random() < 0.5) for k, v in enumerate(names)}
    tables = {}
    for v in names:
        shape = [len(levels[u]) for u in parents[v]]
        tables[v] = rng.dirichlet(np.ones(len(levels[v])), size=shape)
    order = rng.permutation(names).tolist()
    return DiscreteNetwork({v: levels[v] for v in order}, parents, tables)


# --- the bundled networks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n_nodes", "n_edges", "n_free"), [("asia", 8, 8, 18), ("alarm", 37, 46, 509)]
)
def test_counts_are_those_of_the_bayesian_network_repository(name, n_nodes, n_edges, n_free):
    network = load_network(name)
    assert name in available_networks()
    assert len(network.levels) == n_nodes
    assert len(network.graph.edges()) == n_edges
    free = [table[..., 1:].size for table in network.tables.values()]
    assert sum(free) == n_free


@pytest.mark.parametrize("name", available_networks())
def test_the_graph_has_the_parents_of_the_tables(name):
    network = load_network(name)
    assert network.graph.kind.name == "DAG"
    assert network.graph.nodes == tuple(network.levels)
    for v, parents in network.parents.items():
        assert network.graph.parents(v) == set(parents)


def test_the_states_of_asia_sum_to_one():
    asia = load_network("asia")
    assert sum(chance for _, chance in enumerate_states(asia)) == pytest.approx(1, abs=1e-12)
    assert asia.joint(*asia.levels).sum() == pytest.approx(1, abs=1e-12)


def test_a_published_posterior():
    """Højsgaard (2012), Journal of Statistical Software 46(10), doi:10.18637/jss.v046.i10."""
    asia = load_network("asia")
    seen = {"asia": "yes", "dysp": "yes"}
    published = {"tub": 0.08775096, "lung": 0.09952515, "bronc": 0.81140207}
    for v, chance in published.items():
        assert asia.probability({v: "yes"}, given=seen) == pytest.approx(chance, abs=1e-6)
    assert asia.probability(seen) == pytest.approx(0.004501375, abs=1e-9)


def test_marginals_by_hand():
    """Lauritzen and Spiegelhalter (1988): sums that fit on a napkin."""
    marginals = load_network("asia").marginals()
    tub, lung = 0.01 * 0.05 + 0.99 * 0.01, 0.5 * 0.1 + 0.5 * 0.01
    either = 1 - (1 - tub) * (1 - lung)
    expected = {"tub": tub, "lung": lung, "bronc": 0.45, "either": either}
    expected["xray"] = 0.98 * either + 0.05 * (1 - either)
    for v, chance in expected.items():
        assert marginals[v][0] == pytest.approx(chance, abs=1e-12)


# --- exact answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_probabilities_equal_enumeration(seed):
    network = random_network(seed)
    rng = np.random.default_rng(seed)
    for _ in range(10):
        names = rng.permutation(list(network.levels))[:4].tolist()
        state = {v: str(rng.choice(network.levels[v])) for v in names}
        event, given = dict(list(state.items())[:2]), dict(list(state.items())[2:])
        expected = total(network, state) / total(network, given)
        assert network.probability(event, given=given) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_the_axes_of_a_joint_follow_the_names(seed):
    network = random_network(seed)
    a, b, c = list(network.levels)[:3]
    joint = network.joint(a, b, c)
    np.testing.assert_allclose(network.joint(c, a, b), joint.transpose(2, 0, 1), atol=1e-15)
    np.testing.assert_allclose(network.joint(b), joint.sum(axis=(0, 2)), atol=1e-12)
    np.testing.assert_allclose(network.marginals()[b], network.joint(b))


def test_nothing_asked_is_certain():
    asia = load_network("asia")
    assert asia.probability({}) == 1
    assert asia.probability({}, given={"dysp": "yes"}) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(6))
def test_doing_is_adjusting_for_parents(seed):
    network = random_network(seed)
    x = max(network.levels, key=lambda v: len(network.parents[v]))
    level = network.levels[x][0]
    for y in set(network.levels) - {x, *network.parents[x]}:
        adjusted = np.zeros(len(network.levels[y]))
        for values in itertools.product(*(network.levels[u] for u in network.parents[x])):
            stratum = dict(zip(network.parents[x], values, strict=True))
            adjusted += network.probability(stratum) * network.joint(y, given={x: level, **stratum})
        np.testing.assert_allclose(network.do({x: level}).joint(y), adjusted, atol=1e-12)


def test_doing_cuts_the_edges_into_the_target_and_leaves_the_rest():
    asia = load_network("asia")
    done = asia.do({"either": "yes"})
    assert done.graph == asia.graph.do("either")
    assert done.probability({"lung": "yes"}) == pytest.approx(0.055)
    assert done.probability({"either": "yes"}) == 1
    assert asia.probability({"either": "yes"}) == pytest.approx(0.064828)


# --- samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", available_networks())
def test_sample_marginals_are_within_monte_carlo_error(name):
    network, n = load_network(name), 40_000
    frame = network.sample(n, rng=7)
    for v, chance in network.marginals().items():
        seen = frame[v].value_counts(sort=False, normalize=True).to_numpy()
        assert (np.abs(seen - chance) <= sampling_error(chance, n)).all(), v


@pytest.mark.parametrize("name", available_networks())
def test_sampled_families_are_within_monte_carlo_error(name):
    """Each variable together with its parents: the whole model, not only its margins."""
    network, n = load_network(name), 40_000
    frame = network.sample(n, rng=11)
    for v, parents in network.parents.items():
        family = [*parents, v]
        chance = network.joint(*family)
        seen = np.zeros(chance.shape)
        np.add.at(seen, tuple(frame[u].cat.codes.to_numpy() for u in family), 1 / n)
        assert (np.abs(seen - chance) <= sampling_error(chance, n)).all(), v


def test_samples_are_categoricals_with_all_levels_in_order():
    network = load_network("alarm")
    frame = network.sample(3, rng=0)
    assert frame.shape == (3, 37)
    assert list(frame) == list(network.levels)
    for v, names in network.levels.items():
        assert isinstance(frame[v].dtype, pd.CategoricalDtype)
        assert tuple(frame[v].cat.categories) == names


def test_the_seed_decides():
    asia = load_network("asia")
    first = asia.sample(500, rng=3)
    pd.testing.assert_frame_equal(first, asia.sample(500, rng=3))
    pd.testing.assert_frame_equal(first, asia.sample(500, rng=np.random.default_rng(3)))
    assert not first.equals(asia.sample(500, rng=4))
    stream = np.random.default_rng(3)
    assert not asia.sample(500, rng=stream).equals(asia.sample(500, rng=stream))


def test_impossible_levels_are_never_drawn():
    frame = load_network("asia").sample(20_000, rng=5)
    ill = (frame["tub"] == "yes") | (frame["lung"] == "yes")
    assert ((frame["either"] == "yes") == ill).all()


# --- a value, checked where it enters -----------------------------------------------------------


def test_a_network_is_immutable_and_travels():
    asia = load_network("asia")
    with pytest.raises(AttributeError):
        asia.name = "africa"
    with pytest.raises(TypeError):
        asia.levels["new"] = ("yes", "no")
    with pytest.raises(ValueError, match="read-only"):
        asia.tables["asia"][0] = 1
    for twin in (pickle.loads(pickle.dumps(asia)), copy.deepcopy(asia)):
        pd.testing.assert_frame_equal(twin.sample(20, rng=0), asia.sample(20, rng=0))
        assert twin.graph == asia.graph


def test_a_network_shows_itself():
    asia = load_network("asia")
    assert "free probabilities  18" in str(asia)
    assert "<td>yes, no</td>" in asia._repr_html_()


YES_NO = ("yes", "no")


@pytest.mark.parametrize(
    ("parents", "tables", "error", "message"),
    [
        ({}, {"A": [0.5, 0.5]}, UnknownVariableError, "no variable .B. in `tables`"),
        ({"B": ("C",)}, {"A": [0.5, 0.5], "B": [1, 0]}, UnknownVariableError, "'C' in `levels`"),
        ({}, {"A": [1, 0], "B": [1, 0], "C": [1, 0]}, UnknownVariableError, "'C' in `levels`"),
        ({"B": ("A",)}, {"A": [0.5, 0.5], "B": [1, 0]}, InputError, r"expected \(2, 2\)"),
        ({}, {"A": [0.5, 0.4], "B": [1, 0]}, InputError, "no probabilities"),
        ({}, {"A": [1.5, -0.5], "B": [1, 0]}, InputError, "no probabilities"),
        ({}, {"A": [np.nan, 1], "B": [1, 0]}, InputError, "no probabilities"),
        (
            {"A": ("B",), "B": ("A",)},
            {"A": np.full((2, 2), 0.5), "B": np.full((2, 2), 0.5)},
            CycleError,
            "run in a circle",
        ),
    ],
)
def test_what_is_no_network_is_refused(parents, tables, error, message):
    with pytest.raises(error, match=message):
        DiscreteNetwork({"A": YES_NO, "B": YES_NO}, parents, tables)


def test_questions_that_cannot_be_answered_are_refused():
    asia = load_network("asia")
    with pytest.raises(UnknownVariableError, match=r"'smok'.*mean 'smoke'"):
        asia.joint("smok")
    with pytest.raises(InputError, match="no level 'maybe'; expected one of 'yes', 'no'"):
        asia.probability({"smoke": "maybe"})
    with pytest.raises(InputError, match="named twice"):
        asia.joint("lung", given={"lung": "yes"})
    with pytest.raises(InputError, match="probability zero"):
        asia.joint("dysp", given={"lung": "yes", "either": "no"})
    with pytest.raises(InputError, match="n=0"):
        asia.sample(0)
    with pytest.raises(InputError, match=r"no network 'asja'.*mean 'asia'"):
        load_network("asja")


def test_too_many_ancestors_are_refused_not_guessed():
    names = [f"V{k}" for k in range(60)]
    parents = {b: (a,) for a, b in itertools.pairwise(names)}
    tables = {v: np.full((2, 2), 0.5) for v in names} | {"V0": np.full(2, 0.5)}
    chain = DiscreteNetwork(dict.fromkeys(names, YES_NO), parents, tables)
    assert chain.probability({"V40": "yes"}) == pytest.approx(0.5)
    with pytest.raises(InputError, match="depends on 60 variables; expected at most 52"):
        chain.joint("V59")


# --- the interchange format ---------------------------------------------------------------------

BIF = """
network wet { property author "nobody; really"; }  // a comment { with braces }
variable rain { type discrete [ 2 ] { yes, no }; property position = (1, 2); }
variable wet { type discrete [ 3 ] { "dry", damp, wet }; }
/* probability ( rain ) { table 1, 0; } */
probability ( rain ) { table 2e-1, 0.8; }
probability ( wet | rain ) {
  (no) 0.7, 0.2, 0.1;
  (yes) 0.1, 0.3, 0.6;
}
"""


def test_bif_is_read_whatever_the_order_of_rows_and_the_comments():
    levels, parents, tables = parse_bif(BIF)
    assert levels == {"rain": ("yes", "no"), "wet": ("dry", "damp", "wet")}
    assert parents == {"rain": (), "wet": ("rain",)}
    np.testing.assert_array_equal(tables["rain"], [0.2, 0.8])
    np.testing.assert_array_equal(tables["wet"], [[0.1, 0.3, 0.6], [0.7, 0.2, 0.1]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("(no) 0.7, 0.2, 0.1;", "(no) 0.7, 0.3;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "(no) 0.7;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "default 0.7, 0.2, 0.1;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "table 0.7, 0.2, 0.1;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "(never) 0.7, 0.2, 0.1;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "(no, no) 0.7, 0.2, 0.1;", "cannot read the row"),
        ("(no) 0.7, 0.2, 0.1;", "", "no probabilities"),
        ("| rain", "| snow", "unknown variables"),
        ("( wet | rain )", "( rain )", "comes twice"),
        ("probability ( rain )", "chance ( rain )", "no `probability` block for rain"),
        ("discrete [ 2 ]", "continuous [ 2 ]", "read 1 of 2 variables"),
    ],
)
def test_bif_that_cannot_be_read_is_refused(old, new, message):
    assert old in BIF
    with pytest.raises(InputError, match=message):
        DiscreteNetwork.from_bif(BIF.replace(old, new))


def test_text_that_is_no_bif_is_refused():
    with pytest.raises(InputError, match="read 0 of 0 variables"):
        parse_bif("A -> B")
