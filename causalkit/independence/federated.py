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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Final

import numpy as np

from causalkit._core.checks import as_names, check_complete, check_count, check_rows
from causalkit._core.memory import ByteCache
from causalkit._core.report import Report, Reported
from causalkit._core.table import Levels, Table, as_table, column_names
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.eigen_ridge import choose_ridges, inflation_of, share_taken, spent
from causalkit.independence.null_distributions import gamma_tail, three_moment_tail
from causalkit.independence.random_features import cosines, draw_frequencies
from causalkit.independence.search import CIResult
from causalkit.typing import Data, FloatArray, IntArray, Name, Names

__all__ = ["BoundFeatureTest", "FeatureDesign", "FeatureTest", "FederatedSummary"]

_CACHE_BYTES: Final = 2**26
_ROUNDING: Final = 1e-10
_DETERMINED: Final = 1e-6
_WIDTHS: Final = (0.5, 1.0, 2.0)
_LARGEST: Final = 1e150
_FARTHEST: Final = 1e6
"""Scales from the centre, beyond which a number is taken to be in other units."""

_FEWEST: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDesign:
    """Features that all sites compute alike.

    Attributes
    ----------
    names : tuple of str or int
        Columns.
    centres, scales : ndarrays of shape (n_columns,)
        What is taken from numbers, and by what they are divided.
    levels : tuple
        For each column None, or the levels of a category, each of which has an indicator.
    frequencies : ndarray of shape (n_columns, m)
        Each wave is a cosine and a sine; they travel with the design.
    """

    names: tuple[Name, ...]
    centres: FloatArray
    scales: FloatArray
    levels: tuple[Levels, ...]
    frequencies: FloatArray

    @classmethod
    def from_ranges(
        cls,
        ranges: Mapping[Name, tuple[float, float]],
        levels: Mapping[Name, Sequence[object]] | None = None,
        *,
        n_features: int = 12,
        random_state: int = 0,
    ) -> FeatureDesign:
        """Agree on what is known beforehand: where most numbers lie, and which levels there are.

        Parameters
        ----------
        ranges : mapping of name to (low, high)
            Of numeric columns; the range counts as four standard deviations.
        levels : mapping of name to sequence, optional
            Of categories: strings, numbers or booleans.
        n_features : int, default 12
            Waves of each number.
        random_state : int, default 0
            Seed of the frequencies, which are drawn for each column by its name.

        Raises
        ------
        InputError
            If a range is empty, a category has fewer than two levels, or a column is both.
        """
        known = {} if levels is None else levels
        for what, held in (("ranges", ranges), ("levels", known)):
            if not isinstance(held, Mapping):
                raise InputError(
                    f"{what} is a {type(held).__name__}; expected a dict with one entry for each "
                    "column. Write e.g. FeatureDesign.from_ranges({'age': (0, 100)})."
                )
        for name, span in ranges.items():
            if name in known or not _is_range(span):
                raise InputError(
                    f"column {name!r} has range {span!r}; expected two numbers, the smaller one "
                    "first, of a column that is no category. Give each column one line."
                )
        names = (*ranges, *known)
        centres = [low / 2.0 + high / 2.0 for low, high in ranges.values()] + [0.0] * len(known)
        scales = [high / 4.0 - low / 4.0 for low, high in ranges.values()] + [1.0] * len(known)
        listed = (*(None for _ in ranges), *(_listed(k, v) for k, v in known.items()))
        return cls._drawn(names, centres, scales, listed, n_features, random_state)

    @classmethod
    def from_data(cls, data: Data, *, n_features: int = 12, random_state: int = 0) -> FeatureDesign:
        """Agree on the units of a table that all may see, e.g. a public or simulated one.

        Parameters
        ----------
        data : DataFrame, 2-D ndarray, or dict of columns
        n_features, random_state : int
            As of :meth:`from_ranges`.
        """
        table = check_complete(as_table(data), who="FeatureDesign")
        check_rows(table, 2, who="FeatureDesign")
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            spread, means = table.values.std(axis=0), table.values.mean(axis=0)
        return cls._drawn(
            table.names,
            [0.0 if held else c for c, held in zip(means, table.levels)],  # noqa: B905
            [1.0 if held or not s > 0 else s for s, held in zip(spread, table.levels)],  # noqa: B905
            table.levels,
            n_features,
            random_state,
        )

    @classmethod
    def _drawn(
        cls,
        names: Sequence[Name],
        centres: Sequence[float],
        scales: Sequence[float],
        levels: tuple[Levels, ...],
        n_features: int,
        random_state: int,
    ) -> FeatureDesign:
        m = check_count(n_features, "n_features")
        check_count(random_state, "random_state", minimum=0)
        for name, held in zip(names, levels, strict=True):
            if held is not None and (
                not all(isinstance(v, (str, int, float)) and v == v for v in held)  # no NaN
                or len(set(held)) < 2
            ):
                raise InputError(
                    f"column {name!r} has levels {held!r}; expected at least two different "
                    "strings, numbers or booleans. Name the levels that may occur anywhere."
                )
        for name, scale in zip(names, scales, strict=True):
            if not 1.0 / _LARGEST < scale < _LARGEST:
                raise InputError(
                    f"the scale of column {name!r} is {scale:.3g}; expected one between "
                    f"{1.0 / _LARGEST:g} and {_LARGEST:g}. Change its unit."
                )
        widths = np.resize(_WIDTHS, m)
        waves = [draw_frequencies(name, m, random_state, "design") / widths for name in names]
        return cls(
            as_names(names),
            np.array(centres, dtype=float),
            np.array(scales, dtype=float),
            levels,
            np.array(waves).reshape(len(names), m),
        )

    @property
    def starts(self) -> IntArray:
        """Features of column k are `starts[k]:starts[k + 1]`."""
        own = 1 + 2 * self.frequencies.shape[1]
        sizes = [own if levels is None else len(levels) for levels in self.levels]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)

    def features(self, data: Data) -> FloatArray:
        """Turn rows into features, shape (n_rows, n_features).

        Raises
        ------
        InputError
            If cells are missing, a category has a level that was not agreed on, or a column is of
            another kind or of another order of magnitude than agreed.
        """
        table = check_complete(as_table(data, columns=self.names), who="FeatureDesign")
        return np.hstack([self._column(table, k) for k in range(len(self.names))])

    def _column(self, table: Table, k: int) -> FloatArray:
        name, agreed = self.names[k], self.levels[k]
        column, levels = table.column(name), table.levels_of(name)
        if (agreed is None) != (levels is None):
            kinds = ("numbers", "levels") if agreed is None else ("levels", "numbers")
            raise InputError(
                f"column {name!r} was agreed to hold {kinds[0]} and holds {kinds[1]}; expected the "
                "same kind at all sites. Convert the column, or agree on another design."
            )
        if agreed is None or levels is None:
            numbers = column / self.scales[k] - self.centres[k] / self.scales[k]
            farthest = float(np.abs(numbers).max())
            if not farthest < _FARTHEST:
                raise InputError(
                    f"column {name!r} is up to {farthest:.3g} units of {self.scales[k]:.3g} away "
                    f"from {self.centres[k]:.3g}, as agreed; expected numbers of that order. Use "
                    "the units that were agreed on."
                )
            angles = numbers[:, None] * self.frequencies[k]
            waves = np.hstack([cosines(angles), cosines(angles - np.pi / 2.0)])
            return np.column_stack([numbers, waves / np.sqrt(self.frequencies.shape[1])])
        strange = [level for level in levels if level not in agreed]
        if strange:
            raise InputError(
                f"column {name!r} has level(s) {strange!r} that were not agreed on; expected "
                f"{agreed!r}. Agree on a design with all levels."
            )
        places = np.array([agreed.index(level) for level in levels])
        return np.asarray(places[column.astype(np.intp), None] == np.arange(len(agreed)), float)

    def agrees_with(self, other: FeatureDesign) -> bool:
        """Whether both give the same features."""
        mine, others = ((d.centres, d.scales, d.frequencies) for d in (self, other))
        return (self.names, self.levels) == (other.names, other.levels) and all(
            np.array_equal(a, b) for a, b in zip(mine, others, strict=True)
        )


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


def _is_range(span: object) -> bool:
    """Whether these are two finite numbers, the smaller one first."""
    if not isinstance(span, Sequence | np.ndarray) or len(span) != 2:
        return False
    low, high = span
    numbers = isinstance(low, Real) and isinstance(high, Real)
    return numbers and -np.inf < low < high < np.inf


def _listed(name: Name, levels: object) -> tuple[object, ...]:
    """Levels of a category as a tuple of plain values."""
    if isinstance(levels, str) or not isinstance(levels, Iterable):
        raise InputError(
            f"column {name!r} has levels {levels!r}; expected a list of them. Name the levels that "
            "may occur anywhere."
        )
    return tuple(v.item() if isinstance(v, np.generic) else v for v in levels)


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


class BoundFeatureTest(BoundTest):
    """A test on second moments of features.

    Parameters
    ----------
    blocks : sequence of ndarray of int
        Which features each variable has.
    scatter : ndarray of shape (q, q)
        Centred sums of products of all features.
    n_rows : int
    """

    __slots__ = ("_cache", "blocks", "n_rows", "scatter")

    def __init__(self, blocks: Sequence[IntArray], scatter: FloatArray, n_rows: int) -> None:
        self.blocks, self.scatter, self.n_rows = list(blocks), scatter, n_rows
        self._cache = ByteCache(_CACHE_BYTES)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether variables i and j are independent given the variables `given`."""
        one, two = self.blocks[i], self.blocks[j]
        parts = [self.scatter[np.ix_(a, b)] for a, b in ((one, one), (two, two), (one, two))]
        n = self.n_rows
        share = n / (n - 1.0)
        if len(given):
            parts, share = self._left_over(parts, one, two, tuple(sorted(map(int, given))))
        within_one, within_two, between = parts
        for within, block in ((within_one, one), (within_two, two)):
            total = float(self.scatter[block, block].sum())
            if float(np.trace(within)) <= max(_DETERMINED * total, np.finfo(float).tiny):
                raise NumericalError(
                    "the columns that are given determine one of the two, or it is constant; "
                    "expected some variation to be left. Leave such columns out."
                )
        statistic = float(np.sum(between**2))
        sums = [_power_sums(within) for within in (within_one, within_two)]
        mean, squares, cubes = (a * b for a, b in zip(*sums, strict=True))
        scale = share / n
        cumulants = mean * scale, 2.0 * squares * scale**2, 8.0 * cubes * scale**3
        if cumulants[2] > 0.0:
            p_value = three_moment_tail(statistic, *cumulants)
        else:
            p_value = float(gamma_tail(statistic, *cumulants[:2]))
        return CIResult(statistic / n, p_value, n)

    def _left_over(
        self, parts: list[FloatArray], one: IntArray, two: IntArray, given: tuple[int, ...]
    ) -> tuple[list[FloatArray], float]:
        """Sums of products of residuals, and the inflation that goes with them."""
        Z = np.concatenate([self.blocks[k] for k in given])
        found: tuple[FloatArray, FloatArray] | None = self._cache.get(given)
        if found is None:
            values, V = np.linalg.eigh(self.scatter[np.ix_(Z, Z)])
            sound = values > _ROUNDING * max(values[-1], 1.0)
            found = (values[sound], V[:, sound] / np.sqrt(values[sound]))
            self._cache.put(given, found)
        values, V = found
        P, taken = [], []
        for block, within in ((one, parts[0]), (two, parts[1])):
            coordinates = V.T @ self.scatter[np.ix_(Z, block)]
            ridges = choose_ridges(np.diag(within).copy(), coordinates, values, self.n_rows)
            P.append(coordinates)
            taken.append(share_taken(values, ridges))
        left = [
            within - _explained(P[a], taken[a], P[b], taken[b])
            for within, (a, b) in zip(parts, ((0, 0), (1, 1), (0, 1)), strict=True)
        ]
        used = [spent(t, np.maximum(np.diag(w), 0.0)) for t, w in zip(taken, left[:2], strict=True)]
        return left, inflation_of(self.n_rows, used[0], used[1])


def _explained(P: FloatArray, s: FloatArray, Q: FloatArray, t: FloatArray) -> FloatArray:
    """Σ_e P_ea Q_eb (s_ea + t_eb - s_ea t_eb): what residuals' products lack."""
    return np.asarray((P * s).T @ Q + P.T @ (Q * t) - (P * s).T @ (Q * t))


def _power_sums(within: FloatArray) -> tuple[float, float, float]:
    """Sums of the eigenvalues, of their squares and of their cubes."""
    square = within @ within
    return float(np.trace(within)), float(np.trace(square)), float(np.sum(square * within))
