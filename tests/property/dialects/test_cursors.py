"""A cursor leads back to its place in its own list, and nothing else is one."""

import base64
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bursa.dialects.native.cursors import Cursors
from bursa.kernel.errors import InvalidInput
from bursa.tenants.pseudonyms_cryptography import TEXT_LENGTH_MAX, KeyedPseudonyms
from tests.doubles.ids import cursors_of

CURSORS = cursors_of(b"k" * 32)
OF_ANOTHER_DEPLOYMENT = cursors_of(b"l" * 32)
POSITIONS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
SCOPES = st.lists(st.none() | st.text(max_size=30), max_size=4)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def written(position: str, scope: Sequence[object] = ()) -> str:
    cursor = CURSORS.write(position, *scope)
    assert cursor is not None
    return cursor


def refuse(cursor: str, *scope: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        CURSORS.read(cursor, *scope)
    assert (refused.value.code, refused.value.field) == ("invalid_cursor", "cursor")


@given(POSITIONS, SCOPES)
def test_there_and_back(position: str, scope: list[object]) -> None:
    assert CURSORS.read(written(position, scope), *scope) == position


@given(POSITIONS, SCOPES, SCOPES)
@example("p", ["orders", "a b", None], ["orders", "a", "b"])
@example("p", ["a", "b"], ["a\0b"])
@example("p", [None], ["None"])
@example("p", ["', '"], ["", ""])
@example("p", [], [""])
def test_of_another_list(position: str, scope: list[object], other: list[object]) -> None:
    if scope != other:
        refuse(written(position, scope), *other)


@given(POSITIONS)
def test_of_another_deployment(position: str) -> None:
    cursor = OF_ANOTHER_DEPLOYMENT.write(position)
    assert cursor is not None
    refuse(cursor)


@given(st.text(max_size=2 * TEXT_LENGTH_MAX))
@example("\ud800")
@example("\u0661")
@example("=" * 50)
@example("A" * (TEXT_LENGTH_MAX + 1))
@example("")
def test_any_text(cursor: str) -> None:
    refuse(cursor, "orders", "t1-1")


@given(st.binary(max_size=200))
@example(b"\xff")
@example(b"\xff" * 17)
def test_any_bytes(data: bytes) -> None:
    refuse(base64.urlsafe_b64encode(data).rstrip(b"=").decode())


@given(POSITIONS, st.data())
def test_any_bit_that_is_another(position: str, data: st.DataObject) -> None:
    cursor = written(position)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    refuse(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


@given(POSITIONS, st.data())
def test_any_character_that_is_another(position: str, data: st.DataObject) -> None:
    """Also one that base64 reads as the same bytes."""
    cursor = written(position)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from(ALPHABET))
    if other != cursor[at]:
        refuse(cursor[:at] + other + cursor[at + 1 :])
    refuse(cursor + other)
    refuse(cursor[:at])


def test_none_is_the_beginning_and_the_end() -> None:
    assert CURSORS.read(None, "orders t1-1") is None
    assert CURSORS.write(None, "orders t1-1") is None


def test_the_key_is_read_only_where_there_is_a_cursor() -> None:
    cursors = Cursors(KeyedPseudonyms(lambda: pytest.fail("read"), "cursors"))
    assert cursors.write(None) is cursors.read(None) is None
    for cursor in ("", "not a cursor", "A", "AB==", "A" * 10):
        with pytest.raises(InvalidInput):
            cursors.read(cursor)
