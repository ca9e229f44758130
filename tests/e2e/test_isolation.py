"""Two brands over HTTP alone: what a stranger tries with whatever it holds, knows or guesses.

Every route is tried in process, down to the calls behind it (tests/unit/isolation). Here is a
sample of each kind through the gateway, the authorizer and the functions as they are deployed: of
each pair the first request names what is the other brand's, the second what is nobody's, and both
get the same.
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import requests

from scripts.client import Client, DemoUser, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.local_exchange import Local
from tests.doubles.newcomers import apply, sign_up, wait_for, wait_for_level
from tests.doubles.signing import CLIENT

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

TIMEOUT_S = 30
# A market of each, and a price at which nobody trades.
MARKETS = {"demo": ("ETH-USDT", "95.01"), "aurora": ("BTC-EUR", "40000.01")}
HOSTS = {"demo": "demo.localhost", "aurora": "aurora.localhost"}
BRANDS = list(MARKETS)
NEEDS: Mapping[str, tuple[str, ...]] = {"demo": (), "aurora": ("identity_document",)}


class Side(NamedTuple):
    """A brand, one of its users, an API key of that user, and what the user has."""

    exchange: Deployment
    user: Client
    key: str
    secret: str
    order: Json
    client_order_id: str
    cursor: str

    @property
    def brand(self) -> str:
        return "aurora" if self.exchange.tenant == "t2" else "demo"

    def signer(self, key: str = "", secret: str = "") -> requests.Session:
        session = requests.Session()
        signer = CLIENT.hmac_signer(secret or self.secret)
        session.auth = CLIENT.KeyAuth(self.exchange.rest_url, key or self.key, signer)
        return session


def side(place: Local, brand: str) -> Side:
    exchange = place.deployment(brand)
    user = newcomer(exchange, NEEDS[brand])
    codes = Codes(user.call("POST", "/second-factor")["secret"])
    user.call("POST", "/second-factor/confirm", json={"code": codes()})
    asked = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read", "trade"]}
    made = user.call("POST", "/api-keys", json=asked | {"code": codes()})
    # Known users have money; what the newcomer has is its key.
    known = Client(exchange, exchange.users[0])
    market, price = MARKETS[brand]
    placed = {}
    name = secrets.token_hex(8)
    for client_order_id in (secrets.token_hex(8), name):
        terms = {"market": market, "price": price, "quantity": "1", "side": "buy"}
        placed = known.call(
            "POST", "/orders", json=terms | {"type": "limit", "client_order_id": client_order_id}
        )
    page = known.call(
        "GET", "/orders", params={"status": "open", "limit": 1, "min_sequence": placed["sequence"]}
    )
    return Side(
        exchange, known, made["key"]["key_id"], made["secret"], placed, name, page["next_cursor"]
    )


def newcomer(exchange: Deployment, documents: tuple[str, ...]) -> Client:
    user: DemoUser = sign_up(exchange)
    client = Client(exchange, user)
    client.call("GET", "/me")
    apply(client, 1, *documents)
    wait_for(client, "approved")
    wait_for_level(client, 1)
    return client


@pytest.fixture(scope="module")
def sides(exchange_place: Local) -> Iterator[dict[str, Side]]:
    found = {brand: side(exchange_place, brand) for brand in BRANDS}
    yield found
    for one in found.values():
        one.user.call("DELETE", "/orders", params={"market": one.order["market"]})


def other(brand: str) -> str:
    return BRANDS[1 - BRANDS.index(brand)]


def seen(answer: requests.Response, *named: str) -> tuple[int, str]:
    """Return what tells two answers apart, but the request's name and what was asked for."""
    body = answer.json()
    if isinstance(body, dict):
        body.pop("request_id", None)
    text = json.dumps(body)
    for name in named:
        text = text.replace(name, "…")
    return answer.status_code, text


# By what is named: a request of the other brand's thing, and of nobody's.
PAIRS: dict[str, tuple[str, str, str, str, Any]] = {
    "read an order": ("GET", "/orders/{}", "order_id", "A" * 32, None),
    "cancel an order": ("DELETE", "/orders/{}", "order_id", "A" * 32, None),
    "find it by the client's name": (
        "GET", "/orders/by-client-id/{}", "client_order_id", "0" * 16, None,
    ),
    "list another's market": ("GET", "/orders?market={}&status=open", "market", "ZZZ-USDT", None),
    "fills of another's market": ("GET", "/fills?market={}", "market", "ZZZ-USDT", None),
    "go on with another's list": (
        "GET", "/orders?status=open&limit=1&cursor={}", "cursor", "AAAAAAAAAAAAAAAAAAAAADg4ODg",
        None,
    ),
    "another's cursor for fills": (
        "GET", "/fills?cursor={}", "cursor", "AAAAAAAAAAAAAAAAAAAAADg4ODg", None,
    ),
    "trade in another's market": (
        "POST", "/orders", "market", "ZZZ-USDT",
        {"side": "buy", "type": "limit", "price": "1", "quantity": "1"},
    ),
    "revoke another's key": (
        "DELETE", "/api-keys/{}", "key", "t1-99.0123456789abcdef01234567", None,
    ),
    "look at another's market": ("GET", "/markets/{}", "market", "ZZZ-USDT", None),
    "look at another's book": ("GET", "/markets/{}/book", "market", "ZZZ-USDT", None),
    "look at another's trades": ("GET", "/markets/{}/trades", "market", "ZZZ-USDT", None),
}  # fmt: skip


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("name", PAIRS)
def test_not_yours_and_not_there_are_the_same(
    sides: dict[str, Side], brand: str, name: str
) -> None:
    method, path, what, nobodys, body = PAIRS[name]
    mine, theirs = sides[brand], sides[other(brand)]
    named = {
        "order_id": str(theirs.order["order_id"]),
        "client_order_id": theirs.client_order_id,
        "market": str(theirs.order["market"]),
        "cursor": theirs.cursor,
        "key": theirs.key,
    }[what]
    answers = []
    for value in (named, nobodys):
        sent = None if body is None else body | {"market": value}
        answers.append(
            seen(mine.user.send(method, path.format(value), json=sent), value, named, nobodys)
        )
    assert answers[0] == answers[1]
    assert answers[0][0] in {400, 404} or '"items": []' in answers[0][1], answers
    # And it is as it was.
    found = theirs.user.call("GET", f"/orders/{theirs.order['order_id']}")
    assert found["status"] == "open"


@pytest.mark.parametrize("brand", BRANDS)
def test_a_token_is_its_own_brands_wherever_it_is_sent(sides: dict[str, Side], brand: str) -> None:
    mine, theirs = sides[brand], sides[other(brand)]
    me = mine.user.call("GET", "/me")
    for headers in (
        {"X-Tenant": theirs.exchange.tenant},
        {"Host": HOSTS[other(brand)]},
        {"Host": HOSTS[other(brand)], "X-Tenant": theirs.exchange.tenant},
        {"X-Tenant": f"{mine.exchange.tenant}#{theirs.exchange.tenant}"},
    ):
        assert mine.user.call("GET", "/me", headers=headers)["account"] == me["account"]
        answer = mine.user.send("GET", "/orders", params={"status": "open"}, headers=headers)
        markets = {one["market"] for one in answer.json()["items"]}
        assert theirs.order["market"] not in markets
    # Nor does a body say whose an order is.
    terms = {"market": mine.order["market"], "side": "buy", "type": "limit"}
    terms |= {"price": "1", "quantity": "1"}
    for field in ("tenant", "account"):
        value = theirs.exchange.tenant if field == "tenant" else f"{theirs.exchange.tenant}-1"
        refused = mine.user.send("POST", "/orders", json=terms | {field: value})
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_field")


@pytest.mark.parametrize("brand", BRANDS)
def test_a_key_is_its_own_brands_and_signs_for_no_other(sides: dict[str, Side], brand: str) -> None:
    mine, theirs = sides[brand], sides[other(brand)]
    url = f"{mine.exchange.rest_url}/balances"
    headers = {"X-Tenant": theirs.exchange.tenant, "Host": HOSTS[other(brand)]}
    with mine.signer() as session:
        assert signed(session, url, headers) == (200, "")
        order_id = theirs.order["order_id"]
        found = signed(session, f"{mine.exchange.rest_url}/orders/{order_id}")
        assert found == (404, "unknown_order")
    # Another's key with one's own secret: a key that is known says so, and lets nobody in.
    with mine.signer(theirs.key, mine.secret) as session:
        assert signed(session, url) == (401, "wrong_signature")
    # One's own key under the other brand's name, or with separators in it, is nobody's.
    tenant, _, rest = mine.key.partition("-")
    for crafted in (
        f"{theirs.exchange.tenant}-{rest}",
        f"{tenant}#{theirs.exchange.tenant}-{rest}",
        f"{tenant}-{rest}#x",
        f"{tenant}-0{rest}",
    ):
        with mine.signer(crafted) as session:
            assert signed(session, url) == (401, "unauthenticated"), crafted


def signed(
    session: requests.Session, url: str, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Return status and code of a signed read; a busy machine may hold one up past its time."""
    for _ in range(10):
        answer = session.get(url, headers=headers, timeout=TIMEOUT_S)
        code = "" if answer.ok else str(answer.json()["code"])
        if code != "timestamp_too_old":
            break
    return answer.status_code, code


@pytest.mark.parametrize("brand", BRANDS)
def test_a_password_opens_one_brand_only(sides: dict[str, Side], brand: str) -> None:
    mine, theirs = sides[brand], sides[other(brand)]
    with pytest.raises(Exception, match=re.compile("NotAuthorized|UserNotFound")):
        Client(theirs.exchange, mine.exchange.users[0])


@pytest.mark.parametrize("brand", BRANDS)
def test_health_says_nothing_of_other_brands(sides: dict[str, Side], brand: str) -> None:
    answer = requests.get(
        f"{sides[brand].exchange.rest_url}/health",
        headers={"Host": HOSTS[brand]},
        timeout=TIMEOUT_S,
    )
    for one in (other(brand), sides[other(brand)].order["market"]):
        assert one not in answer.text
