r"""The formula of a counterfactual event, from the pieces of its graph.

Pieces without a conflict are Q-factors. Their product, summed over the values that nobody fixed, is
the probability of the event (ID*, Shpitser & Pearl). A conditional probability is a quotient of two
such formulas (IDC*); pieces that nothing ties to the event stand in both and cancel, so that the
quotient may be known where neither part is.

References
----------
Shpitser, I., Pearl, J. (2007). What counterfactuals can be tested. UAI.
Correa, J., Lee, S., Bareinboim, E. (2021). Nested counterfactual identification from arbitrary
surrogate experiments. NeurIPS 34.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from causalkit.identification._counterfactual_graph import (
    Atom,
    Conflict,
    Copy,
    Fresh,
    Numbers,
    Piece,
    Setting,
    World,
    merged,
    pieces_of,
)
from causalkit.identification._formula import ONE, distinct, product, quotient, renamed, summed
from causalkit.identification._mixed import Mixed
from causalkit.identification.expression import (
    Difference,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Symbol,
    Value,
)
from causalkit.identification.functional import Hedge

__all__ = ["Zero", "divided", "formula_of", "fresh_symbols", "probability"]


def probability(
    mixed: Mixed,
    event: Sequence[Atom],
    given: Sequence[Atom],
    *,
    experiments: bool,
    taken: frozenset[Symbol],
) -> Expression | Conflict | Hedge | None:
    """P(event | given) as a formula, or what stands in the way; None if `given` is impossible.

    Groups of pieces that no summed value ties to the event are the same above and below the bar of
    the quotient, and cancel.
    """
    event, given = (
        [a for a in part if a.world.source(a.node, None) != a.value] for part in (event, given)
    )
    numbers: Numbers = {}
    below = merged(mixed, given, numbers)
    if below is None:
        return None
    above = merged(mixed, (*event, *given), numbers)
    if above is None:
        return Zero()
    if above == below:
        return ONE
    plain = _one_world(mixed, event, given, experiments=experiments)
    if plain is not None:
        return plain
    top, bottom = (_groups(pieces_of(mixed, copies)) for copies in (above, below))
    pieces = [
        [p for group in one - other for p in group] for one, other in ((top, bottom), (bottom, top))
    ]
    numerator = formula_of(mixed, pieces[0], experiments=experiments, taken=taken)
    if not pieces[1] or not isinstance(numerator, Expression):
        return numerator
    found: Expression | Conflict | Hedge | None = None
    if not top & bottom:
        found = _one_world(mixed, given, (), experiments=experiments)
    if found is None:
        found = formula_of(mixed, pieces[1], experiments=experiments, taken=taken)
    return divided(numerator, found) if isinstance(found, Expression) else found


def _one_world(
    mixed: Mixed, event: Sequence[Atom], given: Sequence[Atom], *, experiments: bool
) -> Expression | None:
    """P(event | do, given), if it might all happen in one world that is on record."""
    numbers: Numbers = {}
    above, below = merged(mixed, (*event, *given), numbers), merged(mixed, given, numbers)
    for world in {Setting(): None, **{atom.world: None for atom in (*event, *given)}}:
        if not isinstance(world, Setting) or (world.fixed and not experiments):
            continue
        do = [(node, value) for node, value in world.fixed if not isinstance(value, World)]
        one, other = ([Atom(a.node, world, a.value) for a in part] for part in (event, given))
        same = above == merged(mixed, (*one, *other), numbers)
        if same and below == merged(mixed, other, numbers) and len(do) == len(world.fixed):
            known = tuple(dict.fromkeys(atom.value for atom in given))
            of = tuple(dict.fromkeys(a.value for a in event if a.value not in known))
            asked = {pair for copy in above or () for pair in copy.inputs}
            return Probability(of, known, tuple(v for n, v in do if (n, v) in asked))
    return None


def _groups(pieces: Iterable[Piece]) -> frozenset[frozenset[Piece]]:
    """Pieces that summed values tie together."""
    groups: list[tuple[frozenset[Piece], frozenset[Fresh]]] = []
    for piece in pieces:
        together, fresh = frozenset({piece}), piece.fresh
        apart = []
        for group in groups:
            if group[1] & piece.fresh:
                together, fresh = together | group[0], fresh | group[1]
            else:
                apart.append(group)
        groups = [*apart, (together, fresh)]
    return frozenset(group for group, _ in groups)


def formula_of(
    mixed: Mixed,
    pieces: Iterable[Piece],
    *,
    experiments: bool,
    taken: frozenset[Symbol],
) -> Expression | Conflict | Hedge:
    """Sum of the product of pieces, or the first thing that stands in the way.

    Parameters
    ----------
    mixed : Mixed
        The graph.
    pieces : iterable of Piece
        With every piece, all that its summed values tie it to.
    experiments : bool
        Whether every experiment is on record, or observation only.
    taken : frozenset of Symbol
        Symbols that a sum must leave alone.
    """
    ordered = sorted(pieces, key=lambda piece: piece.nodes)
    for piece in ordered:
        conflict = piece.conflict()
        if conflict is not None:
            return conflict
    symbols = fresh_symbols(mixed, ordered, taken)

    def at(piece: Piece) -> dict[Symbol, Symbol]:
        return {mixed.nodes[n]: symbols[v] if isinstance(v, Fresh) else v for n, v in piece.known()}

    anywhere = {name: symbol for piece in ordered for name, symbol in at(piece).items()}
    factors: list[Expression] = []
    for piece in ordered:
        found = piece.factor(mixed, experiments=experiments)
        if isinstance(found, Hedge):
            return found
        named = {**anywhere, **at(piece)}
        safe = distinct(found, found.symbols.union(taken, named.values(), symbols.values()))
        factors.append(renamed(safe, named))
    total = summed(symbols.values(), product(factors[::-1]))
    return distinct(total, total.symbols | taken)


def fresh_symbols(
    mixed: Mixed, pieces: Iterable[Piece], taken: frozenset[Symbol]
) -> dict[Fresh, Symbol]:
    """Name the values to be summed over, each by a symbol of its own."""
    found: dict[Fresh, Symbol] = {}
    for fresh in sorted(
        frozenset[Fresh]().union(*(piece.fresh for piece in pieces)),
        key=lambda fresh: (fresh.node, fresh.number),
    ):
        name = mixed.nodes[fresh.node]
        used = taken.union(found.values())
        found[fresh] = name
        if name in used:
            found[fresh] = next(v for k in count(1) if (v := Value(name, k)) not in used)
    return found


def divided(top: Expression, bottom: Expression) -> Expression:
    """Divide, by turning one factor of the top into a conditional probability if that will do.

    Examples
    --------
    >>> top = Sum(("Z",), Product((Probability(("Y",), ("X", "Z")), Probability(("Z", "W")))))
    >>> print(divided(top, Probability(("W",))))
    Σ_{z} P(Y=y | X=x, Z=z) P(Z=z | W=w)
    """
    inside = _inside(top, bottom) if isinstance(bottom, Probability) else None
    return quotient(top, bottom) if inside is None else inside


def _inside(top: Expression, bottom: Probability) -> Expression | None:
    match top:
        case Probability():
            found = ONE if top == bottom else quotient(top, bottom)
            return None if isinstance(found, Ratio) else found
        case Product(factors):
            for k, factor in enumerate(factors):
                within = _inside(factor, bottom)
                if within is not None:
                    return product((*factors[:k], within, *factors[k + 1 :]))
        case Sum(over, body) if not bottom.symbols.intersection(over):
            within = _inside(body, bottom)
            return None if within is None else Sum(over, within)
    return None


@dataclass(frozen=True, slots=True)
class Zero(Difference):
    """Nothing: what is impossible, or an effect that the graph rules out."""

    left: Expression = ONE
    right: Expression = ONE

    def to_text(self) -> str:
        """One line of plain text."""
        return "0"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return "0"
