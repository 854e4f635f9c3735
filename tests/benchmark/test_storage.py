"""Stores: what goes in comes out, in both kinds, whatever was left behind."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from causalkit.benchmark.storage import Result, Store
from causalkit.errors import InputError

RESULT = Result("k1", "m", 0, 100, "PC", "discovery", "ok", 0.1 + 0.2, {"shd": 2.0, "auroc": 1 / 3})
FAILED = Result("k2", "m", 1, 100, "é|PC", "effect", "failed", 0.0, {}, "Error: 'x'", "W", 2.5)


@pytest.fixture(params=["folder", "results.duckdb"])
def path(request, tmp_path):
    if request.param.endswith("duckdb"):
        pytest.importorskip("duckdb")
    return tmp_path / "new" / request.param


def test_results_come_back_to_the_last_bit(path):
    store = Store.open(path)
    assert store.read() == {}
    store.note([RESULT])
    store.note([FAILED])
    assert store.read() == {}
    store.gather()
    assert store.read() == {"k1": RESULT, "k2": FAILED}
    assert Store.open(path).read() == {"k1": RESULT, "k2": FAILED}


def test_what_a_killed_run_left_is_gathered_and_the_torn_file_is_dropped(path):
    store = Store.open(path)
    store.note([RESULT, FAILED])
    (store.journal / "torn.partial").write_text("[{")
    again = Store.open(path)
    assert set(again.read()) == {"k1", "k2"}
    assert not list(store.journal.iterdir())


def test_the_latest_of_a_key_counts(path):
    store = Store.open(path)
    for value in (1.0, 2.0, 3.0):
        store.note([replace(RESULT, values={"shd": value})])
        store.gather()
    store.note([replace(RESULT, values={"shd": 4.0})])
    store.note([replace(RESULT, values={"shd": 5.0})])
    store.gather()
    assert store.read()["k1"].values == {"shd": 5.0}


def test_gathering_twice_after_a_death_in_between_changes_nothing(path):
    store = Store.open(path)
    store.note([RESULT])
    kept = {file: file.read_text() for file in store.journal.iterdir()}
    store.gather()
    for file, text in kept.items():  # as if it had died before the journal was emptied
        file.write_text(text)
    assert Store.open(path).read() == {"k1": RESULT}


def test_missing_numbers_stay_missing(path):
    store = Store.open(path)
    store.note([replace(RESULT, values={"auroc": np.nan})])
    store.gather()
    assert np.isnan(store.read()["k1"].values["auroc"])


def test_a_table_of_another_shape_is_refused(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    where = tmp_path / "other.duckdb"
    with duckdb.connect(str(where)) as connection:
        connection.execute("CREATE TABLE results (a INTEGER)")
    with pytest.raises(InputError, match="other columns"):
        Store.open(where)
    with pytest.raises(InputError, match="ends in"):
        Store.open(tmp_path / "results.csv")


def test_a_journal_of_another_version_is_refused(tmp_path):
    store = Store.open(tmp_path / "kept")
    (store.journal / "1.json").write_text('[{"key": "k", "colour": "red"}]')
    with pytest.raises(InputError, match="other fields"):
        Store.open(tmp_path / "kept")


def test_duckdb_is_asked_for_where_it_is_missing(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(InputError, match="duckdb is not installed"):
        Store.open(tmp_path / "results.duckdb")


def test_a_journal_is_plain_text(tmp_path):
    store = Store.open(tmp_path / "kept")
    store.note([RESULT])
    (file,) = store.journal.glob("*.json")
    assert json.loads(file.read_text())[0]["values"] == dict(RESULT.values)
