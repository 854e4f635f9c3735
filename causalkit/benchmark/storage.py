"""Results that are kept as they come, so that a long comparison can be stopped and taken up again.

Each finished piece of work is written at once to a small file of its own in a journal: there are
no two writers of one file, so workers need no lock, and whatever kills them, what was finished is
there. Now and then, and at the end, the journal is moved into one table:

- a path that ends in `.duckdb` is a DuckDB file with a table `results`, which needs duckdb;
- any other path without an ending is a folder of Parquet parts, `part-*.parquet`.

A row is found again by its key, a hash of all that it follows from, see
:mod:`~causalkit._core.fingerprint`; rows of other comparisons may lie in the same store.

>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     store = Store.open(folder)
...     store.note([Result("k", "model", 0, 100, "PC", "discovery", "ok", 0.1, {"shd": 2.0})])
...     store.gather()
...     store.read()["k"].values
{'shd': 2.0}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from os import PathLike, getpid
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from causalkit._core.journal import write_whole
from causalkit.benchmark.tasks import MEASURES
from causalkit.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["STATUSES", "Result", "Store"]

STATUSES: Final = ("ok", "not identified", "not applicable", "timeout", "failed")


@dataclass(frozen=True, slots=True)
class Result:
    """What one method achieved in one task on one data set.

    Attributes
    ----------
    key : str
        Hash of all that the result follows from.
    model : str
    repeat, n_obs : int
    method, task : str
    status : str
        "ok"; "not identified" (the learnt graph does not give the effect), "not applicable" (there
        is no such effect to ask for), "timeout" or "failed".
    seconds : float
        Time from the data to the answer; of an effect with the time to learn the graph.
    values : mapping of str to float
        By measure.
    message : str
        Of an error.
    warned : str
        Kinds of warnings that were given.
    time_limit : float or None
        In seconds, what was granted.
    """

    key: str
    model: str
    repeat: int
    n_obs: int
    method: str
    task: str
    status: str
    seconds: float
    values: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    warned: str = ""
    time_limit: float | None = None

    def to_row(self) -> dict[str, Any]:
        """All in one row; measures that there are not are None."""
        row = asdict(self)
        values = row.pop("values")
        return row | {measure.name: values.get(measure.name) for measure in MEASURES}

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Result:
        """Read a row back."""
        plain = dict(row)
        values = {measure.name: plain.pop(measure.name) for measure in MEASURES}
        return cls(**plain, values={k: float(v) for k, v in values.items() if v is not None})


@dataclass(frozen=True, slots=True)
class Store:
    """Where results are.

    Attributes
    ----------
    path : Path
        Of the DuckDB file, or the folder of Parquet parts.
    journal : Path
        A folder, with a file for each piece of work that is not in the table yet.
    """

    path: Path
    journal: Path

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Store:
        """Open a store, or begin one, and gather what a run that was killed has left.

        Raises
        ------
        InputError
            If the path is of neither kind, duckdb is missing, or the table is another one.
        """
        where = Path(path)
        if where.suffix not in ("", ".duckdb") and not where.is_dir():
            raise InputError(
                f"store={str(path)!r} ends in {where.suffix!r}; expected a name that ends in "
                "'.duckdb', or a folder (a name without an ending). Rename it; to_frame() of the "
                "leaderboard writes other formats."
            )
        in_file = where.suffix == ".duckdb"
        journal = where.with_name(f"{where.name}.journal") if in_file else where / "journal"
        journal.mkdir(parents=True, exist_ok=True)
        store = cls(where, journal)
        for torn in (*journal.glob("*.partial"), *where.glob("part-*.partial")):
            torn.unlink(missing_ok=True)
        store.read()
        store.gather()
        return store

    def note(self, results: Iterable[Result]) -> None:
        """Write results into the journal, whole or not at all."""
        kept = list(results)
        name = f"{time_ns():020d}-{getpid()}-{kept[0].key[:16]}"
        text = json.dumps([asdict(result) for result in kept])
        write_whole(self.journal / f"{name}.json", lambda path: path.write_text(text, "utf-8"))

    def gather(self) -> None:
        """Move the journal into the table."""
        files = sorted(self.journal.glob("*.json"))
        if not files:
            return
        known = {each.name for each in fields(Result)}
        try:
            rows = [row for file in files for row in json.loads(file.read_text("utf-8"))]
            strange = any(row.keys() != known for row in rows)
        except (ValueError, TypeError, AttributeError, RecursionError):
            strange = True
        if strange:
            raise InputError(
                f"the journal {self.journal} has other fields than results of this version; "
                f"expected {', '.join(sorted(known)[:6])}, … Take another path."
            )
        noted = [Result(**row) for row in rows]
        latest = list({result.key: result for result in noted}.values())
        table = _as_arrow(latest)
        if self.path.suffix == ".duckdb":
            _into_duckdb(self.path, table)
        else:
            _into_parquet(self.path, table)
        for file in files:
            file.unlink(missing_ok=True)

    def read(self) -> dict[str, Result]:
        """Return results by key, the latest of each."""
        if self.path.suffix == ".duckdb":
            rows = _from_duckdb(self.path)
        else:
            rows = _from_parquet(self.path)
        return {row["key"]: Result.of_row(row) for row in rows}


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {"repeat": pa.int64(), "n_obs": pa.int64(), "seconds": pa.float64()}
    kinds |= {measure.name: pa.float64() for measure in MEASURES} | {"time_limit": pa.float64()}
    columns = Result("", "", 0, 0, "", "", "", 0.0).to_row()
    return pa.schema([(name, kinds.get(name, pa.string())) for name in columns])


def _as_arrow(results: list[Result]) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist([result.to_row() for result in results], schema=_schema())


def _check_columns(found: Iterable[str], path: Path) -> None:
    if list(found) != _schema().names:
        raise InputError(
            f"the table in {path} has other columns than results of this version; expected "
            f"{', '.join(_schema().names[:6])}, … Take another path."
        )


def _into_parquet(folder: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    name = f"part-{time_ns():020d}.parquet"
    write_whole(folder / name, lambda path: pq.write_table(table, path))


def _from_parquet(folder: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for part in sorted(folder.glob("part-*.parquet")):
        try:
            table = pq.read_table(part, partitioning=None)
            names, found = table.column_names, table.to_pylist()  # texts are decoded only now
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"{part} cannot be read ({error}); expected results of a leaderboard. Remove it, "
                "and its results are computed anew."
            ) from None
        _check_columns(names, part)
        rows += found
    return rows


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise InputError(
            "store ends in '.duckdb' and duckdb is not installed; expected it for such a store. "
            'Run `pip install "causalkit-toolkit[distributed]"`, or name a folder, which needs '
            "nothing more."
        ) from None
    return duckdb


def _into_duckdb(path: Path, table: pa.Table) -> None:
    with _duckdb().connect(str(path)) as connection:
        connection.register("fresh", table)
        columns = ", ".join(
            f'"{name}" {"VARCHAR PRIMARY KEY" if name == "key" else _SQL[str(kind)]}'
            for name, kind in zip(table.schema.names, table.schema.types, strict=True)
        )
        connection.execute(f"CREATE TABLE IF NOT EXISTS results ({columns})")
        connection.execute("INSERT OR REPLACE INTO results SELECT * FROM fresh")


_SQL: Final = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE"}


def _connected(duckdb: Any, path: Path) -> Any:
    try:
        return duckdb.connect(str(path))
    except duckdb.Error as error:
        raise InputError(
            f"{path} cannot be read ({error}); expected a DuckDB file with results of a "
            "leaderboard, which no other program has open. Take another path."
        ) from None


def _from_duckdb(path: Path) -> list[dict[str, Any]]:
    duckdb = _duckdb()
    if not path.exists():
        return []
    with _connected(duckdb, path) as connection:
        tables = [row[0] for row in connection.execute("SHOW TABLES").fetchall()]
        if "results" not in tables:
            return []
        found = connection.execute("SELECT * FROM results")
        names = [column[0] for column in found.description]
        _check_columns(names, path)
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
