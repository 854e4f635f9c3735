"""Walks: against closures, path enumeration, and every member of a class."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, UnknownVariableError
from causalkit.graph import (
    CausalGraph,
    Kind,
    dag_to_cpdag,
    possible_ancestors,
    possible_descendants,
    random_admg,
    random_dag,
)
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from causalkit.graph.walks import (
    ANCESTORS,
    DESCENDANTS,
    M_CONNECTION,
    POSSIBLE_DESCENDANTS,
    Rule,
    Table,
    arrivals,
    find_walk,
    m_connected,
    mask_of,
    reach,
    without_directed,
)
from tests.graph.test_separation import pag_of
from tests.oracles import graphs as oracle


def names_of(graph, mask):
    return graph.names(np.flatnonzero(mask))


@given(oracle.admgs(max_nodes=6), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_ancestors_and_descendants(graph, seed):
    chosen = np.random.default_rng(seed).random(len(graph.nodes)) < 0.4
    below = set().union(*(oracle.descendants(graph, v) for v in names_of(graph, chosen)))
    assert names_of(graph, reach(graph, chosen, DESCENDANTS)) == below
    above = {v for v in graph.nodes if oracle.descendants(graph, v) & names_of(graph, chosen)}
    assert names_of(graph, reach(graph, chosen, ANCESTORS)) == above
    assert graph.descendants(names_of(graph, chosen)) == below
    assert graph.ancestors(names_of(graph, chosen)) == above


@given(oracle.admgs(min_nodes=2, max_nodes=5), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_open_walks_reach_what_open_paths_reach(graph, seed):
    rng = np.random.default_rng(seed)
    start = int(rng.integers(len(graph.nodes)))
    x = mask_of(graph, graph.nodes[start])
    given = (rng.random(len(graph.nodes)) < 0.4) & ~x
    found = names_of(graph, m_connected(graph, x, given) & ~given & ~x)
    z = names_of(graph, given)
    others = set(graph.nodes) - z - {graph.nodes[start]}
    assert found == {y for y in others if not oracle.is_separated(graph, graph.nodes[start], y, z)}


@pytest.mark.parametrize("seed", range(40))
def test_a_witness_is_open_and_exists_exactly_if_reached(seed):
    rng = np.random.default_rng(seed)
    graph = random_admg(7, expected_degree=2.0, bidirected_degree=0.7, rng=rng)
    x = mask_of(graph, "x0")
    given = (rng.random(7) < 0.3) & ~x
    opened = reach(graph, given, ANCESTORS)
    masks = {"opened": opened, "free": ~given}
    by_edge = arrivals(graph, x, M_CONNECTION, **masks)
    for k in range(1, 7):
        goal = mask_of(graph, f"x{k}")
        walk = find_walk(graph, x, goal, M_CONNECTION, **masks)
        assert (walk is not None) == any(entered[k] for entered in by_edge.values())
        if walk is None:
            continue
        assert walk.nodes[0] == 0
        assert walk.nodes[-1] == k
        for i, symbol, j in zip(walk.nodes, walk.symbols, walk.nodes[1:], strict=False):
            assert j in graph.steps[symbol][i]
        for before, v, after in zip(walk.symbols, walk.nodes[1:], walk.symbols[1:], strict=False):
            collider = before.endswith(">") and after.startswith("<")
            assert opened[v] if collider else not given[v]
        assert f"x{k}" in walk.show(graph)


def test_avoided_nodes_are_never_entered():
    graph = CausalGraph.parse("X -> A -> B; X -> C; C -> X2 -> B2")
    x = mask_of(graph, ["X", "X2"])
    proper = reach(graph, mask_of(graph, "X"), DESCENDANTS, avoid=x)
    assert names_of(graph, proper) == {"X", "A", "B", "C"}
    assert find_walk(graph, mask_of(graph, "X"), mask_of(graph, "B2"), DESCENDANTS, avoid=x) is None


def test_cut_edges_are_not_walked():
    graph = CausalGraph.parse("X -> Y; X <-> Y; Z -> X")
    cut = np.zeros((3, 3), dtype=bool)
    cut[graph.index("X"), graph.index("Y")] = True
    steps = without_directed(graph, cut)
    assert names_of(graph, reach(steps, mask_of(graph, "X"), DESCENDANTS)) == {"X"}
    assert names_of(graph, reach(steps, mask_of(graph, "Y"), ANCESTORS)) == {"Y"}
    assert names_of(graph, m_connected(steps, mask_of(graph, "X"), mask_of(graph, ()))) == {
        "X",
        "Y",
        "Z",
    }
    assert graph.directed[graph.index("X"), graph.index("Y")]  # the graph is as it was


def test_a_table_of_ones_own():
    districts = Table("<->", (Rule("<-> v <->"),))
    graph = CausalGraph.parse("A <-> B <-> C; C -> D; D <-> E")
    assert names_of(graph, reach(graph, mask_of(graph, "A"), districts)) == {"A", "B", "C"}


def test_steps_are_listed_both_ways_and_read_only():
    graph = CausalGraph.parse("A o-> B; B -> C; C <-> D; A o-o E", kind="PAG")
    assert set(graph.steps) == {"o->", "<-o", "->", "<-", "<->", "o-o"}
    for symbol, back in (("->", "<-"), ("o->", "<-o"), ("<->", "<->"), ("o-o", "o-o")):
        there = {(i, j) for i, row in enumerate(graph.steps[symbol]) for j in row}
        assert {(j, i) for i, row in enumerate(graph.steps[back]) for j in row} == there
    with pytest.raises(TypeError):
        graph.steps["->"] = ()


@pytest.mark.parametrize("seed", range(20))
def test_steps_are_the_edges(seed):
    rng = np.random.default_rng(seed)
    graph = random_admg(
        int(rng.integers(1, 9)), expected_degree=0.9, bidirected_degree=0.9, rng=rng
    )
    for symbol, matrix in (
        ("->", graph.directed),
        ("<-", graph.directed.T),
        ("<->", graph.bidirected),
    ):
        expected = [tuple(np.flatnonzero(row).tolist()) for row in matrix]
        assert list(graph.steps.get(symbol, [()] * len(graph))) == expected


@pytest.mark.parametrize("seed", range(60))
def test_possible_relatives_in_a_class_are_those_of_some_member(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(6, expected_degree=3.2, rng=rng)
    graph = oracle.random_pdag(rng, dag, int(rng.integers(0, 4)))
    every = oracle.members(graph)
    for v in graph.nodes:
        below = set().union(*(member.descendants(v) for member in every))
        assert possible_descendants(graph, v) == below
        above = set().union(*(member.ancestors(v) for member in every))
        assert possible_ancestors(graph, v) == above
    both = list(graph.nodes[:2])
    assert possible_descendants(graph, both) == possible_descendants(
        graph, both[0]
    ) | possible_descendants(graph, both[1])


def test_background_knowledge_closes_an_undirected_way_round():
    graph = CausalGraph.parse("A -- B -- C -> A", kind="CPDAG")
    assert possible_descendants(graph, "A") == {"A", "B"}
    assert possible_ancestors(graph, "C") == {"B", "C"}
    walk = find_walk(graph, mask_of(graph, "A"), mask_of(graph, "C"), POSSIBLE_DESCENDANTS)
    assert walk is None


def mags_of(pag: CausalGraph) -> list[CausalGraph]:
    """All MAGs with the marks and the separations of a PAG."""
    circles = np.argwhere(pag.ends == CIRCLE).tolist()
    wanted = None
    found = []
    for choice in product((TAIL, ARROW), repeat=len(circles)):
        ends = np.array(pag.ends)
        for (i, j), mark in zip(circles, choice, strict=True):
            ends[i, j] = mark
        if ((ends == TAIL) & (ends.T == TAIL)).any():
            continue
        try:
            mag = CausalGraph(pag.nodes, ends, Kind.MAG)
        except GraphError:
            continue
        wanted = wanted or oracle.independences(pag, pag.nodes, separated=_separated)
        if oracle.independences(mag, mag.nodes, separated=_separated) == wanted:
            found.append(mag)
    return found


def _separated(graph, x, y, given):
    from causalkit.graph import is_separated

    return is_separated(graph, x, y, given)


def test_possible_relatives_in_a_pag_are_those_of_some_mag(shared):
    cases = json.loads((shared / "discovery_oracle/dag_cpdag_pag_60.json").read_text())["cases"]
    tried = 0
    for case in cases:
        pag = pag_of(case)
        if not 3 <= len(pag.nodes) <= 5 or (pag.ends == CIRCLE).sum() > 6:
            continue
        tried += 1
        mags = mags_of(pag)
        for v in pag.nodes:
            below = set().union(*(mag.descendants(v) for mag in mags))
            assert possible_descendants(pag, v) == below, case["id"]
            above = set().union(*(mag.ancestors(v) for mag in mags))
            assert possible_ancestors(pag, v) == above, case["id"]
    assert tried >= 8


def test_in_a_dag_possible_relatives_are_relatives():
    graph = CausalGraph.parse("A -> B -> C; A <-> C; 1 -> B")
    assert possible_descendants(graph, "A") == graph.descendants("A")
    assert possible_ancestors(graph, "C") == graph.ancestors("C") == {"A", "B", "C", 1}
    with pytest.raises(UnknownVariableError):
        possible_ancestors(graph, "Z")


def test_graphs_without_edges():
    graph = CausalGraph("AB", np.zeros((2, 2)), "CPDAG")
    assert possible_descendants(graph, "A") == {"A"}
    assert possible_descendants(dag_to_cpdag(CausalGraph("AB", np.zeros((2, 2)))), "B") == {"B"}
    assert not m_connected(graph, mask_of(graph, "A"), mask_of(graph, ()))[1]


# --- any table, against a search that looks at one triple of nodes at a time ----------------------


MARKS = {"-": TAIL, ">": ARROW, "<": ARROW, "o": CIRCLE}


def random_marks(rng, size):
    """Any marks at all: the search does not ask what kind of graph it is in."""
    ends = np.zeros((size, size), dtype=np.uint8)
    for i in range(size):
        for j in range(i):
            if rng.random() < 0.45:
                ends[i, j], ends[j, i] = rng.choice([TAIL, ARROW, CIRCLE], 2)
    names = tuple(f"x{k}" for k in range(size))
    return CausalGraph._of(names, ends, Kind.PAG)


def random_table(rng):
    first, near, far = ("-", "<", "o", "*"), ("-", ">", "o", "*"), ("-", "<", "o", "*")

    def edge():
        return f"{rng.choice(first)}-{rng.choice(near)}"

    rules = tuple(
        Rule(
            f"{edge()} v {rng.choice(far)}-{rng.choice(near)}",
            rng.choice([None, "here", "there"]),
            bool(rng.random() < 0.25),
        )
        for _ in range(int(rng.integers(1, 5)))
    )
    return Table(edge(), rules)


def fits(graph, i, j, pattern):
    """Whether an edge i, j is of this form as it reads from i to j."""
    if not graph.ends[i, j]:
        return False
    marks = ((pattern[0], graph.ends[j, i]), (pattern[-1], graph.ends[i, j]))
    return all(sign == "*" or MARKS[sign] == mark for sign, mark in marks)


def slow_walks(graph, start, table, avoid, where):
    """Pairs of nodes at the end of walks, by growing all walks until nothing is new."""
    p = len(graph.nodes)
    pairs = {
        (i, j)
        for i in range(p)
        for j in range(p)
        if start[i] and not avoid[j] and fits(graph, i, j, table.first)
    }
    while True:
        more = set()
        for i, j in pairs:
            for rule in table.rules:
                before, after = rule.picture.split(" v ")
                if not fits(graph, i, j, before) or not (
                    rule.where is None or where[rule.where][j]
                ):
                    continue
                for k in range(p):
                    near = k == i or graph.ends[i, k] > 0
                    if fits(graph, j, k, after) and not avoid[k] and not (rule.apart and near):
                        more.add((j, k))
        if more <= pairs:
            return pairs
        pairs |= more


@pytest.mark.parametrize("seed", range(150))
def test_any_table_reaches_what_growing_walks_reaches(seed):
    rng = np.random.default_rng(seed)
    graph, table = random_marks(rng, 7), random_table(rng)
    start, avoid, here, there = (rng.random((4, 7)).T < (0.3, 0.15, 0.6, 0.6)).T
    start[0] = True
    where = {"here": here, "there": there}
    pairs = slow_walks(graph, start, table, avoid, where)
    ends = np.zeros(7, dtype=bool)
    ends[[j for _, j in pairs]] = True
    assert (reach(graph, start, table, avoid=avoid, **where) == (start | ends)).all()
    by_symbol = arrivals(graph, start, table, avoid=avoid, **where)
    found = {(s, int(j)) for s, mask in by_symbol.items() for j in np.flatnonzero(mask)}
    symbols = {(i, j): s for s, rows in graph.steps.items() for i in range(7) for j in rows[i]}
    assert found == {(symbols[i, j], j) for i, j in pairs}
    for k in range(7):
        goal = np.arange(7) == k
        walk = find_walk(graph, start, goal, table, avoid=avoid, **where)
        assert (walk is not None) == ends[k]
        if walk is not None:
            assert start[walk.nodes[0]]
            assert walk.nodes[-1] == k
            assert all(step in pairs for step in zip(walk.nodes, walk.nodes[1:], strict=False))
