"""Searches with known targets: the class under the interventions, and why an edge is directed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit.discovery import Knowledge
from causalkit.discovery.search.boss import BOSS
from causalkit.discovery.search.exact import ExactSearch
from causalkit.discovery.search.flop import FLOP
from causalkit.discovery.search.ges import GES
from causalkit.discovery.search.grasp import GRaSP
from causalkit.graph import dag_to_cpdag, members, random_dag
from causalkit.graph.interventional import interventional_class
from causalkit.scores import GaussianBIC, InterventionalBIC

SEARCHES = {
    "FLOP": FLOP(),
    "BOSS": BOSS(),
    "GRaSP": GRaSP(),
    "GES": GES(),
    "ExactSearch": ExactSearch(),
}

every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())


def simulated(seed, p=5, n=3000, *, n_targets=2):
    """A linear DAG, a table with a column of regimes, and the targets of each."""
    rng = np.random.default_rng(seed)
    dag = random_dag(p, expected_degree=min(2.5, p - 1), rng=rng)
    weights = dag.directed * rng.uniform(0.6, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    order = sorted(range(p), key=lambda v: len(dag.ancestors(dag.nodes[v])))
    upon = [(), *((int(v),) for v in rng.choice(p, n_targets, replace=False))]
    parts = []
    for regime, touched in enumerate(upon):
        X = rng.normal(size=(n, p))
        for v in order:
            causes = X @ weights[:, v]
            X[:, v] += 2 if v in touched else causes
        frame = pd.DataFrame(X, columns=list(dag.nodes))
        parts.append(frame.assign(regime=regime))
    targets = {k: tuple(dag.nodes[v] for v in touched) for k, touched in enumerate(upon)}
    return dag, pd.concat(parts, ignore_index=True), targets


@every_search
def test_with_many_rows_the_interventional_class_is_found(search):
    for seed in range(8):
        dag, frame, targets = simulated(seed)
        score = InterventionalBIC(targets, regime="regime")
        found = clone(search).set_params(score=score).fit(frame)
        assert found.graph_ == interventional_class(dag, targets)
        assert found.graph_.nodes == dag.nodes


@every_search
def test_what_is_returned_is_the_class_of_the_best_graph(search):
    for seed in range(5):
        _, frame, targets = simulated(seed, p=6, n=25)
        score = InterventionalBIC(targets, regime="regime")
        found = clone(search).set_params(score=score).fit(frame)
        assert found.graph_ == interventional_class(found.dag_, targets)
        assert found.score_ == pytest.approx(score.total(frame, found.dag_))
        assert found.score_ <= ExactSearch(score).fit(frame).score_ + 1e-8


def test_graphs_of_one_interventional_class_have_equal_scores_and_others_do_not():
    for seed in range(5):
        dag, frame, targets = simulated(seed)
        score = InterventionalBIC(targets, regime="regime")
        whole = members(dag_to_cpdag(dag))
        total = score.total(frame, dag)
        for member in whole:
            same = interventional_class(member, targets) == interventional_class(dag, targets)
            assert (abs(score.total(frame, member) - total) < 1e-6 * abs(total)) == same


def test_without_targets_it_is_the_observational_class():
    _, frame, targets = simulated(0)
    nothing = InterventionalBIC(dict.fromkeys(targets, ()), regime="regime")
    expected = FLOP(GaussianBIC()).fit(frame.drop(columns="regime")).graph_
    assert FLOP(nothing).fit(frame).graph_ == expected


@pytest.mark.parametrize(
    "shape",
    ["category", "text", "polars text", "boolean", "polars", "integer names", "by row"],
)
def test_the_regime_comes_in_several_shapes(shape):
    _, frame, targets = simulated(3, n=300, n_targets=1)
    expected = FLOP(InterventionalBIC(targets, regime="regime")).fit(frame).graph_
    score, data = InterventionalBIC(targets, regime="regime"), frame
    if shape in ("category", "text", "polars text"):
        data = frame.assign(regime=frame["regime"].map({0: "none", 1: "some"}))
        if shape == "category":
            data["regime"] = data["regime"].astype("category")
        elif shape == "polars text":
            data = pl.from_pandas(data)
        score = InterventionalBIC({"none": (), "some": targets[1]}, regime="regime")
    elif shape == "boolean":
        data = frame.assign(regime=frame["regime"] == 1)
    elif shape == "polars":
        data = pl.from_pandas(frame)
    elif shape == "integer names":
        names = {name: k for k, name in enumerate(frame.columns)}
        data = frame.rename(columns=names)
        score = InterventionalBIC({0: (), 1: names[targets[1][0]]}, regime=names["regime"])
        found = FLOP(score).fit(data).graph_
        assert (found.ends == expected.ends).all()
        return
    else:
        data = frame.drop(columns="regime")
        score = InterventionalBIC([targets[k] for k in frame["regime"]])
    assert FLOP(score).fit(data).graph_ == expected


def test_an_intervention_is_the_reason_of_a_direction():
    rng = np.random.default_rng(0)
    told = np.arange(600) >= 300
    a = rng.normal(size=600)
    b = np.where(told, 3.0, a) + rng.normal(size=600)
    data = {"a": a, "b": b, "c": b + rng.normal(size=600), "told": told}
    found = FLOP(InterventionalBIC({False: (), True: "b"}, regime="told")).fit(data)
    assert found.explain("a", "b").direction == "intervention on b and not on a"
    assert found.explain("c", "b").direction == "intervention on b and not on c"
    assert "told" not in found.graph_.nodes
    both = FLOP(InterventionalBIC({False: (), True: ("b", "c")}, regime="told")).fit(data)
    assert both.explain("a", "b").direction == (
        "intervention on b, together with {c}, and not on a"
    )
    assert both.explain("b", "c").direction == (
        "Meek rule 1 with a: otherwise a new collider would arise"
    )


def test_knowledge_is_obeyed_beside_interventions():
    _, frame, targets = simulated(5, p=5, n=200)
    score = InterventionalBIC(targets, regime="regime")
    plain = FLOP(score).fit(frame)
    edge = next(e for e in plain.graph_.edges() if e.symbol == "->")
    a, b = edge.left, edge.right
    turned = FLOP(score, knowledge=Knowledge(forbidden=[(a, b)])).fit(frame)
    assert not turned.graph_.directed[turned.graph_.index(a), turned.graph_.index(b)]
    kept = FLOP(score, knowledge=Knowledge(required=[(a, b)])).fit(frame)
    assert kept.graph_ == plain.graph_
    assert kept.by_knowledge_ == ()  # the interventions say so already


def test_scores_are_as_high_as_those_of_gies():
    gies = pytest.importorskip("gies", reason="needs the peer gies")
    for seed in range(4):
        dag, frame, targets = simulated(seed, p=6, n=60)
        parts = [part[list(dag.nodes)] for _, part in frame.groupby("regime")]
        parts = [(part - part.mean()).to_numpy() for part in parts]
        upon = [[dag.nodes.index(name) for name in targets[k]] for k in targets]
        data = pd.DataFrame(np.vstack(parts), columns=list(dag.nodes))
        data = data.assign(regime=frame["regime"].to_numpy())
        ours = FLOP(InterventionalBIC(targets, regime="regime", penalty=1)).fit(data).dag_
        score = gies.scores.GaussIntL0Pen(parts, upon)
        theirs = gies.fit_bic(parts, upon)[1]
        assert score.full_score(ours.directed.astype(int)) >= theirs - 1e-6 * abs(theirs)
