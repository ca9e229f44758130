"""Limits that a back office has set for one user come with whatever the user signs in by."""

import time
from types import ModuleType

import pytest

from bursa.bootstrap import security
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.gateway import authorized_principal, signing_key
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import (
    NO_OWN_LIMITS,
    AccountLimits,
    account_limits_as_text,
)
from bursa.tenants.account_limits_dynamodb import AccountLimitsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.limits import DEFAULT_LIMITS
from tests.doubles.exchange import TENANT, Exchange, read_event
from tests.doubles.signing import ed25519_key
from tests.doubles.user_pool import token
from tests.unit.conftest import Context, started
from tests.unit.identity.test_me import KNOWN, Pool, me

OWN = AccountLimits(commands=Rate(400, 2_000), subscriptions=7)


@pytest.fixture
def limited(authorizer: ModuleType, exchange: Exchange) -> ModuleType:
    """Give alice limits of its own, as a back office does."""
    AccountLimitsTable(exchange._dynamodb, "directory").set(TENANT, "alice", OWN, 1)
    return authorizer


def test_a_token_has_them(limited: ModuleType) -> None:
    event = read_event("authorizer-request")
    event["headers"] = {"authorization": f"Bearer {token(exp=int(time.time()) + 600)}"}
    verdict = limited.handler(event, Context())
    assert authorized_principal(verdict["context"]).own_limits == OWN


@pytest.mark.parametrize("own", [OWN, NO_OWN_LIMITS], ids=["own", "none"])
def test_an_api_key_has_its_users(
    limited: ModuleType, exchange: Exchange, own: AccountLimits
) -> None:
    key = ed25519_key()
    made = SecurityEvent(SecurityEventKind.API_KEY_MADE, key.account, key.user, 1, "")
    assert ApiKeysTable(IdentityModels("identity")).add(key, made, 0)
    AccountLimitsTable(exchange._dynamodb, "directory").set(TENANT, "alice", own, 2)
    event = read_event("authorizer-key")
    event["headers"]["authorization"] = f"Bursa-Key {key.id}"
    context = limited.handler(event, Context())["context"]
    found = signing_key(context)
    assert found is not None
    assert found.own_limits == own
    assert ("own_limits" in context) == (own != NO_OWN_LIMITS)


def test_a_user_is_told_its_own(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    DirectoryTable(exchange._dynamodb, "directory").open_account(TENANT, "alice")
    monkeypatch.setattr(security, "cognito_client", lambda: Pool(KNOWN))
    api = started("identity_api.app")
    shown = me(api, own_limits=account_limits_as_text(OWN)).body["limits"]
    assert shown["commands"] == {"per_s": 400, "burst": 2_000}
    assert shown["subscriptions"] == 7
    assert shown["connections"] == DEFAULT_LIMITS.account_connections
    assert me(api).body["limits"]["commands"] == DEFAULT_LIMITS.account_commands._asdict()
