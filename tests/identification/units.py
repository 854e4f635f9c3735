"""Slow and obvious: counterfactuals by definition, one kind of unit after the other.

A unit is a response function for every variable: what it does for each combination of values of its
parents. With finitely many levels, a structural model is a distribution over kinds of units, and a
counterfactual is read off each kind by following the functions. Nothing here shares code with
`causalkit.identification`.

`Units.follows` needs no theory of graphs either: at a random model, is there a direction in the
space of models along which all data stay and the counterfactual moves?
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

from causalkit.identification.formulas.evaluation import ProbabilityTable, Source
from causalkit.identification.formulas.expression import Value

HIDDEN_LEVELS = 4


def level(symbol):
    """Levels of values: x is 0, x' is 1, x'' is 2."""
    return symbol.primes if isinstance(symbol, Value) else 0


def name(symbol):
    return symbol.name if isinstance(symbol, Value) else symbol


def count_kinds(plain, levels):
    """How many kinds of units there are, before any is listed."""
    levels = dict.fromkeys(plain.nodes, 2) | levels
    inputs = {v: np.prod([levels[p] for p in plain.parents(v)]) for v in plain.nodes}
    return float(np.prod([float(levels[v]) ** inputs[v] for v in plain.nodes]))


def any_units(plain, rng, most):
    """Random units, one variable with a third level unless there would be too many kinds."""
    levels = {plain.nodes[rng.integers(len(plain.nodes))]: 3}
    return Units(plain, rng, levels if count_kinds(plain, levels) <= most else {})


class Units:
    """Kinds of units of an ADMG, and a random distribution over them that obeys its bows."""

    def __init__(self, plain, rng, levels=None):
        self.plain = plain
        self.levels = dict.fromkeys(plain.nodes, 2) | (levels or {})
        self.functions = {v: self._functions(v) for v in plain.nodes}
        self.sizes = tuple(len(self.functions[v]) for v in plain.nodes)
        kinds = np.indices(self.sizes).reshape(len(self.sizes), -1)
        self.kind = dict(zip(plain.nodes, kinds, strict=True))
        self.count = kinds.shape[1]
        districts = sorted(plain.districts(plain.nodes), key=sorted)
        self.parts = [self._district(rng, [v for v in plain.nodes if v in d]) for d in districts]
        self.weights = self._spread([array for _, array, _ in self.parts])

    def _functions(self, node):
        inputs = [self.levels[p] for p in self.plain.parents(node)]
        tables = list(product(range(self.levels[node]), repeat=int(np.prod(inputs, dtype=int))))
        return np.array(tables).reshape(len(tables), *inputs)

    def _district(self, rng, members):
        """Members, their joint distribution, and its derivatives by all that is free."""
        shape = [len(self.functions[v]) for v in members]
        bows = {frozenset(bow) for bow in self.plain.bows}
        if all(frozenset(pair) in bows for pair in combinations(members, 2)):
            array = rng.dirichlet(np.ones(int(np.prod(shape)))).reshape(shape)
            return members, array, None
        causes = [tuple(sorted(bow)) for bow in bows if bow <= set(members)]
        pieces = [([("u", c)], rng.dirichlet(np.ones(HIDDEN_LEVELS))) for c in sorted(causes)]
        for v, size in zip(members, shape, strict=True):
            seen = [("u", c) for c in sorted(causes) if v in c]
            table = rng.dirichlet(np.ones(size), size=[HIDDEN_LEVELS] * len(seen))
            pieces.append(([*seen, v], table))
        axes = {a: k for k, a in enumerate(dict.fromkeys(a for names, _ in pieces for a in names))}

        def joint(arrays):
            operands = []
            for (names, _), array in zip(pieces, arrays, strict=True):
                operands += [array, [axes[a] for a in names]]
            return np.einsum(*operands, [axes[v] for v in members], optimize="greedy")

        arrays = [array for _, array in pieces]
        slopes = []
        for k, array in enumerate(arrays):
            for where in np.ndindex(array.shape):
                step = np.zeros_like(array)
                step[where] = 1.0
                step[(*where[:-1], slice(None))] -= array[where[:-1]]  # rows keep their sum
                slopes.append(joint([*arrays[:k], step, *arrays[k + 1 :]]).ravel())
        return members, joint(arrays), np.array(slopes).T

    def _spread(self, arrays):
        """Product over districts, one number for each kind of unit."""
        nodes = {v: k for k, v in enumerate(self.plain.nodes)}
        operands = []
        for (members, _, _), array in zip(self.parts, arrays, strict=True):
            operands += [array, [nodes[v] for v in members]]
        return np.einsum(*operands, list(range(len(nodes)))).ravel()

    def slopes(self, rows):
        """Derivatives of `rows @ weights` by all free directions of the model."""
        found = []
        nodes = {v: k for k, v in enumerate(self.plain.nodes)}
        letters = list(range(len(nodes)))
        for k, (members, array, free) in enumerate(self.parts):
            operands = [rows.reshape(-1, *self.sizes), [len(nodes), *letters]]
            for j, (others, other, _) in enumerate(self.parts):
                if j != k:
                    operands += [other, [nodes[v] for v in others]]
            kept = [len(nodes), *(nodes[v] for v in members)]
            local = np.einsum(*operands, kept, optimize="greedy").reshape(len(rows), -1)
            if free is None:
                local = local - (local @ array.ravel())[:, None]  # mass stays one
            found.append(local if free is None else local @ free)
        return np.hstack(found)

    # --- by definition ---

    def potential(self, node, do):
        """What each kind of unit does; a value of `do` is a level, or another do (nested)."""
        if node in do:
            value = do[node]
            if isinstance(value, dict):
                return self.potential(node, value)
            return np.full(self.count, value)
        inputs = (self.potential(p, do) for p in self.plain.parents(node))
        return self.functions[node][(self.kind[node], *inputs)]

    def holds(self, event):
        """For each kind of unit, whether all of `(node, do, level)` are true."""
        found = np.ones(self.count, dtype=bool)
        for node, do, value in event:
            found &= self.potential(node, do) == value
        return found

    def probability(self, event, given=()):
        below = self.weights @ self.holds(given)
        return self.weights @ (self.holds(event) & self.holds(given)) / below

    def table(self, do=()):
        """Joint distribution of everything where `do` was set at random."""
        nodes = self.plain.nodes
        shape = [self.levels[v] for v in nodes]
        found = np.zeros(shape)
        for values in product(*(range(self.levels[v]) for v in do)):
            setting = dict(zip(do, values, strict=True))
            cells = np.ravel_multi_index([self.potential(v, setting) for v in nodes], shape)
            found += np.bincount(cells, self.weights, minlength=found.size).reshape(shape)
        return ProbabilityTable(found / found.sum(), nodes, [range(n) for n in shape])

    def data(self, formula=None):
        """Tables that a formula needs, by source."""
        wanted = {frozenset(map(name, do)) for do in _actions(formula)} | {frozenset()}
        order = {v: k for k, v in enumerate(self.plain.nodes)}
        return {Source(do=s): self.table(tuple(sorted(s, key=order.get))) for s in wanted}

    # --- a verdict without graphs ---

    def facts(self, experiments):
        """One row a cell of each distribution on record: which kinds of units fall into it."""
        nodes = self.plain.nodes
        rows = []
        for size in range(len(nodes) if experiments else 1):
            for do in combinations(nodes, size):
                for values in product(*(range(self.levels[v]) for v in do)):
                    setting = dict(zip(do, values, strict=True))
                    shape = [self.levels[v] for v in nodes]
                    cells = np.ravel_multi_index([self.potential(v, setting) for v in nodes], shape)
                    rows += [cells == cell for cell in np.unique(cells)]
        return np.array(rows, dtype=float)

    def follows(self, row, below=None, *, experiments=False):
        """Whether `weights @ row`, divided by `weights @ below`, is fixed by what is on record."""
        asked = row.astype(float)
        if below is not None:
            total = self.weights @ below
            asked = asked / total - (self.weights @ row) * below / total**2
        seen = self.slopes(self.facts(experiments))
        wanted = self.slopes(asked[None, :])[0]
        left = wanted - np.linalg.lstsq(seen.T, wanted, rcond=1e-10)[0] @ seen
        return bool(np.abs(left).max(initial=0.0) < 1e-7)


def _actions(piece):
    """Every `do` in a formula."""
    if piece is None:
        return
    if hasattr(piece, "do"):
        yield piece.do
    for part in ("factors", "top", "bottom", "left", "right", "body"):
        inner = getattr(piece, part, ())
        for one in inner if isinstance(inner, tuple) else (inner,):
            yield from _actions(one)


def number(formula, tables, values):
    """The formula at the values of its symbols; what else it names must not matter."""
    found = formula.evaluate(tables)
    picked = found.numbers[tuple(values[s] if s in values else slice(None) for s in found.symbols)]
    assert np.ptp(picked) < 1e-9, (str(formula), found.symbols)
    return float(np.mean(picked))
