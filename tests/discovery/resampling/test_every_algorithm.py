"""Every algorithm there is can be fitted again and again, or says at once why not."""

from __future__ import annotations

import importlib.util
import inspect
import warnings

import numpy as np
import pandas as pd
import pytest

from causalkit import discovery
from causalkit.discovery import (
    PC,
    Bootstrap,
    FalseDiscoveryControl,
    LocalPC,
    MarkovBoundary,
    PairwiseLiNGAM,
    StabilitySelection,
    UnknownTargets,
)
from causalkit.discovery.functional._pairwise import PairwiseAlgorithm
from causalkit.errors import CausalkitWarning, InputError
from causalkit.graph import CausalGraph

N = 90
ESTIMATORS = {
    name: kind
    for name in discovery.__all__
    if inspect.isclass(kind := getattr(discovery, name))
    and hasattr(kind, "fit")
    and not inspect.isabstract(kind)
    and not kind.__module__.startswith("causalkit.discovery.series.")  # which have a test of theirs
}
SETTINGS = {
    "CDNOD": {"domain": "environment"},
    "GIES": {"targets": {"a": (), "b": "x0"}, "regime": "environment"},
    "InvariantPrediction": {"target": "x0"},
    "LDP": {"treatment": "x0", "outcome": "x1"},
    "LocalPC": {"target": "x0"},
    "MarkovBoundary": {"target": "x0"},
}
NO_GRAPH = ("InvariantPrediction", "LDP", "MarkovBoundary", "MarkovBoundarySelector")
HIDDEN = ("FOFC", "GIN", "HCA", "RLCD")
BY_TESTS = ("FCI", "GFCI", "PC", "RFCI")
IN_ENVIRONMENTS = ("CDNOD", "CausalDeFinetti", "GIES", "HCA", "InvariantPrediction")
IN_ENVIRONMENTS += ("UnknownTargets",)


def instance(name):
    settings = dict(SETTINGS.get(name, {}))
    if "algorithm" in inspect.signature(ESTIMATORS[name]).parameters:
        settings["algorithm"] = PC()
    if name in ("Bootstrap", "StabilitySelection"):
        settings |= {"n_resamples" if name == "Bootstrap" else "n_pairs": 2, "random_state": 0}
    return ESTIMATORS[name](**settings)


def table(name):
    rng = np.random.default_rng(0)
    x = rng.exponential(size=(N, 3))
    x[:, 1] += x[:, 0]
    x[:, 2] -= x[:, 1]
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    if issubclass(ESTIMATORS[name], PairwiseAlgorithm):
        return frame[["x0", "x1"]]
    if name == "CausalDeFinetti":
        return frame.assign(environment=np.repeat(np.arange(N // 2), 2))
    return frame.assign(environment=["a", "b"] * (N // 2)) if name in IN_ENVIRONMENTS else frame


def quietly(search, data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return search.fit(data)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("wrap", [Bootstrap, StabilitySelection])
def test_it_is_resampled_or_refused(name, wrap):
    settings = {"n_resamples" if wrap is Bootstrap else "n_pairs": 2, "random_state": 0}
    search, data = wrap(instance(name), **settings), table(name)
    if name == "CAMUV" and importlib.util.find_spec("pygam") is None:
        pytest.skip("CAMUV needs the package pygam")
    if name in NO_GRAPH:
        with pytest.raises(InputError, match=f"{wrap.__name__} got {name}, which learns no graph"):
            search.fit(data)
        return
    if name in HIDDEN:
        with pytest.raises(InputError, match=f"{name}, whose graph has hidden variables"):
            search.fit(data)
        return
    if name == "LocalPC":
        with pytest.raises(InputError, match=r"asks about all pairs\. Use PC"):
            search.fit(data)
        return
    quietly(search, data)
    columns = tuple(column for column in data.columns if column != "environment")
    assert search.graph_.nodes == columns
    assert search.algorithm_.graph_.kind is search.graph_.kind
    assert search.frequencies_.n_replicates == 2 * (1 + (wrap is StabilitySelection))
    assert search.failures_ == {}
    assert "replicates" in search.explain(*columns[:2]).adjacency


@pytest.mark.parametrize("name", ESTIMATORS)
def test_its_false_edges_are_bounded_or_it_is_refused(name):
    search, data = FalseDiscoveryControl(instance(name)), table(name)
    if name in BY_TESTS:
        assert isinstance(search.fit(data).graph_, CausalGraph)
        return
    with pytest.raises(InputError, match=f"{name}.*expected a search .*such as PC"):
        search.fit(data)


def test_what_is_no_algorithm_at_all_is_refused():
    for wrong in (PC, None, "PC", LocalPC, MarkovBoundary):
        with pytest.raises(InputError, match="with parentheses"):
            Bootstrap(wrong).fit(table("PC"))


def test_two_variables_keep_the_direction_that_most_resamples_say():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=300)
    data = {"x": x, "y": x + rng.exponential(size=300)}
    search = Bootstrap(PairwiseLiNGAM(), 30, random_state=0).fit(data)
    assert search.frequencies_.of("x", "y")["->"] > 0.6
    assert search.graph_ == CausalGraph.parse("CPDAG: x -> y")


def test_rows_are_drawn_within_environments_whose_targets_are_sought():
    rng = np.random.default_rng(1)
    batch = np.repeat(["control", "drug"], [150, 60])
    a = rng.normal(size=210)
    b = np.where(batch == "drug", 2.0, a) + rng.normal(size=210)
    data = {"a": a, "b": b, "c": b + rng.normal(size=210), "batch": batch}
    algorithm = UnknownTargets("batch", observational="control")
    search = Bootstrap(algorithm, 20, random_state=0).fit(data)
    assert search.graph_ == algorithm.fit(data).graph_ == CausalGraph.parse("CPDAG: a -> b -> c")
    assert dict(search.algorithm_.targets_) == {"control": (), "drug": ("b",)}
    assert search.failures_ == {}
    for wrapped in (Bootstrap(algorithm, 4, random_state=0, n_jobs=2), search):
        again = wrapped.set_params(n_resamples=4).fit(pd.DataFrame(data))
        assert again.graph_.nodes == ("a", "b", "c")
    # Two rows of an environment are its least: drawn without regard to it, one might be left.
    few = {name: held[148:152] for name, held in data.items()}
    few = {name: np.concatenate([data[name][:60], held[2:]]) for name, held in few.items()}
    assert Bootstrap(algorithm, 20, random_state=0).fit(few).failures_ == {}
