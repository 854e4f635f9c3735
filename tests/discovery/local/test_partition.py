from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit.discovery.local.partition import LDP
from causalkit.errors import InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.identification import identify, is_adjustment_set
from causalkit.independence import Clustered, FisherZ, Grouped, Oracle
from tests.oracles.adjustment import LinearModel
from tests.oracles.discovery import nodes_of, random_dag

# Every role of Maasch et al. (2024, Table 1) once; Z1 to Z8 are their names of the partitions.
EIGHT = (
    "Z1 -> X; Z1 -> Y; X -> Z2; Y -> Z2; X -> Z3 -> Y; Z4 -> Y; Z5 -> X; Y -> Z6; X -> Z7; X -> Y"
)


def learn(truth, observed=None):
    if isinstance(truth, str):
        truth = CausalGraph.parse(truth, kind="DAG")
    data = nodes_of(truth)
    kept = data if observed is None else {name: data[name] for name in observed}
    return LDP("X", "Y", Oracle(truth)).fit(kept)


def test_the_eight_roles():
    graph = CausalGraph.parse(EIGHT)
    nodes = [*graph.nodes, "Z8"]
    ldp = learn(CausalGraph.from_edges(nodes, graph.edges(), "DAG"))
    assert dict(ldp.roles_) == {
        "Z1": "confounder",
        "Z2": "affected",
        "Z3": "affected",
        "Z4": "cause of the outcome",
        "Z5": "instrument",
        "Z6": "affected",
        "Z7": "beside the treatment",
        "Z8": "unrelated",
    }
    assert ldp.adjustment_ == ("Z1",)
    assert ldp.witness_ == "Z5"


@pytest.mark.parametrize("edge", ["X -> Y", ""])
def test_several_confounders_with_and_without_an_effect(edge):
    ldp = learn(f"A -> X; A -> Y; B -> X; B -> Y; I -> X; C -> Y; Y -> D; X -> E; {edge}")
    assert set(ldp.adjustment_) == {"A", "B"}
    assert (ldp.witness_ == "I") == bool(edge)


def test_what_it_adjusts_for_is_valid_and_comes_before_whatever_is_hidden():
    rng = np.random.default_rng(0)
    n_found = n_sets = n_asked = 0
    while n_asked < 350:
        drawn = random_dag(rng, max_nodes=9, max_edges=14)
        if len(drawn.nodes) < 3:
            continue
        x, y = rng.choice(drawn.nodes, 2, replace=False).tolist()
        if y in drawn.ancestors(x):
            continue
        n_asked += 1
        names = {x: "X", y: "Y"}
        pairs = [(names.get(e.left, e.left), names.get(e.right, e.right)) for e in drawn.edges()]
        dag = CausalGraph.from_edges([names.get(k, k) for k in drawn.nodes], pairs, "DAG")
        ldp = learn(dag, [k for k in dag.nodes if k in "XY" or rng.random() < 0.8])
        before = {k for k, role in ldp.roles_.items() if role in ("confounder", "instrument")}
        assert not before & dag.descendants("X")
        if ldp.adjustment_ is not None:
            n_found += 1
            n_sets += ldp.witness_ is not None
            assert is_adjustment_set(dag, "X", "Y", ldp.adjustment_)
            if ldp.witness_ is not None:
                assert set(identify(ldp.to_graph(), "X", "Y").adjustment) == set(ldp.adjustment_)
    assert n_found > 50
    assert n_sets > 0


def test_a_hidden_confounder_leaves_no_witness():
    ldp = learn("I -> X -> Y; A -> X; A -> Y; U -> X; U -> Y", observed=["I", "A", "X", "Y"])
    assert ldp.adjustment_ is None
    with pytest.raises(NotIdentifiableError, match="instrument that is independent"):
        ldp.to_graph()


def test_without_an_instrument_there_is_no_answer():
    assert learn("A -> X; A -> Y; X -> Y").adjustment_ is None


def slope(frame, adjustment):
    """Least squares of Y on X and the adjustment set: coefficient of X and its standard error."""
    design = np.column_stack((np.ones(len(frame)), frame[["X", *adjustment]]))
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ frame["Y"].to_numpy()
    rest = frame["Y"].to_numpy() - design @ beta
    return beta[1], np.sqrt(inverse[1, 1] * (rest @ rest) / (len(frame) - design.shape[1]))


def test_effects_from_data_have_the_right_coverage():
    rng = np.random.default_rng(1)
    dag = CausalGraph.parse(EIGHT)
    p = len(dag.nodes)
    weights = dag.directed * rng.uniform(0.5, 0.9, (p, p))  # all positive: nothing cancels
    total = np.linalg.inv(np.eye(p) - weights)
    truth = total[dag.index("X"), dag.index("Y")]
    within, found, n_tables = 0, 0, 30
    for _ in range(n_tables):
        frame = pd.DataFrame(rng.normal(size=(3000, p)) @ total, columns=list(dag.nodes))
        ldp = LDP("X", "Y", alpha=0.01).fit(frame)
        if ldp.adjustment_ is None:
            continue
        found += 1
        adjustment = identify(ldp.to_graph(), "X", "Y").adjustment
        value, std_error = slope(frame, adjustment)
        within += abs(value - truth) < 1.96 * std_error
    assert found > 0.8 * n_tables
    assert within > 0.8 * found  # the tests err, too


def test_order_and_containers_do_not_matter():
    rng = np.random.default_rng(2)
    dag = CausalGraph.parse(EIGHT)
    for _ in range(10):
        cov = LinearModel(dag, rng).cov
        values = rng.multivariate_normal(np.zeros(len(dag.nodes)), cov, size=300)
        frame = pd.DataFrame(values, columns=list(dag.nodes))
        roles = LDP("X", "Y").fit(frame).roles_
        assert list(roles) == [name for name in frame.columns if name not in ("X", "Y")]
        assert LDP("X", "Y").fit(frame[rng.permutation(frame.columns)]).roles_ == roles
        assert LDP("X", "Y").fit(pl.from_pandas(frame)).roles_ == roles


def test_many_columns_and_few_rows():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(50, 400))
    ldp = LDP("x0", "x1", alpha=0.01).fit(values)
    assert len(ldp.roles_) == 398
    assert sum(role == "unrelated" for role in ldp.roles_.values()) > 350


def test_what_cannot_be_asked_is_refused():
    data = dict(zip("abc", np.random.default_rng(4).normal(size=(3, 60)), strict=True))
    with pytest.raises(InputError, match="both 'a'"):
        LDP("a", "a").fit(data)
    with pytest.raises(UnknownVariableError):
        LDP("a", "z").fit(data)
    with pytest.raises(UnknownVariableError):
        LDP("z", "a").fit(data)
    ldp = LDP("a", "b")
    assert clone(ldp).get_params() == ldp.get_params()
    with pytest.raises(InputError, match="alpha=2"):
        LDP("a", "b", alpha=2).fit(data)


def test_groups_and_clusters_are_no_columns():
    """With the confounder measured twice, the group of the two is the adjustment set."""
    rng = np.random.default_rng(0)
    n = 3000
    age, draft = rng.normal(size=(2, n))
    one, two = age + 0.1 * rng.normal(size=(2, n))
    war = draft + one + two + rng.normal(size=n)
    wage = 0.5 * war - one - two + rng.normal(size=n)
    frame = pd.DataFrame(
        {"wage": wage, "two": two, "id": np.arange(n), "war": war, "draft": draft, "one": one}
    )
    test = Clustered(Grouped(FisherZ(), {"old": ["one", "two"]}), "id")
    ldp = LDP("war", "wage", test, alpha=0.01).fit(frame)
    assert ldp.adjustment_ == ("old",)
    assert ldp.witness_ == "draft"
    assert list(ldp.roles_) == ["old", "draft"]
    for pair in (("war", "one"), ("two", "wage")):
        with pytest.raises(InputError, match="part of the group 'old'"):
            LDP(*pair, test).fit(frame)
    with pytest.raises(InputError, match="belong together"):
        LDP("war", "id", test).fit(frame)
