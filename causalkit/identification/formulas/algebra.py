"""Small algebra of formulas: renaming, summing, multiplying, and making them short.

Every function returns an expression of the same value. What they use is the algebra of
probabilities only: the chain rule, that a distribution sums to one, and that a factor without the
summed variable can leave the sum. Nothing here knows a graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import TypeAlias

from causalkit.identification.formulas.expression import (
    Difference,
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Ratio,
    Sum,
    Symbol,
    Value,
    name_of,
)
from causalkit.typing import Name

__all__ = [
    "ONE",
    "distinct",
    "expected",
    "product",
    "quotient",
    "renamed",
    "summed",
]

ONE = Product(())


def product(factors: Iterable[Expression]) -> Expression:
    """Multiply: flatten, read the chain rule backwards, and put sums last.

    Examples
    --------
    >>> print(product([Probability(("Z",)), Probability(("Y",), ("Z",))]))
    P(Z=z, Y=y)
    """
    flat: list[Expression] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else (factor,))
    merged = sorted(_telescoped(_chained(flat)), key=lambda factor: isinstance(factor, Sum))
    return merged[0] if len(merged) == 1 else Product(tuple(merged))


def _chained(factors: list[Expression]) -> list[Expression]:
    """Merge P(a | b, c) P(b | c) into P(a, b | c), as long as there are such pairs.

    The two find each other by the variables that the one is given and the other speaks of.
    """
    kept: dict[int, Expression] = {}
    waiting: dict[int, Probability] = {}
    given: dict[_Key, int] = {}
    whole: dict[_Key, int] = {}
    for place, factor in enumerate(factors):
        while isinstance(factor, Probability):
            inner = whole.get(_key(factor, factor.given))
            outer = given.get(_key(factor, (*factor.of, *factor.given)))
            other = inner if inner is not None else outer
            if other is None:
                break
            found = waiting.pop(other)
            del kept[other]
            del given[_key(found, found.given)], whole[_key(found, (*found.of, *found.given))]
            upper, lower = (factor, found) if inner is not None else (found, factor)
            factor = Probability((*lower.of, *upper.of), lower.given, lower.do, lower.domain)
            place = min(place, other)
        kept[place] = factor
        if isinstance(factor, Probability):
            waiting[place] = factor
            given[_key(factor, factor.given)] = place
            whole[_key(factor, (*factor.of, *factor.given))] = place
    return [kept[place] for place in sorted(kept)]


_Key: TypeAlias = tuple[str, frozenset[Symbol], frozenset[Symbol]]


def _key(factor: Probability, symbols: tuple[Symbol, ...]) -> _Key:
    return factor.domain, frozenset(factor.do), frozenset(symbols)


def _telescoped(factors: list[Expression]) -> list[Expression]:
    """Cancel a top against an equal bottom, in (a / b) (b / c)."""
    tops = [factor.top if isinstance(factor, Ratio) else factor for factor in factors]
    bottoms = [factor.bottom for factor in factors if isinstance(factor, Ratio)]
    left: list[Expression] = []
    for bottom in bottoms:
        if bottom in tops:
            tops.remove(bottom)
        else:
            left.append(bottom)
    if len(left) == len(bottoms):
        return factors
    top = product(tops)
    return [top] if not left else [quotient(top, product(left))]


def quotient(top: Expression, bottom: Expression) -> Expression:
    """Divide; `P(a, b | c) / P(b | c)` becomes `P(a | b, c)`.

    Examples
    --------
    >>> print(quotient(Probability(("Y", "X")), Probability(("X",))))
    P(Y=y | X=x)
    """
    if bottom == ONE:
        return top
    if isinstance(top, Probability) and isinstance(bottom, Probability):
        same = (top.domain, frozenset(top.do), frozenset(top.given))
        of, known = frozenset(top.of), frozenset(bottom.of)
        if same == (bottom.domain, frozenset(bottom.do), frozenset(bottom.given)) and known < of:
            left = tuple(symbol for symbol in top.of if symbol not in known)
            return Probability(left, (*bottom.of, *top.given), top.do, top.domain)
    return Ratio(top, bottom)


def summed(over: Iterable[Symbol], body: Expression) -> Expression:
    """Sum; what sums to one disappears, and what does not depend on it stays outside.

    Examples
    --------
    >>> print(summed(["Z", "M"], product([Probability(("Z",)), Probability(("M",), ("X",))])))
    1
    """
    wanted = dict.fromkeys(over)
    factors = dict(enumerate(body.factors if isinstance(body, Product) else (body,)))
    holders: dict[Symbol, set[int]] = {symbol: set() for symbol in wanted}
    for k, factor in factors.items():
        for symbol in factor.symbols.intersection(wanted):
            holders[symbol].add(k)
    fresh = list(wanted)
    while fresh:
        symbol = fresh.pop()
        if symbol not in wanted or len(holders[symbol]) != 1:
            continue
        (k,) = holders[symbol]
        only = factors[k]
        if isinstance(only, Probability) and symbol in only.of:
            del wanted[symbol]
            rest = tuple(s for s in only.of if s != symbol)
            factors[k] = Probability(rest, only.given, only.do, only.domain)
            if not rest:
                del factors[k]
                for freed in holders.keys() & only.symbols:
                    holders[freed].discard(k)
                    fresh.append(freed)
    inside = [f for f in factors.values() if f.symbols.intersection(wanted)]
    outside = [f for f in factors.values() if not f.symbols.intersection(wanted)]
    if wanted:
        outside.append(Sum(tuple(wanted), product(inside)))
    return product(outside)


def renamed(expression: Expression, names: Mapping[Symbol, Symbol]) -> Expression:
    """Replace free symbols, and those that sums bind, too."""

    def each(symbols: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        return tuple(names.get(symbol, symbol) for symbol in symbols)

    match expression:
        case Probability(of, given, do, domain):
            return Probability(each(of), each(given), each(do), domain)
        case Expectation(of, given, do, domain):
            return Expectation(of, each(given), each(do), domain)
        case Product(factors):
            return Product(tuple(renamed(factor, names) for factor in factors))
        case Ratio(top, bottom):
            return Ratio(renamed(top, names), renamed(bottom, names))
        case Sum(over, body):
            return Sum(each(over), renamed(body, names))
        case Difference(left, right):
            return Difference(renamed(left, names), renamed(right, names))
        case Equation(left, right):
            return Equation(renamed(left, names), renamed(right, names))
    raise TypeError(f"cannot rename in a {type(expression).__name__}")


def distinct(expression: Expression, taken: frozenset[Symbol]) -> Expression:
    """Give sums values of their own: none that is free in the formula, or of a sum around it.

    Inside, a formula may be built with sums that shadow a symbol; no reader should have to know.

    Parameters
    ----------
    expression : Expression
        A formula in which a sum may reuse a symbol that is free outside.
    taken : frozenset of symbols
        What is free in the whole.

    Examples
    --------
    >>> inner = Sum(("X",), Product((Probability(("Y",), ("X", "M")), Probability(("X",)))))
    >>> print(distinct(inner, frozenset({"X", "Y", "M"})))
    Σ_{x'} P(Y=y | X=x', M=m) P(X=x')
    """
    match expression:
        case Product(factors):
            return Product(tuple(distinct(factor, taken) for factor in factors))
        case Ratio(top, bottom):
            return Ratio(distinct(top, taken), distinct(bottom, taken))
        case Difference(left, right):
            return Difference(distinct(left, taken), distinct(right, taken))
        case Equation(left, right):
            return Equation(distinct(left, taken), distinct(right, taken))
        case Sum(over, body):
            new = {symbol: _free_value(symbol, taken) for symbol in over}
            inside = taken | frozenset(new.values())
            clashes = {old: fresh for old, fresh in new.items() if old != fresh}
            body = _renamed_free(body, clashes) if clashes else body
            return Sum(tuple(new.values()), distinct(body, inside))
    return expression


def _free_value(symbol: Symbol, taken: frozenset[Symbol]) -> Symbol:
    if symbol not in taken:
        return symbol
    name = name_of(symbol)
    return next(v for k in count(1) if (v := Value(name, k)) not in taken)


def _renamed_free(expression: Expression, names: Mapping[Symbol, Symbol]) -> Expression:
    """Replace free symbols only: a sum keeps what it binds."""
    match expression:
        case Product(factors):
            return Product(tuple(_renamed_free(factor, names) for factor in factors))
        case Ratio(top, bottom):
            return Ratio(_renamed_free(top, names), _renamed_free(bottom, names))
        case Difference(left, right):
            return Difference(_renamed_free(left, names), _renamed_free(right, names))
        case Sum(over, body):
            free = {old: new for old, new in names.items() if old not in over}
            return Sum(over, _renamed_free(body, free)) if free else expression
    return renamed(expression, names)


def expected(expression: Expression, outcome: Name) -> Expression | None:
    """Turn the distribution of `outcome` into its mean, if it stands in one place only.

    Returns
    -------
    Expression or None
        None if the mean cannot be written without the values of the outcome.

    Examples
    --------
    >>> formula = Sum(("Z",), Product((Probability(("Y",), ("X", "Z")), Probability(("Z",)))))
    >>> print(expected(formula, "Y"))
    Σ_{z} E[Y | X=x, Z=z] P(Z=z)
    """
    match expression:
        case Probability(of, given, do, domain) if outcome in of:
            rest = tuple(symbol for symbol in of if symbol != outcome)
            mean = Expectation((outcome,), (*rest, *given), do, domain)
            return product([mean, Probability(rest, given, do, domain)]) if rest else mean
        case Product(factors):
            holders = [k for k, factor in enumerate(factors) if outcome in factor.symbols]
            inner = expected(factors[holders[0]], outcome) if len(holders) == 1 else None
            if inner is not None:
                k = holders[0]
                return product([*factors[:k], inner, *factors[k + 1 :]])
        case Sum(over, body):
            inner = expected(body, outcome)
            return None if inner is None else Sum(over, inner)
        case Ratio(top, bottom) if outcome not in bottom.symbols:
            inner = expected(top, outcome)
            return None if inner is None else Ratio(inner, bottom)
    return None
