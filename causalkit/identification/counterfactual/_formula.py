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
from itertools import chain, count

from causalkit.identification.counterfactual._worlds import (
    Atom,
    Conflict,
    Fresh,
    Numbers,
    Piece,
    Setting,
    World,
    merged,
    pieces_of,
)
from causalkit.identification.formulas.algebra import (
    ONE,
    distinct,
    product,
    quotient,
    renamed,
    summed,
)
from causalkit.identification.formulas.expression import (
    Difference,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Symbol,
    Value,
)
from causalkit.identification.general.functional import Hedge
from causalkit.identification.general.mixed import Mixed

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
    apart = chain.from_iterable(top - bottom)
    numerator = formula_of(mixed, apart, experiments=experiments, taken=taken)
    if bottom <= top or not isinstance(numerator, Expression):
        return numerator
    denominator: Expression | Conflict | Hedge | None = None
    if not top & bottom:
        denominator = _one_world(mixed, given, (), experiments=experiments)
    if denominator is None:
        apart = chain.from_iterable(bottom - top)
        denominator = formula_of(mixed, apart, experiments=experiments, taken=taken)
    if not isinstance(denominator, Expression):
        return denominator
    found = divided(numerator, denominator)
    return distinct(found, found.symbols | taken)


def _one_world(
    mixed: Mixed, event: Sequence[Atom], given: Sequence[Atom], *, experiments: bool
) -> Expression | None:
    """P(event | do, given), if it might all happen in one world, and that world is on record.

    An experiment is on record too where setting is as good as seeing (rule 2 of do-calculus).
    """
    numbers: Numbers = {}
    above, below = merged(mixed, (*event, *given), numbers), merged(mixed, given, numbers)
    y, z = (mixed.bits(mixed.nodes[atom.node] for atom in part) for part in (event, given))
    for world in {Setting(): None, **{atom.world: None for atom in (*event, *given)}}:
        if not isinstance(world, Setting) or any(isinstance(v, World) for _, v in world.fixed):
            continue
        one, other = ([Atom(a.node, world, a.value) for a in part] for part in (event, given))
        same = above == merged(mixed, (*one, *other), numbers)
        if not same or below != merged(mixed, other, numbers):
            continue
        known = tuple(dict.fromkeys(atom.value for atom in given))
        of = tuple(dict.fromkeys(atom.value for atom in event if atom.value not in known))
        asked = {pair for copy in above or () for pair in copy.inputs}
        do = {n: v for n, v in world.fixed if (n, v) in asked and not isinstance(v, World)}
        x = mixed.bits(mixed.nodes[node] for node in do)
        if not do or experiments:
            return Probability(of, known, tuple(do.values()))
        if not mixed.connected(x, z, no_out=x) & y & ~z:
            return Probability(of, (*known, *do.values()))
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


@dataclass(frozen=True, slots=True, repr=False)
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
