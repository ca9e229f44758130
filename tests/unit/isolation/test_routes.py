"""One tenant can't see or touch another's: every route, with what is the other's and what nobody's.

The routes are those of the API's description: one without a case here fails. Of each pair the first
request names a thing of the other tenant and the second a thing that is not there; their responses
must be equal, and so must the calls of the database behind them, which is what their time depends
on. Nothing of the other tenant may have changed.
"""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bursa.dialects.native.operations import OPERATIONS
from bursa.kernel.errors import Unauthenticated
from tests.doubles.exchange import read_event
from tests.unit.compliance.test_personal_data import ANNA
from tests.unit.conftest import started
from tests.unit.isolation.brands import (
    CALLBACK_SECRET,
    KEY,
    NOWHERE,
    ONLY_THEIRS,
    OURS,
    SELFIE,
    SHARED,
    THEIRS,
    Brands,
    Request,
    Seen,
    opened_brands,
)

# Of a command that placed nothing: an id that was given, to no order.
NO_ORDER = "3"
NO_CURSOR = base64.urlsafe_b64encode(bytes(16) + b"8888").rstrip(b"=").decode()
# An event that reports nothing.
CALLED = {"type": "applicantCreated"}
ORDER = {"side": "buy", "type": "limit", "price": "1", "quantity": "100"}

Pair = tuple[Request, Request]
Pairs = Callable[[Brands], list[Pair]]


@pytest.fixture(scope="module")
def brands() -> Iterator[Brands]:
    with opened_brands() as found:
        yield found


def named_twice(make: Callable[[str], Request], theirs: str, nobodys: str) -> Pair:
    return make(theirs)._replace(named=theirs), make(nobodys)._replace(named=nobodys)


def order(market: str, **more: object) -> dict[str, object]:
    return {"market": market, **ORDER, **more}


def cancel_of(named: dict[str, str]) -> Request:
    return Request("/orders/batch", "POST", body={"operations": [{"op": "cancel", **named}]})


def lists(path: str, cursors: tuple[str, ...]) -> Pairs:
    """Return the pairs of a list: a market and cursors of another tenant."""

    def pairs(brands: Brands) -> list[Pair]:
        return [
            named_twice(lambda name: Request(path, query={"market": name}), ONLY_THEIRS, NOWHERE),
            *(
                named_twice(
                    lambda cursor: Request(path, query={"cursor": cursor}),
                    brands.theirs[name],
                    NO_CURSOR,
                )
                for name in cursors
            ),
            named_twice(
                lambda cursor: Request(path, query={"cursor": cursor, "market": SHARED}),
                brands.theirs["orders_cursor_of_market"],
                NO_CURSOR,
            ),
        ]

    return pairs


# Names of markets that would be another key if a separator were believed.
CRAFTED = (
    f"{THEIRS}#{ONLY_THEIRS}",
    f"../{THEIRS}/{ONLY_THEIRS}",
    f"{ONLY_THEIRS}#book",
    f"%23{ONLY_THEIRS}",
    f"{ONLY_THEIRS}\0",
    "market#" + ONLY_THEIRS,
)


def market_pairs(suffix: str) -> Pairs:
    def pairs(_: Brands) -> list[Pair]:
        found = [
            named_twice(lambda name: Request(f"/markets/{name}{suffix}"), ONLY_THEIRS, NOWHERE)
        ]
        found += [
            named_twice(
                lambda name: Request(f"/markets/{name}{suffix}"),
                crafted,
                crafted.replace(ONLY_THEIRS, NOWHERE).replace(str(THEIRS), "t8"),
            )
            for crafted in CRAFTED
        ]
        return found

    return pairs


def trade_pairs(brands: Brands) -> list[Pair]:
    path = f"/markets/{SHARED}/trades"
    return [
        *market_pairs("/trades")(brands),
        named_twice(
            lambda cursor: Request(path, query={"cursor": cursor}),
            brands.theirs["trades_cursor"],
            NO_CURSOR,
        ),
    ]


def order_pairs(method: str) -> Pairs:
    return lambda brands: [
        named_twice(lambda one: Request(f"/orders/{one}", method), theirs, nobodys)
        for theirs, nobodys in (
            (brands.theirs["order_id"], NO_ORDER),
            (f"{THEIRS}-1#order#{brands.theirs['order_id']}", f"t8-1#order#{NO_ORDER}"),
            (f"order#{brands.theirs['order_id']:0>19}", f"order#{NO_ORDER:0>19}"),
        )
    ]


PAIRS: dict[tuple[str, str], Pairs] = {
    ("get", "/health"): lambda _: [],
    ("get", "/openapi.json"): lambda _: [],
    ("get", "/tenant"): lambda _: [],
    ("get", "/markets"): lambda _: [],
    ("get", "/markets/{market}"): market_pairs(""),
    ("get", "/markets/{market}/book"): market_pairs("/book"),
    ("get", "/markets/{market}/trades"): trade_pairs,
    ("get", "/markets/{market}/ticker"): market_pairs("/ticker"),
    ("post", "/orders"): lambda brands: [
        named_twice(lambda name: Request("/orders", "POST", body=order(name)), market, nowhere)
        for market, nowhere in ((ONLY_THEIRS, NOWHERE), (f"t2#{ONLY_THEIRS}", f"t8#{NOWHERE}"))
    ],
    ("post", "/orders/batch"): lambda brands: [
        named_twice(
            lambda name: Request(
                "/orders/batch", "POST", body={"operations": [order(name, op="place")]}
            ),
            ONLY_THEIRS,
            NOWHERE,
        ),
        named_twice(lambda one: cancel_of({"order_id": one}), brands.theirs["order_id"], NO_ORDER),
        named_twice(
            lambda one: cancel_of({"client_order_id": one}),
            brands.theirs["client_order_id"],
            "nobodys",
        ),
    ],
    ("get", "/orders"): lists("/orders", ("orders_cursor", "orders_cursor_of_market")),
    ("get", "/orders/{order_id}"): order_pairs("GET"),
    ("get", "/orders/by-client-id/{client_order_id}"): lambda brands: [
        named_twice(lambda one: Request(f"/orders/by-client-id/{one}"), theirs, nobodys)
        for theirs, nobodys in (
            (brands.theirs["client_order_id"], "nobodys"),
            (f"client#{brands.theirs['client_order_id']}", "client#nobodys"),
        )
    ],
    ("delete", "/orders/{order_id}"): order_pairs("DELETE"),
    ("delete", "/orders"): lambda _: [
        named_twice(
            lambda name: Request("/orders", "DELETE", query={"market": name}), ONLY_THEIRS, NOWHERE
        )
    ],
    ("get", "/fills"): lists("/fills", ("fills_cursor", "orders_cursor")),
    ("get", "/balances"): lambda _: [],
    ("get", "/kyc"): lambda _: [],
    ("put", "/kyc/personal-data"): lambda _: [],
    ("post", "/kyc/documents"): lambda _: [],
    # Without all that the level needs, so that none changes a case.
    ("post", "/kyc/applications"): lambda brands: [
        named_twice(
            lambda one: Request("/kyc/applications", "POST", body={"level": 2, "documents": [one]}),
            brands.theirs["document_id"],
            f"selfie-{'0' * 32}.png",
        )
    ],
    ("post", "/kyc/callbacks/{tenant}/{provider}"): lambda _: [
        named_twice(
            lambda one: Request(f"/kyc/callbacks/{one}/sumsub", "POST", body={}),
            str(THEIRS),
            "t8",
        )
    ],
    ("get", "/me"): lambda _: [],
    ("get", "/me/preferences"): lambda _: [],
    ("put", "/me/preferences"): lambda _: [],
    ("post", "/ws-ticket"): lambda _: [],
    ("post", "/sessions/revoke"): lambda _: [],
    ("post", "/api-keys"): lambda _: [],
    ("get", "/api-keys"): lambda _: [],
    ("delete", "/api-keys/{key_id}"): lambda brands: [
        named_twice(lambda one: Request(f"/api-keys/{one}", "DELETE"), theirs, nobodys)
        for theirs, nobodys in (
            (brands.theirs["key_id"], f"{THEIRS}-9.{'0' * 24}"),
            (f"{OURS}-1.{brands.theirs['key_id'].partition('.')[2]}", f"{OURS}-1.{'0' * 24}"),
            (f"{brands.theirs['key_id']}#", f"{THEIRS}-9.{'0' * 24}#"),
        )
    ],
    ("post", "/second-factor"): lambda _: [],
    ("post", "/second-factor/confirm"): lambda _: [],
    ("post", "/second-factor/remove"): lambda _: [],
    ("get", "/security-events"): lambda _: [],
}
ROUTES = [(operation.method, operation.path) for operation in OPERATIONS]


def test_every_route_has_a_case() -> None:
    assert set(PAIRS) == set(ROUTES)


def without(seen: Seen) -> Seen:
    """Return what is seen without ids that are new each time."""
    headers = {name: value for name, value in seen.headers.items() if name != "ETag"}
    return seen._replace(headers=headers)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_is_theirs_and_what_is_nobodys_look_the_same(
    brands: Brands, method: str, path: str
) -> None:
    before = brands.rows_of(THEIRS)
    for theirs, nobodys in PAIRS[method, path](brands):
        first, second = brands.send(theirs), brands.send(nobodys)
        assert without(first) == without(second), theirs
        # A hook takes no token, but a signature.
        assert first.status in {200, 400, 404, 422} | ({401} if "callbacks" in path else set()), (
            first
        )
        if first.status == 200:
            assert path == "/orders/batch", "a batch reports each operation in its own result"
    assert brands.rows_of(THEIRS) == before


# What an own request brings, by route; the path's parameters are those of the other tenant's too.
OWN: dict[tuple[str, str], Request] = {
    ("get", "/health"): Request("/health"),
    ("get", "/openapi.json"): Request("/openapi.json"),
    ("get", "/tenant"): Request("/tenant"),
    ("get", "/markets"): Request("/markets"),
    ("get", "/markets/{market}"): Request(f"/markets/{SHARED}"),
    ("get", "/markets/{market}/book"): Request(f"/markets/{SHARED}/book"),
    ("get", "/markets/{market}/trades"): Request(f"/markets/{SHARED}/trades"),
    ("get", "/markets/{market}/ticker"): Request(f"/markets/{SHARED}/ticker"),
    ("post", "/orders"): Request(
        "/orders", "POST", body=order(SHARED, client_order_id=f"{ONLY_THEIRS}:5", price="2")
    ),
    ("post", "/orders/batch"): Request(
        "/orders/batch",
        "POST",
        body={"operations": [order(SHARED, op="place", client_order_id=f"{ONLY_THEIRS}:4")]},
    ),
    ("get", "/orders"): Request("/orders", query={"limit": "500"}),
    ("get", "/orders/{order_id}"): Request("/orders/…"),
    ("get", "/orders/by-client-id/{client_order_id}"): Request(f"/orders/by-client-id/{SHARED}:5"),
    ("delete", "/orders/{order_id}"): Request("/orders/…", "DELETE"),
    ("delete", "/orders"): Request("/orders", "DELETE"),
    ("get", "/fills"): Request("/fills"),
    ("get", "/balances"): Request("/balances"),
    ("get", "/me"): Request("/me"),
    ("get", "/me/preferences"): Request("/me/preferences"),
    ("put", "/me/preferences"): Request("/me/preferences", "PUT", body={"language": "de"}),
    ("post", "/ws-ticket"): Request("/ws-ticket", "POST"),
    ("post", "/sessions/revoke"): Request(
        "/sessions/revoke", "POST", headers={"authorization": "Bearer a.b.c"}
    ),
    ("post", "/api-keys"): Request("/api-keys", "POST", body=KEY),
    ("get", "/api-keys"): Request("/api-keys"),
    ("delete", "/api-keys/{key_id}"): Request("/api-keys/(key)", "DELETE"),
    ("post", "/second-factor"): Request("/second-factor", "POST"),
    ("post", "/second-factor/confirm"): Request(
        "/second-factor/confirm", "POST", body={"code": "123456"}
    ),
    ("post", "/second-factor/remove"): Request(
        "/second-factor/remove", "POST", body={"code": "123456"}
    ),
    ("get", "/security-events"): Request("/security-events"),
    ("get", "/kyc"): Request("/kyc"),
    ("put", "/kyc/personal-data"): Request("/kyc/personal-data", "PUT", body=ANNA),
    ("post", "/kyc/documents"): Request("/kyc/documents", "POST", body=SELFIE),
    ("post", "/kyc/applications"): Request("/kyc/applications", "POST", body={"level": 1}),
    ("post", "/kyc/callbacks/{tenant}/{provider}"): Request(
        f"/kyc/callbacks/{OURS}/sumsub",
        "POST",
        body=CALLED,
        headers={
            "X-Payload-Digest-Alg": "HMAC_SHA256_HEX",
            "X-Payload-Digest": hmac.digest(
                CALLBACK_SECRET.encode(), json.dumps(CALLED).encode(), "sha256"
            ).hex(),
        },
    ),
}


def own_order_id(brands: Brands) -> str:
    found = brands.send(Request("/orders", query={"status": "open", "limit": "1"}))
    return str(json.loads(found.body)["items"][0]["order_id"])


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_own_request_reaches_nothing_of_theirs(brands: Brands, method: str, path: str) -> None:
    """Users, accounts, client order ids and markets have the same names in both."""
    request = OWN[method, path]
    if "…" in request.path:
        request = request._replace(path=request.path.replace("…", own_order_id(brands)))
    if "(key)" in request.path:
        made = json.loads(brands.send(OWN["post", "/api-keys"]).body)["key"]["key_id"]
        request = request._replace(path=request.path.replace("(key)", made))
    if request.path == "/kyc/applications":
        brands.send(OWN["put", "/kyc/personal-data"])
    before = brands.rows_of(THEIRS)
    plain = brands.send(request)
    assert plain.status in {200, 201}, plain
    assert brands.rows_of(THEIRS) == before
    for told in (ONLY_THEIRS.partition("-")[0], f"{THEIRS}-", f'"{THEIRS}"'):
        assert told not in plain.body.replace(f"{ONLY_THEIRS}:", ""), told
    # A signed-in route takes the tenant from the principal, whatever a header names.
    if method == "get":
        named = request._replace(headers={**request.headers, "X-Tenant": str(THEIRS)})
        if not next(one for one in OPERATIONS if (one.method, one.path) == (method, path)).public:
            assert brands.send(named)[:2] == plain[:2]


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_what_is_of_no_tenant_is_the_same_for_both(brands: Brands, path: str) -> None:
    assert brands.send(Request(path))[:3] == brands.send(Request(path), THEIRS)[:3]


def test_a_ticket_is_of_its_own_tenant(brands: Brands) -> None:
    """A ticket that is sent with another tenant's name is no ticket, and is not used up."""
    issued = json.loads(brands.send(Request("/ws-ticket", "POST"), THEIRS).body)["ticket"]
    authorizer: Any = started("authorizer.app")
    key = issued.partition(".")[2]
    for forged in (
        f"{OURS}.{key}",
        f"{THEIRS}#{key}",
        f"{OURS}.{THEIRS}.{key}",
        f"t02.{key}",
        f"{THEIRS}.{key}\n",
        f"{THEIRS}.{'0' * 32}",
    ):
        with pytest.raises(Unauthenticated) as refused:
            authorizer.sign_in.by_ticket(forged)
        assert refused.value.code == "invalid_ticket"
    assert authorizer.sign_in.by_ticket(issued).tenant == THEIRS


def test_a_host_leads_to_its_own_tenants_markets(brands: Brands) -> None:
    for tenant, has in ((OURS, False), (THEIRS, True)):
        assert (ONLY_THEIRS in brands.send(Request("/markets"), tenant).body) is has


def test_samples_are_of_routes_that_need_a_principal() -> None:
    for name in ("orders-place", "ws-ticket"):
        assert read_event(name)["requestContext"]["authorizer"]["account"]
