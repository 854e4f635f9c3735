"""`cite` reads back what docstrings say: no work is lost, and none is made up."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import numpy as np
import pytest

import causalkit as ck
from causalkit._core.citations import cite, references_in
from causalkit.errors import InputError

PACKAGES = ("discovery", "estimation", "identification", "independence", "metrics", "models",
            "refutation", "scores", "workflow", "benchmark")  # fmt: skip


def sections() -> Iterator[tuple[str, str]]:
    """Every docstring of a module or of something that it defines, with a section References."""
    for package in PACKAGES:
        found = importlib.import_module(f"causalkit.{package}")
        for info in pkgutil.walk_packages(found.__path__, f"causalkit.{package}."):
            if info.name.endswith("_worker"):
                continue
            module = importlib.import_module(info.name)
            documented = {info.name: module.__doc__} | {
                f"{info.name}.{name}": one.__doc__
                for name, one in vars(module).items()
                if getattr(one, "__module__", "") == info.name
            }
            for name, doc in documented.items():
                if isinstance(doc, str) and re.search(r"\n *References\n *-{10}\n", doc):
                    yield name, doc


def test_every_work_of_every_docstring_is_read():
    seen = 0
    for name, doc in sections():
        text = inspect.cleandoc(doc).split("\nReferences\n")[1]
        works = references_in(doc)
        identifiers = set(re.findall(r"10\.\d{4,9}/[^\s,;]+[\w)]", text))
        read = {work.doi for work in works if work.doi}
        assert len(read) >= len(identifiers), name
        assert works, name
        for work in works:
            assert 1800 < work.year < 2030, name
            assert re.search(r"[A-ZÀ-Ž]", work.authors[0]), (name, work)
            assert work.title or work.doi or work.venue, (name, work)
        seen += len(works)
    assert seen > 600


def test_titles_are_known():
    works = [work for _, doc in sections() for work in references_in(doc)]
    assert np.mean([bool(work.title) for work in works]) > 0.85


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            'Colombo and Maathuis (2014), "Order-independent learning", JMLR 15: 3921-3962.',
            ("Colombo|Maathuis", 2014, "Order-independent learning", "JMLR", "15", "3921-3962", ""),
        ),
        (
            "Montiel Olea, J. L., Pflueger, C. (2013). A robust test. Econometrica 31(3), 358-369. "
            "doi:10.1080/00401706.2013.806694",
            ("Montiel Olea, J. L.|Pflueger, C.", 2013, "A robust test", "Econometrica", "31",
             "358-369", "10.1080/00401706.2013.806694"),
        ),
        (
            "Athey & Wager (2021), Econometrica 89, 133-161. doi:10.3982/ECTA15732",
            ("Athey|Wager", 2021, "", "Econometrica", "89", "133-161", "10.3982/ECTA15732"),
        ),
        (
            "MacKinnon & White (1985), doi:10.1016/0304-4076(85)90158-7.",
            ("MacKinnon|White", 1985, "", "", "", "", "10.1016/0304-4076(85)90158-7"),
        ),
        (
            "van der Zander, B. and Textor, J. (2019), \"Finding sets\", arXiv:1803.00116.",
            ("van der Zander, B.|Textor, J.", 2019, "Finding sets", "", "", "",
             "10.48550/arXiv.1803.00116"),
        ),
        ("Kish (1965), Survey Sampling.", ("Kish", 1965, "Survey Sampling", "", "", "", "")),
    ],
)  # fmt: skip
def test_forms_of_a_reference(text, wanted):
    (work,) = references_in(f"Title.\n\nReferences\n----------\n{text}\n")
    found = ("|".join(work.authors), work.year, work.title, work.venue, work.volume, work.pages)
    assert (*found, work.doi) == wanted


def test_a_result_cites_its_parts_once():
    x, y = np.random.default_rng(0).normal(size=(2, 200))
    ols = ck.estimation.GramOLS()
    effect = ck.estimation.PLR(ols, ols, random_state=0).fit(x[:, None] ** 2, y, t=x).effect_
    both = cite(ck.PC(ck.independence.RankZ()), effect)
    keys = re.findall(r"^@\w+\{(\w+),", both, re.MULTILINE)
    assert keys[0] == "causalkit"
    assert "spirtes2000causation" in keys
    assert len(keys) == len(set(keys)) > 4
    assert "10.1111/ectj.12097" in both  # by the estimator that the effect carries


def test_entries_are_well_formed():
    text = cite(ck.PC, ck.estimation.GMM, ck.discovery.Granger)
    for entry in text.split("\n\n"):
        assert re.fullmatch(r"@\w+\{\w+,\n(  \w+ = \{.*\},\n)*  \w+ = \{.*\}\n\}", entry), entry
        assert entry.count("{") == entry.count("}")
    lines = cite(ck.PC, style="text").splitlines()
    assert lines[0].startswith("causalkit")
    assert lines[1].startswith("Spirtes, Glymour, Scheines (2000). Causation")


def test_what_cannot_be_cited():
    with pytest.raises(InputError, match="not something of causalkit's"):
        cite(3)
    with pytest.raises(InputError, match="style"):
        cite(ck.PC, style="apa")
    assert cite().startswith("@software{causalkit")
