"""What is signed: no two requests that differ share it, and it is what the client computes."""

from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import parse_qsl

from hypothesis import example, given
from hypothesis import strategies as st

from bursa.identity.signatures import SentRequest, canonical_query, text_to_sign
from tests.doubles.signing import CLIENT

# The characters that could be mistaken for others, and any.
LETTERS = st.one_of(st.sampled_from("&=%+;#/? \n\r\0a"), st.characters(codec="utf-8"))
TEXT = st.text(LETTERS, max_size=6)
QUERY = st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=3).map(tuple), max_size=4)
SEGMENT = st.text("ab1.~_-:", min_size=1, max_size=4)
PATH = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
HEADERS: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}), TEXT.map(lambda key: {"idempotency-key": key} if key else {})
)
BODY = st.binary(max_size=8)
METHOD = st.sampled_from(["GET", "POST", "DELETE"])
NONCE = st.text("ab:.-", max_size=3)
TIME = st.integers(10**12, 10**13 - 1)
KEY = st.sampled_from(["t1-1.0123456789abcdef01234567", "t1-11.0123456789abcdef01234567"])

Query = Mapping[str, tuple[str, ...]]
Parts = tuple[str, str, str, Query, dict[str, str], bytes, str, int]
PARTS = st.tuples(KEY, METHOD, PATH, QUERY, HEADERS, BODY, NONCE, TIME)


def text(parts: Parts) -> bytes:
    key, method, path, query, headers, body, nonce, time_ms = parts
    request = SentRequest(method, path, query, headers, body, "", 0)
    return text_to_sign(key, request, time_ms, nonce)


def meaning(parts: Parts) -> object:
    """Return what tells one request from another: the stage may stand before the path."""
    key, method, path, query, headers, body, nonce, time_ms = parts
    path = path if path.startswith("/v1/") else "/v1" + path
    return (
        key,
        method,
        path,
        frozenset(query.items()),
        tuple(headers.values()),
        body,
        nonce,
        time_ms,
    )


@given(PARTS, PARTS)
def test_two_requests_share_a_text_only_when_they_are_the_same(one: Parts, other: Parts) -> None:
    assert (text(one) == text(other)) == (meaning(one) == meaning(other))


@given(PARTS, st.integers(0, 7), PARTS)
def test_a_request_that_differs_in_one_part_has_another_text(
    one: Parts, changed: int, source: Parts
) -> None:
    other: Parts = (*one[:changed], source[changed], *one[changed + 1 :])  # type: ignore[assignment]
    assert (text(one) == text(other)) == (meaning(one) == meaning(other))


@given(QUERY, QUERY)
@example({"a": ("1", "2")}, {"a": ("1&a=2",)})
@example({"a": ("1",), "b": ("2",)}, {"a": ("1&b=2",)})
@example({"a": ("%31",)}, {"a": ("1",)})
@example({"a": ("+",)}, {"a": (" ",)})
@example({"a": ("1", "2")}, {"a": ("2", "1")})
@example({"a": ("",)}, {})
@example({"": ("a",)}, {"a": ("",)})
def test_two_queries_share_a_form_only_when_they_are_the_same(one: Query, other: Query) -> None:
    assert (canonical_query(one) == canonical_query(other)) == (dict(one) == dict(other))


@given(QUERY)
def test_a_form_is_a_query_that_reads_as_what_it_was_made_of(query: Query) -> None:
    form = canonical_query(query)
    assert form.isascii()
    read: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        read[name] = (*read.get(name, ()), value)
    assert read == dict(query)


@given(PARTS)
def test_the_example_client_signs_the_same_text(parts: Parts) -> None:
    key, method, path, query, headers, body, nonce, time_ms = parts
    signed: list[bytes] = []

    def sign(what: bytes) -> bytes:
        signed.append(what)
        return b""

    CLIENT.signature_headers(
        key,
        sign,
        method=method,
        path=path if path.startswith("/v1/") else "/v1" + path,
        query=[(name, value) for name, values in query.items() for value in values],
        body=body,
        idempotency_key=headers.get("idempotency-key", ""),
        time_ms=time_ms,
        nonce=nonce,
    )
    assert signed == [text(parts)]
    assert text(parts).count(b"\n") == 8
    assert text(parts).endswith(sha256(body).hexdigest().encode())


def test_half_a_surrogate_pair_is_no_other_text() -> None:
    """JSON can name one; UTF-8 can't."""
    forms = {canonical_query({"a": (value,)}) for value in ("\ud800", "?", "\ufffd", "\udc00")}
    assert len(forms) == 4
