"""JSON is edited by splicing: laws for any text, and the layouts that people write."""

import json
from typing import Any

import pytest
from claudestrator_helper.setup import json_splice
from hypothesis import given
from hypothesis import strategies as st

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=5), values, max_size=4)
indents = st.sampled_from([None, 1, 2, 4, "\t"])


@given(objects, values, indents, st.sampled_from(["\n", "\r\n"]))
def test_adding_a_member_changes_nothing_else_and_removing_it_gives_the_bytes_back(
    old: dict[str, Any], new: Any, indent: int | str | None, newline: str
) -> None:
    text = json.dumps(old, indent=indent).replace("\n", newline) + newline
    key = "a key that no generated object has"
    added = json_splice.add(text, (), new, key)
    assert json.loads(added) == {**old, key: new}
    assert json_splice.remove(added, (key,)) == text


@given(st.lists(values, max_size=4), values, indents)
def test_adding_an_item_changes_nothing_else_and_removing_it_gives_the_bytes_back(
    old: list[Any], new: Any, indent: int | str | None
) -> None:
    text = json.dumps({"list": old}, indent=indent)
    added = json_splice.add(text, ("list",), new)
    assert json.loads(added) == {"list": [*old, new]}
    assert json_splice.remove(added, ("list", len(old))) == text


@given(objects.filter(bool), indents, st.data())
def test_removing_any_member_leaves_the_others(
    old: dict[str, Any], indent: int | str | None, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(old)))
    left = json.loads(json_splice.remove(json.dumps(old, indent=indent), (key,)))
    assert left == {name: value for name, value in old.items() if name != key}
    assert list(left) == [name for name in old if name != key]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": [1]}', '{"a": [1, 2]}'),
        ('{"a": []}', '{"a": [\n  2\n]}'),
        ('{\n    "a": [1e5,   1.0]\n}', '{\n    "a": [1e5,   1.0, 2]\n}'),
        ('{\n\t"a": [\n\t\t1\n\t]\n}', '{\n\t"a": [\n\t\t1,\n\t\t2\n\t]\n}'),
        ('{\r\n  "a": []\r\n}', '{\r\n  "a": [\r\n    2\r\n  ]\r\n}'),
        ('{"a": [9], "a": [1]}', '{"a": [9], "a": [1, 2]}'),
        ('{"\\u0061": ["é\\u00e9", "[{,"]}', '{"\\u0061": ["é\\u00e9", "[{,", 2]}'),
    ],
)
def test_an_item_is_laid_out_as_its_siblings(before: str, after: str) -> None:
    assert json_splice.add(before, ("a",), 2) == after


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match="b"):
        json_splice.remove('{"a": 1}', ("b",))
    with pytest.raises(KeyError, match=r"a\.b"):
        json_splice.add('{"a": {}}', ("a", "b"), 1)
