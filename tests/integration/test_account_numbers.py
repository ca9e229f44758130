"""The numbers of accounts: each once and none left out, however many are opened at once."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.accounts_dynamodb import TRIES_MAX, AccountNumbers
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.life import TenantState
from bursa.tenants.profile import SignUp, TenantProfile
from tests.doubles.tables import create_tables

TABLE = "directory"
MANY = 1_000
NUMBERS = count(1)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_tables(client, (TABLE,))
        yield client


class Meanwhile:
    """The client, with what happens between a caller's reads and its transaction."""

    def __init__(self, client: Any, happens: Callable[[], None]) -> None:
        self.client = client
        self.happens = happens
        self.exceptions = client.exceptions
        self.get_item = client.get_item

    def transact_write_items(self, **request: Any) -> Any:
        self.happens()
        return self.client.transact_write_items(**request)


def open_tenant(client: Any, sign_up: SignUp = SignUp.OPEN) -> TenantId:
    """Return a tenant that nobody has used yet."""
    tenant = TenantId(next(NUMBERS))
    issuer = f"https://pool/{tenant}"
    profile = TenantProfile(tenant, 0, str(tenant), issuer, frozenset({"web"}), sign_up=sign_up)
    DirectoryTable(client, TABLE).add_tenant(profile)
    return tenant


def accounts_of(client: Any, tenant: TenantId) -> dict[str, str]:
    """Return the account of each user, as the table has them."""
    rows = client.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :tenant AND begins_with(sk, :user)",
        ExpressionAttributeValues={":tenant": {"S": str(tenant)}, ":user": {"S": "user#"}},
    )["Items"]
    return {row["sk"]["S"].removeprefix("user#"): row["account"]["S"] for row in rows}


# Who opens, and who else does between its reads and its write; the same user may be both.
PEOPLE = st.sampled_from("abcde")
SCHEDULES = st.lists(st.tuples(PEOPLE, st.lists(PEOPLE, max_size=3)), min_size=1, max_size=4)


@given(schedule=SCHEDULES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_each_number_is_given_once_and_none_is_left_out(
    client: Any, schedule: list[tuple[str, list[str]]]
) -> None:
    tenant = open_tenant(client)
    returned: dict[str, set[AccountId | None]] = defaultdict(set)
    for subject, others in schedule:

        def happens(waiting: list[str] = list(others)) -> None:  # noqa: B006 - each has its own
            if waiting:
                other = waiting.pop()
                returned[other].add(AccountNumbers(client, TABLE).open(tenant, other))

        numbers = AccountNumbers(Meanwhile(client, happens), TABLE)  # type: ignore[arg-type]
        returned[subject].add(numbers.open_signed_up(tenant, subject, MANY))

    found = accounts_of(client, tenant)
    assert sorted(found.values()) == sorted(f"{tenant}-{n}" for n in range(1, len(found) + 1))
    assert {subject: {str(one) for one in ones} for subject, ones in returned.items()} == {
        subject: {account} for subject, account in found.items()
    }


def test_a_response_that_is_lost_costs_no_number(client: Any) -> None:
    tenant = open_tenant(client)

    class Losing(Meanwhile):
        def transact_write_items(self, **request: Any) -> Any:
            super().transact_write_items(**request)
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    losing = DirectoryTable(Losing(client, lambda: None), TABLE)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        losing.open_signed_up(tenant, "alice", MANY)
    directory = DirectoryTable(client, TABLE)
    assert directory.open_signed_up(tenant, "alice", MANY) == AccountId(tenant, 1)
    assert directory.open_signed_up(tenant, "bob", MANY) == AccountId(tenant, 2)


def test_who_never_comes_first_is_asked_to_come_again(client: Any) -> None:
    tenant = open_tenant(client)
    others = count()

    def happens() -> None:
        AccountNumbers(client, TABLE).open(tenant, f"other {next(others)}")

    numbers = AccountNumbers(Meanwhile(client, happens), TABLE)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        numbers.open_signed_up(tenant, "alice", MANY)
    assert len(accounts_of(client, tenant)) == TRIES_MAX
    assert "alice" not in accounts_of(client, tenant)


def test_a_tenant_has_no_more_than_it_may(client: Any) -> None:
    tenant = open_tenant(client)
    directory = DirectoryTable(client, TABLE)
    opened = [directory.open_signed_up(tenant, name, 2) for name in ("a", "b", "c", "a")]
    assert [str(one) for one in opened] == [f"{tenant}-1", f"{tenant}-2", "None", f"{tenant}-1"]
    # Invited users are the operator's own choice, and go on from there.
    assert str(directory.open_account(tenant, "d")) == f"{tenant}-3"


def set_state(client: Any, tenant: TenantId, state: str) -> None:
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": str(tenant)}, "sk": {"S": "profile"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": state}},
    )


@pytest.mark.parametrize("state", TenantState)
def test_only_an_active_tenant_takes_users(client: Any, state: TenantState) -> None:
    """Whatever the authorizer remembers: the state is a condition of the write itself."""
    tenant = open_tenant(client)
    set_state(client, tenant, state.value)
    account = DirectoryTable(client, TABLE).open_signed_up(tenant, "alice", MANY)
    assert (account is not None) == (state is TenantState.ACTIVE)
    assert bool(accounts_of(client, tenant)) == (state is TenantState.ACTIVE)


def test_a_tenant_whose_sign_up_was_closed_meanwhile_takes_nobody(client: Any) -> None:
    tenant = open_tenant(client, SignUp.CLOSED)
    assert DirectoryTable(client, TABLE).open_signed_up(tenant, "alice", MANY) is None
    assert not accounts_of(client, tenant)


def test_a_fault_of_ours_is_raised_as_it_is(client: Any) -> None:
    tenant = open_tenant(client)
    with pytest.raises(ClientError):
        AccountNumbers(client, "no-such-table").open(tenant, "alice")
