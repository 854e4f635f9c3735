"""Every bundled table is what its description says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from causalkit import datasets
from causalkit.errors import InputError

TABLES = datasets.available()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_the_described_shape_and_columns(name):
    frame, described = datasets.load(name), datasets.describe(name)
    assert frame.shape == (described.n_rows, len(described.columns))
    assert list(frame.columns) == list(described.columns)
    assert all(isinstance(column, str) and column.strip() == column for column in frame)
    assert not any(column.startswith("Unnamed") for column in frame)


@pytest.mark.parametrize("name", TABLES)
def test_values_are_missing_where_described_and_nowhere_else(name):
    counts = datasets.load(name).isna().sum()
    assert counts[counts > 0].to_dict() == dict(datasets.describe(name).missing)


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_numbers_or_categories(name):
    frame = datasets.load(name)
    for column in frame:
        values = frame[column]
        if isinstance(values.dtype, pd.CategoricalDtype):
            assert set(values.dropna()) == set(values.cat.categories)
            continue
        assert pd.api.types.is_numeric_dtype(values.dtype)
        assert np.isfinite(values.dropna()).all()
        if not values.isna().any() and set(values) <= {0, 1}:
            assert pd.api.types.is_integer_dtype(values.dtype), column


@pytest.mark.parametrize("name", TABLES)
def test_each_call_returns_a_frame_of_its_own(name):
    first = datasets.load(name)
    first.iloc[:, 0] = 0
    assert not first.equals(datasets.load(name))


def test_categories_of_the_survey_are_labels_and_keep_their_order():
    frame = datasets.load("nhefs")
    assert list(frame["education"].cat.categories) == [1, 2, 3, 4, 5]
    assert frame["education"].cat.ordered
    assert not frame["marital"].cat.ordered


def test_columns_that_repeat_others_agree_with_them():
    pensions = datasets.load("401ksubs")
    np.testing.assert_allclose(pensions["inc"] ** 2, pensions["incsq"], rtol=1e-6)
    assert (pensions["age"] ** 2 == pensions["agesq"]).all()
    assert (pensions["p401k"] <= pensions["e401k"]).all()
    men = datasets.load("card")
    assert (men["age"] - men["educ"] - 6 == men["exper"]).all()
    np.testing.assert_allclose(np.log(men["wage"]), men["lwage"], rtol=1e-6)
    smokers = datasets.load("nhefs")
    np.testing.assert_allclose(smokers["wt82"] - smokers["wt71"], smokers["wt82_71"], atol=1e-4)
    assert (smokers["wt82"].isna() == (smokers["censored"] == 1)).all()
    assert ((smokers["age"] > 50) == (smokers["older"] == 1)).all()
    economy = datasets.load("macrodata")
    inflation = 400 * np.log(economy["cpi"]).diff()
    np.testing.assert_allclose(inflation[1:], economy["infl"][1:], atol=0.006)


def test_both_job_training_tables_hold_the_same_trainees():
    shared = ["age", "educ", "black", "hisp", "married", "re74", "re75", "re78"]
    experiment, survey = datasets.load("jtrain2"), datasets.load("jtrain3")
    trainees = [
        frame.loc[frame["train"] == 1, shared].sort_values(shared).to_numpy()
        for frame in (experiment, survey)
    ]
    np.testing.assert_allclose(*trainees, atol=1e-5)


def test_the_unperturbed_cells_are_the_first_condition():
    cells = datasets.load("sachs_interventions")
    sizes = cells["condition"].value_counts(sort=False)
    assert sizes.tolist() == [853, 902, 911, 723, 810, 799, 848, 913, 707]
    unperturbed = cells[cells["condition"] == "cd3cd28"].drop(columns="condition")
    pd.testing.assert_frame_equal(unperturbed, datasets.load("sachs"))


def test_quarters_follow_each_other():
    economy = datasets.load("macrodata")
    quarters = 4 * economy["year"] + economy["quarter"]
    assert (quarters.diff().dropna() == 1).all()


def test_rows_of_the_weather_stations_belong_together():
    """Germany's highest mountain, the Zugspitze: 47.42 N, 10.98 E, normal 1961-1990 of -4.8 C."""
    stations = datasets.load("dwd")
    top = stations.loc[stations["altitude"].idxmax()]
    assert (top["latitude"], top["longitude"]) == pytest.approx((47.42, 10.98), abs=0.01)
    assert top["altitude"] == pytest.approx(2960, abs=5)
    assert top["temperature"] == pytest.approx(-4.8, abs=0.1)


def test_the_graph_of_the_cells_is_the_published_consensus():
    # the model string that the Bayesian Network Repository gives for Sachs et al. (2005)
    published = (
        "[PKC][Plcg][PKA|PKC][Raf|PKC:PKA][Mek|PKC:PKA:Raf][Erk|Mek:PKA][Akt|Erk:PKA]"
        "[P38|PKC:PKA][Jnk|PKC:PKA][PIP3|Plcg][PIP2|Plcg:PIP3]"
    )
    edges = set()
    for node in published.strip("[]").split("]["):
        child, _, parents = node.partition("|")
        edges |= {(parent, child) for parent in parents.split(":") if parent}
    for name in ("sachs", "sachs_interventions"):
        graph = datasets.true_graph(name)
        assert {(edge.left, edge.right) for edge in graph.edges()} == edges
        assert len(edges) == 17
        assert graph.kind.name == "DAG"
        assert set(graph.nodes) == set(datasets.load("sachs").columns)


@pytest.mark.parametrize("name", datasets.available_networks())
def test_the_graph_of_a_network_is_its_own(name):
    assert datasets.true_graph(name) == datasets.load_network(name).graph


def test_an_unknown_graph_is_an_error_that_says_where_to_read_on():
    with pytest.raises(InputError, match=r"graph behind 'card' is unknown.*describe\('card'\)"):
        datasets.true_graph("card")


def test_a_network_is_no_table():
    with pytest.raises(InputError, match=r"load_network\('asia'\)\.sample"):
        datasets.load("asia")


@pytest.mark.parametrize("ask", [datasets.load, datasets.describe, datasets.true_graph])
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(ask):
    with pytest.raises(InputError, match=r"'carrd'; expected one of '401ksubs'.*mean 'card'\?"):
        ask("carrd")
    with pytest.raises(InputError, match=r"expected one of '401ksubs'.*describe"):
        ask("zzz")


def test_import_is_light():
    code = "import sys, causalkit.datasets; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
