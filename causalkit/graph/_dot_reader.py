"""A reader of the grammar that Graphviz and DAGitty share: what was written, not yet what it means.

::

    graph      =  [strict] type [name] { statement* }
    statement  =  operand (operator operand)* [attributes]  |  name = name  |  node [attributes]
    operand    =  name [:port]  |  [subgraph [name]] { statement* }

Statements need no `;` between them. Names are words, numerals, quoted strings (which `+` joins) or,
in Graphviz, `<…>`. The meaning of edges and attributes is in :mod:`causalkit.graph.dot`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise, product

from causalkit.errors import GraphError
from causalkit.graph.text import as_bare_name
from causalkit.typing import Name

__all__ = ["DAGITTY", "DOT", "Dialect", "ReadEdge", "ReadGraph", "read_dot"]

_DEEPEST = 50
_MOST_IMPLIED = 100_000
"""Edges that `{…} -> {…}` may stand for, beyond one for each character of the text."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two languages on the way in."""

    who: str
    token: re.Pattern[str]
    escape: re.Pattern[str]
    """What stands for a character in quotes: group 1 is that character."""
    keywords: frozenset[str]
    """Words that are no names; DAGitty knows neither `edge` nor `subgraph`."""


def _dialect(who: str, operators: str, html: str, escape: str, keywords: str) -> Dialect:
    pattern = rf"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)
    | (?P<operator>{operators})
    | (?P<quoted>"(?:[^"\\]|\\.)*+")
    | (?P<html>{html})
    | (?P<bare>-?[\w.]+)
    | (?P<punctuation>[{{}}\[\];,=:+])
    | (?P<wrong>".*|/\*.*|.)"""  # what is not closed takes the rest with it
    flags = re.VERBOSE | re.DOTALL | re.MULTILINE
    words = frozenset(keywords.split())
    return Dialect(who, re.compile(pattern, flags), re.compile(escape), words)


# HTML labels nest one level: <<b>bold</b> text>. DAGitty has none, and (?!) never matches.
DOT = _dialect(
    "from_dot",
    operators="->|--",
    html="<[^<>]*(?:<[^<>]*>[^<>]*)*>",
    escape=r'\\(["\\])',
    keywords="graph node edge subgraph",
)
DAGITTY = _dialect(
    "from_dagitty",
    operators="<->|@->|<-@|@-@|@--|--@|<-|->|--",
    html="(?!)",
    escape=r'\\(")',
    keywords="graph node",
)


@dataclass(frozen=True, slots=True)
class ReadEdge:
    """An edge as it was written."""

    left: Name
    right: Name
    operator: str
    attributes: dict[str, str]

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(slots=True)
class ReadGraph:
    """A graph as it was written; `nodes` holds the attributes of each."""

    type: str
    name: str = ""
    nodes: dict[Name, dict[str, str]] = field(default_factory=dict)
    edges: list[ReadEdge] = field(default_factory=list)


def read_dot(text: str, dialect: Dialect) -> ReadGraph:
    """Read one graph.

    Raises
    ------
    GraphError
        With the line, where the text does not follow the grammar.
    """
    graph = _Reader(text, dialect).read()
    texts = {str(name) for name in graph.nodes}
    if len(texts) < len(graph.nodes):
        twice = next(n for n in graph.nodes if isinstance(n, int) and str(n) in graph.nodes)
        raise GraphError(
            f'{dialect.who}: the text has both {twice} and "{twice}", which are one node; expected '
            "one spelling. Write it with or without quotes everywhere."
        )
    return graph


class _Reader:
    """Recursive descent; `here` is the position among the tokens."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect = dialect
        self.tokens = [t for t in dialect.token.finditer(text) if t.lastgroup != "skip"]
        self.here = 0

    # --- tokens --------------------------------------------------------------------------------

    def peek(self) -> str:
        """Return the next token; empty at the end."""
        return self.tokens[self.here][0] if self.here < len(self.tokens) else ""

    def group(self) -> str:
        """Return the group of the next token."""
        return str(self.tokens[self.here].lastgroup) if self.here < len(self.tokens) else "end"

    def accept(self, *words: str) -> bool:
        """Step over the next token if it is one of these (unquoted, in any case)."""
        if self.peek().lower() in words:
            self.here += 1
            return True
        return False

    def expect(self, word: str) -> None:
        """Step over this token, which must come next."""
        if not self.accept(word):
            raise self.error(f"'{word}'")

    def error(self, expected: str) -> GraphError:
        """Say what stands where `expected` should."""
        token = self.peek()
        start = self.tokens[self.here].start() if token else len(self.text)
        line = self.text.count("\n", 0, start) + 1
        if not token:
            found = "the text ends"
        elif self.group() == "wrong" and token[0] == '"':
            found = "a quote is opened and not closed"
        elif self.group() == "wrong" and token.startswith("/*"):
            found = "a comment is opened and not closed"
        else:
            shown = self.text[start : start + 30].split("\n")[0]
            found = f"{shown!r} stands"
        return GraphError(
            f"{self.dialect.who}: in line {line} {found} where {expected} is expected. Correct the "
            "text there; names with spaces or signs need double quotes."
        )

    # --- grammar -------------------------------------------------------------------------------

    def read(self) -> ReadGraph:
        self.accept("strict")
        if self.group() != "bare":
            raise self.error("the type of the graph, e.g. 'digraph' or 'dag',")
        self.graph = ReadGraph(self.peek().lower())
        self.here += 1
        if self.peek() != "{":
            self.graph.name = str(self.name())
        self.expect("{")
        self.statements({}, depth=0)
        self.expect("}")
        if self.peek():
            raise self.error("the end of the text")
        return self.graph

    def statements(self, defaults: dict[str, str], depth: int) -> list[Name]:
        """Read up to the closing brace; return the nodes named on the way."""
        if depth > _DEEPEST:
            raise self.error(f"no more than {_DEEPEST} braces within each other")
        named: dict[Name, None] = {}
        while self.peek() not in ("}", ""):
            if self.accept(";", ","):
                continue
            if self.keyword() in ("graph", "node", "edge") and self.follows("["):
                scope = self.keyword()
                self.here += 1
                attributes = self.attributes()
                if scope == "edge":
                    defaults = defaults | attributes
            elif self.group() in ("bare", "quoted", "html") and self.follows("="):
                self.here += 2  # an attribute of the graph: name = name
                self.name()
            else:
                named.update(dict.fromkeys(self.chain(defaults, depth)))
        return list(named)

    def keyword(self) -> str:
        """Return the next token in small letters if it is a keyword, else nothing."""
        word = self.peek().lower()
        return word if word in self.dialect.keywords else ""

    def follows(self, word: str) -> bool:
        """Tell whether `word` is the token after the next."""
        after = self.here + 1
        return after < len(self.tokens) and self.tokens[after][0] == word

    def chain(self, defaults: dict[str, str], depth: int) -> list[Name]:
        """Read operand (operator operand)* [attributes]."""
        lone = self.peek() != "{" and self.keyword() != "subgraph"
        operands = [self.operand(defaults, depth)]
        operators: list[str] = []
        while self.group() == "operator":
            operators.append(self.peek())
            self.here += 1
            operands.append(self.operand(defaults, depth))
        attributes = self.attributes()
        if lone and not operators:
            self.graph.nodes[operands[0][0]].update(attributes)
        attributes = defaults | attributes
        for (lefts, rights), operator in zip(pairwise(operands), operators, strict=True):
            if len(self.graph.edges) + len(lefts) * len(rights) > _MOST_IMPLIED + len(self.text):
                raise GraphError(
                    f"{self.dialect.who}: groups as in {{a b}} -> {{c d}} stand for more than "
                    f"{_MOST_IMPLIED:,} edges; expected fewer. Write the edges one by one."
                )
            self.graph.edges += [
                ReadEdge(left, right, operator, attributes)
                for left, right in product(lefts, rights)
            ]
        return [name for operand in operands for name in operand]

    def operand(self, defaults: dict[str, str], depth: int) -> list[Name]:
        """Read one node, or the nodes of a subgraph."""
        if self.keyword() == "subgraph":
            self.here += 1
            if self.peek() != "{":
                self.name()
                if self.peek() != "{":
                    raise self.error("'{'")
        if self.accept("{"):
            named = self.statements(dict(defaults), depth + 1)
            self.expect("}")
            return named
        node = self.name()
        while self.accept(":"):  # a port says where on the box the line ends
            self.name()
        self.graph.nodes.setdefault(node, {})
        return [node]

    def attributes(self) -> dict[str, str]:
        """Read any number of [key = value, …] lists; a key alone has the value "1"."""
        found: dict[str, str] = {}
        while self.accept("["):
            while not self.accept("]"):
                if self.accept(",", ";"):
                    continue
                key = str(self.name())
                found[key] = str(self.name()) if self.accept("=") else "1"
        return found

    def name(self) -> Name:
        """Read a word, numeral, string or <…>."""
        group, word = self.group(), self.peek()
        if group not in ("bare", "quoted", "html"):
            raise self.error("a name")
        self.here += 1
        if group == "bare":
            return as_bare_name(word)
        if group == "html":
            return word[1:-1]
        parts = [word]
        while self.peek() == "+":
            self.here += 1
            if self.group() != "quoted":
                raise self.error("a quoted string")
            parts.append(self.peek())
            self.here += 1
        return "".join(self.dialect.escape.sub(r"\1", part[1:-1]) for part in parts)
