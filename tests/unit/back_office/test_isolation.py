"""A brand's back office can't see or touch another's: every route, with names of the other's.

The routes are those of the description: one without a case here fails. Of each pair the first
request names something of the other tenant and the second something that is not there; both are
answered alike, and nothing of the other tenant has changed.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS
from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.principal import Scope
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import NOON_MS, TABLES
from tests.unit.back_office.office import OTHER, Office, opened_office
from wire import codec

ALICE, OLGA = "alice@demo.example", "olga@other.example"
WHY = {"reason": "x"}
MONEY = WHY | {"asset": "USDT", "amount": "1"}
OWN_LIMITS = dict.fromkeys(("commands", "cancels", "reads", "connections", "subscriptions"))
HALT = WHY | {"state": "halted"}
LIMITS: dict[str, Any] = {
    **dict.fromkeys(("min_notional", "max_quantity", "max_price"), "0"),
    **dict.fromkeys(("collar_ppm", "market_collar_ppm", "breaker_ppm", "auction_ms"), 0),
    **dict.fromkeys(("reference_interval_ms", "least_orders"), 0),
    "reason": "x",
}
# The other's alone; what nobody has.
THEIR_MARKET, NO_MARKET = "XMR-EUR", "ZZZ-EUR"
FEES = {"maker_ppm": 1, "taker_ppm": 2}
NONE = '{"items": []}'
PERIOD = {"from_ms": "0", "to_ms": str(NOON_MS)}


class Case(NamedTuple):
    """What a route names: in its path, or in the parameter ``query``; and what it is sent."""

    named: str
    body: Any = None
    query: str = ""
    more: Mapping[str, str] = MappingProxyType({})


CASES: dict[tuple[str, str], Case | None] = {
    # None names nothing: what they list is in the last test.
    ("get", "/admin/me"): None,
    ("get", "/admin/users"): Case("user", query="user_id"),
    ("post", "/admin/users/{user_id}/sessions/revoke"): Case("user", WHY),
    ("get", "/admin/users/{user_id}/api-keys"): Case("user"),
    ("post", "/admin/api-keys/{key_id}/revoke"): Case("key", WHY),
    ("post", "/admin/users/{user_id}/freeze"): Case("user", WHY),
    ("post", "/admin/users/{user_id}/unfreeze"): Case("user", WHY),
    ("post", "/admin/users/{user_id}/credit"): Case("user", MONEY),
    ("post", "/admin/users/{user_id}/debit"): Case("user", MONEY),
    ("post", "/admin/users/{user_id}/role"): Case("user", WHY | {"role": "support"}),
    ("post", "/admin/users/{user_id}/fee-tier"): Case("user", WHY | {"tier": 0}),
    ("post", "/admin/users/{user_id}/limits"): Case("user", WHY | OWN_LIMITS),
    ("get", "/admin/users/{user_id}/limits"): Case("user"),
    ("post", "/admin/fees"): None,
    ("get", "/admin/fee-tiers"): None,
    ("post", "/admin/fee-tiers"): None,
    ("get", "/admin/users/{user_id}/fees"): Case("user"),
    ("post", "/admin/four-eyes/{asset}"): Case("asset", WHY | {"amount": "1"}),
    ("get", "/admin/users/{user_id}/statement"): Case("user", more=PERIOD),
    ("get", "/admin/reports/trading"): None,
    ("get", "/admin/proposals"): None,
    ("post", "/admin/proposals/{proposal_id}/approve"): Case(
        "proposal", WHY | {"digest": "0" * 64, "code": "123456"}
    ),
    ("post", "/admin/proposals/{proposal_id}/reject"): Case("proposal", WHY),
    ("get", "/admin/markets"): None,
    ("post", "/admin/markets/{market}/state"): Case("market", HALT),
    ("post", "/admin/markets/{market}/limits"): Case("market", LIMITS),
    # A market of this name is one's own, whoever else has one; it waits for a second person.
    ("post", "/admin/markets/{market}/listing"): Case(
        "market",
        LIMITS
        | {"tick_size": "0.01", "lot_size": "1", "base_scale": 8, "quote_scale": 8}
        | {"opening_price": None, "state": "open"},
    ),
    ("get", "/admin/audit"): None,
}
LISTS = [path for (method, path), case in CASES.items() if method == "get" and case is None]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with opened_office() as found:
        found.exchange.commit(
            [
                codec.encode_define_asset(31, OTHER.number, 8, "XMR"),
                codec.encode_define_asset(32, OTHER.number, 8, "EUR"),
                codec.encode_define_market(
                    33, OTHER.number, 31, 32, lot_units=1, tick_units=1, symbol=THEIR_MARKET
                ),
            ]
        )
        yield found


@pytest.fixture(scope="module")
def pairs(office: Office) -> dict[str, list[tuple[str, str]]]:
    """Return names of the other tenant's, by what they name, each with one of nobody's."""
    olga = office.people[OTHER, OLGA]
    account = AccountId(OTHER, 1)
    scopes = frozenset({Scope.READ})
    key = ApiKey(account, "0" * 24, olga, "bot", scopes, Algorithm.ED25519, b"p" * 32, NOON_MS)
    event = SecurityEvent(SecurityEventKind.API_KEY_MADE, account, olga, NOON_MS, "", key.id)
    ApiKeysTable(IdentityModels("identity")).add(key, event, 0)
    asked = office.send(OLGA, "POST", "/admin/fees", WHY | FEES, tenant=OTHER)
    proposal = asked.body["proposal"]["proposal_id"]
    nobody = "0" * 8 + olga[8:]
    return {
        "user": [(olga, nobody), (f"{OTHER}#{olga}", f"t8#{olga}")],
        "key": [(key.id, f"t8-1.{'0' * 24}"), (f"{key.id}#", f"t8-1.{'0' * 24}#")],
        "asset": [("XMR", "ZZZ"), (f"{OTHER}#XMR", "t8#ZZZ")],
        "market": [(THEIR_MARKET, NO_MARKET), (f"{OTHER}#{THEIR_MARKET}", f"t8#{NO_MARKET}")],
        "proposal": [(proposal, proposal[:-6] + "000000")],
    }


def test_every_route_has_a_case() -> None:
    assert set(CASES) == {(one.method, one.path) for one in ADMIN_OPERATIONS}


@pytest.mark.parametrize(
    "route", [route for route, case in CASES.items() if case is not None], ids=" ".join
)
def test_what_is_theirs_and_what_is_nobodys_look_the_same(
    office: Office, pairs: dict[str, list[tuple[str, str]]], route: tuple[str, str]
) -> None:
    before = rows_of_theirs(office)
    case = CASES[route]
    assert case is not None
    for names in pairs[case.named]:
        theirs, nobodys = (answer(office, route, case, name) for name in names)
        assert theirs == nobodys
        is_found = theirs[0] == 200 and theirs[1] != NONE
        assert not is_found or route[1].endswith("/listing"), theirs
    assert rows_of_theirs(office) == before


def answer(office: Office, route: tuple[str, str], case: Case, name: str) -> tuple[int, str]:
    """Return the status and the body of a response, without what the request named."""
    method, path = route
    head, _, rest = path.partition("{")
    target = path if case.query else f"{head}{name}{rest.partition('}')[2]}"
    query: dict[str, Any] = dict(case.more) | ({case.query: name} if case.query else {})
    response = office.send(ALICE, method.upper(), target, case.body, query=query)
    kept = ("code", "detail", "state", "items")
    body = {key: response.body[key] for key in kept if key in response.body}
    base, _, _ = name.partition("-")
    return response.status, json.dumps(body).replace(name, "…").replace(base, "…")


@pytest.mark.parametrize("path", LISTS)
def test_what_is_listed_is_ones_own(
    office: Office, pairs: dict[str, list[tuple[str, str]]], path: str
) -> None:
    days: dict[str, str | list[str]] = {"first_day": "2026-11-21", "last_day": "2026-11-21"}
    response = office.send(ALICE, "GET", path, query=days if "reports" in path else None)
    assert response.status in {200, 404}, response
    shown = json.dumps(response.body)
    for named in ("user", "proposal"):
        assert pairs[named][0][0] not in shown
    assert f'"{THEIR_MARKET}"' not in shown.replace(f"markets/{THEIR_MARKET}", "")


def rows_of_theirs(office: Office) -> dict[str, Any]:
    """Return every row of the other tenant, but what is left of its budgets."""
    return {
        f"{table} {item['pk']} {item.get('sk')}": item
        for table in TABLES
        if table != "budgets"
        for item in office.exchange._dynamodb.scan(TableName=table)["Items"]
        if item["pk"]["S"].split("#")[0].split("-")[0] == str(OTHER)
    }
