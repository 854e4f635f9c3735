"""What an estimate allows for and a search does not: clusters of rows, and their weights.

Clusters and weights are given for the estimate. A search takes rows as independent draws that count
alike, unless its test is told otherwise: pupils of one school are then so many rows each, and
columns that differ between schools seem to depend on each other. An analysis says so, and names the
tests that are told.

>>> from causalkit.discovery import PC
>>> asked = {"clusters": "school", "sample_weight": None}
>>> [choice for choice, _ in taken_alike(asked, PC())]
['the search takes rows as independent']
>>> list(taken_alike(asked, PC(Clustered(FisherZ(), "school"))))
[]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.independence import Clustered, FisherZ, Weighted
from causalkit.typing import Name
from causalkit.workflow.notes import Note

__all__ = ["columns_of_test", "rows_alike_note", "taken_alike"]

_CLUSTERS = (
    "The search took rows as independent, although clusters were given: of columns that differ "
    "between clusters it draws too many edges. The estimate allows for clusters. Tests allow for "
    f'them in PC(Clustered({FisherZ()!r}, "the column of clusters")), which may be given as '
    "`discovery`, or with DegenerateGaussian() in it where some columns are categories."
)

_WEIGHTS = (
    "The search let all rows count alike, although weights were given: its graph is that of the "
    "rows, not of the population that the weights stand for. The estimate uses the weights. Tests "
    f'use them in PC(Weighted({FisherZ()!r}, "the column of weights")), which may be given as '
    "`discovery`, or with DegenerateGaussian() in it where some columns are categories."
)


def columns_of_test(discovery: DiscoveryAlgorithm | None, columns: tuple[Name, ...]) -> set[Name]:
    """Columns that the test reads and that are no nodes: its clusters, its weights."""
    nodes: Any = getattr(getattr(discovery, "test", None), "nodes", None)
    return set(columns).difference(nodes(columns)) if callable(nodes) else set()


def taken_alike(
    settings: Mapping[str, Any], algorithm: DiscoveryAlgorithm
) -> Iterator[tuple[str, str]]:
    """What the estimate allows for and the search does not, and why that is so."""
    told, test = list[type](), getattr(algorithm, "test", None)
    while test is not None:
        told.append(type(test))
        test = getattr(test, "inner", None)
    why = "{} were given; the estimate allows for them, and the search does not"
    if settings["clusters"] is not None and Clustered not in told:
        yield "the search takes rows as independent", why.format("clusters")
    if settings["sample_weight"] is not None and Weighted not in told:
        yield "the search lets all rows count alike", why.format("weights")


def rows_alike_note(
    settings: Mapping[str, Any], algorithm: DiscoveryAlgorithm | SeriesAlgorithm | None
) -> Iterator[Note]:
    """What to think of a graph that was learnt as if rows were independent and counted alike."""
    if not isinstance(algorithm, DiscoveryAlgorithm):
        return
    for choice, _ in taken_alike(settings, algorithm):
        if choice.endswith("independent"):
            yield Note(_CLUSTERS, headline="The graph was learnt as if rows were independent")
        else:
            yield Note(_WEIGHTS, headline="The graph was learnt as if rows counted alike")
