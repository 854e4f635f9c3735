"""What options may name: algorithms, tests, scores, estimators, each by one table.

An entry is the name that is typed and the class that it means. Which settings a class takes is read
from its constructor, so a setting that was given and has no use is refused, never dropped, and the
sentence lists who would take it. A class name (`DirectLiNGAM`) is understood as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from causalkit.errors import InputError

__all__ = [
    "ESTIMATORS",
    "METHODS",
    "SCORES",
    "SERIES_METHODS",
    "TESTS",
    "algorithm_named",
    "class_named",
    "estimator_named",
    "fit_to_columns",
    "named_test",
]

METHODS: Final = MappingProxyType(
    {
        "pc": "discovery.PC",
        "fci": "discovery.FCI",
        "rfci": "discovery.RFCI",
        "gfci": "discovery.GFCI",
        "cdnod": "discovery.CDNOD",
        "ges": "discovery.GES",
        "flop": "discovery.FLOP",
        "boss": "discovery.BOSS",
        "grasp": "discovery.GRaSP",
        "hill-climb": "discovery.HillClimb",
        "exact": "discovery.ExactSearch",
        "direct-lingam": "discovery.DirectLiNGAM",
        "ica-lingam": "discovery.ICALiNGAM",
        "parce-lingam": "discovery.ParceLiNGAM",
        "cam": "discovery.CAM",
        "resit": "discovery.RESIT",
        "score": "discovery.SCORE",
        "notears": "discovery.NOTEARS",
        "dagma": "discovery.DAGMA",
        "golem": "discovery.GOLEM",
    }
)
"""Algorithms for tables that need nothing but columns."""

SERIES_METHODS: Final = MappingProxyType(
    {
        "pcmci": "discovery.PCMCI",
        "pcmci-plus": "discovery.PCMCIPlus",
        "jpcmci-plus": "discovery.JPCMCIPlus",
        "lpcmci": "discovery.LPCMCI",
        "ts-icd": "discovery.TSICD",
        "granger": "discovery.Granger",
        "group-lasso-granger": "discovery.GroupLassoGranger",
        "regression-granger": "discovery.RegressionGranger",
        "spectral-granger": "discovery.SpectralGranger",
        "transfer-entropy": "discovery.TransferEntropy",
        "var-lingam": "discovery.VARLiNGAM",
        "dynotears": "discovery.DYNOTEARS",
        "ccm": "discovery.CCM",
    }
)
"""Algorithms for series."""

TESTS: Final = MappingProxyType(
    {
        "fisher-z": "independence.FisherZ",
        "rank": "independence.RankZ",
        "robust": "independence.RobustZ",
        "g-square": "independence.GSquare",
        "chi-square": "independence.ChiSquare",
        "mixed": "independence.DegenerateGaussian",
        "conditional-gaussian": "independence.ConditionalGaussian",
        "likelihood-ratio": "independence.LikelihoodRatio",
        "missing": "independence.TestwiseDeletion",
        "kernel": "independence.KCI",
        "rcot": "independence.RCoT",
        "rcit": "independence.RCIT",
        "gcm": "independence.GCM",
        "knn": "independence.CMIknn",
    }
)
"""Tests of conditional independence."""

SCORES: Final = MappingProxyType(
    {
        "bic": "scores.GaussianBIC",
        "ebic": "scores.ExtendedBIC",
        "bge": "scores.BGe",
        "bdeu": "scores.BDeu",
        "discrete-bic": "scores.DiscreteBIC",
        "mixed": "scores.DegenerateGaussianBIC",
        "conditional-gaussian": "scores.ConditionalGaussianBIC",
        "kernel": "scores.KernelMarginal",
    }
)
"""Scores of a node and its parents."""

ESTIMATORS: Final = MappingProxyType(
    {
        "ols": "estimation.OLS",
        "g-computation": "estimation.GComputation",
        "ipw": "estimation.IPW",
        "cbps": "estimation.CBPS",
        "entropy-balancing": "estimation.EntropyBalancing",
        "kernel-balancing": "estimation.KernelBalancing",
        "matching": "estimation.Matching",
        "aipw": "estimation.AIPW",
        "plr": "estimation.PLR",
        "linear-dml": "estimation.LinearDML",
        "sparse-linear-dml": "estimation.SparseLinearDML",
        "causal-forest": "estimation.CausalForest",
        "dr-learner": "estimation.DRLearner",
        "2sls": "estimation.TwoStageLeastSquares",
        "liml": "estimation.LIML",
        "gmm": "estimation.GMM",
        "pliv": "estimation.PLIV",
        "late": "estimation.LATE",
        "dml-iv": "estimation.DMLIV",
        "ortho-iv": "estimation.OrthoIV",
        "front-door": "estimation.FrontDoor",
        "linear-front-door": "estimation.LinearFrontDoor",
        "plug-in": "estimation.PlugIn",
        "fixed-effects": "estimation.FixedEffects",
        "panel-plr": "estimation.PanelPLR",
        "did": "estimation.DifferenceInDifferences",
        "cross-section-did": "estimation.CrossSectionDiD",
    }
)
"""Estimators of an average effect."""

_SOFT: Final = frozenset({"n_jobs", "random_state"})
"""Settings that change no answer of who has no use for them."""

_OPTIONS: Final = MappingProxyType({"knowledge": "--tiers"})
"""Options with another name than their setting."""

_LEVEL: Final = 0.01
"""Of tests of independence, unless it is said."""

_INCOMPLETE: Final = "missing"
"""The test of rows that are complete in its own columns; before another name, that test of them."""


def class_named(name: str, table: Mapping[str, str], option: str) -> Any:
    """The class that a name means.

    Raises
    ------
    InputError
        If it means none.

    Examples
    --------
    >>> class_named("direct-lingam", METHODS, "--method").__name__
    'DirectLiNGAM'
    """
    of_class = {path.rpartition(".")[2].lower(): key for key, path in table.items()}
    typed = name.strip().lower().replace("_", "-")
    key = typed if typed in table else of_class.get(typed)
    if key is None:
        close = get_close_matches(typed, [*table, *of_class], n=1)
        hint = f" Did you mean {of_class.get(close[0], close[0])}?" if close else ""
        raise InputError(f"{option} {name!r} is not known; expected {', '.join(table)}.{hint}")
    package, _, found = table[key].rpartition(".")
    return getattr(import_module(f"causalkit.{package}"), found)


def algorithm_named(name: str, table: Mapping[str, str], given: Mapping[str, Any]) -> Any:
    """An algorithm with the settings that were given.

    Parameters
    ----------
    name : str
        A key of `table`, or its class.
    table : mapping of str to str
        `METHODS` or `SERIES_METHODS`.
    given : mapping of str to value
        Settings by their names in constructors; None is not given. A test or a score is a name.

    Raises
    ------
    InputError
        If the algorithm has no use for a setting.

    Examples
    --------
    >>> algorithm_named("hill-climb", METHODS, {"score": "bic", "alpha": None})
    HillClimb(score=GaussianBIC(penalty=2.0))
    """
    found = class_named(name, table, "--method")
    takes = _settings_of(found)
    settings: dict[str, Any] = {}
    for setting, value in given.items():
        if value is None:
            continue
        if setting in takes:
            settings[setting] = _object_named(setting, value)
        elif setting not in _SOFT:
            raise InputError(
                f"{_option(setting)} with --method {name}, which has no use for it; expected it "
                f"with {_who_takes(setting, table)} only. Leave it out, or name another method."
            )
    if {"test", "alpha"} <= takes:
        settings.setdefault("alpha", _LEVEL)
    return found(**settings)


def _object_named(setting: str, value: Any) -> Any:
    if setting == "test":
        return named_test(value)
    return class_named(value, SCORES, "--score")() if setting == "score" else value


def named_test(name: str) -> Any:
    """A test of conditional independence; after `missing-`, of the rows complete in its columns.

    Examples
    --------
    >>> named_test("missing-mixed")
    TestwiseDeletion(inner=DegenerateGaussian())
    """
    within = name.strip().lower().replace("_", "-").removeprefix(f"{_INCOMPLETE}-")
    if within == name.strip().lower().replace("_", "-"):
        return class_named(name, TESTS, "--test")()
    return class_named(_INCOMPLETE, TESTS, "--test")(named_test(within))


def fit_to_columns(algorithm: Any, asked: str | None, table: Any) -> str | None:
    """Give a search by tests the test that fits the columns, unless another was asked for.

    Parameters
    ----------
    algorithm : DiscoveryAlgorithm
        Changed in place, if it would take Fisher's z, or any test of incomplete rows.
    asked : str or None
        The test that was typed.
    table : DataFrame
        The columns that are tested.

    Returns
    -------
    str or None
        What the test is for; None where none was chosen.
    """
    from causalkit._core.table import as_table
    from causalkit.discovery import FCI, GFCI, PC, RFCI
    from causalkit.discovery._default_search import fitting_test
    from causalkit.independence import TestwiseDeletion

    if not isinstance(algorithm, (PC, FCI, RFCI, GFCI)) or asked not in (None, _INCOMPLETE):
        return None
    test, why = fitting_test(as_table(table))
    if asked == _INCOMPLETE and not isinstance(test, TestwiseDeletion):
        test = TestwiseDeletion(test)
    algorithm.set_params(test=test)
    return f"{test!r}, for {why}"


def estimator_named(
    name: str | None, n_jobs: int | None = None, *, of_contrast: bool = False
) -> Any:
    """An estimator with its default settings; None for none or `auto`.

    Raises
    ------
    InputError
        If it is to compare two levels that are named, and has no use for them.
    """
    if name is None or name == "auto":
        if of_contrast:
            raise InputError(
                "--contrast was given without --estimator; expected who is to compare the two "
                f"levels. Name one of {_who_takes('contrast', ESTIMATORS, '--estimator')}."
            )
        return None
    found = class_named(name, ESTIMATORS, "--estimator")
    if of_contrast and "contrast" not in _settings_of(found):
        raise InputError(
            f"--contrast with --estimator {name}, which has no use for it; expected it with "
            f"{_who_takes('contrast', ESTIMATORS, '--estimator')}. Leave it out, or name another."
        )
    return found(n_jobs=n_jobs) if "n_jobs" in _settings_of(found) else found()


def _settings_of(algorithm: Any) -> set[str]:
    return set(inspect.signature(algorithm).parameters)


def _option(setting: str) -> str:
    return _OPTIONS.get(setting, f"--{setting.replace('_', '-')}")


def _who_takes(setting: str, table: Mapping[str, str], option: str = "--method") -> str:
    names = [key for key in table if setting in _settings_of(class_named(key, table, option))]
    return ", ".join(names) or "other commands"
