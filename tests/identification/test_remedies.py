"""What would help, against trying everything."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge
from causalkit.identification import Sample, general_formula, identify_from, what_would_help
from tests.identification.oracle import Plain, factors_follow, random_admg, random_query, subsets


def measured(plain, bows):
    """The graph with the causes of some bows drawn as nodes."""
    arcs = [*plain.arcs]
    names = []
    for a, b in bows:
        names.append(f"U({a},{b})")
        arcs += [(names[-1], a), (names[-1], b)]
    kept = tuple(bow for bow in plain.bows if bow not in bows)
    return Plain((*names, *plain.nodes), tuple(arcs), kept)


def smallest(plain, treatment, outcome):
    """All smallest sets of bows whose causes, measured, make the effect follow; by trying all."""
    for size in range(len(plain.bows) + 1):
        found = {
            frozenset(frozenset(bow) for bow in bows)
            for bows in subsets(plain.bows)
            if len(bows) == size and factors_follow(measured(plain, bows), treatment, outcome)
        }
        if found:
            return found
    return set()


def test_measurements_are_all_the_smallest_ones():
    rng = np.random.default_rng(0)
    sizes = []
    for _ in range(150):
        plain = random_admg(rng, 5, bows=0.4)
        treatment, outcome, _ = random_query(rng, plain.nodes)
        found = what_would_help(plain.graph(), treatment, outcome, max_size=10)
        expected = smallest(plain, treatment, outcome)
        sizes.append(len(next(iter(expected))))
        assert found.identified == (sizes[-1] == 0)
        if not found.identified:
            words = {
                frozenset(frozenset(one.split()[-3::2]) for one in units)
                for units in found.measurements
            }
            assert words == expected
    assert max(sizes) >= 2


def test_hidden_nodes_are_measured_by_name():
    graph = "X -> M -> Y; U -> X; U -> Y"
    remedies = what_would_help(graph, "X", "Y", observed=["X", "Y"])
    assert remedies.measurements == (("M",), ("U",))


def test_experiments_are_those_that_identify():
    rng = np.random.default_rng(1)
    for _ in range(60):
        plain = random_admg(rng, 5, bows=0.4)
        treatment, outcome, _ = random_query(rng, plain.nodes)
        graph = plain.graph()
        remedies = what_would_help(graph, treatment, outcome)
        if remedies.identified:
            continue
        for name in set(plain.nodes) - {*treatment, *outcome}:
            try:
                identify_from(graph, treatment, outcome, samples=[Sample(), Sample(do=name)])
            except NotIdentifiableError:
                assert name not in remedies.experiments
            else:
                assert name in remedies.experiments


def test_experiments_within_strata_are_tried_on_the_hedge_only():
    rng = np.random.default_rng(2)
    helpful = 0
    for _ in range(600):
        plain = random_admg(rng, 5, arcs=0.6, bows=0.4)
        treatment, outcome, given = random_query(rng, plain.nodes, given=1)
        graph = plain.graph()
        remedies = what_would_help(graph, treatment, outcome, given=given, max_size=0)
        if remedies.identified:
            continue
        for name in set(plain.nodes) - {*treatment, *outcome, *given}:
            samples = [Sample(), Sample(do=name)]
            try:
                identify_from(graph, treatment, outcome, given=given, samples=samples)
            except NotIdentifiableError:
                assert name not in remedies.experiments
            else:
                assert name in remedies.experiments
                helpful += 1
    assert helpful > 2


def test_nothing_is_needed_where_it_is_identified():
    remedies = what_would_help("X -> Y", "X", "Y")
    assert remedies.identified
    assert "Nothing is needed" in str(remedies)


def test_too_many_measurements_are_said_to_be_too_many():
    edges = [Edge("X", "Y", "->"), Edge("X", "Y", "<->")]
    graph = CausalGraph.from_edges(["X", "Y"], edges)
    assert "Nothing was found" in str(what_would_help(graph, "X", "Y", max_size=0))
    assert "hidden cause of X and Y" in str(what_would_help(graph, "X", "Y"))


def test_how_many_measurements_is_a_count():
    with pytest.raises(InputError, match="max_size='a'"):
        what_would_help("X -> Y; X <-> Y", "X", "Y", max_size="a")
    with pytest.raises(InputError, match="max_size=-1"):
        what_would_help("X -> Y; X <-> Y", "X", "Y", max_size=-1)


def test_a_measured_cause_does_identify():
    with pytest.raises(NotIdentifiableError):
        general_formula("Z -> X -> Y; X <-> Z <-> Y", "X", "Y")
    assert general_formula("Z -> X -> Y; U -> X; U -> Z; Z <-> Y", "X", "Y").expression
