"""A password or second factor that is changed at the pool: told, paused for, sessions ended."""

from types import ModuleType
from typing import Any

import pytest

from bursa.aws.table_writer import TableWriter
from bursa.identity.pool_events import TRAIL_CALLS
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.read_models.rows import ConnectionRow
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.contract.templates import ROOT, resources
from tests.doubles.exchange import ALICE, FAR_S, TENANT, Exchange, read_event
from tests.unit.conftest import Context, started

CHANGED_S = 1_796_040_000  # events/pool-password-changed.json
THIEF = "192.0.2.66"
PAUSE_MS = 86_400_000


class Sockets:
    """Remembers what was closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self, connection_ids: Any, _bodies: Any) -> None:
        self.closed += connection_ids


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    sockets = Sockets()
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: sockets)
    return sockets


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    return directory


@pytest.fixture
def api(directory: DirectoryTable, sockets: Sockets) -> ModuleType:
    del directory, sockets
    return started("pool_events.app")


def connect(exchange: Exchange, name: str, user: str = "alice") -> None:
    client = exchange._dynamodb
    row = ConnectionRow("t1", name, str(ALICE), CHANGED_S * 1_000, FAR_S, user=user, session="s1")
    ConnectionsTable(client, "connections", TableWriter(client, threads=1)).open(row)


def by_trail(name: str = "ChangePassword", **changes: Any) -> dict[str, Any]:
    event = read_event("pool-password-changed")
    event["detail"] |= {"eventName": name} | changes
    return event


def told() -> list[SecurityEvent]:
    return list(SecurityEventsTable(IdentityModels("identity")).events(TENANT, "alice"))


def test_a_password_changed_at_the_pool_ends_sessions_and_pauses_withdrawals(
    api: ModuleType, directory: DirectoryTable, exchange: Exchange, sockets: Sockets
) -> None:
    connect(exchange, "c1")
    connect(exchange, "c2", user="bob")
    directory.next_tenant_number()
    api.handler(by_trail(), Context())
    at_ms = CHANGED_S * 1_000
    kind = SecurityEventKind.PASSWORD_CHANGED
    assert told() == [SecurityEvent(kind, ALICE, "alice", at_ms, THIEF)]
    pause = SecurityEventsTable(IdentityModels("identity")).pause(ALICE)
    assert pause == (at_ms + PAUSE_MS, "password_changed")
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    # Who has signed in since, with the new password, goes on.
    assert [user.has_session(CHANGED_S + one) for one in (-60, 0, 1)] == [False, False, True]
    assert sockets.closed == ["c1"]


def test_a_password_that_was_reset_by_mail_too(
    api: ModuleType, directory: DirectoryTable, exchange: Exchange, sockets: Sockets
) -> None:
    connect(exchange, "c1")
    event = read_event("pool-password-reset")
    assert api.handler(event, Context()) == event
    assert [one.kind for one in told()] == [SecurityEventKind.PASSWORD_CHANGED]
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    assert user.signed_out_at > CHANGED_S - 86_400 * 365
    assert sockets.closed == ["c1"]


def test_one_change_told_twice_is_one_event_and_closes_nothing_of_since_then(
    api: ModuleType, directory: DirectoryTable, exchange: Exchange, sockets: Sockets
) -> None:
    directory.next_tenant_number()
    api.handler(by_trail(), Context())
    connect(exchange, "since-then")
    for name in ("ChangePassword", "ConfirmForgotPassword"):
        api.handler(by_trail(name, eventTime="2026-11-30T12:00:04Z"), Context())
    assert len(told()) == 1
    assert sockets.closed == []
    api.handler(by_trail(eventTime="2026-11-30T12:30:00Z"), Context())
    assert len(told()) == 2


FACTOR = {
    "switched off": "SetUserMFAPreference",
    "another authenticator": "VerifySoftwareToken",
}


@pytest.mark.parametrize("name", FACTOR.values(), ids=FACTOR)
def test_a_factor_changed_at_the_pool_pauses_and_leaves_sessions(
    api: ModuleType, directory: DirectoryTable, name: str
) -> None:
    directory.next_tenant_number()
    api.handler(by_trail(name), Context())
    assert [one.kind for one in told()] == [SecurityEventKind.SIGN_IN_FACTOR_CHANGED]
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    assert user.signed_out_at == 0


def test_an_address_changed_at_the_pool_pauses_and_leaves_sessions(
    api: ModuleType, directory: DirectoryTable
) -> None:
    """Who has taken an account over would get its mails from then on."""
    directory.next_tenant_number()
    for _ in range(2):
        asked = {"attributeName": "email"}
        api.handler(by_trail("VerifyUserAttribute", requestParameters=asked), Context())
    assert [one.kind for one in told()] == [SecurityEventKind.EMAIL_CHANGED]
    pause = SecurityEventsTable(IdentityModels("identity")).pause(ALICE)
    assert pause == (CHANGED_S * 1_000 + PAUSE_MS, "email_changed")
    user = directory.user_of(TENANT, "alice")
    assert user is not None
    assert user.signed_out_at == 0


def test_a_factor_that_our_own_route_has_told_of_is_not_told_again(
    api: ModuleType, directory: DirectoryTable
) -> None:
    directory.next_tenant_number()
    at_ms = CHANGED_S * 1_000 + 812
    own = SecurityEvent(SecurityEventKind.SECOND_FACTOR_ADDED, ALICE, "alice", at_ms, "")
    SecurityEventsTable(IdentityModels("identity")).record(own, 0)
    for name in ("VerifySoftwareToken", "SetUserMFAPreference"):
        api.handler(by_trail(name), Context())
    assert told() == [own]


POOLS: dict[str, dict[str, Any]] = {
    "in the request": {"requestParameters": {"userPoolId": "us-east-1_demo"}},
    "beside it": {"additionalEventData": {"sub": "alice", "userPoolId": "us-east-1_demo"}},
    "nowhere": {"requestParameters": None},
}


@pytest.mark.parametrize("changes", POOLS.values(), ids=POOLS)
def test_the_user_is_found_wherever_the_pool_is_named(
    api: ModuleType, directory: DirectoryTable, changes: dict[str, Any]
) -> None:
    directory.next_tenant_number()
    api.handler(by_trail(**changes), Context())
    assert len(told()) == 1


NOTHING: dict[str, dict[str, Any]] = {
    "refused": {"errorCode": "NotAuthorizedException"},
    "another call": {"eventName": "GetUser"},
    "somebody else's user": {"additionalEventData": {"sub": "stranger"}},
    "another deployment's pool": {
        "additionalEventData": {"sub": "alice", "userPoolId": "us-east-1_strange"}
    },
}


@pytest.mark.parametrize("changes", NOTHING.values(), ids=NOTHING)
def test_what_tells_nothing_of_a_user_changes_nothing(
    api: ModuleType, directory: DirectoryTable, sockets: Sockets, changes: dict[str, Any]
) -> None:
    directory.next_tenant_number()
    api.handler(by_trail(**changes), Context())
    assert (told(), sockets.closed) == ([], [])


def test_a_change_of_nobody_is_a_fault_that_someone_hears_of(api: ModuleType) -> None:
    """CloudTrail's records have no schema that AWS promises."""
    with pytest.raises(ValueError, match="names no user"):
        api.handler(by_trail(additionalEventData=None), Context())


def test_a_users_name_in_another_tenant_is_another_user(
    api: ModuleType, directory: DirectoryTable, exchange: Exchange
) -> None:
    other = TenantId(2)
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"
    directory.add_tenant(TenantProfile(other, 0, "other", issuer, frozenset({"web"})))
    directory.open_account(other, "alice")
    pool = {"sub": "alice", "userPoolId": "us-east-1_other"}
    api.handler(by_trail(additionalEventData=pool), Context())
    assert told() == []
    (event,) = SecurityEventsTable(IdentityModels("identity")).events(other, "alice")
    assert event.account == AccountId(other, 1)


def test_the_rule_asks_for_what_the_code_knows() -> None:
    (rule,) = resources(ROOT / "infra" / "pool-events.yaml", "AWS::Events::Rule").values()
    pattern = rule["Properties"]["EventPattern"]
    assert set(pattern["detail"]["eventName"]) == set(TRAIL_CALLS)
    sample = read_event("pool-password-changed")
    assert sample["source"] in pattern["source"]
    assert sample["detail-type"] in pattern["detail-type"]
    assert sample["detail"]["eventSource"] in pattern["detail"]["eventSource"]
