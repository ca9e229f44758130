"""Signed requests of the Binance dialect: forged, late, early, replayed, altered."""

import hmac
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest

from bursa.dialects.binance.errors import BinanceError
from bursa.dialects.binance.parameters import Parameters
from bursa.dialects.binance.signatures import check_time, signature_bytes, split_signature
from bursa.identity.api_keys import Algorithm
from tests.doubles.binance import Answer, BinanceClient, keep_key
from tests.doubles.exchange import ALICE, NOON_MS, WorkingClock, read_event
from tests.doubles.signing import SECRET
from tests.unit.conftest import opened
from tests.unit.dialects.binance.conftest import started_binance_api

WRONG = (400, -1022, "Signature for this request is not valid.")
BAD_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")
BAD_FORM = (401, -2014, "API-key format invalid.")
OUTSIDE = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")


@pytest.fixture(scope="module")
def client() -> Iterator[BinanceClient]:
    with opened() as exchange:
        clock = WorkingClock(exchange)
        yield BinanceClient(started_binance_api(clock), clock, keep_key(ALICE))


def seen(answer: Answer) -> tuple[int, int, str]:
    return answer.status, *answer.error


def sign(text: str) -> str:
    return hmac.digest(SECRET.encode(), text.encode(), "sha256").hex()


def ask(client: BinanceClient, query: str, **headers: str) -> Answer:
    return client.send("GET", "/api/v3/account", query, "", headers)


def test_the_sample_event_places_an_order(client: BinanceClient) -> None:
    event = read_event("binance-order")
    event["requestContext"]["timeEpoch"] = NOON_MS
    placed = client.raw(event)
    assert (placed.status, placed.body["clientOrderId"]) == (200, "x-first")
    again = client.raw(event)
    assert again.error[0] == -1021


def query(client: BinanceClient, **parameters: Any) -> str:
    return urlencode({"timestamp": client.clock.now_ms(), **parameters})


FORGED: dict[str, Any] = {
    "no signature": (
        lambda text: text,
        (
            400,
            -1102,
            "Mandatory parameter 'signature' was not sent, was empty/null, or malformed.",
        ),
    ),
    "empty": (lambda text: f"{text}&signature=", WRONG),
    "of another text": (lambda text: f"{text}&signature={sign(text + ' ')}", WRONG),
    "another case of the text": (lambda text: f"{text.upper()}&signature={sign(text)}", None),
    "changed after": (lambda text: f"omitZeroBalances=true&{text}&signature={sign(text)}", WRONG),
    "added after": (lambda text: f"{text}&signature={sign(text)}&recvWindow=60000", WRONG),
    "first": (lambda text: f"signature={sign(text)}&{text}", WRONG),
    "twice": (
        lambda text: f"{text}&signature={sign(text)}&signature={sign(text)}",
        (400, -1101, "Duplicate values for a parameter detected."),
    ),
    "base64 for hexadecimal": (lambda text: f"{text}&signature={'A' * 88}", WRONG),
    "too short": (lambda text: f"{text}&signature={sign(text)[:-1]}", WRONG),
    "of nothing": (lambda text: f"{text}&signature={sign('')}", WRONG),
}


@pytest.mark.parametrize(("forge", "expected"), FORGED.values(), ids=FORGED)
def test_a_forged_signature(client: BinanceClient, forge: Any, expected: Any) -> None:
    answer = ask(client, forge(query(client)), **{"x-mbx-apikey": client.key.id})
    assert answer.status in {400, 401}
    if expected is not None:
        assert seen(answer) == expected


def test_a_signature_in_capitals_is_the_same(client: BinanceClient) -> None:
    text = query(client)
    answer = ask(
        client, f"{text}&signature={sign(text).upper()}", **{"x-mbx-apikey": client.key.id}
    )
    assert answer.status == 200


def test_the_query_is_signed_as_it_was_sent(client: BinanceClient) -> None:
    """No escape is decoded, nothing is sorted, before the signature is verified."""
    text = f"omitZeroBalances=%74rue&timestamp={client.clock.now_ms()}&"
    text = text.rstrip("&")
    answer = ask(client, f"{text}&signature={sign(text)}", **{"x-mbx-apikey": client.key.id})
    assert answer.status == 200, answer


KEYS: dict[str, tuple[str | None, tuple[int, int, str]]] = {
    "none": (None, BAD_FORM),
    "empty": ("", BAD_FORM),
    "of Binance": ("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A", BAD_FORM),
    "of nobody": (f"t1-1.{'f' * 24}", BAD_KEY),
    "of another account": ("t1-2.0123456789abcdef01234567", BAD_KEY),
    "of another tenant": ("t2-1.0123456789abcdef01234567", BAD_KEY),
}


@pytest.mark.parametrize(("key", "expected"), KEYS.values(), ids=KEYS)
def test_a_key_that_there_is_none_of(
    client: BinanceClient, key: str | None, expected: tuple[int, int, str]
) -> None:
    text = query(client)
    headers = {} if key is None else {"x-mbx-apikey": key}
    assert seen(ask(client, f"{text}&signature={sign(text)}", **headers)) == expected


TIMES: dict[str, tuple[dict[str, str], tuple[int, str] | None]] = {
    "now": ({"timestamp": str(NOON_MS)}, None),
    "microseconds": ({"timestamp": f"{NOON_MS}999"}, None),
    "as late as may be": ({"timestamp": str(NOON_MS - 5_000)}, None),
    "too late": ({"timestamp": str(NOON_MS - 5_001)}, OUTSIDE[1:]),
    "too late by a microsecond": ({"timestamp": f"{NOON_MS - 5_001}999"}, OUTSIDE[1:]),
    "late in a wide window": ({"timestamp": str(NOON_MS - 60_000), "recvWindow": "60000"}, None),
    "late in a narrow one": ({"timestamp": str(NOON_MS - 2), "recvWindow": "1"}, OUTSIDE[1:]),
    "a window with a fraction": ({"timestamp": f"{NOON_MS - 1}500", "recvWindow": "0.5"}, None),
    "beyond its fraction": (
        {"timestamp": f"{NOON_MS - 1}499", "recvWindow": "0.5"},
        OUTSIDE[1:],
    ),
    "as early as may be": ({"timestamp": str(NOON_MS + 999)}, None),
    "too early": ({"timestamp": str(NOON_MS + 1_000)}, AHEAD[1:]),
    "too wide a window": (
        {"timestamp": str(NOON_MS), "recvWindow": "60001"},
        (-1131, "recvWindow must be less than 60000."),
    ),
    "no window": (
        {"timestamp": str(NOON_MS), "recvWindow": "5s"},
        (
            -1100,
            (
                r"Illegal characters found in parameter 'recvWindow'; "
                r"legal range is '^[0-9]{1,5}(\.[0-9]{1,3})?$'."
            ),
        ),
    ),
    "no time": (
        {},
        (-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
    ),
    "seconds": (
        {"timestamp": str(NOON_MS // 1_000)},
        (
            -1100,
            (
                "Illegal characters found in parameter 'timestamp'; "
                "legal range is '^[0-9]{13}([0-9]{3})?$'."
            ),
        ),
    ),
}


@pytest.mark.parametrize(("sent", "expected"), TIMES.values(), ids=TIMES)
def test_when_a_request_is_good(sent: dict[str, str], expected: tuple[int, str] | None) -> None:
    if expected is None:
        check_time(Parameters(sent), NOON_MS)
        return
    with pytest.raises(BinanceError) as raised:
        check_time(Parameters(sent), NOON_MS)
    assert (raised.value.code, raised.value.msg) == expected


SPLIT: dict[str, tuple[str, str, tuple[str, str] | int]] = {
    "query": ("a=1&signature=xy", "", ("a=1", "xy")),
    "body": ("", "a=1&signature=xy", ("a=1", "xy")),
    "query and then body": ("a=1", "b=2&signature=xy", ("a=1b=2", "xy")),
    "body of a signed query": ("a=1&signature=xy", "b=2", ("a=1b=2", "xy")),
    "alone": ("signature=xy", "", ("", "xy")),
    "escaped": ("a=1&signature=x%2By%3D", "", ("a=1", "x+y=")),
    "another name that ends so": ("a=1&mysignature=xy", "", -1022),
    "in both": ("signature=xy", "signature=xy", -1101),
    "not the last": ("signature=xy&a=1", "", -1022),
    "none": ("a=1", "b=2", -1102),
}


@pytest.mark.parametrize(("sent", "body", "expected"), SPLIT.values(), ids=SPLIT)
def test_what_is_signed(sent: str, body: str, expected: tuple[str, str] | int) -> None:
    if isinstance(expected, tuple):
        assert split_signature(sent, body) == expected
        return
    with pytest.raises(BinanceError) as raised:
        split_signature(sent, body)
    assert raised.value.code == expected


@pytest.mark.parametrize("signature", ["", "xy", "a=", "A" * 92, "é" * 20, "A" * 87 + "\n"])
@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_is_no_signature(signature: str, algorithm: Algorithm) -> None:
    with suppress(BinanceError):
        # Whoever verifies it takes 64 bytes.
        assert len(signature_bytes(signature, algorithm)) < 64


PARTS: dict[str, tuple[str, str, dict[str, str] | int]] = {
    "nothing": ("", "", {}),
    "query": ("a=1&b=2", "", {"a": "1", "b": "2"}),
    "body": ("", "a=1&b=2", {"a": "1", "b": "2"}),
    "in both": ("a=1", "a=2&b=3", {"a": "1", "b": "3"}),
    "escapes": ("a=%5B%22x%22%5D&b=c+d", "", {"a": '["x"]', "b": "c d"}),
    "empty value": ("a=", "", {"a": ""}),
    "equals sign in a value": ("a=b=c", "", {"a": "b=c"}),
    "ampersands": ("&a=1&&b=2&", "", {"a": "1", "b": "2"}),
    "twice": ("a=1&a=1", "", -1101),
    "twice, once escaped": ("a=1&%61=1", "", -1101),
    "no equals sign": ("a", "", -1100),
    "what is left of a moved boundary": ("a=1", "0&b=2", -1100),
    "no name": ("=1", "", -1100),
    "no UTF-8": ("a=%FF", "", -1100),
    "too long": ("a=" + "x" * 8_192, "", -1101),
    "too many": ("&".join(f"a{i}=1" for i in range(51)), "", -1101),
    "JSON": ("", '{"a":1}', -1100),
}


@pytest.mark.parametrize(("sent", "body", "expected"), PARTS.values(), ids=PARTS)
def test_parameters(sent: str, body: str, expected: dict[str, str] | int) -> None:
    if isinstance(expected, dict):
        read = Parameters.read(sent, body)
        assert {name: read._values[name] for name in expected} == expected
        assert read._values == expected
        return
    with pytest.raises(BinanceError) as raised:
        Parameters.read(sent, body)
    assert raised.value.code == expected


def test_what_changes_something_counts_once(client: BinanceClient) -> None:
    """A question may come again; so may it with most clients, which ask twice in a millisecond."""
    asked = query(client)
    for _ in range(2):
        answer = ask(client, f"{asked}&signature={sign(asked)}", **{"x-mbx-apikey": client.key.id})
        assert answer.status == 200
    order = query(
        client, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity=1, price=9
    )
    sent = f"{order}&signature={sign(order)}"
    headers = {"x-mbx-apikey": client.key.id}
    first = client.send("POST", "/api/v3/order", "", sent, headers)
    assert first.status == 200
    again = client.send("POST", "/api/v3/order", "", sent, headers)
    elsewhere = client.send("POST", "/api/v3/order", sent, "", headers)
    assert again.error[0] == elsewhere.error[0] == -1021
    assert again.error[1].startswith("Timestamp for this request")
