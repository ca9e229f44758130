"""The directory on a table: what exists is found again, whoever asks."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable

TABLE = "directory"
ISSUER = "https://issuer.example/pool"
CLIENTS = frozenset({"web"})
T1 = TenantId(1)


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[DirectoryTable]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        yield DirectoryTable(client, TABLE)


def test_an_issuer_keeps_its_tenant(directory: DirectoryTable) -> None:
    first = directory.open_tenant("demo", ISSUER, CLIENTS)
    again = directory.open_tenant("demo", ISSUER, CLIENTS)
    other = directory.open_tenant("other", f"{ISSUER}-2", CLIENTS)
    assert (first.tenant, again.tenant, other.tenant) == (T1, T1, TenantId(2))
    assert directory.tenant_of(ISSUER) == first


def test_a_tenants_settings_can_change(directory: DirectoryTable) -> None:
    directory.open_tenant("demo", ISSUER, CLIENTS)
    directory.open_tenant("new name", ISSUER, CLIENTS | {"mobile"})
    found = directory.tenant_of(ISSUER)
    assert found is not None
    assert (found.name, found.client_ids) == ("new name", CLIENTS | {"mobile"})


def test_a_stranger_has_no_tenant(directory: DirectoryTable) -> None:
    assert directory.tenant_of("https://elsewhere.example") is None


def test_a_user_keeps_its_account(directory: DirectoryTable) -> None:
    assert directory.open_account(T1, "alice") == AccountId(T1, 1)
    assert directory.open_account(T1, "bob") == AccountId(T1, 2)
    assert directory.open_account(T1, "alice") == AccountId(T1, 1)
    assert directory.account_of(T1, "alice") == AccountId(T1, 1)
    assert directory.account_of(TenantId(2), "alice") is None


def test_assets_and_markets_are_numbered_across_tenants(directory: DirectoryTable) -> None:
    t2 = TenantId(2)
    assert directory.number_of_asset(T1, "BTC") == 1
    assert directory.number_of_asset(t2, "BTC") == 2
    assert directory.number_of_asset(T1, "BTC") == 1
    assert directory.number_of_market(T1, "BTC-USDT") == 1


def test_a_wish_keeps_its_first_time_until_it_is_fulfilled(directory: DirectoryTable) -> None:
    first = directory.write_wish(T1, "gift", 1_000)
    later = directory.write_wish(T1, "gift", 2_000)
    assert first == later
    assert (later.wished_ms, later.fulfilled) == (1_000, False)
    directory.fulfil_wish(T1, "gift")
    assert directory.write_wish(T1, "gift", 3_000).fulfilled
    assert directory.write_wish(TenantId(2), "gift", 3_000).wished_ms == 3_000
