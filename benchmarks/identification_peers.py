"""Identification by other packages, on one footing: what each is asked, and how to read its answer.

A tool is a function from a graph (:class:`tests.identification.oracle.Plain`) to a function of
treatment and outcome. That gives None if the effect is not identified, else the formula in the
form of the tool, or `UNKNOWN` where it cannot be evaluated: antecedent prints none, and DoWhy's has
hidden variables in it. `readable` makes formulas of all the others expressions of causalkit.
"""

from __future__ import annotations

import re

from causalkit.errors import NotIdentifiableError
from causalkit.identification.formulas.expression import (
    Equation,
    Probability,
    Product,
    Ratio,
    Sum,
    Value,
)

UNKNOWN = object()
"""Identified, by a formula that cannot be read."""


class CannotAskError(Exception):
    """The peer has no such query or cannot read the graph."""


# --- what each is asked -------------------------------------------------------------------------


def ours(plain):
    from causalkit.identification.general.general import general_formula

    graph = plain.graph()

    def ask(x, y):
        try:
            return general_formula(graph, x, y).expression
        except NotIdentifiableError:
            return None

    return ask


def y0(plain):
    from y0.algorithm.identify import identify_outcomes
    from y0.dsl import Variable
    from y0.graph import NxMixedGraph

    graph = NxMixedGraph.from_str_edges(
        nodes=list(plain.nodes), directed=list(plain.arcs), undirected=list(plain.bows)
    )
    return lambda x, y: identify_outcomes(graph, {Variable(v) for v in x}, {Variable(v) for v in y})


def statspai(plain):
    import statspai

    isolated = set(plain.nodes) - {v for pair in plain.arcs + plain.bows for v in pair}
    if isolated:
        raise CannotAskError
    edges = [f"{a} -> {b}" for a, b in plain.arcs] + [f"{a} <-> {b}" for a, b in plain.bows]
    graph = statspai.dag("; ".join(edges))

    def ask(x, y):
        found = statspai.identify(graph, list(x), list(y))
        return found.estimand if found.identifiable else None

    return ask


def causaleffect(plain):
    from causaleffect import ID, createGraph

    edges = [f"{a}->{b}" for a, b in plain.arcs] + [f"{a}<->{b}" for a, b in plain.bows]
    if set(plain.nodes) - {v for pair in plain.arcs + plain.bows for v in pair}:
        raise CannotAskError
    graph = createGraph(edges)

    def ask(x, y):
        found = ID(set(y), set(x), graph)
        return found if found.identifiable else None

    return ask


def pyagrum(plain):
    import pyagrum as gum

    net = gum.BayesNet()
    for v in plain.nodes:
        net.add(gum.LabelizedVariable(v, v, 2))
    for a, b in plain.arcs:
        net.addArc(a, b)
    net.generateCPTs()
    hidden = [(f"hidden{k}", list(bow)) for k, bow in enumerate(plain.bows)]
    model = gum.CausalModel(net, hidden, True)

    def ask(x, y):
        formula, _, message = gum.causalImpact(model, on=set(y), doing=set(x))
        return None if "not identifiable" in message else formula

    return ask


def antecedent(plain):
    import antecedent as ant

    graph = ant.Admg.from_edges(list(plain.nodes), list(plain.arcs), list(plain.bows))

    def ask(x, y):
        if len(x) + len(y) > 2:
            raise CannotAskError
        query = ant.AverageEffect(x[0], y[0])
        try:
            found = ant.identify(graph=graph, query=query, identifier="general.id")
        except ant.CausalError:
            return None
        return None if "not" in str(found.status).lower() else UNKNOWN

    return ask


def with_hidden_nodes(plain):
    """The graph as a networkx DAG with a node for each hidden cause."""
    import networkx as nx

    graph = nx.DiGraph(list(plain.arcs))
    graph.add_nodes_from(plain.nodes)
    for k, bow in enumerate(plain.bows):
        graph.add_edges_from((f"hidden{k}", v) for v in bow)
    return graph


def dowhy_id(plain):
    from dowhy.causal_identifier.id_identifier import identify_effect_id

    graph = with_hidden_nodes(plain)

    def ask(x, y):
        try:
            found = identify_effect_id(graph, list(x), list(y))
        except Exception as error:
            if "hedge" in str(error).lower() or "identifiable" in str(error).lower():
                return None
            raise
        return None if str(found) == "The graph is not identifiable." else UNKNOWN

    return ask


def dowhy_default(plain):
    from dowhy.causal_identifier import EstimandType
    from dowhy.causal_identifier.auto_identifier import identify_effect_auto

    graph = with_hidden_nodes(plain)

    def ask(x, y):
        found = identify_effect_auto(
            graph, list(x), list(y), list(plain.nodes), EstimandType.NONPARAMETRIC_ATE
        )
        if getattr(found, "no_directed_path", False):
            return UNKNOWN
        sound = ("backdoor", "frontdoor", "general_adjustment")
        return UNKNOWN if any((found.estimands or {}).get(key) for key in sound) else None

    return ask


TOOLS = {
    "causalkit": (ours, "causalkit"),
    "y0": (y0, "y0"),
    "StatsPAI": (statspai, "statspai"),
    "causaleffect": (causaleffect, "causaleffect"),
    "pyAgrum": (pyagrum, "pyagrum"),
    "antecedent": (antecedent, "antecedent"),
    "DoWhy ID": (dowhy_id, "dowhy"),
    "DoWhy default": (dowhy_default, "dowhy"),
}
LARGEST = {"pyAgrum": 20, "DoWhy default": 50}
"""Sizes beyond which one query can take more than minutes."""


# --- formulas of others as ours -----------------------------------------------------------------


def readable(name, found, nodes):
    """A peer's formula as an expression of ours, or UNKNOWN."""
    if found is UNKNOWN or isinstance(found, Equation):
        return found
    if name == "y0":
        return from_y0(found)
    text = {
        "StatsPAI": lambda: found,
        "causaleffect": lambda: found.printLatex(),
        "pyAgrum": lambda: found.toLatex().partition("=")[2],
    }[name]()
    return from_text(text, {**{str(v).lower(): v for v in nodes}, **{v: v for v in nodes}})


def from_y0(piece):
    kind = type(piece).__name__
    if kind == "Probability":
        of = tuple(v.name for v in piece.children)
        return Probability(of, tuple(v.name for v in piece.parents))
    if kind == "Product":
        return Product(tuple(map(from_y0, piece.expressions)))
    if kind == "Sum":
        return Sum(tuple(v.name for v in piece.ranges), from_y0(piece.expression))
    if kind == "Fraction":
        return Ratio(from_y0(piece.numerator), from_y0(piece.denominator))
    if kind == "One":
        return Product(())
    raise TypeError(kind)


TOKENS = re.compile(r"P\([^()]*\)|sum_\{[^}]*\}|frac|[][(){}*/]")
CLOSERS = {"(": ")", "[": "]", "{": "}"}


def from_text(text, names):
    """Read `sum_{A} [P(B | A') / P(A)]` and the LaTeX of two peers."""
    for old, new in ((r"\left", ""), (r"\right", ""), (r"\mid", "|"), (r"\cdot", "*"), ("\\", "")):
        text = text.replace(old, new)
    left = re.sub(r"\s|,", "", TOKENS.sub("", text))
    if left:
        raise ValueError(f"cannot read {left!r} in {text!r}")
    return Reader(TOKENS.findall(text), names).product()


class Reader:
    """Takes tokens from the front and gives expressions."""

    def __init__(self, tokens, names):
        self.tokens = tokens
        self.names = names

    def product(self):
        factors = []
        while self.tokens and self.tokens[0] not in ")]}":
            if self.tokens[0] == "*":
                self.tokens.pop(0)
            elif self.tokens[0] == "/":
                self.tokens.pop(0)
                factors[-1] = Ratio(factors[-1], self.factor())
            else:
                factors.append(self.factor())
        return Product(tuple(factors))

    def factor(self):
        token = self.tokens.pop(0)
        if token.startswith("P("):
            of, _, given = token[2:-1].partition("|")
            return Probability(self.symbols(of), self.symbols(given))
        if token.startswith("sum_"):  # a sum without a bracket runs to the end of what it is in
            over = self.symbols(token[5:-1])
            return Sum(over, self.factor() if self.tokens[0] in "[{" else self.product())
        if token == "frac":
            top = self.factor()
            return Ratio(top, self.factor())
        inside = self.product()
        if self.tokens.pop(0) != CLOSERS[token]:
            raise ValueError(f"{token} is not closed")
        return inside

    def symbols(self, part):
        found = []
        for word in filter(None, (w.strip() for w in part.split(","))):
            bare = word.rstrip("'")
            primes = len(word) - len(bare)
            found.append(Value(self.names[bare], primes) if primes else self.names[bare])
        return tuple(found)
