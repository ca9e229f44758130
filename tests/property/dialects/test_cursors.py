"""A cursor leads back to its place in its own list, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.dialects.native.cursors import read_cursor, write_cursor
from bursa.kernel.errors import InvalidInput

POSITIONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(POSITIONS, st.text(max_size=30))
def test_there_and_back(position: str, scope: str) -> None:
    assert read_cursor(write_cursor(position, scope), scope) == position


@given(POSITIONS, st.text(max_size=30), st.text(max_size=30))
def test_of_another_list(position: str, scope: str, other: str) -> None:
    if scope != other:
        with pytest.raises(InvalidInput):
            read_cursor(write_cursor(position, scope), other)


@given(st.text(max_size=200))
def test_invented(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_cursor(cursor, "orders t1-1")

    assert refused.value.code == "invalid_cursor"


def test_none_is_the_beginning() -> None:
    assert read_cursor(None, "orders t1-1") is None
