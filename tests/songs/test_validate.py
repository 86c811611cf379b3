"""Errors for unexpected data give its path and its value, shortened to fit on a line."""

import re

import numpy as np
import pytest

from songs.validate import AnyLength, ByAnyName, OrNone, validate_like

OWN = {"name": "", "count": 0, "share": 0.0, "done": False, "texts": [""], "open": None, "part": {"deep": 0}}
GOOD = {"name": "a", "count": 3, "share": 2, "done": True, "texts": [], "open": [1], "part": {"deep": 1, "more": 2}}


@pytest.mark.parametrize("change", [{}, {"share": -0.5}, {"texts": ["a", "b"]}, {"open": None}, {"more": 1}])
def test_what_is_of_its_kind_is_let_through(change):
    validate_like(OWN, {**GOOD, **change}, "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": 3}, "name is 3"),
        ({"name": None}, "name is None"),
        ({"name": ["x" * 1000]}, "name is ['" + "x" * 38 + "..."),
        ({"count": -1}, "count is -1"),
        ({"count": 1.0}, "count is 1.0"),
        ({"count": True}, "count is True"),
        ({"share": float("nan")}, "share is nan"),
        ({"share": float("inf")}, "share is inf"),
        ({"share": -(10**400)}, "share is -100000000000000000000000000000000000000..."),
        ({"share": False}, "share is False"),
        ({"done": 1}, "done is 1"),
        ({"texts": "ab"}, "texts is 'ab'"),
        ({"texts": ["a", 5]}, "texts[1] is 5"),
        ({"part": []}, "part is []"),
        ({"part": {}}, "part.deep is missing"),
        ({"part": {"deep": "x"}}, "part.deep is 'x'"),
    ],
)
def test_what_is_not_is_named(change, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        validate_like(OWN, {**GOOD, **change}, "")


@pytest.mark.parametrize(("found", "told"), [([], "it is []"), (None, "it is None"), ({}, "name is missing")])
def test_what_is_another_thing_altogether_is_named(found, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        validate_like(OWN, found, "")


def test_a_count_may_have_any_number_of_digits():
    validate_like({"count": 0}, {"count": 10**1000}, "")


ROW = {"place": (-1, 0.0, ""), "or": OrNone(0), "units": ByAnyName({"size": 0})}
GOOD_ROW = {"place": [-3, 1, "a"], "or": None, "units": {"a": {"size": 1}, "b": {"size": 2}}}


@pytest.mark.parametrize("change", [{}, {"or": 3}, {"units": {}}, {"place": [3, -0.5, ""]}])
def test_rows_and_what_may_be_left_out_are_let_through(change):
    validate_like(ROW, {**GOOD_ROW, **change}, "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"place": [1, 0.0]}, "place has 2 values, not 3"),
        ({"place": [0.5, 0.0, ""]}, "place[0] is 0.5"),
        ({"place": [1, 0.0, 0]}, "place[2] is 0"),
        ({"place": {}}, "place is {}"),
        ({"or": -1}, "or is -1"),
        ({"units": [1]}, "units is [1]"),
        ({"units": {"a": {"size": 1}, "b": {"size": "x"}}}, "units.b.size is 'x'"),
        ({"units": {"a": {}}}, "units.a.size is missing"),
    ],
)
def test_rows_and_parts_of_another_kind_are_named(change, told):
    with pytest.raises(ValueError, match=f"^{re.escape(told)}$"):
        validate_like(ROW, {**GOOD_ROW, **change}, "")


def test_an_array_without_axes_has_no_length():
    with pytest.raises(ValueError, match=r"pieces has the shape \(\), this run needs \(0,\)"):
        validate_like({"pieces": AnyLength(np.zeros(0))}, {"pieces": np.zeros(())})
