"""An account opens at the first sign-in: for whom, and for whom it must not."""

from types import ModuleType
from typing import Any

import pytest

from bursa.bootstrap.sign_in import open_sign_in
from bursa.identity.account_opening import AccountOpening
from bursa.identity.pool_user import PoolAddress
from bursa.kernel.errors import Unauthenticated, Unavailable
from bursa.kernel.settings import AuthorizerSettings, read_settings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.life import TenantState
from bursa.tenants.limits import DEFAULT_LIMITS
from bursa.tenants.profile import SignUp, TenantProfile
from tests.doubles.exchange import CLIENT_ID, ISSUER, TENANT, Exchange, read_event
from tests.doubles.user_pool import token
from tests.unit.conftest import Context

VERIFIED = PoolAddress("carol@example.com", is_verified=True)
OPEN = TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID}), sign_up=SignUp.OPEN)


class Addresses:
    """What the pool tells, and how often it was asked."""

    def __init__(self, address: PoolAddress | None = VERIFIED, *, is_away: bool = False) -> None:
        self.address = address
        self.is_away = is_away
        self.asked: list[str] = []

    def of(self, token: str) -> PoolAddress | None:
        self.asked.append(token)
        if self.is_away:
            raise Unavailable("user_pool_unavailable", "Later.")
        return self.address


class Tenant:
    """The demo tenant's directory, and the authorizer that signs its users in."""

    def __init__(self, exchange: Exchange, authorizer: ModuleType) -> None:
        self.client = exchange._dynamodb
        self.directory = DirectoryTable(self.client, "directory")
        self.authorizer = authorizer
        self.addresses = Addresses()
        self.write(OPEN)
        self.told(self.addresses)

    def write(self, profile: TenantProfile) -> None:
        self.directory.add_tenant(profile)
        self.authorizer.sign_in.by_token._profiles.clear()

    def told(self, addresses: Addresses) -> None:
        """Let the pool tell something else from now on."""
        self.addresses = addresses
        opening = AccountOpening(self.directory, addresses)
        self.authorizer.sign_in.by_token._opening = opening

    def sign_in(self, subject: str = "carol") -> dict[str, Any]:
        event = read_event("authorizer-request")
        event["headers"] = {"authorization": f"Bearer {token(sub=subject)}"}
        return dict(self.authorizer.handler(event, Context()))

    def refusal(self, **claims: Any) -> str:
        with pytest.raises(Unauthenticated) as refused:
            self.authorizer.sign_in.by_token(token(**{"sub": "carol"} | claims))
        return refused.value.code

    def has_account(self, subject: str = "carol") -> bool:
        return self.directory.account_of(TENANT, subject) is not None


@pytest.fixture
def tenant(exchange: Exchange, authorizer: ModuleType) -> Tenant:
    return Tenant(exchange, authorizer)


def test_the_first_sign_in_opens_an_account_and_the_next_finds_it(tenant: Tenant) -> None:
    before = tenant.directory.open_account(TENANT, "alice").index
    contexts = [tenant.sign_in()["context"] for _ in range(3)]
    assert {context["account"] for context in contexts} == {f"t1-{before + 1}"}
    assert {context["user"] for context in contexts} == {"carol"}
    # The pool is asked once in a user's life.
    assert len(tenant.addresses.asked) == 1


def test_the_pool_is_asked_with_the_users_own_token(tenant: Tenant) -> None:
    sent = token(sub="carol")
    tenant.authorizer.sign_in.by_token(sent)
    assert tenant.addresses.asked == [sent]


def test_a_user_with_an_account_costs_nothing_more(tenant: Tenant) -> None:
    tenant.sign_in("alice")
    assert not tenant.addresses.asked


CLOSED = TenantProfile(TENANT, 0, "demo", ISSUER, frozenset({CLIENT_ID}))
FULL = TenantProfile(
    TENANT,
    0,
    "demo",
    ISSUER,
    frozenset({CLIENT_ID}),
    DEFAULT_LIMITS._replace(tenant_accounts=1),
    sign_up=SignUp.OPEN,
)
REFUSALS: dict[str, tuple[TenantProfile, Addresses, str]] = {
    "nobody signs up": (CLOSED, Addresses(), "unknown_user"),
    "an address that is not verified": (
        OPEN,
        Addresses(VERIFIED._replace(is_verified=False)),
        "email_not_verified",
    ),
    "a token that may not ask, or whose user is disabled": (OPEN, Addresses(None), "unknown_user"),
    "as many accounts as may be": (FULL, Addresses(), "no_accounts_left"),
}


@pytest.mark.parametrize(("profile", "addresses", "code"), REFUSALS.values(), ids=REFUSALS)
def test_others_get_none(
    tenant: Tenant, profile: TenantProfile, addresses: Addresses, code: str
) -> None:
    tenant.write(profile)
    tenant.told(addresses)
    assert tenant.refusal() == code
    assert not tenant.has_account()
    # No number was used up either.
    assert str(tenant.directory.open_account(TENANT, "dave")) == "t1-2"


def test_a_closed_tenants_strangers_cost_the_pool_nothing(tenant: Tenant) -> None:
    tenant.write(CLOSED)
    tenant.refusal()
    assert not tenant.addresses.asked


def test_who_has_no_verified_address_and_asks_on_costs_the_pool_one_call(tenant: Tenant) -> None:
    addresses = Addresses(VERIFIED._replace(is_verified=False))
    opening = open_sign_in(read_settings(AuthorizerSettings), print).by_token._opening
    opening._addresses._addresses = addresses  # type: ignore[attr-defined]
    tenant.authorizer.sign_in.by_token._opening = opening
    sent = token(sub="carol")
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            tenant.authorizer.sign_in.by_token(sent)
    assert addresses.asked == [sent]


FORGED = {
    "an id token": ({"token_use": "id"}, "id_token_refused"),
    "another application's": ({"client_id": "other"}, "wrong_audience"),
    "another pool's": (
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        "unknown_issuer",
    ),
    "one that is over": ({"exp": 1, "iat": 1, "auth_time": 1}, "token_expired"),
}


@pytest.mark.parametrize(("claims", "code"), FORGED.values(), ids=FORGED)
def test_a_token_that_is_refused_opens_nothing(
    tenant: Tenant, claims: dict[str, Any], code: str
) -> None:
    assert tenant.refusal(**claims) == code
    assert not tenant.addresses.asked
    assert not tenant.has_account()


@pytest.mark.parametrize("state", [TenantState.OPENING, TenantState.SUSPENDED, TenantState.CLOSING])
def test_a_tenant_that_stands_still_opens_none(tenant: Tenant, state: TenantState) -> None:
    """Users of before may still sign in, and cancel."""
    tenant.client.update_item(
        TableName="directory",
        Key={"pk": {"S": "t1"}, "sk": {"S": "profile"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state.value}},
    )
    assert tenant.refusal() == "no_accounts_left"
    assert tenant.sign_in("alice")["context"]["account"] == "t1-1"


def test_a_user_whom_the_operator_has_shut_out_gets_no_other(tenant: Tenant) -> None:
    tenant.sign_in()
    tenant.directory.set_disabled(TENANT, "carol", is_disabled=True)
    assert tenant.refusal() == "session_ended"
    assert len(tenant.addresses.asked) == 1


def test_a_pool_that_is_away_is_no_refusal(tenant: Tenant) -> None:
    tenant.told(Addresses(is_away=True))
    with pytest.raises(Unavailable):
        tenant.authorizer.sign_in.by_token(token(sub="carol"))
    tenant.told(Addresses())
    assert tenant.sign_in()["context"]["account"] == "t1-2"
