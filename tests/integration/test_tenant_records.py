"""Records of tenants on a table, what an export has, and what a removal leaves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.aws.record_attributes import WholeNumberAttribute
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.export_dynamodb import ExportTables, TenantTables
from bursa.tenants.life import Change, Standstill, TenantRecord, TenantState
from bursa.tenants.limits import TenantLimits
from bursa.tenants.pools_cognito import TenantUserPools, pool_id
from bursa.tenants.records_dynamodb import TenantRecords
from bursa.tenants.removal_dynamodb import Owned, RemovalTables, TenantRemoval
from bursa.tenants.stacks import MADE_FOR_TENANT

REMOVED_FROM = RemovalTables("directory", "identity", "notices")
TABLES = ("directory", "markets", "trades", "orders", "fills", "balances")
ISSUER = "https://issuer.example/pool"
CLIENTS = frozenset({"web"})
LIMITS = TenantLimits(account_connections=3)
T1, T2 = TenantId(1), TenantId(2)
CHANGED = Change(1_000, TenantState.SUSPENDED, "mia", "court order")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb")
        for name in (*TABLES, "identity", "notices"):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")
                ],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            )
        yield client


@pytest.fixture
def directory(client: Any) -> DirectoryTable:
    directory = DirectoryTable(client, "directory")
    directory.open_tenant("demo", ISSUER, CLIENTS, 0, LIMITS)
    directory.open_tenant("other", f"{ISSUER}-2", CLIENTS, 1)
    return directory


@pytest.fixture
def records(directory: DirectoryTable) -> TenantRecords:
    return TenantRecords("directory", directory)


def found(records: TenantRecords, tenant: TenantId = T1) -> TenantRecord:
    record = records.find(tenant)
    assert record is not None
    return record


def test_a_profile_from_before_there_were_records_is_of_an_active_tenant(
    records: TenantRecords,
) -> None:
    assert found(records) == TenantRecord("t1", "demo", 0, ISSUER)
    assert [one.tenant for one in records.all()] == ["t1", "t2"]
    assert records.find(TenantId(9)) is None


def test_a_record_is_read_as_it_was_written(records: TenantRecords) -> None:
    written = records.save(
        replace(
            found(records),
            state=TenantState.SUSPENDED,
            standstill=Standstill(1, {"BTC-USDT": "open"}, is_in_force=True),
            standstills=1,
            sign_in_ends_at_ms=2_000,
            delete_after_ms=3_000,
            exported_at_ms=4_000,
            history=(CHANGED,),
        )
    )
    assert written.version == 1
    assert found(records) == written
    plain = replace(written, standstill=None, sign_in_ends_at_ms=None, delete_after_ms=None)
    assert found(records) != records.save(plain) == found(records)


def test_of_two_changes_at_once_one_is_refused(records: TenantRecords) -> None:
    first = found(records)
    records.save(replace(first, exported_at_ms=1))
    with pytest.raises(Conflict) as refused:
        records.save(replace(first, exported_at_ms=2))
    assert refused.value.code == "tenant_changed"
    assert found(records).exported_at_ms == 1


def test_a_record_can_not_be_written_for_a_tenant_that_is_not_there(
    records: TenantRecords,
) -> None:
    with pytest.raises(Conflict):
        records.save(replace(found(records), tenant="t9"))
    assert records.find(TenantId(9)) is None


def test_settings_and_record_leave_each_other_alone(
    directory: DirectoryTable, records: TenantRecords
) -> None:
    changed = records.save(replace(found(records), state=TenantState.SUSPENDED, history=(CHANGED,)))
    directory.open_tenant("new name", ISSUER, CLIENTS | {"mobile"}, 0, LIMITS)
    assert found(records) == replace(changed, name="new name")
    profile = directory.profile(T1)
    assert profile is not None
    assert (profile.limits, profile.state) == (LIMITS, TenantState.SUSPENDED)


def test_sign_in_ends_at_its_time(directory: DirectoryTable, records: TenantRecords) -> None:
    records.save(replace(found(records), sign_in_ends_at_ms=2_000))
    profile = directory.profile(T1)
    assert profile is not None
    assert [profile.lets_in(at) for at in (1_999, 2_000)] == [True, False]


def test_a_table_that_does_not_respond_is_unavailable(
    directory: DirectoryTable, client: Any
) -> None:
    records = TenantRecords("nowhere", directory)
    with pytest.raises(Unavailable):
        records.find(T1)


@pytest.mark.parametrize("value", [1.5, "7", True, None])
def test_a_whole_number_is_nothing_else(value: Any) -> None:
    with pytest.raises(TypeError):
        WholeNumberAttribute().serialize(value)


@pytest.mark.parametrize("stored", ["1.5", "1e3"])
def test_a_stored_number_that_is_not_whole_is_refused(stored: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        WholeNumberAttribute().deserialize(stored)


def made_pool(cognito: Any, *, for_tenant: bool) -> str:
    tags = {MADE_FOR_TENANT: "t1"} if for_tenant else {}
    pool = cognito.create_user_pool(
        PoolName="one", UserPoolTags=tags, DeletionProtection="ACTIVE", UsernameAttributes=["email"]
    )["UserPool"]["Id"]
    for email in ("alice@example.com", "bob@example.com"):
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": email}],
        )
    return str(pool)


@dataclass
class FakeOwn:
    """Keys and stacks of tenants; a stack takes the aliases of the keys away."""

    calls: list[str] = field(default_factory=list)

    def schedule_deletion(self, tenant: TenantId) -> None:
        self.calls.append(f"keys of {tenant}")

    def remove(self, tenant: TenantId) -> None:
        self.calls.append(f"stacks of {tenant}")


@pytest.mark.parametrize("for_tenant", [True, False], ids=["its own pool", "a stack's pool"])
def test_a_removal_leaves_no_way_in_and_no_user(client: Any, for_tenant: bool) -> None:
    cognito = boto3.client("cognito-idp")
    pool = made_pool(cognito, for_tenant=for_tenant)
    directory = DirectoryTable(client, "directory")
    issuer = f"https://cognito-idp.example/{pool}"
    directory.open_tenant("demo", issuer, CLIENTS, 0)
    directory.open_tenant("other", f"{ISSUER}-2", CLIENTS, 0)
    directory.add_host(T1, "api.demo.example")
    directory.add_host(T2, "api.other.example")
    directory.open_account(T1, "alice")
    directory.open_account(T2, "alice")
    records = TenantRecords("directory", directory)
    own = FakeOwn()
    removal = TenantRemoval(client, REMOVED_FROM, Owned(TenantUserPools(cognito), own, own))
    for _ in range(2):
        removal.remove(found(records))
    assert own.calls == ["keys of t1", "stacks of t1"] * 2
    assert directory.tenant_of(issuer) is None
    assert directory.tenant_named("demo") is None
    assert directory.tenant_named("other") == T2
    assert directory.tenant_of_host("api.demo.example") is None
    assert directory.account_of(T1, "alice") is None
    pools = [one["Id"] for one in cognito.list_user_pools(MaxResults=10)["UserPools"]]
    assert pools == ([] if for_tenant else [pool])
    if not for_tenant:
        assert not cognito.list_users(UserPoolId=pool)["Users"]
    # The other tenant's are untouched.
    assert directory.tenant_of_host("api.other.example") == T2
    assert directory.account_of(T2, "alice") is not None
    assert [one.tenant for one in records.all()] == ["t1", "t2"]


def test_users_are_exported_with_their_addresses(client: Any) -> None:
    cognito = boto3.client("cognito-idp")
    pool = made_pool(cognito, for_tenant=True)
    users = list(TenantUserPools(cognito).users(f"https://cognito-idp.example/{pool}"))
    assert [one["email"] for one in users] == ["alice@example.com", "bob@example.com"]
    assert all(one["subject"] and one["created_at_ms"] for one in users)
    assert pool_id(f"https://cognito-idp.example/{pool}") == pool


def put(client: Any, table: str, pk: str, sk: str, **attributes: Any) -> None:
    client.put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": sk}, **attributes})


def test_an_export_has_all_of_a_tenant_and_nothing_of_another(client: Any) -> None:
    directory = DirectoryTable(client, "directory")
    for tenant, issuer in ((T1, ISSUER), (T2, f"{ISSUER}-2")):
        directory.open_tenant(f"x{tenant}", issuer, CLIENTS, 0)
        account = str(directory.open_account(tenant, "alice"))
        put(client, "markets", str(tenant), "market#BTC-USDT", tick_units={"N": "5"})
        put(client, "trades", f"{tenant}#BTC-USDT", "1", price={"N": "1"})
        # A tenant whose number begins with this one's.
        put(client, "trades", f"{tenant}2#BTC-USDT", "1", price={"N": "1"})
        for table in ("orders", "fills", "balances"):
            put(client, table, account, "a", data={"B": b"\x00"}, who={"S": str(tenant)})
            put(client, table, f"{tenant}-0", "a", list={"L": [{"N": "1"}]}, map={"M": {}})
            put(client, table, f"{tenant}2-1", "a")
        sub = AccountId.parse(account).sub_account(2)
        seats = SubAccountList({2: SubAccount(sub, "bot", 1)}, 0)
        assert SubAccountsTable(client, "directory").replace(sub.owner, seats)
        put(client, "balances", str(sub), "USDT")
        put(client, "fills", f"{sub}#transfers", "1")
        put(client, "fills", f"{tenant}2-1#transfers", "1")
        put(client, "balances", f"{account}#traded", "0000001#USDT")
        put(client, "balances", f"{account}#settings", "settings")
    exported = {
        name: list(rows)
        for name, rows in TenantTables(client, ExportTables(*TABLES, "identity", "notices")).parts(
            T1
        )
    }
    assert set(exported) == {
        *TABLES,
        *("transfers", "traded", "settings", "notices", "security_events"),
    }
    assert json.loads(json.dumps(exported)) == exported
    owners = {row["pk"].split("#")[0].split("-")[0] for rows in exported.values() for row in rows}
    assert owners == {"t1"}
    assert {name: len(rows) for name, rows in exported.items()} == {
        "directory": 4,
        "markets": 1,
        "trades": 1,
        "orders": 2,
        "fills": 2,
        "balances": 3,
        "transfers": 1,
        "traded": 1,
        "settings": 1,
        "notices": 0,
        "security_events": 0,
    }
    assert exported["orders"][0] == {"pk": "t1-0", "sk": "a", "list": [1], "map": {}}
    assert exported["orders"][1]["data"] == "AA=="
