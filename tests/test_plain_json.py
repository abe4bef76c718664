"""JSON is read and written as Python's own does."""

import json

import pytest
from claudestrator_helper.texts import plain_json
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_what_json_writes_and_is_read_again(value: object) -> None:
    text = plain_json.dumps(value)
    assert text == json.dumps(value)
    assert plain_json.loads(f" {text}\n") == value


@pytest.mark.parametrize("text", ["", "{", "[1,]", "1 2", "'a'", '{"a" 1}', '"\t"', "nul"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (json's own is one)
        plain_json.loads(text)


def test_fractions_are_refused_where_that_is_asked_for() -> None:
    def refuse(number: str) -> object:
        raise ValueError(number)

    assert plain_json.loads("[1.5, NaN]")[0] == 1.5
    assert plain_json.loads("[1]", refuse) == [1]
    for text in ("[1.5]", "[NaN]", "1e5"):
        with pytest.raises(ValueError, match=r"\A(1\.5|NaN|1e5)\Z"):
            plain_json.loads(text, refuse)
