"""What anyone may see of a tenant: GET /v1/tenant."""

from types import ModuleType
from typing import Any

import pytest

from bursa.aws.clients import dynamodb_client
from bursa.bootstrap.market_data import PublicAddress
from bursa.kernel.errors import NotFound
from bursa.kernel.identifiers import TenantId
from bursa.tenants.branding import Branding, Colours
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.life import TenantState
from bursa.tenants.limits import DEFAULT_LIMITS
from bursa.tenants.profile import TenantProfile
from bursa.tenants.public_tenant import PublicState, public_state
from tests.doubles.exchange import TENANT, read_event
from tests.unit.conftest import Context, as_documented, response_of

NOW_MS = 1_000
HOSTS = {"ws.own.example": TENANT, "ws.other.example": TenantId(TENANT.number + 1)}
BRANDING = Branding(
    "Börse Süd",
    "https://cdn.brand.example/logo.svg",
    colours=Colours("#0a5c36"),
    languages=("de", "en"),
    legal={"de": {"terms": "https://brand.example/agb"}},
)


@pytest.mark.parametrize(
    ("state", "sign_in_ends_at_ms", "seen"),
    [
        (TenantState.OPENING, None, PublicState.OPENING),
        (TenantState.ACTIVE, None, PublicState.ACTIVE),
        (TenantState.SUSPENDED, NOW_MS + 1, PublicState.CANCEL_ONLY),
        (TenantState.SUSPENDED, NOW_MS, PublicState.SUSPENDED),
        (TenantState.SUSPENDED, None, PublicState.CANCEL_ONLY),
        (TenantState.CLOSING, None, PublicState.CLOSING),
        (TenantState.CLOSING, NOW_MS, PublicState.SUSPENDED),
    ],
)
def test_a_state_is_seen_as_what_a_client_must_show(
    state: TenantState, sign_in_ends_at_ms: int | None, seen: PublicState
) -> None:
    profile = TenantProfile(
        TENANT, 0, "x", "", frozenset(), DEFAULT_LIMITS, state, sign_in_ends_at_ms
    )
    assert public_state(profile, NOW_MS) is seen


def get(market_api: ModuleType, **more: Any) -> Any:
    event = read_event("tenant") | more
    return response_of(market_api.handler(event, Context()))


def test_a_tenant_without_a_branding_has_its_name_and_defaults(market_api: ModuleType) -> None:
    response = get(market_api)
    as_documented("GET", "/tenant", response)
    body = response.body
    assert body["display_name"] == body["name"] == "demo"
    assert (body["state"], body["languages"], body["legal"]) == ("active", ["en"], {})
    assert body["logo_url"] is None
    assert body["markets"] == ["BTC-IDR", "BTC-USDT"]
    assert [one["asset"] for one in body["assets"]] == ["BTC", "IDR", "USDT"]
    assert body["limits"]["commands"] == {"per_s": 50, "burst": 250}
    assert body["websocket_url"] == "wss://def456.execute-api.us-east-1.amazonaws.com/v1"
    public = "wss://abc789.execute-api.us-east-1.amazonaws.com/v1"
    assert body["public_websocket_url"] == f"{public}?tenant=t1", "hosts are shared here"
    sign_in = body["sign_in"]
    assert sign_in["issuer"].endswith(sign_in["user_pool_id"])
    assert sign_in["user_pool_id"].startswith(sign_in["region"])


@pytest.mark.parametrize(
    ("host", "is_shared", "url"),
    [
        ("ws.own.example", False, "wss://ws.own.example/public"),
        ("ws.other.example", False, None),
        ("ws.nobodys.example", False, None),
        ("ws.nobodys.example", True, "wss://ws.nobodys.example/public?tenant=t1"),
    ],
)
def test_visitors_are_led_to_a_host_name_that_leads_to_the_tenant(
    host: str, is_shared: bool, url: str | None
) -> None:
    class Tenants:
        def resolve(self, host: str, named: str | None) -> TenantId:
            if host not in HOSTS:
                raise NotFound("unknown_tenant", "No.")
            return HOSTS[host]

    address = PublicAddress(f"wss://{host}/public", Tenants(), is_shared=is_shared)
    assert address(TENANT) == url


def test_nothing_else_of_the_profile_is_shown(market_api: ModuleType) -> None:
    response = get(market_api)
    shown = {name: one for name, one in response.body.items() if name != "public_websocket_url"}
    for told in ("tenant_commands", "shard", "history", "reason", "t1"):
        assert told not in str(shown)


def test_a_branding_is_shown_as_it_was_written(market_api: ModuleType) -> None:
    BrandingTable(dynamodb_client(), "directory").write(TENANT, BRANDING)
    body = get(market_api).body
    assert body["display_name"] == "Börse Süd"
    assert body["logo_url"] == BRANDING.logo_url
    assert body["colours"]["primary"] == "#0a5c36"
    assert body["languages"] == ["de", "en"]
    assert body["legal"] == {"de": {"terms": "https://brand.example/agb"}}


def test_a_host_that_is_nobodys_and_a_deleted_tenant_are_the_same_404(
    market_api: ModuleType,
) -> None:
    directory = DirectoryTable(dynamodb_client(), "directory")
    gone = TenantId(2)
    directory.add_tenant(TenantProfile(gone, 0, "gone", "https://gone", frozenset({"web"})))
    directory.add_host(gone, "gone.example")
    dynamodb_client().update_item(
        TableName="directory",
        Key={"pk": {"S": str(gone)}, "sk": {"S": "profile"}},
        UpdateExpression="SET #state = :deleted",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":deleted": {"S": "deleted"}},
    )
    context = read_event("tenant")["requestContext"]
    seen = [get(market_api, headers={"X-Tenant": named}) for named in ("t2", "t9", "x")]
    seen.append(get(market_api, requestContext=context | {"domainName": "gone.example"}))
    assert {(one.status, one.body["code"]) for one in seen} == {(404, "unknown_tenant")}
    assert len({str(one.body | {"request_id": ""}) for one in seen}) == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.brand.example", 200),
        ("API.brand.example", 200),
        ("api.brand.example:4566", 200),
        ("api.brand.example:", 404),
        ("api.brand.example:x", 404),
        ("[::1]:4566", 404),
        ("[", 404),
        ("", 404),
    ],
)
def test_a_host_names_its_tenant_with_a_port_or_without(
    market_api: ModuleType, host: str, status: int
) -> None:
    client = dynamodb_client()
    DirectoryTable(client, "directory").add_host(TENANT, "api.brand.example")
    # Nobody is any host here.
    client.delete_item(TableName="directory", Key={"pk": {"S": "host#*"}, "sk": {"S": "tenant"}})
    context = {**read_event("tenant")["requestContext"], "domainName": None}
    assert get(market_api, headers={"host": host}, requestContext=context).status == status


def test_the_tenant_is_never_taken_from_a_query_or_a_body(market_api: ModuleType) -> None:
    query = {"queryStringParameters": {"tenant": "t2"}}
    assert get(market_api, **query).status == 400
    assert get(market_api, body='{"tenant": "t2"}').status == 400
