"""Key sets: what a pool's failure costs, and what a stranger's token can make us do."""

import json
from http.client import IncompleteRead
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bursa.identity.key_sets_jwt import (
    KEY_AGE_MS_MAX,
    KEY_FRESH_MS,
    REFETCH_MS_MIN,
    RETRY_MS_MIN,
    KeySets,
    fetch_over_http,
    read_key_set,
)
from bursa.kernel.errors import Unavailable

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_demo"
OTHER = f"{ISSUER}2"
KEY = jwt.algorithms.RSAAlgorithm.to_jwk(
    rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(), as_dict=True
)
ELLIPTIC = jwt.algorithms.ECAlgorithm.to_jwk(
    ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
)


def key_set(*names: str) -> bytes:
    return json.dumps({"keys": [KEY | {"kid": name, "alg": "RS256"} for name in names]}).encode()


class Pool:
    """Serves key sets, or fails, at a time of its own."""

    def __init__(self, *names: str) -> None:
        self.response: bytes | Exception = key_set(*names)
        self.asked: list[str] = []
        self.now_ms = 0.0
        self.failures: list[str] = []
        self.sets = KeySets(self, fetch=self.fetch, on_failure=self.failures.append)

    def monotonic_ms(self) -> float:
        return self.now_ms

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response

    def knows(self, name: str, issuer: str = ISSUER) -> bool:
        return self.sets.key(issuer, name) is not None


def test_a_set_is_fetched_once_and_again_when_its_keys_are_no_longer_fresh() -> None:
    pool = Pool("a", "b")
    assert [pool.knows("a"), pool.knows("b"), pool.knows("a")] == [True] * 3
    assert pool.asked == [f"{ISSUER}/.well-known/jwks.json"]

    pool.now_ms = KEY_FRESH_MS + 1
    assert pool.knows("a")
    assert len(pool.asked) == 2


def test_invented_key_ids_fetch_once_a_minute_at_most() -> None:
    pool = Pool("a")
    assert pool.knows("a")
    for second in range(600):
        pool.now_ms = second * 1_000
        assert not pool.knows(f"invented-{second}")
    assert len(pool.asked) <= 1 + 600_000 / REFETCH_MS_MIN


def test_a_rotated_key_is_found_after_a_minute() -> None:
    pool = Pool("a")
    assert pool.knows("a")
    pool.response = key_set("a", "b")
    assert not pool.knows("b")
    pool.now_ms = REFETCH_MS_MIN
    assert pool.knows("b")
    assert pool.knows("a")


def test_failures_are_remembered_and_tried_less_and_less_often() -> None:
    pool = Pool()
    pool.response = OSError("refused")
    for second in range(600):
        pool.now_ms = second * 1_000
        with pytest.raises(Unavailable):
            pool.knows("a")
    # After 1, 2, 4, 8, 16, 32 seconds, then once a minute.
    assert len(pool.asked) == len(pool.failures) == 7 + 8

    pool.response = key_set("a")
    pool.now_ms += REFETCH_MS_MIN
    assert pool.knows("a")


def test_one_issuers_failure_is_not_anothers() -> None:
    pool = Pool()
    pool.response = OSError("refused")
    with pytest.raises(Unavailable):
        pool.knows("a")
    pool.response = key_set("a")
    assert pool.knows("a", OTHER)
    with pytest.raises(Unavailable):
        pool.knows("a")


def bad(change: dict[str, Any]) -> bytes:
    return json.dumps({"keys": [KEY | {"kid": "x"} | change]}).encode()


BAD_SETS: dict[str, bytes | Exception] = {
    "unreachable": OSError("refused"),
    "broken off": IncompleteRead(b""),
    "empty": b"",
    "no JSON": b"<html>",
    "no UTF-8": b"\xff\xfe\xfd",
    "a list": b"[]",
    "null": b"null",
    "no keys": b"{}",
    "keys are null": b'{"keys": null}',
    "keys are numbers": b'{"keys": [1]}',
    "an empty set": b'{"keys": []}',
    "deep": b'{"keys": ' + b"[" * 50_000,
    "no modulus": bad({"n": None}),
    "modulus is no number": bad({"n": "!"}),
    "exponent of another type": bad({"e": 1}),
    "no type": bad({"kty": None}),
    "symmetric": b'{"keys": [{"kty": "oct", "kid": "x", "k": "AAAA"}]}',
    "elliptic": json.dumps({"keys": [ELLIPTIC | {"kid": "x"}]}).encode(),
    "for encryption": bad({"use": "enc"}),
    "of another algorithm": bad({"alg": "RS512"}),
    "without an id": bad({"kid": None}),
}


@pytest.mark.parametrize("response", BAD_SETS.values(), ids=BAD_SETS)
def test_a_bad_set_is_a_failure_and_takes_no_good_key_away(response: bytes | Exception) -> None:
    pool = Pool("a")
    assert pool.knows("a")
    pool.response = response
    pool.now_ms = REFETCH_MS_MIN

    assert not pool.knows("stranger")
    assert pool.knows("a")
    assert len(pool.failures) == 1


@pytest.mark.parametrize("response", BAD_SETS.values(), ids=BAD_SETS)
def test_a_bad_set_at_first_is_unavailable_and_nothing_else(response: bytes | Exception) -> None:
    pool = Pool()
    pool.response = response
    with pytest.raises(Unavailable) as failed:
        pool.knows("a")
    assert failed.value.code == "keys_unavailable"


def test_a_good_key_beside_a_bad_one_is_known() -> None:
    content = json.loads(key_set("a"))
    content["keys"].insert(0, ELLIPTIC | {"kid": "x"})
    assert set(read_key_set(json.dumps(content).encode())) == {"a"}


def test_an_outage_of_half_an_hour_costs_nothing_and_a_longer_one_is_said() -> None:
    pool = Pool("a")
    assert pool.knows("a")
    pool.response = OSError("refused")
    pool.now_ms = KEY_AGE_MS_MAX
    assert pool.knows("a")
    pool.now_ms += RETRY_MS_MIN
    with pytest.raises(Unavailable):
        pool.knows("a")


def test_a_withdrawn_key_dies_within_the_hour_though_it_is_used_all_the_time() -> None:
    pool = Pool("a", "withdrawn")
    assert pool.knows("withdrawn")
    pool.response = key_set("a")
    while pool.now_ms <= KEY_AGE_MS_MAX:
        assert pool.knows("a")
        pool.knows("withdrawn")
        pool.now_ms += 60_000
    assert not pool.knows("withdrawn")
    assert pool.knows("a")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x.example/k", "issuer"])
def test_only_http_is_fetched(url: str) -> None:
    with pytest.raises(OSError, match="not fetched"):
        fetch_over_http(url)
