"""The directory on a table: what exists is found again."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.intake.dynamodb import DynamoRequestRecords
from bursa.intake.once import RequestRecord
from bursa.kernel import keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.lister import Lister
from bursa.tenants.listing_numbers_dynamodb import ListingNumbers
from bursa.tenants.profile import IntakeProfile

TABLE = "directory"
ISSUER = "https://issuer.example/pool"
CLIENTS = frozenset({"web"})
T1 = TenantId(1)
SHARD = 0


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
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
        yield client


@pytest.fixture
def directory(client: Any) -> DirectoryTable:
    return DirectoryTable(client, TABLE)


@pytest.fixture
def records(client: Any) -> DynamoRequestRecords:
    return DynamoRequestRecords(client, TABLE)


def test_an_issuer_keeps_its_tenant(directory: DirectoryTable) -> None:
    first = directory.open_tenant("demo", ISSUER, CLIENTS, SHARD)
    again = directory.open_tenant("demo", ISSUER, CLIENTS, SHARD)
    other = directory.open_tenant("other", f"{ISSUER}-2", CLIENTS, SHARD)
    assert (first.tenant, again.tenant, other.tenant) == (T1, T1, TenantId(2))
    assert directory.tenant_of(ISSUER) == first


def test_a_tenants_settings_can_change(directory: DirectoryTable) -> None:
    directory.open_tenant("demo", ISSUER, CLIENTS, SHARD)
    directory.open_tenant("new name", ISSUER, CLIENTS | {"mobile"}, SHARD)
    found = directory.tenant_of(ISSUER)
    assert found is not None
    assert (found.name, found.client_ids) == ("new name", CLIENTS | {"mobile"})


def test_a_tenants_origins_are_those_it_was_last_opened_with(directory: DirectoryTable) -> None:
    origins = frozenset({"https://a.example", "https://b.example"})
    directory.open_tenant("demo", ISSUER, CLIENTS, SHARD, origins=origins)
    assert directory.origins(T1) == origins
    found = directory.tenant_of(ISSUER)
    assert found is not None
    assert found.origins == origins
    directory.open_tenant("demo", ISSUER, CLIENTS, SHARD)
    assert directory.origins(T1) == directory.origins(TenantId(2)) == frozenset()


def test_a_tenant_stays_on_its_shard(directory: DirectoryTable) -> None:
    first = directory.open_tenant("demo", ISSUER, CLIENTS, shard=3)
    again = directory.open_tenant("demo", ISSUER, CLIENTS, shard=4)
    other = directory.open_tenant("other", f"{ISSUER}-2", CLIENTS, shard=4)
    assert (first.shard, again.shard, other.shard) == (3, 3, 4)
    assert directory.intake_profile(first.tenant) == IntakeProfile(3)
    assert directory.intake_profile(other.tenant) == IntakeProfile(4)


def test_hosts_lead_to_their_tenant_in_any_case(directory: DirectoryTable) -> None:
    directory.open_tenant("demo", ISSUER, CLIENTS, SHARD)
    directory.add_host(T1, "api.demo.example")
    directory.add_host(T1, "API.demo.example")
    directory.add_host(TenantId(2), "api.other.example")
    assert directory.tenant_of_host("Api.Demo.Example") == T1
    assert directory.tenant_of_host("api.other.example") == TenantId(2)


def test_a_host_is_not_taken_away(directory: DirectoryTable) -> None:
    directory.add_host(T1, "api.demo.example")
    with pytest.raises(Conflict, match="another tenant") as refused:
        directory.add_host(TenantId(2), "api.demo.example")
    assert refused.value.code == "host_taken"
    assert directory.tenant_of_host("api.demo.example") == T1


def test_what_is_not_there_is_not_found(directory: DirectoryTable) -> None:
    assert directory.tenant_of("https://elsewhere.example") is None
    assert directory.tenant_of_host("elsewhere.example") is None
    assert directory.profile(TenantId(9)) is None
    assert directory.intake_profile(TenantId(9)) is None
    assert not directory.has_tenant(TenantId(9))


def test_a_user_keeps_its_account(directory: DirectoryTable) -> None:
    assert directory.open_account(T1, "alice") == AccountId(T1, 1)
    assert directory.open_account(T1, "bob") == AccountId(T1, 2)
    assert directory.open_account(T1, "alice") == AccountId(T1, 1)
    assert directory.account_of(T1, "alice") == AccountId(T1, 1)
    assert directory.account_of(TenantId(2), "alice") is None


def test_assets_and_markets_are_numbered_across_tenants(directory: DirectoryTable) -> None:
    t2 = TenantId(2)
    assert directory.get_or_assign_asset_number(T1, "BTC", 8) == 1
    assert directory.get_or_assign_asset_number(t2, "BTC", 6) == 2
    assert directory.get_or_assign_asset_number(T1, "BTC", 8) == 1
    assert directory.get_or_assign_market_number(T1, "BTC-USDT", (10_000, 100)) == 1


def test_what_is_for_good_of_a_listing_is_whoevers_was_first(directory: DirectoryTable) -> None:
    numbers = ListingNumbers(directory._client, directory._table)
    steps = (10_000, 100)
    assert numbers.asset(T1, "SOL", 9) == numbers.asset(T1, "SOL", 9)
    assert (numbers.scale(T1, "SOL"), numbers.scale(TenantId(2), "SOL")) == (9, None)
    first = numbers.market(T1, "SOL-USDT", steps, Lister.BACK_OFFICE)
    assert numbers.market(T1, "SOL-USDT", steps, Lister.BACK_OFFICE) == first
    assert directory.market_lister(T1, "SOL-USDT") is Lister.BACK_OFFICE
    with pytest.raises(Conflict, match="scale 9 for good"):
        directory.get_or_assign_asset_number(T1, "SOL", 8)
    with pytest.raises(Conflict, match="another tick or lot"):
        numbers.market(T1, "SOL-USDT", (10_000, 10), Lister.BACK_OFFICE)
    with pytest.raises(Conflict, match="listed by the back office"):
        directory.get_or_assign_market_number(T1, "SOL-USDT", steps)


def test_a_row_of_before_is_its_files_which_completes_it(directory: DirectoryTable) -> None:
    for name in (keys.asset("BTC"), keys.market("BTC-USDT")):
        directory._put(str(T1), name, number={"N": "7"})
    numbers = ListingNumbers(directory._client, directory._table)
    assert (numbers.scale(T1, "BTC"), numbers.lister(T1, "BTC-USDT")) == (None, None)
    with pytest.raises(Conflict) as refused:
        numbers.market(T1, "BTC-USDT", (1, 1), Lister.BACK_OFFICE)
    assert refused.value.code == "market_listed_elsewhere"
    assert directory.get_or_assign_asset_number(T1, "BTC", 8) == 7
    assert directory.get_or_assign_market_number(T1, "BTC-USDT", (10_000, 100)) == 7
    assert (numbers.scale(T1, "BTC"), numbers.lister(T1, "BTC-USDT")) == (8, Lister.FILE)


def test_a_request_keeps_its_first_time_until_it_is_done(
    directory: DirectoryTable, records: DynamoRequestRecords
) -> None:
    first = records.find_or_add(T1, "gift", 1_000)
    later = records.find_or_add(T1, "gift", 2_000)
    assert first == later == RequestRecord(1_000, done=False)
    records.mark_done(T1, "gift")
    assert records.find_or_add(T1, "gift", 3_000) == RequestRecord(1_000, done=True)
    assert records.find_or_add(TenantId(2), "gift", 3_000).first_requested_ms == 3_000


def test_a_pause_of_withdrawals_is_kept_and_taken_back(directory: DirectoryTable) -> None:
    profile = directory.open_tenant("pausing", f"{ISSUER}-pausing", frozenset({"web"}), 0)
    assert directory.withdrawal_pause_s(profile.tenant) is None
    for seconds in (3_600, 0, None, None):
        directory.set_withdrawal_pause(profile.tenant, seconds)
        assert directory.withdrawal_pause_s(profile.tenant) == seconds
    # Whatever else is written keeps it.
    directory.set_withdrawal_pause(profile.tenant, 60)
    directory.add_tenant(profile)
    assert directory.withdrawal_pause_s(profile.tenant) == 60
    assert directory.withdrawal_pause_s(TenantId(999)) is None
