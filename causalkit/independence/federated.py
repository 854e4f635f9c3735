"""Kernel tests across sites that may not share their rows: sums of features travel instead.

All sites agree on a :class:`FeatureDesign`: which columns there are, their units, and frequencies
of waves. Each site turns its rows into features, adds up their outer products, and sends this
:class:`FederatedSummary`; summaries merge by addition. Where the rows came from is known too,
because sums are kept apart by domain, so the domain can be a variable of its own: it is the
surrogate of changing mechanisms (:class:`~causalkit.discovery.CDNOD`).

What can be computed from second moments of features is the same as from all rows at once, to the
last digits. The price is that functions of a set are sums of functions of its members, because
products of features of two columns are not among the sums.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> z = rng.normal(size=(2, 400))
>>> noise = rng.normal(size=(2, 2, 400))
>>> sites = [{"z": z[k], "x": z[k]**2 + noise[k, 0], "y": z[k]**2 + noise[k, 1]} for k in (0, 1)]
>>> design = FeatureDesign.from_ranges({"x": (-2, 6), "y": (-2, 6), "z": (-3, 3)})
>>> oslo, rome = (
...     FederatedSummary.from_data(rows, design, domain=town)
...     for rows, town in zip(sites, ["Oslo", "Rome"])
... )
>>> summary = oslo.merge(rome)
>>> summary.test("x", "y").p_value < 1e-6, summary.test("x", "y", given="z").p_value > 0.05
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from causalkit._core.checks import as_names, check_complete
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table, column_names
from causalkit.errors import InputError, UnknownVariableError
from causalkit.independence.base import CITest
from causalkit.independence.feature_design import FeatureDesign
from causalkit.independence.feature_moments import BoundFeatureTest
from causalkit.independence.search import CIResult
from causalkit.typing import Data, FloatArray, IntArray, Name, Names

__all__ = ["FeatureTest", "FederatedSummary"]

_FEWEST: Final = 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FederatedSummary(Reported):
    """What sites share: for each domain its rows, and sums of features and of their products.

    Attributes
    ----------
    design : FeatureDesign
    domains : tuple of str or int
        Labels.
    counts : ndarray of shape (k,)
        Rows of each domain.
    sums, outers : ndarrays of shapes (k, q) and (k, q, q)
        Sums of features and of their outer products.

    Notes
    -----
    **Assumes:**

    - all sites use one design and code their columns alike;
    - rows are independent, and given the domain from one distribution.

    Sums hide rows among others; they are no guarantee of privacy. A domain of few rows may be
    reconstructed, and no noise is added.

    References
    ----------
    Li, Ng, Luo, Huang, Chen, Liu and Zhang (2024), "Federated causal discovery from heterogeneous
    data", ICLR, doi:10.48550/arXiv.2402.13241.
    """

    design: FeatureDesign
    domains: tuple[Name, ...]
    counts: IntArray
    sums: FloatArray
    outers: FloatArray

    @classmethod
    def from_data(
        cls, data: Data, design: FeatureDesign, *, domain: Name = "site-1", by: Name | None = None
    ) -> FederatedSummary:
        """Add up the rows of one site.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
        design : FeatureDesign
            The one that all sites use.
        domain : str or int
            Label of the site.
        by : name, optional
            Column with labels, if the rows come from several domains.

        Raises
        ------
        InputError
            If the columns are not as agreed.
        """
        if not isinstance(design, FeatureDesign):
            raise InputError(
                f"design={design!r}; expected the FeatureDesign that all sites use. Make one with "
                "FeatureDesign.from_ranges."
            )
        F = design.features(data)
        labels = as_names((domain,))
        codes = np.zeros(len(F), dtype=np.intp)
        if by is not None:
            labels, codes = _read_labels(data, by)
        parts = [F[codes == k] for k in range(len(labels))]
        return cls(
            design,
            labels,
            np.array([len(part) for part in parts], dtype=np.intp),
            np.array([part.sum(axis=0) for part in parts]),
            np.array([part.T @ part for part in parts]),
        )

    @property
    def n_rows(self) -> int:
        """Rows of all domains."""
        return int(self.counts.sum())

    def domain_moments(self, k: int) -> tuple[int, FloatArray, FloatArray]:
        """Rows of the k-th domain, and sums of features and of their outer products."""
        return int(self.counts[k]), self.sums[k], self.outers[k]

    def merge(self, *others: FederatedSummary) -> FederatedSummary:
        """Add the summaries of other sites; domains of one label become one.

        Raises
        ------
        InputError
            If the sites have used different designs.
        """
        for other in others:
            if not isinstance(other, FederatedSummary):
                raise InputError(
                    f"a {type(other).__name__} cannot be merged; expected summaries. Write "
                    "one.merge(two, three), or one.merge(*rest) for a list of them."
                )
        if not all(self.design.agrees_with(other.design) for other in others):
            raise InputError(
                "the summaries rest on different designs; expected one for all sites, because "
                "sums of different features cannot be added. Send one FeatureDesign to all."
            )
        parts = (self, *others)
        labels = tuple(dict.fromkeys(label for part in parts for label in part.domains))
        place = [labels.index(label) for part in parts for label in part.domains]

        def added(arrays: Sequence[Any]) -> Any:
            stacked = np.concatenate(arrays)
            total = np.zeros((len(labels), *stacked.shape[1:]), dtype=stacked.dtype)
            np.add.at(total, place, stacked)
            return total

        return FederatedSummary(
            self.design,
            labels,
            added([part.counts for part in parts]),
            added([part.sums for part in parts]),
            added([part.outers for part in parts]),
        )

    def bind(
        self, nodes: Sequence[Name] | None = None, domain: Name | None = None
    ) -> BoundFeatureTest:
        """Test these columns by their numbers, the domain among them under the name given.

        Parameters
        ----------
        nodes : sequence of names, optional
            In the order in which they are numbered; all columns, then the domain, if left out.
        domain : str or int, optional
            What the domain is called; it is no variable without.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, or the domain is called like a column.
        UnknownVariableError
            If there is no such column.
        """
        if self.n_rows < _FEWEST:
            raise InputError(
                f"the summary counts {self.n_rows} row(s); expected at least {_FEWEST}. Merge the "
                "summaries of more sites."
            )
        known = (*self.design.names, *(() if domain is None else (domain,)))
        if len(set(known)) < len(known):
            raise InputError(
                f"the domain is to be called {domain!r}, which is a column; expected a name of its "
                "own. Call it e.g. 'site of origin'."
            )
        chosen = known if nodes is None else tuple(nodes)
        starts, n_columns = self.design.starts, len(self.design.names)
        blocks = []
        for name in chosen:
            if name not in known:
                raise UnknownVariableError.among(name, known)
            k = known.index(name)
            last = starts[-1] + len(self.domains)
            blocks.append(np.arange(starts[k], last if k == n_columns else starts[k + 1]))
        return BoundFeatureTest(blocks, self._scatter(), self.n_rows)

    def _scatter(self) -> FloatArray:
        """Centred sums of products of all features and of the indicators of the domains."""
        total = np.block(
            [[self.outers.sum(axis=0), self.sums.T], [self.sums, np.diag(self.counts)]]
        )
        sums = np.concatenate([self.sums.sum(axis=0), self.counts])
        return np.asarray(total - np.outer(sums, sums) / self.n_rows)

    def test(self, x: Name, y: Name, given: Names = (), *, domain: Name | None = None) -> CIResult:
        """Test whether columns `x` and `y` are independent given the columns `given`.

        Parameters
        ----------
        x, y : str or int
        given : name or names
        domain : str or int, optional
            What the domain is called, if it is asked about.
        """
        asked = (*as_names((x,)), *as_names((y,)), *as_names(given))
        if len(set(asked)) < len(asked):
            raise InputError(
                f"x={x!r}, y={y!r}, given={asked[2:]!r} overlap; expected different columns. "
                "Name each column once."
            )
        return self.bind(asked, domain)(0, 1, range(2, len(asked)))

    def save(self, path: str | Path) -> None:
        """Write to a file in NumPy's format, which holds numbers and text and nothing that runs."""
        import json

        design = self.design
        header = json.dumps(
            {"names": design.names, "levels": design.levels, "domains": self.domains}
        )
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file,
                header=np.array(header),
                centres=design.centres,
                scales=design.scales,
                frequencies=design.frequencies,
                counts=self.counts,
                sums=self.sums,
                outers=self.outers,
            )

    @classmethod
    def load(cls, path: str | Path) -> FederatedSummary:
        """Read what :meth:`save` has written.

        Raises
        ------
        InputError
            If the file holds something else.
        """
        import json
        import zlib
        from zipfile import BadZipFile

        broken = (LookupError, ValueError, TypeError, EOFError, AttributeError, BadZipFile)
        try:
            with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                held = {key: file[key] for key in file.files if key != "header"}
            design = FeatureDesign(
                tuple(header["names"]),
                held["centres"],
                held["scales"],
                tuple(None if each is None else tuple(each) for each in header["levels"]),
                held["frequencies"],
            )
            counts = held["counts"].astype(np.intp)
            read = cls(design, tuple(header["domains"]), counts, held["sums"], held["outers"])
            read._check_shapes()
            return read
        except (*broken, zlib.error) as reason:
            raise InputError(
                f"{str(path)!r} holds no summary of features ({reason}); expected a file that "
                "FederatedSummary.save has written. Write it anew."
            ) from None

    def _check_shapes(self) -> None:
        """Refuse arrays that do not belong together."""
        design, k, q = self.design, len(self.domains), int(self.design.starts[-1])
        p, m = design.frequencies.shape
        expected = (
            (design.centres, (p,)),
            (design.scales, (p,)),
            (design.frequencies, (len(design.names), m)),
            (self.counts, (k,)),
            (self.sums, (k, q)),
            (self.outers, (k, q, q)),
        )
        for array, shape in expected:
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"an array of shape {array.shape}, not all finite, or not {shape}")
        if len(design.levels) != p or self.counts.min() < 0:
            raise ValueError("columns without levels, or counts below 0")

    def _report(self) -> Report:
        return Report(
            "Federated summary",
            facts=[
                ("columns", ", ".join(map(str, self.design.names))),
                ("domains", len(self.domains)),
                ("rows", self.n_rows),
                ("features", int(self.design.starts[-1])),
            ],
        )


def _read_labels(data: Data, by: Name) -> tuple[tuple[Name, ...], IntArray]:
    if by not in column_names(data):
        raise UnknownVariableError.among(by, column_names(data))
    table = check_complete(as_table(data, columns=(by,)), who="FederatedSummary")
    found, codes = np.unique(table.values[:, 0], return_inverse=True)
    levels = table.levels[0]
    labels = [code if levels is None else levels[int(code)] for code in found.tolist()]
    plain = [int(v) if isinstance(v, (bool, float)) and v == int(v) else v for v in labels]
    kept = tuple(v if isinstance(v, (int, str)) else str(v) for v in plain)
    return kept, codes.astype(np.intp).reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTest(CITest):
    """A summary as the test of a discovery algorithm, which then needs the names of columns only.

    Parameters
    ----------
    summary : FederatedSummary
    domain : str or int, optional
        Name of the column that stands for the domain.

    Notes
    -----
    **Assumes:**

    - rows are independent draws, given the domain from one distribution;
    - what a set explains is a sum of smooth functions of its members;
    - residuals vary alike everywhere: the null distribution is that of independent residuals.

    The statistic is the sum of squared covariances of residuals of all features. Its null
    distribution is that of a weighted sum of chi-squares by three moments.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=600)
    >>> b = a + rng.normal(size=600)
    >>> rows = {"a": a, "b": b, "c": b + rng.normal(size=600)}
    >>> summary = FederatedSummary.from_data(rows, FeatureDesign.from_data(rows))
    >>> names_only = {"a": [0.0, 1.0], "b": [0.0, 1.0], "c": [0.0, 1.0]}
    >>> print(PC(FeatureTest(summary), alpha=0.01).fit(names_only).graph_)
    CPDAG with 3 nodes, 2 edges: a -- b; b -- c
    """

    summary: FederatedSummary
    domain: Name | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.summary, FederatedSummary):
            raise InputError(
                f"summary is a {type(self.summary).__name__}; expected a FederatedSummary. Make "
                "one with FederatedSummary.from_data."
            )

    def bind(self, table: Table) -> BoundFeatureTest:
        """Look up the columns of a table by name; its cells are not read."""
        return self.summary.bind(table.names, self.domain)
