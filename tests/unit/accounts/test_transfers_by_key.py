"""An API key that transfers: a main account's, by Ed25519, between its owner's accounts alone."""

import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from bursa.identity.gateway import allow_key
from bursa.identity.principal import Scope
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock
from tests.doubles.signing import METHOD_ARN, Signed, ed25519_key
from tests.unit.conftest import (
    Context,
    Response,
    response_of,
    signed_in_request,
    started_sub_accounts,
)

FIRST = str(ALICE.sub_account(1))
BODY = {"from": str(ALICE), "to": FIRST, "asset": "USDT", "amount": "10"}
NETWORK = ("198.51.100.0/24",)
MAY = frozenset({Scope.READ, Scope.TRANSFER})


@pytest.fixture
def function(clock: WorkingClock) -> ModuleType:
    function = started_sub_accounts(clock)
    for label in ("bot", "other bot"):
        opened = signed_in_request(function, "POST", "/sub-accounts", {"label": label})
        assert opened.status == 201
    return function


def request(nonce: str = "n1", **changed: Any) -> Signed:
    return Signed("POST", "/transfers", (), json.dumps(BODY | changed), "once", nonce=nonce)


def answer(function: ModuleType, signed: Signed, key: Any) -> Response:
    return response_of(function.handler(signed.event(key), Context()))


def code(response: Response) -> tuple[int, str]:
    return response.status, response.body.get("code", "")


def test_it_moves_what_its_owner_has_once(function: ModuleType, exchange: Exchange) -> None:
    key = ed25519_key(scopes=MAY, addresses=NETWORK)
    made = answer(function, request(), key)
    assert (made.status, made.body["counter_account"]) == (201, FIRST)
    # A repeat under its name is the same transfer, a copy of the request is refused.
    assert answer(function, request("n2"), key).body == made.body
    copied = request("n2").event(key)
    copied["requestContext"]["requestId"] = "of-another-request"
    replayed = response_of(function.handler(copied, Context()))
    assert code(replayed) == (401, "request_replayed")
    between = {"from": FIRST, "to": str(ALICE.sub_account(2)), "amount": "4"}
    signed = replace(request("n3", **between), idempotency_key="another")
    assert answer(function, signed, key).status == 201


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[int, str]]] = {
    "may read only": ({"scopes": frozenset({Scope.READ})}, {}, (403, "transfer_not_allowed")),
    "may trade": ({"scopes": frozenset({Scope.TRADE})}, {}, (403, "transfer_not_allowed")),
    "a sub-account's": (
        {"account": ALICE.sub_account(1)},
        {},
        (403, "transfer_not_allowed"),
    ),
    "to somebody else": ({}, {"to": str(BOB)}, (404, "unknown_account")),
    "from somebody else": ({}, {"from": str(BOB)}, (404, "unknown_account")),
    "from elsewhere": ({"addresses": ("192.0.2.0/24",)}, {}, (403, "address_not_allowed")),
    "revoked": ({"revoked_at_ms": 1}, {}, (401, "key_revoked")),
}


@pytest.mark.parametrize(("changes", "body", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_moves_nothing(
    function: ModuleType,
    exchange: Exchange,
    changes: dict[str, Any],
    body: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    delivered = len(exchange.delivered)
    key = ed25519_key(**{"scopes": MAY, "addresses": NETWORK} | changes)
    assert code(answer(function, request(**body), key)) == expected
    exchange.work()
    assert len(exchange.delivered) == delivered


def test_a_signature_over_another_amount_moves_nothing(function: ModuleType) -> None:
    key = ed25519_key(scopes=MAY, addresses=NETWORK)
    event = request().event(key) | {"body": json.dumps(BODY | {"amount": "1000"})}
    refused = response_of(function.handler(event, Context()))
    assert code(refused) == (401, "wrong_signature")


ROUTES = [("GET", "/sub-accounts"), ("POST", "/sub-accounts"), ("GET", "/transfers")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_it_opens_and_lists_nothing(function: ModuleType, method: str, path: str) -> None:
    body = '{"label":"x"}' if method == "POST" else ""
    signed = Signed(method, path, (), body, nonce=f"{method}{path[1:4]}")
    key = ed25519_key(scopes=MAY, addresses=NETWORK)
    assert code(answer(function, signed, key)) == (403, "token_required")


def test_the_gateway_lets_a_key_transfer_that_may_and_no_other() -> None:
    def routes(*scopes: Scope) -> set[str]:
        verdict = allow_key(METHOD_ARN, ed25519_key(scopes=frozenset(scopes)))
        (statement,) = verdict["policyDocument"]["Statement"]
        return {one.partition("/v1/")[2] for one in statement["Resource"]}

    assert routes(Scope.TRANSFER) == {"POST/transfers"}
    assert "POST/transfers" not in routes(Scope.READ, Scope.TRADE)
