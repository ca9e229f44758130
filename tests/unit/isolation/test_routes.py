"""One tenant can't see or touch another's: every route, with what is the other's and what nobody's.

The routes are those of the API's description: one without a case here fails. Of each pair the first
request names a thing of the other tenant and the second a thing that is not there; their responses
must be equal, and so must the calls of the database behind them, which is what their time depends
on. Nothing of the other tenant may have changed.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bursa.dialects.native.operations import OPERATIONS
from bursa.kernel.errors import Unauthenticated
from tests.doubles.exchange import NOON_MS, read_event
from tests.doubles.ids import IDS
from tests.unit.conftest import started
from tests.unit.isolation.brands import (
    NOWHERE,
    ONLY_THEIRS,
    OURS,
    SHARED,
    THEIRS,
    Brands,
    Request,
    Seen,
    foreign,
    opened_brands,
)
from tests.unit.isolation.own_requests import OURS_SUB, OWN, order, order_list, transfer

# Of a command that placed nothing: an id that was given, to no order.
NO_ORDER = IDS.order(3)
# Has the form of an id, and is none.
NO_ID = "A" * 32
NO_CURSOR = base64.urlsafe_b64encode(bytes(16) + b"8888").rstrip(b"=").decode()
Pair = tuple[Request, Request]
Pairs = Callable[[Brands], list[Pair]]


@pytest.fixture(scope="module")
def brands() -> Iterator[Brands]:
    with opened_brands() as found:
        yield found


def named_twice(make: Callable[[str], Request], theirs: str, nobodys: str) -> Pair:
    return make(theirs)._replace(named=theirs), make(nobodys)._replace(named=nobodys)


def place_of(more: dict[str, bool]) -> Callable[[str], Request]:
    return lambda market: Request("/orders", "POST", body=order(market, **more))


def cancel_of(named: dict[str, str], more: dict[str, Any] | None = None) -> Request:
    body = {"operations": [{"op": "cancel", **named}], **(more or {})}
    return Request("/orders/batch", "POST", body=body)


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


def market_pairs(suffix: str, **query: str) -> Pairs:
    def pairs(_: Brands) -> list[Pair]:
        names = [(ONLY_THEIRS, NOWHERE)]
        names += [
            (one, one.replace(ONLY_THEIRS, NOWHERE).replace(str(THEIRS), "t8")) for one in CRAFTED
        ]
        return [
            named_twice(lambda name: Request(f"/markets/{name}{suffix}", query=query), *pair)
            for pair in names
        ]

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


def order_pairs(method: str, end: str = "", body: dict[str, object] | None = None) -> Pairs:
    """Return the pairs of an order: another tenant's, another user's, and what is no id at all."""
    return lambda brands: [
        named_twice(lambda one: Request(f"/orders/{one}{end}", method, body=body), theirs, nobodys)
        for theirs, nobodys in (
            (brands.theirs["order_id"], NO_ORDER),
            (own_order_id(brands, 2), NO_ORDER),
            (NO_ID, NO_ORDER),
            (f"{THEIRS}-1#order#{brands.theirs['order_id']}", f"t8-1#order#{NO_ORDER}"),
            (f"order#{brands.theirs['order_id']:0>19}", f"order#{NO_ORDER:0>19}"),
        )
    ]


def list_pairs(method: str) -> Pairs:
    """Return the pairs of a list: an order that is none's, of another tenant or user, and no id."""
    return lambda brands: [
        named_twice(lambda one: Request(f"/order-lists/{one}", method), theirs, nobodys)
        for theirs, nobodys in (
            (brands.theirs["order_id"], NO_ORDER),
            (brands.theirs["list_id"], NO_ORDER),
            (own_order_id(brands, 2), NO_ORDER),
            (NO_ID, NO_ORDER),
            (f"order#{brands.theirs['list_id']:0>19}", f"order#{NO_ORDER:0>19}"),
        )
    ]


def accounts_of_others(brands: Brands) -> list[tuple[str, str]]:
    """Return names of accounts: another user's, and such as nobody has."""
    theirs = brands.theirs["sub_account"]
    return [
        (theirs, "t8-16777217"),
        (f"{THEIRS}-1", "t8-1"),
        (f"{OURS}-2", f"{OURS}-8888"),
        (f"{OURS}-16777218", f"{OURS}-{(1 << 24) + 8888}"),
        (f"{OURS}-0", f"{OURS}-{99 << 24 | 1}"),
        (f"{theirs}:", "t8-16777217:"),
    ]


def as_another(brands: Brands) -> list[Pair]:
    """Return requests for balances and lists as of another user's account."""
    return [
        named_twice(lambda one: Request("/balances", headers={"X-Account": one}), *pair)
        for pair in accounts_of_others(brands)
    ]


PAIRS: dict[tuple[str, str], Pairs] = {
    ("get", "/health"): lambda _: [],
    ("get", "/openapi.json"): lambda _: [],
    ("get", "/tenant"): lambda _: [],
    ("get", "/markets"): lambda _: [],
    ("get", "/markets/{market}"): market_pairs(""),
    ("get", "/markets/{market}/book"): market_pairs("/book"),
    ("get", "/markets/{market}/trades"): trade_pairs,
    ("get", "/markets/{market}/candles"): market_pairs("/candles", interval="1m"),
    ("get", "/markets/{market}/ticker"): market_pairs("/ticker"),
    ("post", "/orders"): lambda brands: [
        named_twice(place_of(dry_run), market, nowhere)
        for dry_run in ({}, {"dry_run": True})
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
        *(
            named_twice(cancel, theirs, NO_ORDER)
            for cancel in (
                lambda one: cancel_of({"order_id": one}),
                lambda one: cancel_of({"order_id": one}, {"dry_run": True}),
            )
            for theirs in (brands.theirs["order_id"], own_order_id(brands, 2), NO_ID)
        ),
        named_twice(
            lambda one: cancel_of({"client_order_id": one}),
            brands.theirs["client_order_id"],
            "nobodys",
        ),
    ],
    ("post", "/order-lists"): lambda _: [
        named_twice(
            lambda name: Request("/order-lists", "POST", body=order_list(name)),
            ONLY_THEIRS,
            NOWHERE,
        )
    ],
    ("get", "/order-lists"): lists("/order-lists", ("orders_cursor",)),
    ("get", "/order-lists/{list_id}"): list_pairs("GET"),
    ("delete", "/order-lists/{list_id}"): list_pairs("DELETE"),
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
    ("patch", "/orders/{order_id}"): order_pairs("PATCH", body={"price": "2"}),
    ("post", "/orders/{order_id}/replace"): order_pairs("POST", "/replace", body={"price": "2"}),
    ("delete", "/orders/by-client-id/{client_order_id}"): lambda brands: [
        named_twice(
            lambda one: Request(f"/orders/by-client-id/{one}", "DELETE"),
            brands.theirs["client_order_id"],
            "nobodys",
        )
    ],
    ("post", "/orders/cancel-all-after"): lambda _: [],
    ("get", "/fills"): lists("/fills", ("fills_cursor", "orders_cursor")),
    ("get", "/balances"): as_another,
    ("get", "/fees"): lambda brands: [
        named_twice(lambda one: Request("/fees", headers={"X-Account": one}), *pair)
        for pair in accounts_of_others(brands)
    ],
    ("get", "/sub-accounts"): as_another,
    ("post", "/sub-accounts"): lambda _: [],
    ("put", "/sub-accounts/{account}"): lambda brands: [
        named_twice(lambda one: Request(f"/sub-accounts/{one}", "PUT", body={"label": "x"}), *pair)
        for pair in accounts_of_others(brands)
    ],
    ("delete", "/sub-accounts/{account}"): lambda brands: [
        named_twice(lambda one: Request(f"/sub-accounts/{one}", "DELETE"), *pair)
        for pair in accounts_of_others(brands)
    ],
    ("post", "/transfers"): lambda brands: [
        pair
        for named in accounts_of_others(brands)
        for pair in (
            named_twice(lambda one: transfer(to=one), *named),
            named_twice(lambda one: transfer(**{"from": one}), *named),
        )
    ],
    ("get", "/transfers"): lambda brands: [
        *as_another(brands),
        named_twice(
            lambda cursor: Request("/transfers", query={"cursor": cursor}),
            brands.theirs["transfers_cursor"],
            NO_CURSOR,
        ),
    ],
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
    ("get", "/me/export"): lambda _: [],
    ("post", "/me/close"): lambda _: [],
    ("post", "/me/password"): lambda _: [],
    ("get", "/me/identities"): lambda _: [],
    ("put", "/me/identities/{provider}"): lambda _: [],
    ("delete", "/me/identities/{provider}"): lambda _: [
        named_twice(
            lambda one: Request(f"/me/identities/{one}", "DELETE"),
            f"provider-of-{THEIRS}",
            "provider-of-t8",
        )
    ],
    ("get", "/me/preferences"): lambda _: [],
    ("put", "/me/preferences"): lambda _: [],
    ("post", "/ws-ticket"): lambda _: [],
    ("get", "/sessions"): lambda _: [],
    ("delete", "/sessions/{session_id}"): lambda _: [
        named_twice(lambda one: Request(f"/sessions/{one}", "DELETE"), theirs, nobodys)
        for theirs, nobodys in (
            (f"session-{THEIRS}", "session-t8"),
            (f"{THEIRS}#session-{THEIRS}", "t8#session-t8"),
        )
    ],
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
    ("get", "/notices"): lambda brands: [
        named_twice(
            lambda cursor: Request("/notices", query={"cursor": cursor}),
            brands.theirs["notice_id"],
            f"{NOON_MS:015d}-{'f' * 16}",
        )
    ],
    ("post", "/notices/read"): lambda _: [],
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
        first = brands.send(theirs)
        # A hook says whose it is; it is let in by a signature.
        assert "callbacks" in path or not foreign(brands.partitions, OURS)
        second = brands.send(nobodys)
        assert without(first) == without(second), theirs
        # A hook takes no token, but a signature.
        assert first.status in {200, 400, 404, 422} | ({401} if "callbacks" in path else set()), (
            first
        )
        if first.status == 200:
            # A batch reports each operation in its own result; a notice's id is a time of one's own
            # list, whoever else has one of that name.
            assert path in {"/orders/batch", "/notices"}
    assert brands.rows_of(THEIRS) == before


def own_order_id(brands: Brands, user: int = 1) -> str:
    # What the other has is closed.
    query = {"limit": "1"} | ({"status": "open"} if user == 1 else {})
    found = brands.send(Request("/orders", query=query), OURS, user)
    return str(json.loads(found.body)["items"][0]["order_id"])


def test_keys_are_seen_and_foreign_ones_are_found(brands: Brands) -> None:
    brands.send(Request("/balances"))
    assert f"{OURS}-1" in brands.partitions
    assert foreign(brands.partitions, OURS) == []
    assert foreign(brands.partitions, THEIRS)
    assert foreign({"t12-1", "t1-1", "t1", "t1#x"}, OURS) == ["t12-1"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_own_request_reaches_nothing_of_theirs(brands: Brands, method: str, path: str) -> None:
    """Users, accounts, client order ids and markets have the same names in both."""
    request = OWN[method, path]
    if "/order-lists/" in request.path:
        listed = brands.send(OWN["post", "/order-lists"]._replace(body=order_list(SHARED)))
        list_id = json.loads(listed.body)["list_id"]
        request = request._replace(path=request.path.replace("…", list_id))
    if "…" in request.path:
        request = request._replace(path=request.path.replace("…", own_order_id(brands)))
    if "(key)" in request.path:
        made = json.loads(brands.send(OWN["post", "/api-keys"]).body)["key"]["key_id"]
        request = request._replace(path=request.path.replace("(key)", made))
    if OURS_SUB in request.path or request.path == "/transfers":
        opening = OWN["post", "/sub-accounts"]
        brands.send(opening._replace(headers={"Idempotency-Key": f"{method}-{path[1:4]}"}))
    if request.path == "/kyc/applications":
        brands.send(OWN["put", "/kyc/personal-data"])
    before = brands.rows_of(THEIRS)
    plain = brands.send(request)
    # Both have something in their accounts.
    assert plain.status in ({422} if path == "/me/close" else {200, 201}), plain
    assert not foreign(brands.partitions, OURS)
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
