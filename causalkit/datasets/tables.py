"""Tables as pandas frames, and the graphs that are known.

Columns keep the names of their source. Columns of 0 and 1 are integers, codes without arithmetic
(a region, a marital status) are categoricals, everything else is a number. A column with missing
values is a float with NaN, as pandas has it; :func:`~causalkit.datasets.describe` counts them.
"""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

from causalkit.datasets.catalogue import (
    available,
    available_networks,
    data_file,
    read_entry,
    unknown_name,
)
from causalkit.datasets.networks import load_network
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from causalkit.graph import CausalGraph

__all__ = ["load", "true_graph"]


def load(name: str) -> pd.DataFrame:
    """Load a bundled table.

    Parameters
    ----------
    name : str
        One of :func:`available`.

    Returns
    -------
    pandas.DataFrame
        A new frame at each call, with the column names of the source.

    Raises
    ------
    InputError
        If there is no table of that name, or the name is that of a network.

    Examples
    --------
    The experiment of LaLonde, and its result: training raised earnings by 1794 dollars.

    >>> from causalkit import datasets
    >>> jobs = datasets.load("jtrain2")
    >>> means = jobs.groupby("train")["re78"].mean()
    >>> float(means[1] - means[0])  # thousand dollars
    1.7943...
    """
    import pandas as pd

    if name in available_networks():
        raise InputError(
            f"{name!r} is a network, not a table: it has no rows of its own; expected one of "
            f"{', '.join(map(repr, available()))}. Draw rows with "
            f"load_network({name!r}).sample(5000, rng=0)."
        )
    if name not in available():
        raise unknown_name(name, available(), what="table")
    entry = read_entry(name)
    text = gzip.decompress(data_file(f"{name}.csv.gz").read_bytes())
    frame = pd.read_csv(io.BytesIO(text))
    ordered = set(entry.get("ordered", ()))
    for column, levels in entry.get("categories", {}).items():
        dtype = pd.CategoricalDtype(levels, ordered=column in ordered)
        frame[column] = frame[column].astype(dtype)
    return frame


def true_graph(name: str) -> CausalGraph:
    """Return the graph that is known, or agreed upon, behind a data set.

    Parameters
    ----------
    name : str
        A network, whose graph is exact, or a table whose graph is agreed upon in its field.

    Returns
    -------
    CausalGraph
        A DAG over the columns of the data set.

    Raises
    ------
    InputError
        If there is no data set of that name, or nobody knows its graph.

    Notes
    -----
    The graph of `sachs` is a consensus of biologists, not a fact; read `describe("sachs").truth`
    before you count differences to it.

    Examples
    --------
    >>> from causalkit import datasets
    >>> sorted(datasets.true_graph("sachs").parents("Mek"))
    ['PKA', 'PKC', 'Raf']
    """
    from causalkit.graph import CausalGraph

    entry = read_entry(name)
    if name in available_networks():
        return load_network(name).graph
    if "graph" not in entry:
        known = [other for other in available() if "graph" in read_entry(other)]
        raise InputError(
            f"the graph behind {name!r} is unknown; expected one of "
            f"{', '.join(map(repr, [*known, *available_networks()]))}. "
            f"What is known about it: describe({name!r}).truth."
        )
    text = data_file(entry["graph"]).read_text(encoding="utf-8")
    return CausalGraph.parse(text, kind="DAG")
