"""Users in a Cognito pool (moto): who may be adopted, and what a stranger's sign-up gains."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.onboarding import Onboarding
from tests.unit.tenants.test_onboarding import FakeDirectory, FakeIntake

TENANT = TenantId(1)
VICTIM, PASSWORD = "victim@example.com", "Chosen-By-Us-2026"
ATTACKERS = "Chosen-By-Mallory-2026"


@dataclass
class Pool:
    client: Any
    pool_id: str
    client_id: str
    directory: FakeDirectory = field(default_factory=FakeDirectory)

    def onboarding(self) -> Onboarding:
        users = CognitoUserPool(self.client, self.pool_id)
        return Onboarding(self.directory, users, FakeIntake())

    def signs_in(self, password: str) -> bool:
        try:
            response = self.client.initiate_auth(
                AuthFlow="USER_PASSWORD_AUTH",
                ClientId=self.client_id,
                AuthParameters={"USERNAME": VICTIM, "PASSWORD": password},
            )
        except self.client.exceptions.NotAuthorizedException:
            return False
        return "AuthenticationResult" in response


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("cognito-idp", region_name="us-east-1")
        made = client.create_user_pool(PoolName="demo", UsernameAttributes=["email"])["UserPool"]
        app = client.create_user_pool_client(
            UserPoolId=made["Id"],
            ClientName="web",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )["UserPoolClient"]
        yield Pool(client, made["Id"], app["ClientId"])


def test_our_own_user_signs_in_and_keeps_its_password(pool: Pool) -> None:
    account = pool.onboarding().open_account(TENANT, VICTIM, PASSWORD)
    assert pool.signs_in(PASSWORD)
    assert pool.onboarding().open_account(TENANT, VICTIM, "Another-One-2026") == account
    assert pool.signs_in(PASSWORD)


def sign_up(pool: Pool, *, confirmed: bool) -> str:
    """Sign up as the attacker, with the victim's address and a password of its own."""
    pool.client.sign_up(
        ClientId=pool.client_id,
        Username=VICTIM,
        Password=ATTACKERS,
        UserAttributes=[{"Name": "email", "Value": VICTIM}],
    )
    if confirmed:  # the victim types the code of the mail
        pool.client.admin_confirm_sign_up(UserPoolId=pool.pool_id, Username=VICTIM)
    found = pool.client.admin_get_user(UserPoolId=pool.pool_id, Username=VICTIM)
    return str(next(one["Value"] for one in found["UserAttributes"] if one["Name"] == "sub"))


@pytest.mark.parametrize("confirmed", [False, True], ids=["unconfirmed", "confirmed"])
def test_whoever_signed_up_first_is_not_adopted(pool: Pool, *, confirmed: bool) -> None:
    sign_up(pool, confirmed=confirmed)
    with pytest.raises(Conflict) as refused:
        pool.onboarding().open_account(TENANT, VICTIM, PASSWORD)
    assert refused.value.code == "user_not_ours"
    assert pool.directory.accounts == {}
    assert not pool.signs_in(PASSWORD)


def test_a_user_that_we_know_to_be_the_owner_can_be_confirmed(pool: Pool) -> None:
    subject = sign_up(pool, confirmed=True)
    setup = pool.onboarding()
    account = setup.open_account(TENANT, VICTIM, PASSWORD, confirmed_subject=subject)
    assert pool.directory.accounts == {subject: account}
    assert pool.signs_in(ATTACKERS)


@pytest.mark.parametrize("lost", ["account", "password"])
def test_an_onboarding_that_broke_off_is_taken_up_again(pool: Pool, lost: str) -> None:
    subject = CognitoUserPool(pool.client, pool.pool_id).add_user(VICTIM).subject
    if lost == "password":
        pool.directory.accounts[subject] = AccountId(TENANT, 1)
    assert pool.onboarding().open_account(TENANT, VICTIM, PASSWORD) == AccountId(TENANT, 1)
    assert pool.signs_in(PASSWORD)


def test_a_disabled_user_does_not_sign_in(pool: Pool) -> None:
    pool.onboarding().open_account(TENANT, VICTIM, PASSWORD)
    users = CognitoUserPool(pool.client, pool.pool_id)
    users.end_sessions(VICTIM)
    users.set_enabled(VICTIM, is_enabled=False)
    assert not pool.signs_in(PASSWORD)
    users.set_enabled(VICTIM, is_enabled=True)
    assert pool.signs_in(PASSWORD)
    assert users.find_user("nobody@example.com") is None
