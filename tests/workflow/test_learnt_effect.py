"""Effects over learnt graphs: what the interval is, what is kept, and that it covers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.discovery import FCI, FLOP, PC, Knowledge
from causalkit.errors import InputError
from causalkit.estimation import OLS, Matching
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.independence import (
    KCI,
    ConditionalGaussian,
    DegenerateGaussian,
    FisherZ,
    GSquare,
    TestwiseDeletion,
)
from causalkit.scores import GaussianBIC
from causalkit.workflow import LearntEffect, analyze, learnt_effect, possible_graphs
from causalkit.workflow.learnt.asked_edge import joined
from causalkit.workflow.learnt.graph_learning import default_with_reason

FORK = CausalGraph.parse("z -> x -> y; z -> y")
CHAIN = CausalGraph.parse("z -> x -> y")
BACK = CausalGraph.parse("z -> y -> x; z -> x")


def confounded(n, seed, weight=0.8):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = weight * z + rng.normal(size=n)
    return {"x": x, "y": 0.5 * x + z + rng.normal(size=n), "z": z}


def near_cancelling(n, seed):
    """C -> X and C -> Y, and what X does to Y hides C from a test given Y."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, n))
    x = 0.8 * a + 0.8 * b + 0.25 * c + rng.normal(size=n)
    return {"A": a, "B": b, "C": c, "X": x, "Y": 0.3 * x + 0.6 * c + rng.normal(size=n)}


def over(graphs, data=None, **settings):
    data = confounded(400, 0) if data is None else data
    return learnt_effect(data, "x", "y", graphs=graphs, estimator=OLS(), **settings)


# --- what the answer is ---------------------------------------------------------------------------


def test_the_interval_is_the_hull_of_the_answers_of_all_graphs():
    data = confounded(400, 0)
    answer = over([FORK, CHAIN, BACK], data)
    alone = [over([graph], data).interval() for graph in (FORK, CHAIN)]
    assert answer.alternatives.labels == ("adjust for z", "adjust for nothing", "no effect")
    assert answer.weights == pytest.approx([1 / 3] * 3)
    lower, upper = answer.interval()
    assert lower == min(0.0, *(interval.lower for interval in alone))
    assert upper == max(interval.upper for interval in alone)
    assert [answer.probability(sign) for sign in ("zero", "positive")] == pytest.approx(
        [1 / 3, 2 / 3]
    )


def test_pieces_are_the_union():
    answer = over([FORK, CHAIN, BACK])
    pieces = answer.pieces()
    assert [round(piece.width, 9) == 0 for piece in pieces] == [True, False, False]
    assert (pieces[0].lower, pieces[-1].upper) == tuple(answer.interval())
    inside = [any(value in piece for piece in pieces) for value in answer.alternatives.values]
    assert all(inside)
    assert len(over([CHAIN, CausalGraph.parse("x -> y; z")]).pieces()) == 1


def test_the_variance_has_two_parts():
    answer = over([FORK, CHAIN])
    values, errors = answer.alternatives.values, answer.alternatives.std_errors
    spread = answer.variance()
    assert spread["structural"] == pytest.approx(np.var(values))
    assert spread["sampling"] == pytest.approx(np.mean(errors**2))
    assert over([FORK]).variance()["structural"] == 0


def test_a_class_that_leaves_the_effect_open_has_all_its_answers():
    kind = Kind.CPDAG
    one = CausalGraph.from_edges(
        "xyz", [("x", "y", "--"), ("x", "z", "--"), ("y", "z", "--")], kind
    )
    answer = over([one])
    assert set(answer.alternatives.labels) == {"adjust for z", "adjust for nothing", "no effect"}
    assert answer.weights.sum() == pytest.approx(1)
    assert answer.world_weights.sum() == pytest.approx(1)
    assert all(world.kind is Kind.CPDAG for world in answer.worlds)


def test_nothing_bounds_what_a_pag_leaves_open():
    data = confounded(1000, 1)
    settings = {"estimator": OLS(), "n_resamples": 5, "random_state": 0}
    answer = learnt_effect(data, "x", "y", graphs=FCI(), **settings)
    assert answer.alternatives.n_open
    assert tuple(answer.interval()) == (-np.inf, np.inf)
    assert np.isfinite(answer.alternatives.identified.interval().width)


def test_the_edge_worth_knowing_is_the_one_that_decides():
    answer = over([FORK, CHAIN])
    frame = answer.value_of_edges()
    assert len(frame) == 1
    both = [over([graph]).interval().width for graph in (FORK, CHAIN)]
    assert frame["length_if_known"].iloc[0] == pytest.approx(np.mean(both))
    assert frame["gain"].iloc[0] == pytest.approx(answer.interval().width - np.mean(both))
    assert set(answer.most_valuable_edge()) == {"y", "z"}
    assert over([FORK]).most_valuable_edge() is None


# --- which graphs ---------------------------------------------------------------------------------


def test_scores_are_those_of_the_score_and_screen():
    data = confounded(500, 2)
    found = possible_graphs(data, n_resamples=20, random_state=0)
    score = GaussianBIC()
    for graph, value in zip(found.graphs[:5], found.scores[:5], strict=True):
        assert value == pytest.approx(score.total(data, graph))
    assert found.window >= np.log(500)
    assert (found.kept == (found.scores >= found.scores.max() - found.window)).all()
    assert found.shares.sum() == pytest.approx(1)
    kept = found.plausible
    assert kept.kept.all()
    assert kept.shares.sum() == pytest.approx(1)
    assert len(found.to_frame()) == len(found)


def test_jobs_and_repeats_change_nothing():
    data = confounded(300, 3)
    one, two = (
        possible_graphs(data, PC(), n_resamples=10, random_state=4, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert one.graphs == two.graphs
    assert (one.shares == two.shares).all()


def test_knowledge_holds_in_all_graphs():
    known = Knowledge(tiers=[["z"], ["x"], ["y"]])
    found = possible_graphs(confounded(200, 4), knowledge=known, n_resamples=10, random_state=0)
    assert not any(graph.parents("z") or graph.children("y") for graph in found.graphs)


def test_categories_and_holes_are_searched_and_scored():
    rng = np.random.default_rng(0)
    color = pd.Categorical(rng.choice(["red", "green", "blue"], size=300))
    x = (color == "red") + rng.normal(size=300)
    mixed = pd.DataFrame({"color": color, "x": x, "y": x + rng.normal(size=300)})
    found = possible_graphs(mixed, PC(ConditionalGaussian()), n_resamples=5, random_state=0)
    assert np.isfinite(found.scores).all()
    assert found.searches == (("PC", 5), ("PC, looser", 5), ("HillClimb", 5))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window=0"),
        ({"n_resamples": 1}, "n_resamples"),
        ({"graphs": []}, "one or more CausalGraphs"),
        ({"graphs": "PC"}, "algorithm such as PC"),
        ({"panel": "z"}, "without steps"),
        ({"clusters": "x"}, "asked about"),
        ({"sample_weight": "y", "graphs": [FORK]}, "asked about"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        learnt_effect(confounded(50, 0), "x", "y", **settings)


# --- in the chain ---------------------------------------------------------------------------------


def test_an_analysis_has_both_intervals():
    data = near_cancelling(2000, 3)
    settings = {"estimator": OLS(), "checks": [], "n_resamples": 30}
    analysis = analyze(data, "X", "Y", discovery=PC(alpha=0.05), **settings)
    assert isinstance(analysis.learnt, LearntEffect)
    assert 0.3 in analysis.interval()
    assert 0.3 not in analysis.effect.interval()
    assert analysis.to_dict()["over_graphs"]["n_graphs"] == len(analysis.learnt.graphs)
    assert "If another graph is right" in analysis.to_html()
    given = analyze(data, "X", "Y", graph=analysis.graph, estimator=OLS(), checks=[])
    assert given.learnt is None
    assert tuple(given.interval()) == tuple(given.effect.interval())


@pytest.mark.slow
def test_it_covers_where_the_naive_interval_does_not():
    covered = np.zeros((60, 2))
    for seed in range(60):
        data = near_cancelling(2000, 100 + seed)
        answers = (
            learnt_effect(data, "X", "Y", graphs=graphs, estimator=OLS(), random_state=seed)
            for graphs in (PC(alpha=0.05), [PC(alpha=0.05).fit(data).graph_])
        )
        covered[seed] = [0.3 in answer.interval() for answer in answers]
    assert covered[:, 0].mean() > 0.9
    assert covered[:, 1].mean() < 0.2


# --- the whole identified set ---------------------------------------------------------------------


def identified_set(weight, n, seed):
    """A class without a direction: adjusted for z, for nothing, and no effect are possible."""
    rng = np.random.default_rng([seed, n])
    z = rng.normal(size=n)
    x = weight * z + rng.normal(size=n)
    data = {"x": x, "y": 0.5 * x + z + rng.normal(size=n), "z": z}
    return data, (0.0, 0.5, 0.5 + weight / (1 + weight**2))


def test_an_interval_for_the_set_is_wider_and_holds_the_points():
    data, _ = identified_set(0.8, 300, 0)
    lines = [("x", "y", "--"), ("x", "z", "--"), ("y", "z", "--")]
    effects = over([CausalGraph.from_edges("xyz", lines, Kind.CPDAG)], data)
    one, whole = effects.interval(), effects.interval(covers="set")
    assert one.lower == whole.lower == 0
    assert one.upper < whole.upper < one.upper + 0.2
    assert over([BACK]).interval(covers="set").width == 0
    with pytest.raises(InputError, match="covers='all'"):
        effects.interval(covers="all")


@pytest.mark.slow
def test_it_covers_the_whole_set_of_a_cpdag():
    lines = [("x", "y", "--"), ("x", "z", "--"), ("y", "z", "--")]
    graph = CausalGraph.from_edges("xyz", lines, Kind.CPDAG)
    covered = []
    for seed in range(500):
        data, values = identified_set(0.8, 300, seed)
        interval = over([graph], data).interval(covers="set")
        covered.append(all(value in interval for value in values))
    assert np.mean(covered) > 0.93


@pytest.mark.slow
def test_it_covers_the_whole_set_of_a_pag():
    graph = CausalGraph.from_edges("wxy", [("w", "x", "o-o"), ("x", "y", "o-o")], Kind.PAG)
    covered = []
    for seed in range(500):
        w, x, y = np.random.default_rng(seed).normal(size=(3, 300))
        data = {"w": w, "x": w + x, "y": 0.5 * (w + x) + y}
        answers = over([graph], data).alternatives
        assert answers.n_open
        interval = answers.identified.interval(covers="set")
        covered.append(0.0 in interval and 0.5 in interval)
    assert np.mean(covered) > 0.93


# --- what a sceptic found -------------------------------------------------------------------------


def test_nothing_is_said_of_what_is_open():
    open_one = CausalGraph.parse("x -> y; x <-> y; z -> y")
    answer = over([open_one, CausalGraph.parse("z -> x; z -> y")])
    assert tuple(answer.interval()) == tuple(answer.pieces()[0]) == (-np.inf, np.inf)
    assert answer.probability("zero") == pytest.approx(0.5)
    assert answer.variance()["structural"] == np.inf
    assert answer.to_frame()["weight"].sum() == pytest.approx(0.5)


def test_a_strategy_opens_a_class_into_its_members():
    lines = [("x", "y", "--"), ("x", "z", "--"), ("y", "z", "--")]
    class_ = CausalGraph.from_edges("xyz", lines, Kind.CPDAG)
    plain, chosen = over([class_]), over([class_], strategy="adjustment")
    assert tuple(chosen.interval()) == tuple(plain.interval())
    assert chosen.alternatives.labels == plain.alternatives.labels
    assert over([BACK, FORK], strategy="adjustment").alternatives.n_open == 0
    assert over([class_], strategy="no effect").alternatives.n_open == 1


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_columns_beside_the_variables_have_names_of_any_kind():
    rows = confounded(200, 0) | {"who": np.arange(200) // 4, "when": np.arange(200) % 4}
    numbered = dict(enumerate(rows.values()))
    settings = {"estimator": OLS(), "n_resamples": 4, "random_state": 0}
    one = learnt_effect(numbered, 0, 1, clusters=np.int64(3), **settings)
    assert 3 not in one.graphs.graphs[0].nodes
    two = learnt_effect(rows, "x", "y", clusters=("who", "when"), **settings)
    assert set(two.graphs.graphs[0].nodes) == {"x", "y", "z"}
    with pytest.raises(InputError, match="asked about"):
        learnt_effect(numbered, 0, 1, clusters=np.int64(1), **settings)


def test_graphs_over_other_nodes_are_refused():
    with pytest.raises(InputError, match="different nodes"):
        over([CausalGraph.parse("x -> y"), FORK])
    with pytest.raises(InputError, match="beside graphs"):
        over([FORK], knowledge=Knowledge())


def test_an_answer_that_cannot_be_estimated_is_open_and_named():
    data = confounded(300, 0)
    data["x"] = (data["x"] > 0).astype(float)
    settings = {"graphs": [FORK, CHAIN], "estimator": Matching(target="ATE")}
    answer = learnt_effect(data, "x", "y", **settings)
    assert list(answer.failures) == ["adjust for nothing"]
    assert answer.alternatives.labels == ("adjust for z",)
    assert np.isinf(answer.interval().width)
    assert "Not estimated: adjust for nothing" in str(answer)


def test_names_with_commas_are_names():
    rng = np.random.default_rng(0)
    a, b, both = rng.normal(size=(3, 300))
    x = a + both + rng.normal(size=300)
    data = {"a": a, "b": b, "a, b": both, "x": x, "y": x + a + both + rng.normal(size=300)}
    first = CausalGraph.parse('a -> x; a -> y; b -> x; b -> y; x -> y; "a, b"')
    second = CausalGraph.parse('"a, b" -> x; "a, b" -> y; x -> y; a; b').reordered(first.nodes)
    answer = over([first, second], data)
    assert len(answer.alternatives) == 2


def test_an_edge_without_direction_stands_for_either():
    known = CausalGraph.parse("a -> b; x -> y; z -> y; z -> x")
    loose = CausalGraph.from_edges(known.nodes, [("a", "b", "->"), ("x", "y", "->")])
    lines = [("a", "b", "--"), ("x", "y", "->"), ("z", "y", "->")]
    class_ = CausalGraph.from_edges(known.nodes, lines, Kind.CPDAG)
    rng = np.random.default_rng(0)
    data = confounded(300, 0) | {"a": rng.normal(size=300), "b": rng.normal(size=300)}
    answer = over([class_, loose], data)
    frame = answer.value_of_edges().set_index(["a", "b"])
    short = over([class_], data).interval().width  # told b -> a, a quarter of the weight
    gain = (answer.interval().width - short) / 4
    assert frame.loc[("a", "b"), "gain"] == pytest.approx(gain)
    assert frame.loc[("a", "b"), "share"] == pytest.approx(0.75)


def test_of_many_variables_the_searches_graphs_are_kept():
    rng = np.random.default_rng(0)
    data = near_cancelling(500, 0)
    for k in range(15):
        earlier = list(data.values())[-1]
        data[f"n{k}"] = 0.5 * earlier * (k % 3 > 0) + rng.normal(size=500)
    found = possible_graphs(data, n_resamples=30, random_state=0)
    assert found.shares[found.kept].sum() > 0.4
    assert found.window > 2 * np.log(500)


def test_an_analysis_says_when_its_own_graph_is_ruled_out():
    data = near_cancelling(2000, 3)
    settings = {"estimator": OLS(), "checks": [], "n_resamples": 10}
    analysis = analyze(data, "X", "Y", discovery=PC(alpha=0.01), **settings)
    kept = analysis.graph in analysis.learnt.graphs.graphs
    assert kept or any("below the best that was found" in note for note in analysis.notes)


def test_a_gaussian_score_does_not_judge_what_kernel_tests_found():
    found = possible_graphs(confounded(80, 0), PC(test=KCI()), n_resamples=20, random_state=0)
    assert found.kept.all()
    assert np.isnan(found.scores).all()
    assert len(found) > 1


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["x", "y"], FLOP()),
        (["x", "two"], PC(FisherZ(), alpha=0.01)),
        (["word", "letter"], PC(GSquare(), alpha=0.01)),
        (["x", "word"], PC(DegenerateGaussian(), alpha=0.01)),
        (["x", "gaps"], PC(TestwiseDeletion(FisherZ()), alpha=0.01)),
    ],
)
def test_the_default_search_reads_the_columns_that_there_are(columns, expected):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 3)), columns=["x", "y", "gaps"])
    frame["two"] = (frame.x > 0).astype(int)
    frame["word"] = pd.Categorical(np.where(frame.y > 0, "yes", "no"))
    frame["letter"] = pd.Categorical(rng.choice(list("abc"), 200))
    frame.loc[:9, "gaps"] = np.nan
    chosen, why = default_with_reason(as_table(frame[columns]), None)
    assert repr(chosen) == repr(expected)
    assert why
    found = possible_graphs(frame[columns], n_resamples=2, random_state=0)
    assert np.isfinite(found.scores).all() != ("gaps" in columns)  # rows differ by family


# --- the edge that is asked about -----------------------------------------------------------------


def test_a_weak_effect_is_not_said_to_be_zero():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    data = {"x": x, "y": 0.1 * x + rng.normal(size=200), "z": rng.normal(size=200)}
    answer = learnt_effect(data, "x", "y", estimator=OLS(), n_resamples=20, random_state=0)
    assert set(answer.alternatives.labels) >= {"no effect", "adjust for nothing"}
    assert 0.1 in answer.interval()
    assert answer.probability("zero") > 0.5


def insured(n, seed):
    """What drives the treatment drives the outcome alike, and given it little is left to see."""
    rng = np.random.default_rng(seed)
    age, noise = rng.normal(size=n), rng.normal(size=(2, n))
    sex, school = rng.choice(["m", "f"], n), rng.choice(list("abc"), n, p=[0.3, 0.5, 0.2])
    income = 0.3 * (school == "c") + 0.15 * (school == "b") + 0.1 * age + 0.5 * noise[0]
    odds = np.exp(-0.5 + 0.6 * income + 0.4 * age + 0.4 * (sex == "f"))
    insured = (rng.random(n) < odds / (1 + odds)).astype(int)
    costs = 3 * insured + 1.5 * age + (sex == "f") + 2.5 * income + 4 * noise[1]
    table = {"age": age, "sex": sex, "school": school, "income": income, "insured": insured}
    categories = dict.fromkeys(("sex", "school", "insured"), "category")
    return pd.DataFrame({**table, "costs": costs}).astype(categories)


def test_an_edge_that_all_searches_draw_backwards_is_also_searched_forwards():
    data = insured(1000, 3)
    plain = possible_graphs(data, n_resamples=10)
    kept = [graph for graph, near in zip(plain.graphs, plain.kept, strict=True) if near]
    assert all("costs" in graph.ancestors("insured") for graph in kept)
    asked = possible_graphs(data, n_resamples=10, asked=("insured", "costs"))
    turned = [g for g in asked.graphs if g not in plain.graphs]
    assert any("insured" in g.parents("costs") for g in turned)
    assert asked.kept[[asked.graphs.index(g) for g in turned]].any()

    known = Knowledge(required=[("costs", "insured")])
    assert len(possible_graphs(data, knowledge=known, n_resamples=10, asked=("insured", "costs")))


def test_a_graph_that_runs_from_outcome_to_treatment_is_a_reason_for_doubt():
    analysis = analyze(insured(1000, 3), "insured", "costs", estimator=OLS(), n_resamples=0)
    assert analysis.effect.implied
    (doubt,) = [note for note in analysis.notes if "a cause of insured" in note]
    assert doubt.headline == "The learnt graph runs from costs to insured"
    assert "Knowledge(tiers=[[name for name in data if name != 'costs'], ['costs']])" in doubt
    known = Knowledge(required=[("costs", "insured")])
    asked = {"knowledge": known, "estimator": OLS(), "n_resamples": 0}
    assert not [
        note
        for note in analyze(insured(1000, 3), "insured", "costs", **asked).notes
        if "a cause of insured" in note
    ]


def test_knowledge_and_arrows_forbid_the_edge_that_is_asked_about():
    rng = np.random.default_rng(1)
    data = {"x": rng.normal(size=200), "y": rng.normal(size=200)}
    known = Knowledge(forbidden=[("x", "y")])
    settings = {"estimator": OLS(), "n_resamples": 5, "random_state": 0}
    answer = learnt_effect(data, "x", "y", knowledge=known, **settings)
    assert answer.alternatives.labels == ("no effect",)
    assert joined(CausalGraph.parse("y -> z -> x"), "x", "y") is None
    assert joined(CausalGraph.parse("x -> y"), "x", "y") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CPDAG: x -- z; y", "CPDAG: x -- z; x -> y"),
        ("CPDAG: y -- z; x", "CPDAG: y -> z; x -> y"),  # or there were another collider
        ("CPDAG: x -- z; z -- y", "CPDAG: x -- z; z -- y; x -> y"),
    ],
)
def test_a_class_with_the_edge_has_the_colliders_that_it_had(text, expected):
    found = joined(CausalGraph.parse(text), "x", "y")
    assert found == CausalGraph.parse(expected)


def test_links_are_added_to_graphs_of_series():
    graph = LaggedGraph.parse("x[t-1] -> x[t]; y[t-2] -> y[t]")
    found = joined(graph, "x[t-2]", "y")
    assert found == LaggedGraph.parse("x[t-1] -> x[t]; y[t-2] -> y[t]; x[t-2] -> y[t]")
    assert joined(graph, "x[t-3]", "y") is None
    assert joined(graph, "x", "y[t-1]") is None
