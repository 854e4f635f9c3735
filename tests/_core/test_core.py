"""Checks, streams, parallel runs, progress, reports."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from causalkit._core.checks import (
    as_names,
    check_choice,
    check_complete,
    check_count,
    check_fraction,
    check_rows,
    check_varies,
)
from causalkit._core.parallel import run
from causalkit._core.progress import say, show_progress, track
from causalkit._core.random import as_generator, draw_seed
from causalkit._core.report import Report, Reported, format_value
from causalkit._core.table import as_table
from causalkit.errors import InputError, UnknownVariableError


def test_names_are_one_or_several():
    assert as_names(None) == ()
    assert as_names("X") == ("X",)
    assert as_names(0) == (0,)
    assert as_names(["X", "Y", "X"]) == ("X", "Y")


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, "half", True, float("nan")])
def test_fractions_lie_strictly_inside(value):
    with pytest.raises(InputError, match=r"alpha=.*strictly between 0 and 1"):
        check_fraction(value, "alpha")


def test_good_arguments_pass_through():
    assert check_fraction(0.05, "alpha") == 0.05
    assert check_fraction(1, "share", closed=True) == 1
    assert check_count(np.int64(3), "n_folds", minimum=2) == 3
    assert check_choice("a", "rule", ("a", "b")) == "a"


@pytest.mark.parametrize("value", [1, 2.0, "3", None, True])
def test_counts_are_integers(value):
    with pytest.raises(InputError, match="n_folds"):
        check_count(value, "n_folds", minimum=2)


def test_choice_names_the_choices():
    with pytest.raises(InputError, match="expected one of 'a', 'b'"):
        check_choice("c", "rule", ("a", "b"))


def test_tables_are_checked_by_column():
    table = as_table({"a": [1, 1, 1], "b": [1, np.nan, 2], "c": [1, 2, 3]})
    with pytest.raises(InputError, match=r"'b' \(1\); OLS needs complete rows"):
        check_complete(table, who="OLS")
    with pytest.raises(InputError, match="'a' hold one value only"):
        check_varies(table, ["a", "c"], who="PC")
    with pytest.raises(InputError, match="PC needs at least 5 rows"):
        check_rows(table, 5, who="PC")
    check_rows(check_varies(check_complete(table.select("c"), who=""), "c", who=""), 3, who="")


def test_an_unknown_name_is_a_sentence_and_a_key_error():
    error = UnknownVariableError.among("agee", ["age", "income"])
    assert isinstance(error, KeyError)
    assert str(error).startswith("there is no variable 'agee' in the data. Did you mean 'age'?")


def _draw(rng: np.random.Generator) -> float:
    return float(rng.normal())


def test_the_number_of_jobs_never_changes_a_number():
    def draws(n_jobs):
        streams = as_generator(7).spawn(6)
        return run(_draw, [(stream,) for stream in streams], n_jobs=n_jobs)

    assert draws(None) == draws(2)


def test_generators_pass_through_and_seeds_repeat():
    rng = np.random.default_rng(0)
    assert as_generator(rng) is rng
    assert draw_seed(as_generator(3)) == draw_seed(as_generator(3))
    legacy = as_generator(np.random.RandomState(1))
    assert isinstance(legacy, np.random.Generator)
    with pytest.raises(InputError, match="random_state"):
        as_generator("seed")


def test_progress_is_silent_unless_shown(capfd):
    assert list(track([1, 2, 3], label="quiet")) == [1, 2, 3]
    assert capfd.readouterr().err == ""
    with show_progress(after=0):
        assert list(track([1, 2, 3], label="loud")) == [1, 2, 3]
    assert "loud" in capfd.readouterr().err


def test_one_bar_at_a_time(capfd):
    with show_progress(after=0):
        for _ in track([1, 2], label="outer"):
            assert list(track([1], label="inner")) == [1]
        assert list(track([1], label="after")) == [1]
    shown = capfd.readouterr().err
    assert "outer" in shown
    assert "after" in shown
    assert "inner" not in shown


def test_a_short_loop_shows_no_bar_and_words_go_above_one(capfd):
    with show_progress(after=60):
        assert list(track([1, 2], label="short")) == [1, 2]
    assert capfd.readouterr().err == ""
    with show_progress(after=0):
        for _ in track([1], label="outer"):
            say("a remark")
    assert "a remark\n" in capfd.readouterr().err.replace("\r", "\n")
    say("nothing runs")
    assert capfd.readouterr().err == "nothing runs\n"


def test_a_loop_that_is_left_gives_the_bar_back(capfd):
    with show_progress(after=0):
        for _ in track([1, 2], label="left"):
            break
        assert list(track([1], label="next")) == [1]
    assert "next" in capfd.readouterr().err
    assert list(track([1], label="outside")) == [1]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(9.70543, "9.705"), (0.0, "0"), (1234.56, "1,234.6"), (1e-9, "1e-09"), (12345, "12,345"),
     (None, "–"), (True, "True"), ("words", "words"), (float("nan"), "–")],
)  # fmt: skip
def test_values_print_to_four_digits(value, text):
    assert format_value(value) == text


class Finding(Reported):
    def _report(self) -> Report:
        return Report(
            "Title <1>",
            facts=[("effect", 1.23456)],
            columns=["name", "value"],
            rows=[["a & b", 1.0], ["c", 22.0]],
            notes=["word " * 40],
        )


def test_reports_read_in_text_and_html():
    text, html = repr(Finding()), Finding()._repr_html_()
    assert "effect  1.235" in text
    assert max(map(len, text.splitlines())) <= 88
    assert "<h4>Title &lt;1&gt;</h4>" in html
    assert "a &amp; b" in html


def test_kernels_compile_to_what_python_computes():
    from causalkit._core.jit import kernel

    @kernel
    def total(values):
        out = 0.0
        for value in values:
            out += value
        return out

    assert total(np.arange(5.0)) == 10
    assert_array_equal(total.py_func(np.arange(5.0)), 10)


@pytest.mark.parametrize("n_jobs", [0, "2", 1.5, True])
def test_what_is_no_number_of_workers_is_refused(n_jobs):
    with pytest.raises(InputError, match="n_jobs="):
        run(abs, [(1,)], n_jobs=n_jobs)


@pytest.mark.parametrize("names", [[["a"]], [None], 1.5, True, ["a", ("b", "c")]])
def test_what_is_no_name_is_refused(names):
    with pytest.raises(InputError, match="is no name"):
        as_names(names)


def test_names_from_numpy_are_plain():
    assert list(map(type, as_names(np.array(["a", "b"])))) == [str, str]
    assert list(map(type, as_names(np.array([1, 2])))) == [int, int]


def test_the_hint_is_the_name_as_it_must_be_written():
    with pytest.raises(UnknownVariableError, match=r"no variable '2' .* Did you mean 2[?]"):
        raise UnknownVariableError.among("2", [1, 2])


def test_an_unhashable_choice_is_refused():
    with pytest.raises(InputError, match="expected one of 'a'"):
        check_choice(["a"], "strategy", {"a": 1})


def test_a_set_of_names_goes_by_name_in_every_process():
    assert as_names({"b", "a", 10, "c"}) == (10, "a", "b", "c")


def replaced(number):
    """A job that says what joblib says of a worker that has grown, in a thread of the caller."""
    warnings.warn("A worker stopped while some jobs were given to the executor.", stacklevel=1)
    return number


def test_workers_that_are_replaced_are_not_spoken_of():
    assert run(replaced, [(1,), (2,)]) == [1, 2]
