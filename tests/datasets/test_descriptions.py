"""Descriptions are complete, honest about their sources, and readable."""

from __future__ import annotations

import pickle
from importlib.resources import files

import pytest

from causalkit import datasets

NAMES = datasets.available() + datasets.available_networks()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_out(name):
    described = datasets.describe(name)
    assert described.name == name
    for text in ("title", "source", "licence", "citation", "truth"):
        assert getattr(described, text).strip(), text
    assert all(meaning.strip() for meaning in described.columns.values())
    assert any(char.isdigit() for char in described.source), "a package needs its version"


@pytest.mark.parametrize("name", NAMES)
def test_suggestions_name_columns(name):
    described = datasets.describe(name)
    if described.suggested is None:
        return
    asked = described.suggested
    named = [asked.treatment, asked.outcome, asked.instrument, *asked.given]
    named += [column for tier in asked.tiers for column in tier]
    assert {column for column in named if column} <= set(described.columns)
    assert len(set(asked.given) & {asked.treatment, asked.outcome, asked.instrument}) == 0


@pytest.mark.parametrize("name", NAMES)
def test_text_fits_a_terminal_and_tells_every_column(name):
    described = datasets.describe(name)
    text = str(described)
    assert text == repr(described)
    assert max(map(len, text.splitlines())) <= 88
    assert all(column in text for column in described.columns)
    assert described.title in text


@pytest.mark.parametrize("name", NAMES)
def test_html_tells_every_column(name):
    described = datasets.describe(name)
    page = described._repr_html_()
    assert page.count("<div") == page.count("</div>") == 1
    assert all(f"<td>{column}</td>" in page for column in described.columns)


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_a_value(name):
    described = datasets.describe(name)
    assert described == datasets.describe(name)
    assert hash(described) == hash(datasets.describe(name))
    assert pickle.loads(pickle.dumps(described)) == described
    with pytest.raises(AttributeError):
        described.title = "another"
    with pytest.raises(TypeError):
        described.columns["new"] = "another"


def test_every_data_file_has_its_licence():
    folder = files("causalkit.datasets").joinpath("data")
    licences = folder.joinpath("LICENCES.md").read_text(encoding="utf-8")
    bundled = [item.name for item in folder.iterdir() if not item.name.endswith((".json", ".md"))]
    assert len(bundled) >= len(NAMES)
    assert [name for name in bundled if f"`{name}`" not in licences] == []


def test_the_bundle_stays_small():
    folder = files("causalkit.datasets").joinpath("data")
    assert sum(len(item.read_bytes()) for item in folder.iterdir()) < 1_500_000


def test_networks_are_sampled_and_say_so():
    asia = datasets.describe("asia")
    assert asia.n_rows is None
    assert "sampled" in str(asia)
    assert set(asia.columns) == set(datasets.load_network("asia").levels)
