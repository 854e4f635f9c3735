"""The generalised adjustment criterion in MAGs and PAGs, read word for word, path by path.

Perković, Textor, Kalisch, Maathuis (2018), Definition 4: every proper possibly directed path starts
with a visible edge out of the treatment; the set has no possible descendant of a node on such a
path; and it blocks all proper definite-status paths that are not directed.
"""

from __future__ import annotations

from itertools import pairwise

from causalkit.graph import visible_edges


def mark(graph, a, b):
    """Mark at b's end of the edge between a and b: "-", ">" or "o"; None without an edge."""
    for edge in graph.edges_between(a, b):
        symbol = edge.symbol if edge.right == b else edge.symbol[::-1]
        return {"<": ">", "-": "-", "o": "o", ">": ">"}[symbol[-1]]
    return None


def proper_paths(graph, treatment, outcome):
    def extend(path):
        if path[-1] in outcome:
            yield path
            return
        for node in graph.adjacent(path[-1]):
            if node not in path and node not in treatment:
                yield from extend([*path, node])

    for x in treatment:
        yield from extend([x])


def possibly_directed(graph, path):
    return all(mark(graph, b, a) != ">" and mark(graph, a, b) != "-" for a, b in pairwise(path))


def directed(graph, path):
    return all(mark(graph, b, a) == "-" and mark(graph, a, b) == ">" for a, b in pairwise(path))


def possible_descendants(graph, start):
    found, waiting = {start}, [start]
    while waiting:
        v = waiting.pop()
        for w in graph.adjacent(v) - found:
            if possibly_directed(graph, [v, w]):
                found.add(w)
                waiting.append(w)
    return found


def descendants(graph, start):
    found, waiting = {start}, [start]
    while waiting:
        v = waiting.pop()
        for w in graph.adjacent(v) - found:
            if directed(graph, [v, w]):
                found.add(w)
                waiting.append(w)
    return found


def is_open(graph, path, given):
    """Whether a path has definite status and is open."""
    for a, v, b in zip(path, path[1:], path[2:], strict=False):
        near, far = mark(graph, a, v), mark(graph, b, v)
        if near == far == ">":
            if not descendants(graph, v) & given:
                return False
        elif "-" in (near, far) or (near == far == "o" and b not in graph.adjacent(a)):
            if v in given:
                return False
        else:
            return False
    return True


def is_valid_by_definition(graph, treatment, outcome, given):
    treatment, outcome, given = set(treatment), set(outcome), set(given)
    visible = visible_edges(graph)
    for path in proper_paths(graph, treatment, outcome):
        if possibly_directed(graph, path):
            if (path[0], path[1]) not in visible:
                return False
            if any(possible_descendants(graph, v) & given for v in path[1:]):
                return False
        if not directed(graph, path) and is_open(graph, path, given):
            return False
    return True
