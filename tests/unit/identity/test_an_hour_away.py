"""Directory, user pool, key or tickets away for an hour: what the functions answer, each minute.

The functions are the real ones over moto; time is theirs alone and passes at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError

from bursa.aws.clients import kms_client
from bursa.identity.api_keys import ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.tickets import Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.kernel.clock import SystemClock, random_key
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, TENANT, Exchange, WorkingClock, read_event
from tests.doubles.signing import Signed, ed25519_key, hmac_key
from tests.doubles.user_pool import Pool, token
from tests.unit.conftest import (
    Context,
    response_of,
    signed_in_request,
    started,
    started_trading_api,
)

MINUTES = 60
ORDER = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "25000", "quantity": "0.1"}
BEGAN_S = int(time.time())


@dataclass
class World:
    """The functions, their time, and what of AWS is away."""

    exchange: Exchange
    trading: ModuleType
    working: WorkingClock
    authorizer: ModuleType
    identity: ModuleType
    market: ModuleType
    now_s: int = BEGAN_S
    away: str = ""
    count: int = 0
    key: ApiKey | None = None
    faults: set[str] = field(default_factory=set)

    def pass_s(self, seconds: int) -> None:
        self.now_s += seconds
        self.exchange.time_ms += seconds * 1_000
        self.working.slept_ms += seconds * 1_000

    def is_away(self, client: BaseClient, parameters: dict[str, Any]) -> bool:
        service = client.meta.service_model.service_name
        return self.away != "" and self.away in {parameters.get("TableName"), service}

    def authorize(self, event: dict[str, Any]) -> str:
        """Return what the gateway makes of the authorizer: let in, not, or 503 for its fault."""
        try:
            verdict = self.authorizer.handler(event, Context())
        except Exception as error:  # noqa: BLE001 - the gateway's own protocol
            if str(error) == "Unauthorized":
                return "401"
            self.faults.add(getattr(error, "code", type(error).__name__))
            return "503"
        return {"Allow": "in", "Deny": "403"}[verdict["policyDocument"]["Statement"][0]["Effect"]]


def by_token(world: World) -> str:
    event = read_event("authorizer-request")
    sent = token(exp=BEGAN_S + 9_999, iat=BEGAN_S - 60, auth_time=BEGAN_S - 60)
    event["headers"] = {"Authorization": f"Bearer {sent}"}
    return world.authorize(event)


def by_ticket(world: World) -> str:
    """Ask for a ticket, and open a WebSocket with it."""
    who = Principal(
        ALICE, "alice", USER_SCOPES, SignInMethod.USER_POOL, BEGAN_S + 9_999, BEGAN_S - 60
    )
    tickets = Tickets(TicketsTable(world.exchange._dynamodb, "tickets"), SystemClock(), random_key)
    away, world.away = world.away, ""
    text = tickets.issue(who).text
    world.away = away
    event = read_event("authorizer-ticket")
    event["queryStringParameters"] = {"ticket": text}
    event["multiValueQueryStringParameters"] = {"ticket": [text]}
    return world.authorize(event)


def by_key(world: World) -> str:
    """Ask the authorizer about an API key, which it looks up."""
    if world.key is None:
        world.key = ed25519_key()
        made = SecurityEvent(SecurityEventKind.API_KEY_MADE, ALICE, "alice", 1, "")
        assert ApiKeysTable(IdentityModels("identity")).add(world.key, made, 0)
    event = read_event("authorizer-key")
    event["headers"]["authorization"] = f"Bursa-Key {world.key.id}"
    return world.authorize(event)


def ask_for_a_ticket(world: World) -> str:
    event = read_event("ws-ticket")
    return said(world, response_of(world.identity.handler(event, Context())))


def look_at_preferences(world: World) -> str:
    return said(world, signed_in_request(world.identity, "GET", "/me/preferences"))


def place(world: World) -> str:
    return said(world, signed_in_request(world.trading, "POST", "/orders", ORDER))


def book(world: World) -> str:
    event = read_event("market-book")
    return said(world, response_of(world.market.handler(event, Context())))


def signed(make: Callable[[], ApiKey]) -> Callable[[World], str]:
    def send(world: World) -> str:
        world.count += 1
        # Sealed once: another seal of the same secret is another secret.
        world.key = world.key or make()
        event = Signed(nonce=f"n{world.count}").event(world.key)
        return said(world, response_of(world.trading.handler(event, Context())))

    return send


def said(world: World, response: Any) -> str:
    if response.status >= 400:
        world.faults.add(response.body["code"])
    return str(response.status)


@pytest.fixture
def world(exchange: Exchange, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return an exchange that has worked until now; what it knows, it knows."""
    DirectoryTable(exchange._dynamodb, "directory").open_account(TENANT, "alice")
    working = WorkingClock(exchange)
    world = World(
        exchange,
        started_trading_api(working),
        working,
        started("authorizer.app"),
        started("identity_api.app"),
        started("market_api.app"),
    )
    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call_unless_away(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if world.is_away(client, parameters):
            raise EndpointConnectionError(endpoint_url="https://away.example")
        return call(client, operation, parameters)

    key_sets = world.authorizer.sign_in.by_token._tokens._key_sets
    key_sets._endpoint_url = pool.url
    fetch = key_sets._fetch

    def fetch_unless_away(url: str) -> bytes:
        if world.away == "cognito-idp":
            raise OSError("refused")
        found: bytes = fetch(url)
        return found

    key_sets._fetch = fetch_unless_away
    monkeypatch.setattr(BaseClient, "_make_api_call", call_unless_away)
    monkeypatch.setattr(SystemClock, "now_ms", lambda _: world.now_s * 1_000)
    monkeypatch.setattr(SystemClock, "monotonic_ms", lambda _: world.now_s * 1_000.0)
    return world


by_hmac = signed(lambda: hmac_key(kms_client()))
by_ed25519 = signed(ed25519_key)

# What is away, what is done each minute, and what is answered from which minute on; at the end,
# the codes that a person finds in the log or the response.
CASES: dict[str, tuple[str, Callable[[World], str], dict[int, str], set[str]]] = {
    "directory, signing in": ("directory", by_token, {1: "503"}, {"EndpointConnectionError"}),
    "directory, opening a WebSocket": (
        "directory", by_ticket, {1: "503"}, {"EndpointConnectionError"},
    ),
    "directory, who is let in already": ("directory", place, {1: "201"}, set()),
    "directory, public data": ("directory", book, {1: "200"}, set()),
    "user pool, signing in": (
        "cognito-idp", by_token, {1: "in", 32: "503"}, {"keys_unavailable"},
    ),
    "user pool, who is let in already": ("cognito-idp", place, {1: "201"}, set()),
    "key, a request signed by HMAC": (
        "kms", by_hmac, {1: "200", 5: "503"}, {"seals_unavailable"},
    ),
    "key, a request signed by Ed25519": ("kms", by_ed25519, {1: "200"}, set()),
    "key, a token": ("kms", by_token, {1: "in"}, set()),
    "tickets, asking for one": (
        "tickets", ask_for_a_ticket, {1: "503"}, {"tickets_unavailable"},
    ),
    "tickets, opening a WebSocket": (
        "tickets", by_ticket, {1: "503"}, {"tickets_unavailable"},
    ),
    "tickets, a token": ("tickets", by_token, {1: "in"}, set()),
    "identity, an API key": ("identity", by_key, {1: "503"}, {"identity_unavailable"}),
    "identity, a request of a key that was let in": ("identity", by_ed25519, {1: "200"}, set()),
    "identity, asking for preferences": (
        "identity", look_at_preferences, {1: "503"}, {"identity_unavailable"},
    ),
    "identity, a token": ("identity", by_token, {1: "in"}, set()),
    "identity, an order": ("identity", place, {1: "201"}, set()),
    "nonces, a signed request": ("nonces", by_ed25519, {1: "503"}, {"nonces_unavailable"}),
}  # fmt: skip


# A key set is fetched anew when it is half an hour old: at worst it was going to be.
BEFORE_S = {"user pool, signing in": 29 * 60}


@pytest.mark.parametrize("about", CASES)
def test_an_hour_away_is_said_and_over_at_once(about: str, world: World) -> None:
    away, act, expected, codes = CASES[about]
    usual = act(world)
    assert usual in {"in", "200", "201"}

    world.pass_s(BEFORE_S.get(about, 0))
    world.away = away
    answered: dict[int, str] = {}
    for minute in range(1, MINUTES + 1):
        world.pass_s(60)
        # An order takes the miniature's worker some time: it is placed every ten minutes.
        if act is place and minute % 10 != 1:
            continue
        answer = act(world)
        if answer != next(reversed(answered.values()), None):
            answered[minute] = answer
    assert answered == expected
    assert world.faults == codes

    world.away = ""
    world.pass_s(60)
    assert act(world) == usual
