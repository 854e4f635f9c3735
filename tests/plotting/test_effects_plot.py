"""The forest plot: a dot and an interval for each effect, in the order given."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from matplotlib.figure import Figure

from causalkit.errors import InputError
from causalkit.plotting import plot_effects


@dataclass
class Guess:
    value: float
    half: float = 1.0
    method: str = "a guess"

    def interval(self, level=0.95):
        return self.value - self.half * level, self.value + self.half * level


@dataclass
class Guesses:
    effects: list
    labels: list

    value = 0.0

    def interval(self, level=0.95):
        return -level, level

    def __iter__(self):
        return iter(self.effects)


def draw(effects, **options):
    return plot_effects(effects, Figure().add_subplot(), **options)


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_dots_and_intervals():
    ax = draw([Guess(1.0), Guess(-2.0, 0.5)], level=0.9, null=None)
    bars, dots = ax.lines[::2], ax.lines[1::2]
    assert [bar.get_xdata().tolist() for bar in map(_arrays, bars)] == [[0.1, 1.9], [-2.45, -1.55]]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [1.0, -2.0]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert "90 %" in ax.get_xlabel()


def _arrays(line):
    import numpy as np

    line.set_xdata(np.round(np.asarray(line.get_xdata(), dtype=float), 9))
    return line


def test_labels():
    assert labels(draw(Guess(1.0))) == ["a guess"]
    assert labels(draw([Guess(1.0), Guess(2.0)], labels=["a", "b"])) == ["a", "b"]
    assert labels(draw({"x": Guess(1.0), "y": Guess(2.0)})) == ["x", "y"]
    assert labels(draw(Guesses([Guess(1.0), Guess(2.0)], ["DAG 1", "DAG 2"]))) == ["DAG 1", "DAG 2"]
    assert labels(draw(iter([Guess(1.0)]))) == ["a guess"]


def test_the_null_is_a_line_unless_it_is_none():
    assert len(draw(Guess(1.0)).lines) == 1 + len(draw(Guess(1.0), null=None).lines)
    assert list(draw(Guess(1.0), null=2.0).lines[0].get_xdata()) == [2.0, 2.0]


def test_style_reaches_the_dots():
    assert draw(Guess(1.0), marker="s", markersize=12).lines[-1].get_marker() == "s"


@pytest.mark.parametrize(
    ("effects", "options", "says"),
    [
        ([], {}, "got nothing"),
        ([1.0], {}, "got float"),
        (3.0, {}, "got float"),
        ([Guess(1.0)], {"labels": ["a", "b"]}, "2 label"),
        ([Guess(1.0)], {"level": 95}, "level=95"),
    ],
)
def test_what_cannot_be_drawn(effects, options, says):
    with pytest.raises(InputError, match=says):
        draw(effects, **options)
