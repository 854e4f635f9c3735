r"""Q-factors: what general identification computes with.

For a set S of variables, `Q[S]` is the distribution of S if everything else were set:
`P(s | do(v \ s))`. It has three properties, and identification is nothing but their use (Tian &
Pearl):

* it falls apart into the Q-factors of the districts of the sub-graph over S,
* each of these can be computed from it: with the nodes in topological order, `Q[S]` is a product of
  **terms** `q(v | what precedes)`, and the factor of a district is the product of its terms,
* a set that holds its own ancestors is got by summing out the others.

A factor is held as blocks. A **block** is `Σ_n Π terms`: several terms that a summed node n ties
together; a node that no later term mentions drops out with its own term, so most sums never have to
be written down. Of the graph itself the terms are conditional probabilities given the Markov
pillow, the few variables before v that it depends on: its district so far, and their parents.

References
----------
Tian, J., Pearl, J. (2002). A general identification condition for causal effects. AAAI.
Shpitser, I., Pearl, J. (2006). Identification of joint interventional distributions in recursive
semi-Markovian causal models. AAAI.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from causalkit.identification.formulas.algebra import product, quotient, summed
from causalkit.identification.formulas.expression import Expression, Probability
from causalkit.identification.general.mixed import Mixed, each
from causalkit.typing import Name

__all__ = ["Factor", "Term", "observational"]


@dataclass(frozen=True, slots=True)
class Term:
    """`q(v | what precedes)`: a node, the nodes that its formula mentions, and the formula."""

    node: int
    mentions: int
    formula: Expression


@dataclass(frozen=True, slots=True)
class _Block:
    """Terms of `members` and of nodes that are summed out, in topological order."""

    members: int
    terms: tuple[Term, ...]

    @property
    def mentions(self) -> int:
        found = 0
        for term in self.terms:
            found |= term.mentions
        return found

    def until(self, last: int, nodes: tuple[Name, ...]) -> Expression:
        """The factor of all members up to a node: later terms sum to one."""
        before = (2 << last) - 1 if last >= 0 else 0
        kept: list[Term] = []
        mentioned = self.members & before
        for term in reversed(self.terms):  # a summed node with nothing after it drops out
            if (1 << term.node) & mentioned:
                kept.append(term)
                mentioned |= term.mentions
        hidden = [nodes[t.node] for t in reversed(kept) if not self.members >> t.node & 1]
        return summed(hidden, product([term.formula for term in kept]))


@dataclass(frozen=True, slots=True)
class Factor:
    """`Q[members]`, as blocks with disjoint members."""

    nodes: tuple[Name, ...]
    blocks: tuple[_Block, ...]

    @property
    def members(self) -> int:
        """The set of nodes that this is the distribution of."""
        found = 0
        for block in self.blocks:
            found |= block.members
        return found

    def formula(self) -> Expression:
        """The factor as an expression; inner sums may shadow symbols (see `distinct`)."""
        last = len(self.nodes)
        return product([block.until(last, self.nodes) for block in reversed(self.blocks)])

    def without(self, gone: int) -> Factor:
        """Sum nodes out, which leaves the factor of the others."""
        blocks = list(self.blocks)
        for node in reversed(tuple(each(gone))):
            bit = 1 << node
            tied = [b for b in blocks if b.members & bit or b.mentions & bit]
            terms = sorted((t for b in tied for t in b.terms), key=lambda term: term.node)
            members = 0
            for block in tied:
                members |= block.members
            blocks = [b for b in blocks if b not in tied]
            if members != bit:
                blocks.append(_trimmed(members & ~bit, terms))
        return Factor(self.nodes, tuple(sorted(blocks, key=lambda b: b.members)))

    def only(self, district: int) -> Factor:
        """Keep the terms of one district of the sub-graph over the members."""
        blocks: list[_Block] = []
        for block in self.blocks:
            wanted = block.members & district
            if wanted == block.members:
                blocks.append(block)
            else:
                blocks.extend(self._terms(block, wanted))
        return Factor(self.nodes, tuple(sorted(blocks, key=lambda b: b.members)))

    def _terms(self, block: _Block, wanted: int) -> Iterator[_Block]:
        """Terms of some members of a block, each a quotient of two of its sums."""
        before = -1
        for node in each(block.members):
            if wanted >> node & 1:
                formula = quotient(block.until(node, self.nodes), block.until(before, self.nodes))
                mentions = 0
                for term in block.terms:
                    if term.node <= node:
                        mentions |= term.mentions
                hidden = mentions & ~block.members & _nodes_of(block.terms)
                yield _Block(1 << node, (Term(node, mentions & ~hidden, formula),))
            before = node


def _trimmed(members: int, terms: list[Term]) -> _Block:
    """A block without the terms of summed nodes that nothing after them mentions."""
    kept: list[Term] = []
    mentioned = members
    for term in reversed(terms):
        if mentioned >> term.node & 1:
            kept.append(term)
            mentioned |= term.mentions
    return _Block(members, tuple(reversed(kept)))


def _nodes_of(terms: tuple[Term, ...]) -> int:
    found = 0
    for term in terms:
        found |= 1 << term.node
    return found


def observational(
    mixed: Mixed, within: int, district: int, *, domain: str = "", do: tuple[Name, ...] = ()
) -> Factor:
    """Factor of a district, in a set that holds its ancestors: conditionals of the data.

    Parameters
    ----------
    mixed : Mixed
        The graph; where data come from an experiment, without the nodes that it set.
    within : int
        Nodes; all of their ancestors are in it.
    district : int
        One of its districts.
    domain, do : str and tuple of names
        The population, and what was set in it, if it is not the plain one.
    """
    return Factor(
        mixed.nodes,
        tuple(
            _Block(1 << node, (_conditional(mixed, node, within, domain, do),))
            for node in each(district)
        ),
    )


def _conditional(mixed: Mixed, node: int, within: int, domain: str, do: tuple[Name, ...]) -> Term:
    bit = 1 << node
    district = mixed.district(bit, within & ((bit << 1) - 1))
    pillow = (district | mixed.parents_of(district)) & within & ~bit
    formula = Probability((mixed.nodes[node],), mixed.names(pillow), do, domain)
    return Term(node, pillow | bit, formula)
