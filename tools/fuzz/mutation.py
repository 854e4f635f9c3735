"""Damage to a text or to bytes that were in order: what crosses a line of a grammar by one step.

Everything is drawn from the `random.Random` that is passed, so an input is known by its seed.
"""

from __future__ import annotations

from random import Random

__all__ = ["damage", "damage_bytes", "repeat"]

SIGNS = (
    *("->", "<-", "<->", "--", "o->", "<-o", "o-o", "o--", "--o", "-->", "---", "@->", "@-@"),
    *('"', "\\", "'", '\\"', "#", ";", "\n", "\r", "\t", " ", ",", ":", "=", "+", "{", "}"),
    *("[", "]", "[t]", "[t-1]", "[t-07]", "[t-99999999]", "(", ")", "<", ">", "/*", "*/", "//"),
    *("&amp;", "&x;", "\x00", "\x1f", "\x85", "\u2028", "\ud800", "\ufeff", "²", "٣", "ß", "𝒳"),
    *("DAG:", "PAG:", "mag :", "digraph", "graph", "subgraph", "node", "edge", "dag", "strict"),
    *("null", "true", "NaN", "Infinity", "1e999", "-0", "007", "9" * 30, "1", "-1", "o", "_", "."),
)


def damage(rng: Random, text: str, times: int | None = None) -> str:
    """Cut, double, move, swap or insert pieces, one to five times."""
    for _ in range(times or 1 + int(rng.random() ** 2 * 5)):
        here = rng.randrange(len(text) + 1)
        there = min(len(text), here + int(rng.random() ** 3 * 30))
        piece = text[here:there]
        way = rng.randrange(7)
        if way == 0:
            text = text[:here] + text[there:]
        elif way == 1:
            text = text[:there] + piece * rng.randrange(1, 4) + text[there:]
        elif way == 2:
            other = rng.randrange(len(text) + 1)
            text = text[:other] + piece + text[other:]
        elif way == 3:
            text = text[:here]
        elif way == 4:
            text = (
                text[:here]
                + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000))))
                + text[there:]
            )
        else:
            text = text[:here] + rng.choice(SIGNS) + text[there if way == 5 else here :]
    return text


def damage_bytes(rng: Random, data: bytes) -> bytes:
    """Flip, cut, insert or double bytes, one to five times."""
    changed = bytearray(data)
    for _ in range(1 + int(rng.random() ** 2 * 5)):
        here = rng.randrange(len(changed) + 1)
        there = min(len(changed), here + int(rng.random() ** 3 * 40))
        way = rng.randrange(5)
        if way == 0 and here < len(changed):
            changed[here] = rng.randrange(256)
        elif way == 1:
            del changed[here:there]
        elif way == 2:
            changed[here:here] = rng.randbytes(rng.randrange(1, 9))
        elif way == 3:
            changed[there:there] = changed[here:there]
        elif rng.random() < 0.3:
            del changed[here:]
    return bytes(changed)


def repeat(rng: Random, text: str, longest: int = 100_000) -> str:
    """A long text: a piece of this one, or a sign, over and over, between the rest of it."""
    here = rng.randrange(len(text) + 1)
    there = min(len(text), here + 1 + rng.randrange(12))
    piece = rng.choice((text[here:there], rng.choice(SIGNS), rng.choice(SIGNS) + text[here:there]))
    times = rng.randrange(100, longest) // max(1, len(piece))
    return (text[:here] + piece * times + text[there:])[:longest]
