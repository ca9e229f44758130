"""Two tenants on one exchange, with the same user names, client order ids and markets."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import pytest

from bursa.aws import clients
from bursa.bootstrap import identity, kyc_parts, security
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import ANY, DEFAULT_LEVELS, Levels, Operation
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from bursa.identity.linked_identities import LinkedIdentity
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.session_book import SessionBook, Sighting
from bursa.identity.session_books_dynamodb import SessionBookRows
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.notifications.notices import Happening, Notice, notice_of
from bursa.notifications.notices_dynamodb import NoticesTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from engine.reference import Engine
from tests.doubles.exchange import (
    FAR_S,
    NOON_MS,
    TABLES,
    TENANT,
    Exchange,
    WorkingClock,
    read_event,
)
from tests.doubles.factors import AnyCode
from tests.doubles.linked_pool import LinkedPool, PoolUser
from tests.unit.conftest import (
    Context,
    opened,
    query_parts,
    started,
    started_sub_accounts,
    started_trading_api,
)
from wire import codec
from wire import layout as w

# What a function keeps for a time and then reads again, whatever is asked for: its own tenant's
# settings, definitions and budgets.
# Rows of a shard, and those that lead from a host name or an issuer to a tenant.
SHARED_ROWS = ("shard#", "host#", "issuer#", "0#")
KEPT = ("directory", "budgets", "Query markets")
OURS, THEIRS = TENANT, TenantId(2)
FUNCTIONS = {
    "trading": "orders-place",
    "market": "market-book",
    "identity": "ws-ticket",
    "kyc": "ws-ticket",
    "sub_accounts": "ws-ticket",
}
OF_THE_IDENTITY_API = (
    "/me",
    "/ws-ticket",
    "/sessions",
    "/api-keys",
    "/second-factor",
    "/security-events",
    "/notices",
)
CALLBACK_SECRET = "s" * 32
SELFIE = {"document": "selfie", "content_type": "image/png"}
KEY = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"], "code": "123456"}
SHARED, ONLY_THEIRS, NOWHERE = "BTC-USDT", "XMR-USDT", "ZZZ-USDT"
# By tenant and symbol: the engine's numbers.
_ASSETS = {OURS: {"BTC": 1, "USDT": 2}, THEIRS: {"BTC": 11, "USDT": 12, "XMR": 13}}
_MARKETS = {"BTC-USDT": 21, "XMR-USDT": 22}
_MUCH = 1_000_000 * 10**10


class Request(NamedTuple):
    """A request as a client sends it; ``named`` is the part of it that names something."""

    path: str
    method: str = "GET"
    named: str = ""
    body: Any = None
    query: Mapping[str, str] = MappingProxyType({})
    headers: Mapping[str, str] = MappingProxyType({})


class Seen(NamedTuple):
    """What a client sees of a response, without what it named itself; and what it cost."""

    status: int
    body: str
    headers: dict[str, str]
    calls: tuple[str, ...] = ()


@dataclass
class Brands:
    """Both tenants, and the functions that serve them."""

    exchange: Exchange
    functions: dict[str, ModuleType]
    calls: list[str]
    # The partition keys that the last request named to the database.
    partitions: set[str]
    # What the other tenant has: ids and cursors by name.
    theirs: dict[str, str] = field(default_factory=dict)

    def send(self, request: Request, tenant: TenantId = OURS, index: int = 1) -> Seen:
        """Send a request as a signed-in user of a tenant, to the tenant's host."""
        name = self._function_of(request)
        event = read_event(FUNCTIONS[name])
        event |= {"httpMethod": request.method, "path": request.path, "resource": request.path}
        event |= query_parts(dict(request.query))
        event["body"] = None if request.body is None else json.dumps(request.body)
        context = event["requestContext"]
        context["domainName"] = f"api.{tenant}.example"
        if name != "market":
            context["authorizer"] |= {"tenant": str(tenant), "account": str(account(tenant, index))}
            # Others of these requests end all sessions that began before.
            context["authorizer"]["signed_in_at"] = str(FAR_S)
        event["headers"] |= request.headers
        self.calls.clear()
        self.partitions.clear()
        response = self.functions[name].handler(event, Context())
        return _seen(response, request.named, tuple(self.calls))

    def _function_of(self, request: Request) -> str:
        if request.path.startswith("/kyc"):
            return "kyc"
        if request.path.startswith(("/sub-accounts", "/transfers")):
            return "sub_accounts"
        if request.path.startswith(OF_THE_IDENTITY_API):
            return "identity"
        public = ("/tenant", "/markets", "/health", "/openapi.json")
        return "market" if request.path.startswith(public) else "trading"

    def rows_of(self, tenant: TenantId) -> dict[str, Any]:
        """Return every row of a tenant in every table, but what it has left of its budgets."""
        return {
            f"{table} {item['pk']} {item.get('sk')}": item
            for table in TABLES
            if table != "budgets"
            for item in self.exchange._dynamodb.scan(TableName=table)["Items"]
            if _owner(item["pk"]["S"]) == str(tenant)
        }


def account(tenant: TenantId, index: int) -> AccountId:
    """Return an account: 1 buys, 2 sells."""
    return AccountId(tenant, index)


def _partitions(sent: Any) -> Iterator[str]:
    """Yield the partition keys in a request to DynamoDB."""
    if isinstance(sent, list):
        for one in sent:
            yield from _partitions(one)
    elif isinstance(sent, dict):
        if "S" in sent.get("pk", {}):
            yield sent["pk"]["S"]
        condition = re.match(r"\w+ = (:\w+)", sent.get("KeyConditionExpression", ""))
        if condition:
            yield sent["ExpressionAttributeValues"][condition[1]]["S"]
        for one in sent.values():
            yield from _partitions(one)


def foreign(partitions: set[str], tenant: TenantId) -> list[str]:
    """Return those partition keys that are neither the tenant's nor of what all tenants share."""
    return sorted(
        one for one in partitions if _owner(one) != str(tenant) and not one.startswith(SHARED_ROWS)
    )


def _owner(partition: str) -> str:
    return partition.split("#", maxsplit=1)[0].split("-", maxsplit=1)[0]


def _seen(response: dict[str, Any], named: str, calls: tuple[str, ...]) -> Seen:
    body = json.loads(response["body"])
    if isinstance(body, dict):
        body.pop("request_id", None)
    text = json.dumps(body)
    headers = {
        name: values[0]
        for name, values in response["multiValueHeaders"].items()
        if not name.startswith("X-RateLimit-")
    }
    return Seen(response["statusCode"], text.replace(named, "…") if named else text, headers, calls)


@contextmanager
def opened_brands() -> Iterator[Brands]:
    """Open both tenants, each with orders, trades and users of the same names."""
    calls: list[str] = []
    partitions: set[str] = set()

    def count(**event: Any) -> None:
        model, body = event["model"], event["params"].get("body")
        sent = json.loads(body) if body else {}
        partitions.update(_partitions(sent))
        tables = [sent.get("TableName", ""), *sent.get("RequestItems", ())]
        call = f"{model.name} {' '.join(filter(None, tables))}"
        if not call.endswith(KEPT):
            calls.append(call)

    # Clients take over what their session listens to when they are made.
    clients._session.cache_clear()
    clients._session().register("before-call.dynamodb", count)
    try:
        with opened(Engine()) as exchange, pytest.MonkeyPatch.context() as patch:
            patch.setattr(security, "SecondFactor", AnyCode)
            pool = LinkedPool(PoolUser("anna", "anna@example.com"))
            for module in (identity, security):
                patch.setattr(module, "cognito_client", lambda: pool)
            patch.setattr(kyc_parts, "cognito_client", _Verified)
            _open_second(exchange)
            functions = {
                "trading": started_trading_api(WorkingClock(exchange)),
                "market": started("market_api.app"),
                "identity": started("identity_api.app"),
                "kyc": started("kyc.app"),
                "sub_accounts": started_sub_accounts(WorkingClock(exchange)),
            }
            brands = Brands(exchange, functions, calls, partitions)
            for tenant in (OURS, THEIRS):
                _trade(brands, tenant)
            brands.theirs = _what_they_have(brands)
            yield brands
    finally:
        clients._session.cache_clear()


class _Verified:
    def get_user(self, **_: str) -> dict[str, Any]:
        """Return a user who has entered the code."""
        known = {"email": "a@b.example", "email_verified": "true"}
        return {"UserAttributes": [{"Name": name, "Value": known[name]} for name in known]}


def _open_second(exchange: Exchange) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"
    directory.add_tenant(TenantProfile(THEIRS, 0, "other", issuer, frozenset({"other"})))
    rules = RulesTable(exchange._dynamodb, "directory")
    for tenant in (OURS, THEIRS):
        # Whoever has no level may trade here, so that both do.
        rules.write(tenant, Rules(_levels(), DEFAULT_POLICY, "sumsub"))
        clients.secrets_client().create_secret(
            Name=f"bursa/kyc/{tenant}/sumsub",
            SecretString=json.dumps({"callback_secrets": [CALLBACK_SECRET]}),
        )
        kms = clients.kms_client()
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=f"alias/bursa-{tenant}-data", TargetKeyId=key_id)
        directory.add_host(tenant, f"api.{tenant}.example")
        user = read_event("ws-ticket")["requestContext"]["authorizer"]["user"]
        for subject in (user, "bob"):
            directory.open_account(tenant, subject)
        linked = LinkedIdentity("Google", f"of-{tenant}", 1)
        LinkedIdentitiesTable(IdentityModels("identity")).link(tenant, user, linked, None, 0)
        books = SessionBookRows(clients.dynamodb_client, "identity", lambda _: 0)
        seen = Sighting(f"session-{tenant}", 1, "Browser", "198.51.100.7", NOON_MS)
        books.write(tenant, user, SessionBook().noted(seen))
        NoticesTable(exchange._dynamodb, "notices", SystemClock()).keep(_notice(tenant))
    assets = _ASSETS[THEIRS]
    exchange.commit(
        [
            *(
                codec.encode_define_asset(number, THEIRS.number, 8, symbol)
                for symbol, number in assets.items()
            ),
            *(
                codec.encode_define_market(
                    number,
                    THEIRS.number,
                    assets[symbol.partition("-")[0]],
                    assets["USDT"],
                    lot_units=1,
                    tick_units=1,
                    symbol=symbol,
                )
                for symbol, number in _MARKETS.items()
            ),
            *(
                codec.encode_funds(w.COMMAND_CREDIT, account(tenant, index).number, asset, _MUCH)
                for tenant, numbers in _ASSETS.items()
                for asset in numbers.values()
                for index in (1, 2)
            ),
        ]
    )


def _notice(tenant: TenantId) -> Notice:
    one = Happening(f"{tenant}/1", tenant, None, "", "kyc.in_review", NOON_MS)
    return notice_of(one, account(tenant, 1), NOON_MS)


def _levels() -> Levels:
    first, *rest = DEFAULT_LEVELS.levels
    open_to_all = replace(first, allows={**first.allows, Operation.TRADE: ANY})
    return replace(DEFAULT_LEVELS, levels=(open_to_all, *rest))


def _trade(brands: Brands, tenant: TenantId) -> None:
    """Leave two orders open in each market of a tenant, and two trades."""
    markets = (SHARED, ONLY_THEIRS) if tenant == THEIRS else (SHARED,)
    for market in markets:
        for position, (index, side, price) in enumerate(
            [(2, "sell", "20000"), (1, "buy", "20000")] * 2 + [(1, "buy", "10000")] * 2
        ):
            order = {"market": market, "side": side, "type": "limit", "price": price}
            order |= {"quantity": "1", "client_order_id": f"{market}:{position}"}
            placed = brands.send(Request("/orders", "POST", body=order), tenant, index)
            assert placed.status == 201, placed


def _what_they_have(brands: Brands) -> dict[str, str]:
    def get(path: str, **query: str) -> Any:
        found = brands.send(Request(path, query=query), THEIRS)
        assert found.status == 200, found
        return json.loads(found.body)

    orders = get("/orders", market=ONLY_THEIRS, status="open", limit="1")
    newest = orders["items"][0]
    uploaded = brands.send(Request("/kyc/documents", "POST", body=SELFIE), THEIRS)
    exits = [
        {"market": SHARED, "side": "sell", "quantity": "1", "price": "30000"},
        {"market": SHARED, "side": "sell", "quantity": "1"}
        | {"type": "stop_market", "trigger_price": "5000"},
    ]
    entry = {"market": SHARED, "side": "buy", "quantity": "1", "price": "9000"}
    wanted = {"type": "bracket", "entry": entry, "exits": exits}
    listed = brands.send(Request("/order-lists", "POST", body=wanted), THEIRS)
    opened_sub = brands.send(Request("/sub-accounts", "POST", body={"label": "theirs"}), THEIRS)
    key = json.loads(brands.send(Request("/api-keys", "POST", body=KEY), THEIRS).body)["key"]
    return {
        "notice_id": get("/notices")["items"][0]["notice_id"],
        "document_id": json.loads(uploaded.body)["document_id"],
        "key_id": key["key_id"],
        "sub_account": json.loads(opened_sub.body)["account"],
        "transfers_cursor": get("/transfers", limit="1")["next_cursor"],
        "list_id": json.loads(listed.body)["list_id"],
        "order_id": newest["order_id"],
        "client_order_id": newest["client_order_id"],
        "orders_cursor": get("/orders", limit="1")["next_cursor"],
        "orders_cursor_of_market": get("/orders", limit="1", market=SHARED)["next_cursor"],
        "fills_cursor": get("/fills", limit="1")["next_cursor"],
        "trades_cursor": get(f"/markets/{SHARED}/trades", limit="1")["next_cursor"],
        "sequence": str(max(int(one["sequence"]) for one in get("/balances")["items"])),
    }
