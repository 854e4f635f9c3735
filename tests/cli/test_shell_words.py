"""Advice for Python, said in the options of a command."""

from __future__ import annotations

import pytest

from causalkit.cli.shell_words import in_options

OPTIONS = {
    *("test", "time", "panel", "strategy", "contrast", "estimator", "method", "drop"),
    *("complete_rows", "resamples", "max_lag"),
}


@pytest.mark.parametrize(
    ("advice", "said"),
    [
        ("Use KCI() as the test.", "Use --test kernel."),
        ("Use TestwiseDeletion() as the test,", "Use --test missing,"),
        ("Use TestwiseDeletion(RankZ()) as the test,", "Use --test missing-rank,"),
        ("or drop the rows with data.dropna().", "or leave out what is incomplete with"),
        ("an estimator that takes z, such as PLIV().", "such as --estimator pliv."),
        (
            "Use PLR(), GComputation() or OLS(), which",
            "Use --estimator plr, --estimator g-computation or --estimator ols, which",
        ),
        ('ask with identify(..., strategy="possible").', "ask with --strategy possible."),
        ("strategy='front-door', or", "--strategy front-door, or"),
        ("subjects apart (panel=…).", "subjects apart (--panel)."),
        ("say time='last day'.", "say --time 'last day'."),
        ("Call again with n_resamples=100.", "with --resamples 100."),
        (
            "Name the two to the estimator, OLS(contrast=('no job', 'job')), control first, or "
            'contrast="each".',
            "Say --contrast 'no job,job', control first, or --contrast each.",
        ),
        (
            "Name the two to the estimator, OLS(contrast=('10 (high)', \"it's 5) low\")), control",
            "Say --contrast '10 (high),it'\"'\"'s 5) low', control",
        ),
        ("OLS(contrast=('10 (high', '5')), too", "OLS(contrast=('10 (high', '5')), too"),
        ("contrast=('a (b)', 'c'): treatment", "--contrast 'a (b),c': treatment"),
        ("contrast=('a', 'c'): treatment", "--contrast a,c: treatment"),
        ("Use PCMCI(max_lag=3).", "Use PCMCI(max_lag=3)."),  # a call stays whole
        ("a runtime=3 and xtime='a'", "a runtime=3 and xtime='a'"),
    ],
)
def test_advice_is_said_in_options(advice, said):
    assert said in in_options(advice, OPTIONS)
    assert in_options(advice, ()) == advice
