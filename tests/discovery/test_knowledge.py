from __future__ import annotations

import copy
import pickle
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalkit.discovery import Knowledge
from causalkit.errors import InputError, UnknownVariableError

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def statements(draw):
    tier = {name: draw(st.integers(-1, 2)) for name in NAMES}  # -1: in no tier
    pairs = st.sampled_from(list(permutations(NAMES, 2)))
    return {
        "tiers": [[name for name in NAMES if tier[name] == level] for level in range(3)],
        "forbidden": draw(st.lists(pairs, max_size=4)),
        "closed_tiers": draw(st.lists(st.integers(0, 2), max_size=2)),
    }


@given(statements())
def test_matrix_says_what_the_words_say(content):
    knowledge = Knowledge(**content)
    matrix = knowledge.forbidden_matrix(NAMES)
    tier = {name: level for level, names in enumerate(content["tiers"]) for name in names}
    for i, cause in enumerate(NAMES):
        for j, effect in enumerate(NAMES):
            both = cause in tier and effect in tier
            banned = i != j and (
                (cause, effect) in content["forbidden"]
                or (both and tier[cause] > tier[effect])
                or (both and tier[cause] == tier[effect] in content["closed_tiers"])
            )
            assert matrix[i, j] == banned
            assert knowledge.allows(cause, effect) == (not banned)


@given(statements())
def test_goes_through_a_dict(content):
    knowledge = Knowledge(**content)
    assert Knowledge.from_dict(knowledge.to_dict()) == knowledge


def test_goes_through_yaml(tmp_path):
    path = tmp_path / "knowledge.yaml"
    path.write_text("tiers: [[age, sex], dose, [pressure]]\nforbidden:\n- [age, sex]\nrequired:\n")
    knowledge = Knowledge.from_yaml(path)
    assert knowledge.tiers == (("age", "sex"), ("dose",), ("pressure",))
    assert knowledge.forbidden == (("age", "sex"),)
    assert knowledge.why_forbidden("pressure", "age") == "pressure is in a later tier than age"
    path.write_text("")
    assert Knowledge.from_yaml(path) == Knowledge()


def test_required_edges_rule_out_their_opposite():
    knowledge = Knowledge(required=[("a", "b")])
    assert knowledge.required_matrix(("b", "a")).tolist() == [[False, False], [True, False]]
    assert knowledge.forbidden_matrix(("b", "a")).tolist() == [[False, True], [False, False]]
    assert knowledge.why_forbidden("b", "a") == "a -> b is required"


def test_all_tiers_closed_and_integer_names():
    knowledge = Knowledge(tiers=[[0, 1], [2]], closed_tiers=True)
    expected = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]], dtype=bool)
    assert (knowledge.forbidden_matrix((0, 1, 2)) == expected).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"required": [("a", "b")], "forbidden": [("a", "b")]},
            "a -> b is required, but a -> b is",
        ),
        ({"required": [("b", "a")], "tiers": [["a"], ["b"]]}, "b is in a later tier than a"),
        ({"required": [("a", "b")], "tiers": ["ab", ["a", "b"]], "closed_tiers": [1]}, "closed"),
        ({"required": [("a", "b"), ("b", "c"), ("c", "a")]}, "a -> b -> c -> a"),
        ({"required": [("a", "b"), ("b", "a")]}, "circle"),
        ({"tiers": [["a", "b"], ["a"]]}, "'a' stand in more than one tier"),
        ({"tiers": "abc"}, "tiers='abc'"),
        ({"tiers": [["a"], [1.5]]}, "tiers names 1.5, a float"),
        ({"tiers": [[True]]}, "Quote it"),
        ({"forbidden": ["ab"]}, "pairs .cause, effect."),
        ({"forbidden": [("a", "a")]}, "two different names"),
        ({"required": [("a", "b", "c")]}, "required holds"),
        ({"tiers": [["a"]], "closed_tiers": [1]}, "closed_tiers holds 1"),
        ({"tiers": [["a"]], "closed_tiers": 1}, "closed_tiers=1; expected a collection"),
        ({"tiers": {"a": 1, "b": 0}}, "tiers={.*expected a sequence of tiers, first to last"),
        ({"tiers": [{"a": 1}]}, "tiers holds the mapping"),
        ({"tiers": {"a", "b"}}, "expected a sequence of tiers, first to last"),
        ({"tiers": None}, "tiers=None"),
        ({"required": 5}, "required=5; expected a sequence of pairs"),
        ({"required": {"a": "b"}}, "expected a sequence of pairs"),
        ({"forbidden": [{"a", "b"}]}, "forbidden holds"),
    ],
)
def test_contradictions_are_found_at_once(content, message):
    with pytest.raises(InputError, match=message):
        Knowledge(**content)


def test_bad_files(tmp_path):
    with pytest.raises(InputError, match="cannot read knowledge"):
        Knowledge.from_yaml(tmp_path / "nowhere.yaml")
    (tmp_path / "bad.yaml").write_text("tiers: [[a, b")
    with pytest.raises(InputError, match="cannot read knowledge"):
        Knowledge.from_yaml(tmp_path / "bad.yaml")
    with pytest.raises(InputError, match=r"key.s. 'teirs'; expected tiers"):
        Knowledge.from_dict({"teirs": [["a"]]})
    with pytest.raises(InputError, match="is a list; expected a mapping"):
        Knowledge.from_dict([["a"]])


def test_names_are_checked_against_the_data():
    knowledge = Knowledge(tiers=[["age"], ["dose"]])
    with pytest.raises(
        UnknownVariableError, match=r"no variable 'dose' in .* Did you mean 'dosage'"
    ):
        knowledge.forbidden_matrix(("age", "dosage"))


def test_is_a_value():
    knowledge = Knowledge([["a"], ["b"]], required=[("a", "b")])
    same = Knowledge(tiers=(("a",), ("b",)), required=(("a", "b"), ("a", "b")))
    assert knowledge == same
    assert hash(knowledge) == hash(same)
    assert copy.deepcopy(knowledge) == pickle.loads(pickle.dumps(knowledge)) == knowledge
    with pytest.raises(AttributeError):
        knowledge.tiers = ()


def test_true_is_no_position_of_a_tier():
    with pytest.raises(InputError, match="closed_tiers holds True"):
        Knowledge(tiers=[["a"], ["b"]], closed_tiers=[True])
