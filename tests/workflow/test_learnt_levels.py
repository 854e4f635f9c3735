"""Treatments with several levels over learnt graphs: one honest interval for each contrast."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import causalkit as ck
from causalkit.discovery import PC, Knowledge
from causalkit.errors import InputError, KnowledgeWarning
from causalkit.estimation import OLS, DoseResponse, Effect
from causalkit.graph import CausalGraph, Kind
from causalkit.independence import DegenerateGaussian
from causalkit.report.summary import summary_of
from causalkit.workflow import LearntEffect, analyze, certify, learnt_effect
from causalkit.workflow.learnt.learnt_contrasts import LearntEffects
from causalkit.workflow.notes import Note

FORK = CausalGraph.parse("age -> arm -> cost; age -> cost")
CHAIN = CausalGraph.parse("arm -> cost; arm -> age")
BACK = CausalGraph.parse("cost -> arm; age -> cost")
OPEN = CausalGraph.parse("arm -> cost; arm <-> cost; age -> cost")

TRUTH = np.array([0.5, 1.0])
EACH = OLS(contrast="each")
TIERS = Knowledge(tiers=[["age"], ["arm"], ["cost"]])

pytestmark = pytest.mark.filterwarnings("ignore::causalkit.errors.KnowledgeWarning")


def arms(n, seed, weight=-0.25):
    """Three arms, more likely as age grows; what age does to cost nearly cancels on the way."""
    rng = np.random.default_rng(seed)
    age = rng.normal(size=n)
    latent = 0.8 * age + rng.normal(size=n)
    arm = (latent > -0.5).astype(int) + (latent > 0.5)
    cost = np.array([0.0, *TRUTH])[arm] + weight * age + rng.normal(size=n)
    return pd.DataFrame(
        {"age": age, "arm": pd.Categorical(np.array(list("abc"))[arm]), "cost": cost}
    )


def over(graphs, data=None, estimator=EACH, **settings):
    data = arms(300, 0) if data is None else data
    return learnt_effect(data, "arm", "cost", graphs=graphs, estimator=estimator, **settings)


# --- what the answer is ---------------------------------------------------------------------------


def test_each_contrast_is_what_it_is_by_itself():
    data = arms(300, 0)
    learnt = over([FORK, CHAIN, BACK], data)
    assert isinstance(learnt, LearntEffects)
    assert learnt.labels == ("b − a", "c − a")
    for level, own in zip("bc", learnt, strict=True):
        alone = over([FORK, CHAIN, BACK], data, OLS(contrast=("a", level)))
        assert isinstance(alone, LearntEffect)
        assert tuple(own.interval()) == pytest.approx(tuple(alone.interval()))
        assert tuple(own.averaged()) == pytest.approx(tuple(alone.averaged()))
        assert own.alternatives.labels == alone.alternatives.labels
        assert own.variance() == pytest.approx(alone.variance())
        assert own.most_valuable_edge() == alone.most_valuable_edge()
    frame = learnt.to_frame()
    assert list(frame.loc["c − a", "effect"]) == list(learnt["c − a"].alternatives.values)
    assert len(frame) == 6


def test_no_effect_is_zero_for_every_contrast():
    learnt = over([FORK, BACK])
    for own in learnt:
        assert own.alternatives["no effect"].implied
        assert own.probability("zero") == pytest.approx(0.5)
        assert 0.0 in own.interval()
    nothing = over([BACK])
    assert isinstance(nothing, LearntEffect), "nothing is compared"
    assert tuple(nothing.interval()) == (0, 0)


def test_the_hull_of_all_is_that_of_an_effect_set():
    data = arms(300, 1)
    learnt, known = over([FORK], data), ck.identify(FORK, "arm", "cost").estimate(data, EACH)
    assert tuple(learnt.interval()) == pytest.approx(tuple(known.interval()))
    both = over([FORK, CHAIN], data)
    lowest = min(own.interval().lower for own in both)
    assert both.interval().lower == lowest


def test_the_band_is_the_hull_of_the_bands_of_the_answers():
    data = arms(300, 1)
    alone = [over([graph], data).band() for graph in (FORK, CHAIN)]
    known = ck.identify(FORK, "arm", "cost").estimate(data, EACH)
    assert np.array(alone[0]) == pytest.approx(np.array(known.band()))
    lower, upper = over([FORK, CHAIN, BACK], data).band()
    assert lower == pytest.approx(np.minimum(np.minimum(alone[0][0], alone[1][0]), 0))
    assert upper == pytest.approx(np.maximum(np.maximum(alone[0][1], alone[1][1]), 0))
    for k, own in enumerate(over([FORK, CHAIN, BACK], data)):
        assert lower[k] <= own.interval().lower < own.interval().upper < upper[k]


def test_what_one_graph_leaves_open_is_open_for_every_contrast():
    learnt = over([FORK, OPEN])
    for own in learnt:
        assert tuple(own.interval()) == (-np.inf, np.inf)
        assert own.alternatives.n_open == 1
    assert tuple(learnt.interval()) == (-np.inf, np.inf)
    assert np.array(learnt.band()) == pytest.approx(np.array([[-np.inf] * 2, [np.inf] * 2]))
    assert "leave the effects open" in str(learnt)


def test_a_class_without_directions_has_all_its_answers():
    lines = [("arm", "cost", "--"), ("arm", "age", "--"), ("cost", "age", "--")]
    learnt = over([CausalGraph.from_edges(("age", "arm", "cost"), lines, Kind.CPDAG)])
    found = {"adjust for age", "adjust for nothing", "no effect"}
    assert all(set(own.alternatives.labels) == found for own in learnt)


def test_contrasts_are_read_by_label_and_by_place_and_print():
    learnt = over([FORK, CHAIN])
    assert learnt["b − a"] is learnt[0]
    assert learnt[-1] is learnt["c − a"]
    for strange in ("b", 2):
        with pytest.raises(InputError, match="'b − a', 'c − a'"):
            learnt[strange]
    said = str(learnt)
    for own in learnt:
        assert own.contrast in said
        assert f"({own.contrast})" in str(own)
        assert f"{own.interval().lower:.4g} to {own.interval().upper:.4g}" in said
    assert "2 effects of arm on cost by 2 answers of 2 possible graphs" in learnt.sentence
    assert "<table" in learnt._repr_html_()


# --- what is refused ------------------------------------------------------------------------------


class Uneven(OLS):
    """Compares each level, but only the first where there is something to adjust for."""

    def answer(self, problem):
        found = super().answer(problem)
        return found[0] if problem.X.shape[1] else found


def test_answers_that_compare_not_the_same_are_refused():
    with pytest.raises(InputError, match="do not compare the same") as caught:
        over([FORK, CHAIN], estimator=Uneven(contrast="each"))
    assert "adjust for age: one effect; adjust for nothing: b − a, c − a" in str(caught.value)


def test_means_are_refused():
    from sklearn.linear_model import LinearRegression

    data = arms(200, 0).assign(arm=lambda frame: frame["arm"].cat.codes + frame["age"])
    curve = DoseResponse(LinearRegression(), LinearRegression(), doses=(0.0, 1.0), random_state=0)
    with pytest.raises(InputError, match="2 means for one answer"):
        over([FORK], data, curve)


# --- in the chain ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def analysis():
    search = PC(DegenerateGaussian(), alpha=0.01, knowledge=TIERS)
    settings = {"discovery": search, "estimator": EACH, "checks": [], "n_resamples": 20}
    with pytest.warns(KnowledgeWarning):
        return analyze(arms(500, 2), "arm", "cost", **settings)


def test_an_analysis_has_both_intervals_of_each_contrast(analysis):
    assert analysis.contrasts == ("b − a", "c − a")
    assert analysis.graph_as_given == ""
    for k, (label, truth) in enumerate(zip(analysis.contrasts, TRUTH, strict=True)):
        honest, given = analysis.interval(contrast=label), analysis.effect[label].interval()
        assert honest == analysis.learnt[label].interval() == analysis.interval(contrast=k)
        assert truth in honest
        assert honest.width > given.width
    assert 1.0 not in analysis.effect["c − a"].interval(), "the learnt graph lost age -> cost"
    assert analysis.interval() == analysis.learnt.interval()
    choices = [decision.choice for decision in analysis.decisions]
    assert any("2 different answers for each of 2 contrasts" in choice for choice in choices)
    with pytest.raises(InputError, match="expected one of 'b − a', 'c − a'"):
        analysis.interval(contrast="d − a")
    with pytest.raises(InputError, match="one number"):
        certify(analysis, arms(500, 2))


def test_the_page_and_the_plain_values_have_both_intervals_of_each(analysis):
    summary = summary_of(analysis)
    plain = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert len(summary.intervals) == 4
    page = " ".join(analysis.to_html().split())
    for k, label in enumerate(analysis.contrasts):
        honest = analysis.learnt[label].interval()
        assert plain["contrasts"][k]["contrast"] == label
        assert plain["contrasts"][k]["interval"] == pytest.approx(list(honest))
        assert len(plain["over_graphs"]["contrasts"][label]["effects"]) == 2
        words = f"{honest.lower:.4g} to {honest.upper:.4g}"
        assert summary.intervals[2 * k] == (f"{label}, over all possible graphs", words)
        assert words in page
    assert "arm (c − a) raises cost" in summary.answer
    assert summary.why_different.startswith("Of each effect, the second is shorter")
    assert "the interval of c − a would then be" in summary.help
    assert "over graphs" in str(analysis)


def test_a_graph_that_has_no_effect_beside_graphs_that_have(analysis):
    none = replace(
        analysis,
        effect=Effect(0.0, np.nan, 500, "implied by the graph", estimand=analysis.estimand),
    )
    assert none.contrasts == analysis.contrasts
    assert none.interval(contrast=0) == analysis.interval(contrast=0)
    summary = summary_of(none)
    assert "says zero by itself" in summary.why_different
    assert summary.intervals[1][1] == "0 by the graph alone, no interval"
    assert json.dumps(none.to_dict(), allow_nan=False)
    turned = replace(analysis, learnt=over([BACK]))  # and the other way round
    assert tuple(turned.interval(contrast="c − a")) == (0, 0)
    assert len(summary_of(turned).intervals) == 4
    assert json.dumps(turned.to_dict(), allow_nan=False)


def test_a_learnt_graph_that_is_ruled_out_is_not_called_the_same():
    search = PC(DegenerateGaussian(), alpha=0.01, knowledge=TIERS)
    settings = {"discovery": search, "estimator": EACH, "checks": [], "n_resamples": 20}
    found = analyze(arms(600, 2), "arm", "cost", **settings)
    assert found.graph not in found.learnt.graphs.graphs
    assert found.interval(contrast=1) != found.effect[1].interval()
    summary = summary_of(found)
    assert summary.why_different.startswith("Of each effect, the second takes as known")
    assert "The learnt graph fits worse than others" in [d.headline for d in summary.doubts]


def test_of_a_given_graph_contrasts_are_those_of_the_effect():
    data = arms(200, 0)
    given = analyze(data, "arm", "cost", graph=FORK, estimator=EACH, checks=[])
    assert given.interval(contrast="b − a") == given.effect["b − a"].interval()
    assert [label for label, _ in summary_of(given).intervals] == ["b − a", "c − a"]
    assert "More rows" in summary_of(given).help
    single = analyze(data, "arm", "cost", graph=FORK, estimator=OLS(contrast=("a", "c")), checks=[])
    assert single.contrasts == ()
    with pytest.raises(InputError, match="expected None"):
        single.interval(contrast=0)


def test_of_many_effects_the_page_says_how_many_it_shows(analysis):
    first = analysis.learnt[0]
    labels = tuple("bcdef")
    many = replace(
        analysis,
        effect=replace(analysis.effect, effects=(analysis.effect[0],) * 5, labels=labels),
        learnt=LearntEffects(tuple(replace(first, contrast=label) for label in labels)),
    )
    summary = summary_of(many)
    assert len(summary.intervals) == 8
    assert summary.why_different.endswith("Shown are 4 of 5 effects; the technical part has all.")
    assert summary.answer.startswith("There are 5 effects")


# --- notes ----------------------------------------------------------------------------------------


def test_a_note_is_text_with_a_headline_that_copies_keep():
    note = Note("The table has 12 rows only.", headline="There are few rows")
    assert note == "The table has 12 rows only."
    for again in (copy.deepcopy(note), pickle.loads(pickle.dumps(note))):
        assert (again, again.headline) == (note, note.headline)
    assert Note("x").headline == ""
    few = analyze(arms(25, 0), "arm", "cost", graph=FORK, estimator=EACH, checks=[])
    assert "There are few rows" in [doubt.headline for doubt in summary_of(few).doubts]


# --- it covers ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_each_contrast_is_covered_where_the_learnt_graph_misleads():
    covered = np.zeros((80, 5))
    for seed in range(80):
        data = arms(500, seed)
        search = PC(DegenerateGaussian(), alpha=0.01, knowledge=TIERS)
        learnt = over(search, data, n_resamples=30, random_state=seed)
        naive = over([search.fit(data).graph_], data)
        lower, upper = learnt.band()
        inside = [
            [truth in own.interval() for truth, own in zip(TRUTH, found, strict=True)]
            for found in (learnt, naive)
        ]
        covered[seed] = [*inside[0], *inside[1], ((lower <= TRUTH) & (upper >= TRUTH)).all()]
    share = covered.mean(axis=0)
    assert (share[[0, 1, 4]] > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 80)).all()
    assert share[3] < 0.4
