"""Signed requests: forged, late, early, replayed, altered, by either algorithm."""

import hmac
import itertools
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from bursa.aws.clients import kms_client
from bursa.dialects.native.operation import Operation
from bursa.dialects.native.operations import OPERATIONS
from bursa.identity.api_keys import ApiKey
from bursa.identity.principal import Scope
from bursa.identity.signatures import EARLY_MS_MAX, HEADERS, LATE_MS_MAX
from bursa.kernel.rates import Rate
from tests.doubles.exchange import ALICE, BOB, NOON_MS, Exchange, WorkingClock, read_event
from tests.doubles.signing import Signed, ed25519_key, hmac_key, signature_of
from tests.unit.conftest import (
    Context,
    Response,
    opened,
    response_of,
    started,
    started_sub_accounts,
    started_trading_api,
)

ORDER = '{"market":"BTC-USDT","side":"buy","type":"limit","price":"25000","quantity":"0.1"}'
PLACE = Signed("POST", "/orders", (), ORDER, "once")
LIST = Signed("GET", "/orders", (("market", "BTC-USDT"), ("limit", "5")), nonce="n1")
Make = Callable[..., ApiKey]

ALGORITHMS: dict[str, Make] = {
    "ed25519": ed25519_key,
    "hmac": lambda account=ALICE, **changes: hmac_key(kms_client(), account, **changes),
}
algorithms = pytest.mark.parametrize("make", ALGORITHMS.values(), ids=ALGORITHMS)


@pytest.fixture(scope="module")
def whole() -> Iterator[tuple[Exchange, ModuleType, ModuleType]]:
    """One exchange for all of these, because a start costs more than all its requests."""
    with opened() as exchange:
        yield exchange, started_trading_api(WorkingClock(exchange)), started("identity_api.app")


@pytest.fixture
def exchange(whole: tuple[Exchange, ModuleType, ModuleType]) -> Exchange:
    exchange, trading, _ = whole
    for table, names in (("nonces", ("pk",)), ("budgets", ("pk", "sk"))):
        for item in exchange._dynamodb.scan(TableName=table)["Items"]:
            key = {name: item[name] for name in names}
            exchange._dynamodb.delete_item(TableName=table, Key=key)
    trading.signed_requests._budgets._buckets._buckets.clear()
    return exchange


@pytest.fixture
def trading_api(whole: tuple[Exchange, ModuleType, ModuleType], exchange: Exchange) -> ModuleType:
    return whole[1]


@pytest.fixture
def identity_api(whole: tuple[Exchange, ModuleType, ModuleType], exchange: Exchange) -> ModuleType:
    return whole[2]


def answer(function: ModuleType, event: dict[str, Any]) -> Response:
    return response_of(function.handler(event, Context()))


def code(function: ModuleType, event: dict[str, Any]) -> tuple[int, str]:
    response = answer(function, event)
    return response.status, response.body.get("code", "")


@algorithms
def test_a_signed_request_is_its_accounts(trading_api: ModuleType, make: Make) -> None:
    placed = answer(trading_api, PLACE.event(make()))
    assert placed.status == 201

    listed = answer(trading_api, LIST.event(make()))
    assert [order["order_id"] for order in listed.body["items"]] == [placed.body["order_id"]]
    assert answer(trading_api, LIST.event(make(BOB))).body["items"] == []


ALTERED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "method": lambda event: event.update(httpMethod="DELETE", body=None),
    "path": lambda event: event.update(path="/orders/batch", resource="/orders/batch"),
    "body": lambda event: event.update(body=ORDER.replace("0.1", "0.2")),
    "body left out": lambda event: event.update(body=None),
    "white space of the body": lambda event: event.update(body=ORDER + " "),
    "time": lambda event: event["headers"].update({HEADERS[0]: str(NOON_MS + 1)}),
    "nonce": lambda event: event["headers"].update({HEADERS[1]: "another"}),
    "nonce left out": lambda event: (
        event["headers"].pop(HEADERS[1], None) or event["headers"].update({HEADERS[1]: "added"})
    ),
    "Idempotency-Key": lambda event: event["headers"].update({"idempotency-key": "twice"}),
    "Idempotency-Key left out": lambda event: event["headers"].pop("idempotency-key"),
    "account of the verdict": lambda event: event["requestContext"]["authorizer"].update(
        signing_key=f"{BOB}.0123456789abcdef01234567"
    ),
    "key of the verdict": lambda event: event["requestContext"]["authorizer"].update(
        signing_key=f"{ALICE}.{'f' * 24}"
    ),
}


@algorithms
@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_whatever_is_altered_the_signature_is_wrong(
    trading_api: ModuleType, exchange: Exchange, make: Make, alter: Callable[..., Any]
) -> None:
    event = replace(PLACE, nonce="n").event(make())
    alter(event)

    # A secret that was sealed for another account or key does not open.
    refused = {(401, "wrong_signature"), (503, "seals_unavailable")}
    assert code(trading_api, event) in refused
    assert exchange.waiting() == 0
    assert not exchange._dynamodb.scan(TableName="nonces")["Items"]


QUERIES: dict[str, dict[str, list[str]]] = {
    "another value": {"market": ["ETH-USDT"], "limit": ["5"]},
    "one less": {"market": ["BTC-USDT"]},
    "one more": {"market": ["BTC-USDT"], "limit": ["5"], "status": ["open"]},
    "values exchanged": {"market": ["5"], "limit": ["BTC-USDT"]},
    "in one value": {"market": ["BTC-USDT&limit=5"]},
    "none": {},
}


@algorithms
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_the_query_is_signed(
    trading_api: ModuleType, make: Make, query: dict[str, list[str]]
) -> None:
    event = LIST.event(make())
    event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
    event["multiValueQueryStringParameters"] = query
    assert code(trading_api, event) == (401, "wrong_signature")


WRONG: dict[str, tuple[Callable[[dict[str, str]], Any], str]] = {
    "no time": (lambda sent: sent.pop(HEADERS[0]), "missing_timestamp"),
    "time in seconds": (lambda sent: sent.update({HEADERS[0]: "1795291200"}), "invalid_timestamp"),
    "time with a sign": (
        lambda sent: sent.update({HEADERS[0]: "+1795291200000"}),
        "invalid_timestamp",
    ),
    "time in other digits": (
        lambda sent: sent.update({HEADERS[0]: "\u0661795291200000"}),
        "invalid_timestamp",
    ),
    "nonce with a line feed": (lambda sent: sent.update({HEADERS[1]: "a\nb"}), "invalid_nonce"),
    "long nonce": (lambda sent: sent.update({HEADERS[1]: "a" * 65}), "invalid_nonce"),
    "no signature": (lambda sent: sent.pop(HEADERS[2]), "missing_signature"),
    "not base64": (lambda sent: sent.update({HEADERS[2]: "*" * 88}), "malformed_signature"),
    "base64 with a line end": (
        lambda sent: sent.update({HEADERS[2]: sent[HEADERS[2]] + "\n"}),
        "malformed_signature",
    ),
    "huge signature": (lambda sent: sent.update({HEADERS[2]: "A" * 4_000}), "malformed_signature"),
    "empty signature": (lambda sent: sent.update({HEADERS[2]: "="}), "malformed_signature"),
    "short signature": (lambda sent: sent.update({HEADERS[2]: "AAAA"}), "wrong_signature"),
    "another's signature": (
        lambda sent: sent.update({HEADERS[2]: b64encode(b"s" * 64).decode()}),
        "wrong_signature",
    ),
    "one bit of it": (
        lambda sent: sent.update({HEADERS[2]: b64encode(one_bit_off(sent)).decode()}),
        "wrong_signature",
    ),
}


def one_bit_off(sent: dict[str, str]) -> bytes:
    signature = bytearray(signature_of(sent))
    signature[3] ^= 1
    return bytes(signature)


@algorithms
@pytest.mark.parametrize(("spoil", "expected"), WRONG.values(), ids=WRONG)
def test_each_fault_of_a_signature_has_its_own_error(
    trading_api: ModuleType, make: Make, spoil: Callable[..., Any], expected: str
) -> None:
    key = make()
    headers = LIST.headers(key)
    spoil(headers)
    assert code(trading_api, LIST.event(key, headers)) == (401, expected)


TIMES = {
    "as late as it may be": (-LATE_MS_MAX, 200, ""),
    "later": (-LATE_MS_MAX - 1, 401, "timestamp_too_old"),
    "an hour late": (-3_600_000, 401, "timestamp_too_old"),
    "as early as it may be": (EARLY_MS_MAX, 200, ""),
    "earlier": (EARLY_MS_MAX + 1, 401, "timestamp_too_early"),
    "a year early": (365 * 86_400_000, 401, "timestamp_too_early"),
}


@algorithms
@pytest.mark.parametrize(("off_ms", "status", "expected"), TIMES.values(), ids=TIMES)
def test_a_request_is_good_for_five_seconds(
    trading_api: ModuleType, make: Make, off_ms: int, status: int, expected: str
) -> None:
    assert LATE_MS_MAX + EARLY_MS_MAX <= 5_000
    event = replace(LIST, time_ms=NOON_MS + off_ms).event(make())
    assert code(trading_api, event) == (status, expected)


@algorithms
def test_a_request_is_taken_once(trading_api: ModuleType, exchange: Exchange, make: Make) -> None:
    again = LIST.event(make())
    again["requestContext"]["requestId"] = "another request of the gateway"
    assert code(trading_api, LIST.event(make())) == (200, "")
    assert code(trading_api, again) == (401, "request_replayed")
    assert exchange._dynamodb.scan(TableName="nonces")["Count"] == 1
    assert code(trading_api, replace(LIST, nonce="n2").event(make())) == (200, "")


def test_a_put_that_was_repeated_by_the_client_is_no_replay(trading_api: ModuleType) -> None:
    """The response to the first attempt was lost: the row is there, with this request's id."""
    event = LIST.event(ed25519_key())
    assert code(trading_api, event) == (200, "")
    assert code(trading_api, event) == (200, "")


OVER: dict[str, tuple[dict[str, Any], int, str]] = {
    "revoked": ({"revoked_at_ms": NOON_MS - 1}, 401, "key_revoked"),
    "expired": ({"expires_at_ms": NOON_MS}, 401, "key_expired"),
    "about to expire": ({"expires_at_ms": NOON_MS + 1}, 200, ""),
    "from an allowed network": ({"addresses": ("198.51.100.0/24",)}, 200, ""),
    "from elsewhere": (
        {"addresses": ("203.0.113.0/24", "2001:db8::/32")},
        403,
        "address_not_allowed",
    ),
}


@algorithms
@pytest.mark.parametrize(("changes", "status", "expected"), OVER.values(), ids=OVER)
def test_a_key_is_good_for_a_time_and_for_its_addresses(
    trading_api: ModuleType, make: Make, changes: dict[str, Any], status: int, expected: str
) -> None:
    assert code(trading_api, LIST.event(make(**changes))) == (status, expected)


@pytest.mark.parametrize("changes", [{"revoked_at_ms": 1}, {"addresses": ("203.0.113.0/24",)}])
def test_only_who_has_signed_learns_what_is_wrong_with_a_key(
    trading_api: ModuleType, changes: dict[str, Any]
) -> None:
    key = ed25519_key(**changes)
    stranger = LIST.headers(key) | {HEADERS[2]: b64encode(b"s" * 64).decode()}
    assert code(trading_api, LIST.event(key, stranger)) == (401, "wrong_signature")


def test_no_header_says_where_a_request_comes_from(trading_api: ModuleType) -> None:
    key = ed25519_key(addresses=("203.0.113.5/32",))
    claims = {
        "x-forwarded-for": "203.0.113.5",
        "x-real-ip": "203.0.113.5",
        "forwarded": "203.0.113.5",
    }
    event = LIST.event(key, LIST.headers(key) | claims)
    assert code(trading_api, event) == (403, "address_not_allowed")


ADDRESSES = [
    ("2001:db8::7", ("2001:db8::/64",), True),
    ("2001:db9::7", ("2001:db8::/64",), False),
    ("::ffff:198.51.100.7", ("198.51.100.0/24",), True),
    ("198.51.100.7", ("::/1",), False),
    ("", ("198.51.100.0/24",), False),
    ("unknown", ("198.51.100.0/24",), False),
    ("", (), True),
]


@pytest.mark.parametrize(("address", "networks", "is_allowed"), ADDRESSES)
def test_which_addresses_a_key_admits(
    address: str, networks: tuple[str, ...], is_allowed: bool
) -> None:
    assert ed25519_key(addresses=networks).admits(address) is is_allowed


@pytest.mark.parametrize("header", ["x-bursa-signature", "x-bursa-timestamp", "x-bursa-nonce"])
def test_a_header_of_the_signature_is_sent_once(trading_api: ModuleType, header: str) -> None:
    event = LIST.event(ed25519_key())
    event["multiValueHeaders"][header.title()] = ["a", "b"]
    assert code(trading_api, event) == (400, "repeated_header")


def test_a_key_has_a_budget_of_its_own(trading_api: ModuleType) -> None:
    key = ed25519_key(rate=Rate(1, 3))
    codes = [
        code(trading_api, replace(LIST, nonce=f"n{number}").event(key))[1] for number in range(12)
    ]
    assert codes.count("") <= 4
    assert set(codes[5:]) == {"too_many_requests_of_key"}
    other = replace(key, name="f" * 24)
    assert code(trading_api, LIST.event(other)) == (200, "")


def batch_of(operations: int, nonce: str) -> Signed:
    cancel = {"op": "cancel", "client_order_id": "none"}
    body = json.dumps({"operations": [cancel] * operations})
    return Signed("POST", "/orders/batch", (), body, nonce=nonce)


def left_after(trading_api: ModuleType, key: ApiKey, operations: int) -> int:
    """Return how many single requests pass after a batch."""
    assert code(trading_api, batch_of(operations, "a").event(key)) == (200, "")
    codes = [
        code(trading_api, replace(LIST, nonce=f"n{number}").event(key))[1] for number in range(30)
    ]
    assert set(codes) <= {"", "too_many_requests_of_key"}
    return codes.count("")


def test_a_batch_counts_as_its_operations(trading_api: ModuleType) -> None:
    keys = [ed25519_key(rate=Rate(1, 20), name=digit * 24) for digit in "abc"]
    after_one, after_nine, after_many = (
        left_after(trading_api, key, operations)
        for key, operations in zip(keys, (1, 9, 50), strict=True)
    )
    # Time passes between them, a second at most.
    assert 7 <= after_one - after_nine <= 9
    # What a container has set aside of the budget is left of one that takes all of it.
    assert after_many < 8


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{", id="no-json"),
        pytest.param("[" * 9_000, id="deep"),
        pytest.param("null", id="nothing"),
        pytest.param('{"operations":7}', id="a-number"),
        pytest.param('{"operations":[]}', id="none"),
        pytest.param('{"operations":[' + "1," * 20_000 + "1]}", id="too-large"),
    ],
)
def test_a_batch_that_is_refused_for_its_form_counts_once(
    trading_api: ModuleType, body: str
) -> None:
    key = ed25519_key(rate=Rate(1, 20))
    refused = answer(trading_api, Signed("POST", "/orders/batch", (), body).event(key))
    assert refused.status in {400, 413}
    assert code(trading_api, batch_of(15, "b").event(key)) == (200, "")


def test_who_has_not_signed_uses_up_nothing(trading_api: ModuleType, exchange: Exchange) -> None:
    key = ed25519_key(rate=Rate(1, 3))
    forged = LIST.headers(key) | {HEADERS[2]: b64encode(b"s" * 64).decode()}
    for _ in range(9):
        assert code(trading_api, LIST.event(key, forged))[1] == "wrong_signature"
    assert not exchange._dynamodb.scan(TableName="budgets")["Items"]
    assert code(trading_api, LIST.event(key)) == (200, "")


def test_a_secret_is_opened_once_in_minutes(
    trading_api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    seals = trading_api.signed_requests._secrets
    times = itertools.chain([0.0, 1.0, 299_999.0], itertools.repeat(300_001.0))
    monkeypatch.setattr(seals._clock, "monotonic_ms", lambda: next(times), raising=False)
    calls: list[Any] = []
    client = seals._client
    monkeypatch.setattr(client, "decrypt", spy(client.decrypt, calls))
    for number in range(4):
        event = replace(LIST, nonce=f"n{number}").event(hmac_key_once())
        assert code(trading_api, event) == (200, "")
    assert len(calls) == 2


_made: list[ApiKey] = []


def hmac_key_once() -> ApiKey:
    if not _made:
        _made.append(hmac_key(kms_client()))
    return _made[0]


def spy(function: Callable[..., Any], calls: list[Any]) -> Callable[..., Any]:
    def called(**parameters: Any) -> Any:
        calls.append(parameters)
        return function(**parameters)

    return called


def test_signatures_are_compared_in_constant_time(
    trading_api: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def compare(first: bytes, second: bytes) -> bool:
        compared.append((first, second))
        return real(first, second)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    key = hmac_key(kms_client())
    headers = LIST.headers(key)
    assert code(trading_api, LIST.event(key)) == (200, "")
    assert (signature_of(headers), signature_of(headers)) in compared


SIGNED_IN = [
    operation
    for operation in OPERATIONS
    if not operation.public and operation.scope is not Scope.ACCOUNT
]


@pytest.mark.parametrize("operation", SIGNED_IN, ids=lambda operation: operation.name)
def test_no_route_forgets_to_verify(
    trading_api: ModuleType,
    identity_api: ModuleType,
    clock: WorkingClock,
    operation: Operation,
) -> None:
    path = operation.path
    for name in ("order_id", "list_id", "client_order_id"):
        path = path.replace(f"{{{name}}}", "12")
    signed = Signed(operation.method.upper(), path)
    key = ed25519_key()
    others = {
        "/me": identity_api,
        "/ws-ticket": identity_api,
        "/transfers": started_sub_accounts(clock),
    }
    function = others.get(path, trading_api)
    assert code(function, signed.event(key, {})) == (401, "missing_timestamp")
    forged = signed.headers(key) | {HEADERS[2]: b64encode(b"s" * 64).decode()}
    assert code(function, signed.event(key, forged)) == (401, "wrong_signature")


# Those about who a user is, and about sub-accounts, are other functions', which let no key in
# (tests/unit/kyc, tests/unit/accounts).
OF_OTHERS = ("/kyc", "/sub-accounts", "/transfers")
PROTECTED = [
    operation
    for operation in OPERATIONS
    if operation.scope is Scope.ACCOUNT and not operation.path.startswith(OF_OTHERS)
]


@pytest.mark.parametrize("operation", PROTECTED, ids=lambda operation: operation.name)
def test_no_key_changes_what_protects_the_account(
    identity_api: ModuleType, exchange: Exchange, operation: Operation
) -> None:
    """The gateway's policy names none of these routes for a key; behind it stands this."""
    body = {"createApiKey": KEY_BODY}.get(operation.name, '{"code":"123456"}')
    has_body = operation.body is not None
    key_id = f"{ALICE}.{'0' * 24}"
    path = operation.path.replace("{key_id}", key_id).replace("{session_id}", "s1")
    path = path.replace("{provider}", "Google")
    signed = Signed(operation.method.upper(), path, (), body if has_body else "")
    assert code(identity_api, signed.event(ed25519_key())) == (403, "token_required")
    assert not exchange._dynamodb.scan(TableName="identity")["Items"]


KEY_BODY = '{"label":"x","algorithm":"hmac-sha256","scopes":["read"],"code":"123456"}'


def test_the_sample_event_is_one_that_a_key_has_signed(trading_api: ModuleType) -> None:
    event = read_event("orders-place-signed")
    event["requestContext"]["requestTimeEpoch"] = int(event["headers"][HEADERS[0]])
    assert code(trading_api, event) == (201, "")
