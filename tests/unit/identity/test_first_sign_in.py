"""Who comes with another provider: as whom it signs in, and who never signs in as somebody else."""

from types import ModuleType
from typing import Any

import pytest

from bursa.bootstrap import pool_events
from bursa.identity.first_sign_in import FirstSignIns
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.pool_events import first_sign_in
from bursa.identity.records_dynamodb import FactorRecord, IdentityModels
from bursa.identity.security_events import SecurityEventKind
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.kernel import keys
from bursa.kernel.errors import BursaError
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import SignUp, TenantProfile
from tests.doubles.exchange import ALICE, CLIENT_ID, ISSUER, TENANT, Exchange, read_event
from tests.doubles.linked_pool import LinkedPool, PoolUser
from tests.unit.conftest import Context, started

SUBJECT = "110248495921238986420"
GOOGLE = ("Google", SUBJECT)


def alice(**changes: Any) -> PoolUser:
    return PoolUser("alice", "alice@example.com", **changes)


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    return directory


def open_to(directory: DirectoryTable, sign_up: SignUp) -> None:
    profile = TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID}), sign_up=sign_up)
    directory.add_tenant(profile)


def function(monkeypatch: pytest.MonkeyPatch, pool: LinkedPool) -> ModuleType:
    monkeypatch.setattr(pool_events, "cognito_client", lambda: pool)
    return started("pool_events.app")


def come(api: ModuleType, *, subject: str = SUBJECT, **attributes: str) -> str:
    """Come with Google for the first time; return what the client is told."""
    event = read_event("pool-first-sign-in")
    event["userName"] = f"google_{subject}"
    event["request"]["userAttributes"] |= attributes
    with pytest.raises(api.RefusedError) as refused:
        api.handler(event, Context())
    return str(refused.value)


def code_of(said: str) -> str:
    code, _, sentence = said.partition(": ")
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    return code


def told() -> list[tuple[str, str]]:
    found = SecurityEventsTable(IdentityModels("identity")).events(TENANT, "alice")
    return [(one.kind, one.about) for one in found]


def test_a_verified_address_signs_in_as_its_user(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    assert code_of(come(api)) == "linked"
    assert pool.links == {GOOGLE: "alice"}
    assert pool.users["alice@example.com"].phrase == "the owner's"
    # The same account as ever, and its owner learns of it.
    assert directory.account_of(TENANT, "alice") == ALICE
    assert told() == [(SecurityEventKind.IDENTITY_LINKED, "Google")]
    pause = SecurityEventsTable(IdentityModels("identity")).pause(ALICE)
    assert pause is not None
    assert pause.why == "identity_linked"


def test_a_repeat_links_what_is_linked_and_tells_it_once(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    pool.faults.append("TooManyRequestsException")
    assert code_of(come(api)) == "user_pool_unavailable"
    assert [code_of(come(api)) for _ in range(2)] == ["linked", "linked"]
    assert pool.links == {GOOGLE: "alice"}
    assert len(told()) == 1


UNPROVEN = {
    "not verified": {"email_verified": "false"},
    "the provider does not say": {"email_verified": ""},
    "no address": {"email": ""},
    "two addresses": {"email": "alice@example.com,mallory@example.com"},
    "an address with a quote": {"email": 'alice@example.com"'},
    "another script's letters": {"email": "\u0430lice@example.com"},
}


@pytest.mark.parametrize("attributes", UNPROVEN.values(), ids=UNPROVEN)
@pytest.mark.parametrize("sign_up", SignUp)
def test_an_address_that_is_not_shown_to_be_ones_own_links_nothing(
    directory: DirectoryTable,
    monkeypatch: pytest.MonkeyPatch,
    attributes: dict[str, str],
    sign_up: SignUp,
) -> None:
    open_to(directory, sign_up)
    pool = LinkedPool(alice())
    assert code_of(come(function(monkeypatch, pool), **attributes)) == "email_not_verified"
    assert (pool.links, set(pool.users), told()) == ({}, {"alice@example.com"}, [])


def test_a_second_identity_of_a_provider_is_refused(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address may be given to somebody else by who runs its domain."""
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    come(api)
    assert code_of(come(api, subject="999")) == "already_linked"
    assert pool.links == {GOOGLE: "alice"}


def decided(api: ModuleType, subject: str = SUBJECT) -> str:
    """Come for the first time, without the function around; return the refusal's code."""
    event = read_event("pool-first-sign-in") | {"userName": f"google_{subject}"}
    first = first_sign_in(event, ["Google"])
    assert first is not None
    with pytest.raises(BursaError) as refused:
        api.services.first_sign_ins(first)
    return refused.value.code


def test_of_two_first_sign_ins_at_once_one_is_linked(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found nothing linked before either writes."""
    del directory
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    said: list[str] = []
    require = FirstSignIns._require_allowed

    def the_other_first(*arguments: Any) -> None:
        require(*arguments)
        if not said:
            said.append("")
            said[0] = decided(api, "2")

    monkeypatch.setattr(FirstSignIns, "_require_allowed", the_other_first)
    assert decided(api, "1") == "already_linked"
    assert said == ["linked"]
    assert pool.links == {("Google", "2"): "alice"}
    assert len(told()) == 1


STEPS = ["admin_create_user", "admin_set_user_password", "admin_link_provider_for_user"]


@pytest.mark.parametrize("step", STEPS)
def test_two_tabs_of_one_person_at_once_are_one_user(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The second comes and goes before one step of the first."""
    open_to(directory, SignUp.OPEN)
    pool = LinkedPool()
    api = function(monkeypatch, pool)
    said: list[str] = []
    do = getattr(pool, step)

    def the_other_first(**sent: Any) -> None:
        if not said:
            said.append("")
            said[0] = decided(api)
        do(**sent)

    monkeypatch.setattr(pool, step, the_other_first)
    assert decided(api) == "linked"
    assert said == ["linked"]
    (user,) = pool.users.values()
    assert pool.links == {GOOGLE: user.name}


def test_who_has_signed_up_with_somebody_elses_address_loses_it_to_the_owner(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacker waits for the owner to come, with a password that only the attacker knows."""
    open_to(directory, SignUp.OPEN)
    pool = LinkedPool(alice(status="UNCONFIRMED", verified=False, phrase="the attacker's"))
    assert code_of(come(function(monkeypatch, pool))) == "linked"
    user = pool.users["alice@example.com"]
    assert (user.status, user.verified) == ("CONFIRMED", True)
    assert user.phrase not in {"the attacker's", "the owner's"}
    assert len(user.phrase) >= 32


def test_who_is_invited_may_come_with_a_provider_and_the_mailed_password_is_void(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool(alice(status="FORCE_CHANGE_PASSWORD", phrase="mailed"))
    assert code_of(come(function(monkeypatch, pool))) == "linked"
    assert pool.users["alice@example.com"].phrase != "mailed"


def test_a_stranger_is_a_new_user_where_users_sign_up_and_nobody_elsewhere(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool()
    api = function(monkeypatch, pool)
    assert code_of(come(api)) == "not_invited"
    assert (pool.users, pool.links) == ({}, {})
    open_to(directory, SignUp.OPEN)
    assert code_of(come(api)) == "linked"
    (user,) = pool.users.values()
    assert (user.status, pool.links) == ("CONFIRMED", {GOOGLE: user.name})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "disabled": ({"enabled": False}, "user_disabled"),
    "confirmed by an administrator, address unknown": ({"verified": False}, "user_not_confirmed"),
    "must set another password": ({"status": "RESET_REQUIRED"}, "user_not_confirmed"),
    "a profile of a provider": ({"status": "EXTERNAL_PROVIDER"}, "user_not_confirmed"),
    "asked for codes": ({"factors": ["SOFTWARE_TOKEN_MFA"]}, "second_factor_set_up"),
    "nobody signs up, not confirmed": (
        {"status": "UNCONFIRMED", "verified": False},
        "not_invited",
    ),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED)
def test_users_that_nobody_is_linked_to(
    directory: DirectoryTable,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    code: str,
) -> None:
    pool = LinkedPool(alice(**changes))
    assert code_of(come(function(monkeypatch, pool))) == code
    assert (pool.links, told()) == ({}, [])
    assert pool.users["alice@example.com"].phrase == "the owner's"


def test_who_is_asked_for_codes_by_the_exchange_must_say_so_first(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = IdentityModels("identity")
    row: FactorRecord = models.factor(keys.user_records(TENANT, "alice"), keys.SECOND_FACTOR)
    row.update(actions=[models.factor.since_ms.set(1), models.factor.sealed.set(b"x")])
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    assert code_of(come(api)) == "second_factor_set_up"
    LinkedIdentitiesTable(models).allow(TENANT, "alice", "Google", 1 << 50)
    assert code_of(come(api)) == "linked"
    assert pool.links == {GOOGLE: "alice"}


def test_an_allowance_ends_and_is_for_one(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool(alice(factors=["SOFTWARE_TOKEN_MFA"]))
    api = function(monkeypatch, pool)
    table = LinkedIdentitiesTable(IdentityModels("identity"))
    table.allow(TENANT, "alice", "Google", 1)
    assert code_of(come(api)) == "second_factor_set_up"
    table.allow(TENANT, "alice", "Google", 1 << 50)
    assert code_of(come(api)) == "linked"
    (known,) = table.of(TENANT, "alice")
    assert (known.is_linked, known.allowed_until_ms) == (True, 0)


def test_what_is_unlinked_while_it_is_linked_stays_unlinked(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    models = IdentityModels("identity")

    def unlink() -> None:
        model = models.identity
        row = model(keys.user_records(TENANT, "alice"), keys.linked_identity("Google"))
        row.update(actions=[model.unlinked_at_ms.set(5)])

    pool.before_link = unlink
    assert code_of(come(api)) == "identity_unlinked"
    pool.before_link = lambda: None
    assert code_of(come(api)) == "identity_unlinked"
    assert pool.links == {}


def test_a_pool_or_provider_that_is_not_the_tenants_links_nothing(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    del directory
    pool = LinkedPool(alice(), providers=("Corp",))
    assert code_of(come(function(monkeypatch, pool))) == "unknown_provider"
    pool = LinkedPool(alice())
    api = function(monkeypatch, pool)
    event = read_event("pool-first-sign-in") | {"userPoolId": "us-east-1_strange"}
    with pytest.raises(api.RefusedError, match="unknown_pool"):
        api.handler(event, Context())
    assert pool.links == {}


PASSES = ["PreSignUp_SignUp", "PreSignUp_AdminCreateUser", "PostConfirmation_ConfirmSignUp"]


@pytest.mark.parametrize("source", PASSES)
def test_what_a_pool_does_by_itself_passes(
    directory: DirectoryTable, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    del directory
    pool = LinkedPool(alice())
    event = read_event("pool-first-sign-in") | {"triggerSource": source}
    assert function(monkeypatch, pool).handler(event, Context()) == event
    assert pool.links == {}
