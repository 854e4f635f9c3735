"""The tables of names: each means something, and a setting is used or refused."""

from __future__ import annotations

import pytest

from causalkit.cli import choices
from causalkit.cli.choices import algorithm_named, class_named, estimator_named
from causalkit.discovery import SeriesAlgorithm
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import InputError
from causalkit.estimation import AIPW, EffectEstimator, PlugIn
from causalkit.independence import RankZ
from causalkit.scores import Score


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (choices.METHODS, DiscoveryAlgorithm),
        (choices.SERIES_METHODS, SeriesAlgorithm),
        (choices.TESTS, object),
        (choices.SCORES, Score),
        (choices.ESTIMATORS, (EffectEstimator, PlugIn)),
    ],
)
def test_every_name_means_something_that_needs_no_more(table, kind):
    for name, path in table.items():
        made = class_named(name, table, "--option")()
        assert isinstance(made, kind)
        assert table is not choices.TESTS or hasattr(made, "bind")
        assert type(class_named(path.rpartition(".")[2], table, "--option")()) is type(made)


def test_every_name_is_in_the_help(run):
    for command, tables in {
        "discover": (choices.METHODS, choices.TESTS, choices.SCORES),
        "series": (choices.SERIES_METHODS,),
        "estimate": (choices.ESTIMATORS,),
    }.items():
        shown = " ".join(run(command, "--help").stdout.replace("│", " ").split())
        for table in tables:
            for name in table:
                assert name in shown, name


def test_settings_are_used_or_refused():
    asked = {"test": "rank", "alpha": None, "n_jobs": 2, "score": None}
    made = algorithm_named("pc", choices.METHODS, asked)
    assert (made.test, made.alpha, made.n_jobs) == (RankZ(), 0.01, 2)
    assert algorithm_named("ges", choices.METHODS, {"random_state": 3}).score is None
    assert algorithm_named("direct-lingam", choices.METHODS, {"alpha": 0.2}).alpha == 0.2
    with pytest.raises(InputError, match=r"--tiers with --method ts-icd.*pcmci, pcmci-plus"):
        algorithm_named("ts-icd", choices.SERIES_METHODS, {"knowledge": object()})
    assert estimator_named(None) is estimator_named("auto") is None
    assert isinstance(estimator_named("AIPW", n_jobs=2), AIPW)
