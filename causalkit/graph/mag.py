"""Ancestral graphs: what hidden and selected variables leave over, and what data can tell of it.

A *maximal ancestral graph* (MAG) has a node for every observed variable and says of each pair
whether any set of observed variables separates it, and if not, which of the two is an ancestor::

    a -> b     a is an ancestor of b (or of a selection variable), b is none of a
    a <-> b    neither is an ancestor of the other: a hidden common cause
    a -- b     each is an ancestor of the other or of a selection variable

Many MAGs have the same separations. Their class is drawn as a *partial ancestral graph* (PAG): a
tail or an arrow where all members agree, a circle where they differ.

>>> from causalkit.graph import CausalGraph
>>> full = CausalGraph.parse("income -> smoking -> tar -> cancer; gene -> smoking; gene -> cancer")
>>> mag = dag_to_mag(full, latent="gene")
>>> print(mag)
MAG with 4 nodes, 5 edges: income -> smoking; income -> cancer; smoking -> tar;
smoking -> cancer; tar -> cancer
>>> pag = mag_to_pag(dag_to_mag(CausalGraph.parse("rain -> wet <- tap; wet -> slip")))
>>> print(pag)
PAG with 4 nodes, 3 edges: rain o-> wet; tap o-> wet; wet -> slip
>>> sorted(visible_edges(pag))
[('wet', 'slip')]

The marks of a PAG follow from the skeleton and from which triples are colliders by ten rules
(Zhang 2008), and they are all there is to know. ::

    1   k *-> i o-* j                                  =>  i -> j         k, j far apart
    2   i -> k *-> j or i *-> k -> j,  i *-o j         =>  i *-> j
    3   k *-> j <-* m,  k *-o i o-* m,  i *-o j        =>  i *-> j        k, m far apart
    4   a discriminating path (t, …, a, b, c)          =>  b -> c, or a <-> b <-> c
    5   i o-o j closes an unshielded circle path       =>  i -- j
    6   k -- j o-* i                                   =>  j --* i
    7   k --o j o-* i                                  =>  j --* i        k, i far apart
    8   i -> k -> j or i --o k -> j,  i o-> j          =>  i -> j
    9   i o-> j and an unshielded possibly directed path that leaves i away from j  =>  i -> j
    10  i o-> j and two such paths to parents of j, their first nodes far apart     =>  i -> j

References
----------
Richardson, Spirtes (2002), "Ancestral graph Markov models", doi:10.1214/aos/1031689015. Zhang
(2008), "On the completeness of orientation rules for causal discovery in the presence of latent
confounders and selection bias", doi:10.1016/j.artint.2008.08.001. Zhang (2008), "Causal reasoning
with ancestral graphs", JMLR 9: 1437-1474.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import GraphError, InputError
from causalkit.graph._validity import closure
from causalkit.graph.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Kind, show_name
from causalkit.graph.walks import mask_of
from causalkit.typing import BoolArray, IntArray, Name, Names

__all__ = [
    "Judge",
    "Marks",
    "Rules",
    "answer_paths",
    "apply_rules",
    "dag_to_mag",
    "judge_by",
    "mag_to_pag",
    "unshielded_colliders",
    "visible",
    "visible_edges",
]

Marks: TypeAlias = NDArray[np.uint8]
"""Marks, shape (p, p): `ends[i, j]` is the mark at j's end of the edge between i and j."""

Judge: TypeAlias = Callable[[Marks, IntArray], tuple[IntArray, NDArray[np.int8]]]
"""Takes marks and discriminating paths (t, a, b, c, length), a row each. Returns the paths about
which it knows something, the surest first, and for each 1 if b is a collider on it, 0 if not."""

Rules: TypeAlias = tuple[Marks, IntArray, IntArray, IntArray, Marks, bool]
"""Marks, neighbours (starts, near), codes of unclear triples, reasons, whether to use rule 5."""


# --- from DAG to MAG -----------------------------------------------------------------------------


def dag_to_mag(graph: CausalGraph, latent: Names = (), selection: Names = ()) -> CausalGraph:
    """Return the MAG over the observed variables.

    Parameters
    ----------
    graph : CausalGraph
        A DAG or an ADMG.
    latent : name or names, optional
        Hidden variables.
    selection : name or names, optional
        Variables whose value decided who got into the data; they are conditioned on.

    Returns
    -------
    CausalGraph
        Of kind MAG, over the other nodes in the order of `graph`.

    Raises
    ------
    GraphError
        If the graph is a MAG or a class of graphs.
    InputError
        If a variable is both hidden and selected on, or no variable is observed.

    Notes
    -----
    Two observed variables are adjacent if no set of observed ones, together with the selection
    variables, separates them: if an *inducing path* joins them, on which every observed node is a
    collider and every collider an ancestor of one of the two or of a selection variable.

    Examples
    --------
    >>> graph = CausalGraph.parse("A -> B <- U -> C <- D; B -> S")
    >>> print(dag_to_mag(graph, latent="U"))
    MAG with 5 nodes, 4 edges: A -> B; B <-> C; B -> S; D -> C
    >>> print(dag_to_mag(graph, latent="U", selection="S"))
    MAG with 4 nodes, 4 edges: A -- B; A -> C; B -> C; D -> C
    """
    from causalkit.graph._ancestral_kernels import ancestry, inducing_pairs

    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise GraphError(
            f"dag_to_mag() got a {graph.kind.name}; expected a DAG or an ADMG, whose edges say "
            "what causes what. Take a member of a class first."
        )
    hidden, chosen = mask_of(graph, latent), mask_of(graph, selection)
    both = graph.names(np.flatnonzero(hidden & chosen))
    if both:
        raise InputError(
            f"{', '.join(sorted(map(repr, both)))} is both latent and selection; expected a "
            "variable to be one of the two. Leave it out of one."
        )
    if (hidden | chosen).all():
        raise InputError("no variable is observed; expected at least one. Shorten latent.")
    if hidden.any():
        graph = latent_projection(graph, graph.names(np.flatnonzero(~hidden)))
        chosen = mask_of(graph, selection)
    above = ancestry(graph.directed)
    selected = np.any(above[:, chosen], axis=1)
    into = graph.directed | graph.bidirected
    joined = into | into.T | inducing_pairs(into, graph.bidirected, above, selected, _never())
    ends = np.where(above.T | selected, TAIL, ARROW) * joined
    kept = np.flatnonzero(~chosen)
    names = (graph.nodes[k] for k in kept)
    return CausalGraph(names, ends[np.ix_(kept, kept)].astype(np.uint8), Kind.MAG)


# --- from MAG to PAG -----------------------------------------------------------------------------


def mag_to_pag(mag: CausalGraph) -> CausalGraph:
    """Return the Markov equivalence class of a MAG: its PAG.

    Parameters
    ----------
    mag : CausalGraph
        A MAG. A DAG or an ADMG is made one first, see :func:`dag_to_mag`.

    Returns
    -------
    CausalGraph
        Of kind PAG. A circle is left exactly where two members differ.

    Raises
    ------
    GraphError
        If the graph is a class of graphs already, or ancestral but not maximal.

    Notes
    -----
    **Assumes:** nothing about data. Selection is allowed for: members may have `--`. Where there
    can be none the marks are the same.

    Examples
    --------
    >>> print(mag_to_pag(CausalGraph.parse("MAG: A -> B <-> C <- D; B -> E; C -> E")))
    PAG with 5 nodes, 5 edges: A o-> B; B <-> C; B -> E; D o-> C; C -> E
    """
    if mag.kind in (Kind.DAG, Kind.ADMG):
        mag = dag_to_mag(mag)
    if mag.kind is not Kind.MAG:
        raise GraphError(
            f"mag_to_pag() got a {mag.kind.name}; expected a MAG (or a DAG or ADMG). A class of "
            "graphs has its circles already."
        )
    _check_maximal(mag)
    true = mag.ends
    ends = np.where(true > 0, np.uint8(CIRCLE), np.uint8(0))
    ends[unshielded_colliders(true)] = ARROW

    apply_rules(ends, judge_by(true))
    return CausalGraph(mag.nodes, ends, Kind.PAG)


def judge_by(mag: Marks) -> Judge:
    """Answers about discriminating paths, read off a MAG."""

    def judge(_: Marks, paths: IntArray) -> tuple[IntArray, NDArray[np.int8]]:
        a, b, c = paths[:, 1:4].T
        return paths, ((mag[a, b] == ARROW) & (mag[c, b] == ARROW)).astype(np.int8)

    return judge


def _check_maximal(mag: CausalGraph) -> None:
    from causalkit.graph._ancestral_kernels import ancestry, inducing_pairs

    if not mag.bidirected.any():
        return
    into = mag.directed | mag.bidirected
    nobody = np.zeros(len(mag), dtype=np.bool_)
    missing = inducing_pairs(into, mag.bidirected, ancestry(mag.directed), nobody, _never())
    missing &= ~mag.adjacency
    if missing.any():
        a, b = (show_name(mag.nodes[k]) for k in np.argwhere(missing)[0])
        raise GraphError(
            f"{a} and {b} are not adjacent although no set separates them; expected a maximal "
            f"ancestral graph, in which such a pair has an edge. Add {a} <-> {b}."
        )


def unshielded_colliders(ends: Marks) -> BoolArray:
    """Marks of unshielded colliders, shape (p, p): [i, k] in i *-> k <-* j, i and j far apart."""
    arrows = (ends == ARROW).astype(np.float32)
    far = (ends == 0).astype(np.float32)
    np.fill_diagonal(far, 0.0)
    marks: BoolArray = (arrows > 0) & (far @ arrows > 0)
    return marks


def apply_rules(
    ends: Marks,
    judge: Judge,
    *,
    unclear: IntArray | None = None,
    selection: bool = True,
    reason: Marks | None = None,
) -> None:
    """Replace circles by what follows, until nothing does (rules 1 to 10 of the module).

    Parameters
    ----------
    ends : ndarray of uint8, shape (p, p)
        Marks, changed in place; a mark that is no circle stays. Unshielded triples without two
        arrows in the middle are read as no colliders.
    judge : callable
        Says what the middle nodes of discriminating paths are (rule 4).
    unclear : ndarray of int, optional
        Ascending codes `(a * p + k) * p + b`, a < b, of triples about which nothing is known.
    selection : bool
        Whether members may have `--` (rule 5, which rules 6 and 7 build on).
    reason : ndarray of uint8, shape (p, p), optional
        Learns the number of the rule that set a mark.
    """
    from causalkit.graph._pag_kernels import neighbours

    if unclear is None:
        unclear = np.empty(0, dtype=np.intp)
    if reason is None:
        reason = np.zeros_like(ends)
    rules = ends, *neighbours(ends), unclear, reason, selection
    answer_paths(rules, None, judge, _never())


def _never() -> BoolArray:
    """A flag to stop that nobody raises."""
    return np.zeros(1, dtype=np.bool_)


def answer_paths(
    rules: Rules, paths: IntArray | None, judge: Judge | None, stop: BoolArray
) -> None:
    """Apply the rules until all marks are closed, and judge the paths that they ask about.

    Parameters
    ----------
    rules : tuple
        Marks, neighbours (starts, near), codes of unclear triples, reasons, whether to use rule 5.
    paths : ndarray of int, shape (m, 5), optional
        What they have asked already; none if they are still to begin.
    judge : callable, optional
        As for :func:`apply_rules`; nothing is known if left out.
    stop : ndarray of bool, shape (1,)
        Once it is raised, what is not drawn yet stays as it is.
    """
    from causalkit.graph._pag_kernels import close

    ask = judge is not None
    if paths is None:
        paths = close(*rules, ask, False, stop)
    while len(paths):
        n_set = _rule_4(rules[0], *judge(rules[0], paths), rules[4]) if judge is not None else 0
        paths = close(*rules, ask, n_set == 0, stop)


def _rule_4(ends: Marks, paths: IntArray, verdict: NDArray[np.int8], reason: Marks) -> int:
    """Orient the middle nodes of paths, first rows first; how many marks were set."""
    n_set = 0
    for (_, a, b, c, _), found in zip(paths.tolist(), verdict.tolist(), strict=True):
        if ends[c, b] != CIRCLE:
            continue
        wanted = [(c, b, ARROW), (a, b, ARROW), (b, c, ARROW)]
        for i, j, mark in wanted if found else [(c, b, TAIL), (b, c, ARROW)]:
            if ends[i, j] == CIRCLE:
                ends[i, j], reason[i, j] = mark, 4
                n_set += 1
    return n_set


# --- what a MAG or PAG says about hidden causes --------------------------------------------------


def visible_edges(graph: CausalGraph) -> frozenset[tuple[Name, Name]]:
    """Directed edges (cause, effect) without a hidden common cause in any graph behind this one.

    Parameters
    ----------
    graph : CausalGraph
        A MAG or a PAG. In a DAG all edges are visible, in an ADMG those without a bow.

    Raises
    ------
    GraphError
        If the graph is a CPDAG; hidden causes are none of its business.

    Notes
    -----
    **Assumes:** the graph is right. a -> b is visible if some c that is not adjacent to b has an
    arrow into a, or is joined to a by a collider path that ends with an arrow at a and runs through
    parents of b (Zhang 2008, JMLR, Lemma 9).

    Examples
    --------
    >>> graph = CausalGraph.parse("PAG: C o-> A -> B; D o-> B")
    >>> sorted(visible_edges(graph))
    [('A', 'B')]
    """
    if graph.kind is Kind.CPDAG:
        raise GraphError(
            "visible_edges() got a CPDAG; expected a MAG or PAG, in which causes may be hidden. In "
            "a CPDAG nothing is hidden, so every directed edge is visible."
        )
    return frozenset((graph.nodes[i], graph.nodes[j]) for i, j in np.argwhere(visible(graph)))


def visible(graph: CausalGraph) -> BoolArray:
    """Matrix of the visible edges of a DAG, ADMG, MAG or PAG, shape (n_nodes, n_nodes)."""
    if graph.kind in (Kind.DAG, Kind.ADMG):
        return np.asarray(graph.directed & ~graph.bidirected)
    directed, spouses = graph.directed, graph.bidirected
    into, near = _as_bits((graph.ends.T & ARROW) > 0), _as_bits(graph.adjacency)
    found = np.zeros_like(directed)
    for a, b in np.argwhere(directed).tolist():
        found[a, b] = into[a] & ~near[b] != 0
    for b in np.flatnonzero(found[spouses.any(axis=0)].any(axis=0)).tolist():
        parents = np.flatnonzero(directed[:, b])
        start = np.flatnonzero(found[parents, b]).tolist()
        found[parents, b] = closure(spouses[np.ix_(parents, parents)], start)
    return found


def _as_bits(matrix: BoolArray) -> list[int]:
    """Rows as sets: one integer a row."""
    return [int.from_bytes(row.tobytes()) for row in np.packbits(matrix, axis=1)]
