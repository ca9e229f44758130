"""The wallets' records on tables: kept whole, changed on condition, found while they are open."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.address_book import COOLING_OFF_MS_MIN
from bursa.wallets.chains.amounts import CHAIN_UNITS_MAX, ChainUnits
from bursa.wallets.chains.ports import (
    BitcoinPlan,
    EvmPlan,
    GasFee,
    NetworkName,
    NonceClaim,
    NonceLane,
    Nonces,
    Outpoint,
    OutputsClaim,
    Payment,
    RateFee,
    TransferId,
    Unspent,
)
from bursa.wallets.claims import Claims
from bursa.wallets.deposit_states import DepositStep
from bursa.wallets.deposit_watch import WatchCheckpoint
from bursa.wallets.deposits import BlockPlace, Deposit
from bursa.wallets.limits import Count, CountKey, Entry
from bursa.wallets.policy import Facts
from bursa.wallets.records_dynamodb import (
    AddressBooksTable,
    CheckpointsTable,
    CountsTable,
    DepositsTable,
    StopsTable,
    WithdrawalsTable,
)
from bursa.wallets.rows_dynamodb import Row, rows
from bursa.wallets.signings import Signing
from bursa.wallets.signings_dynamodb import ClaimBooksTable, EpochsTable, SigningsTable
from bursa.wallets.stops import ANY, Flow, Stop
from bursa.wallets.travel_rule import Beneficiary, Provider
from bursa.wallets.withdrawal_states import WithdrawalStep
from bursa.wallets.withdrawals import Approval, Intent, Withdrawal

T1, T2 = TenantId(1), TenantId(2)
ANNA = AccountId(T1, 7)
BITCOIN, ETHEREUM = NetworkName("bitcoin"), NetworkName("ethereum")
OUTPOINT = Outpoint("ab" * 32, 1)
DEPOSIT = Deposit(
    TransferId(BITCOIN, "ab" * 32, "1"),
    ANNA,
    "BTC",
    "bc1qexample",
    ChainUnits(29_000_000),
    29_000_000,
    1_790_000_000_000,
    block=BlockPlace(9, "cd" * 32),
    sources=("bc1qa", "bc1qb"),
    claim=OutputsClaim((OUTPOINT,)),
)
WITHDRAWAL = Withdrawal(
    "0f" * 16,
    ANNA,
    "anna",
    Intent("ETH", "ethereum", "0xAb", 5, CHAIN_UNITS_MAX),
    "digest",
    1_790_000_000_000,
    1,
    2,
    Facts("ETH", "ethereum", 500, 2, is_unlisted=True, by_key=False),
    3,
    1,
    needs_review=False,
    receiver=AccountId(T1, 8),
    beneficiary=Beneficiary("Sari", provider=Provider("Other", "ID")),
    approvals=(Approval("ben", "digest", 4),),
)
EVM_PLAN = EvmPlan(
    ETHEREUM,
    (Payment("p", "native", "0xAb", ChainUnits(10**30)),),
    NonceLane("0xhot", 4, "hot"),
    GasFee(ChainUnits(2), ChainUnits(1)),
    21_000,
)
BITCOIN_PLAN = BitcoinPlan(
    BITCOIN,
    (Payment("p", "native", "bc1q", ChainUnits(5)),),
    (Unspent(OUTPOINT, "bc1qhot", ChainUnits(9), None, "hot", b"\x02\x03"),),
    "bc1qhot",
    ChainUnits(1),
    RateFee(ChainUnits(1_000)),
    141,
)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Row]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    kinds: dict[str, Any] = {"pk": "S", "sk": "S", "open_key": "S", "since_ms": "N"}
    table, index = [
        [{"AttributeName": a, "KeyType": "HASH"}, {"AttributeName": b, "KeyType": "RANGE"}]
        for a, b in (("pk", "sk"), ("open_key", "since_ms"))
    ]
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        client.create_table(
            TableName="wallets",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
            ],
            KeySchema=table,
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "wallets-open",
                    "KeySchema": index,
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        yield rows("wallets")


def test_a_deposit_is_kept_whole_and_open_until_its_end(model: type[Row]) -> None:
    table = DepositsTable(model)
    kept = table.save(DEPOSIT)
    assert kept == replace(DEPOSIT, version=1) == table.find(ANNA, DEPOSIT.id)
    assert table.open(T1, "bitcoin") == [kept]
    assert table.open(T2, "bitcoin") == table.open(T1, "ethereum") == []
    table.save(kept.after(DepositStep.INCLUDE).after(DepositStep.FIND_SMALL))
    assert table.open(T1, "bitcoin") == []


def test_of_two_watchers_one_writes(model: type[Row]) -> None:
    table = DepositsTable(model)
    kept = table.save(DEPOSIT)
    for late in (DEPOSIT, replace(kept, version=7)):
        with pytest.raises(Conflict) as error:
            table.save(late)
        assert error.value.code == "record_changed"
    table.save(kept)
    with pytest.raises(Conflict):
        table.save(kept)


def test_a_withdrawal_is_kept_whole_and_open_until_its_end(model: type[Row]) -> None:
    table = WithdrawalsTable(model)
    kept = table.save(WITHDRAWAL)
    assert kept == replace(WITHDRAWAL, version=1) == table.find(ANNA, WITHDRAWAL.id)
    assert table.find(AccountId(T2, 7), WITHDRAWAL.id) is None
    assert table.open(T1, "ethereum") == [kept]
    table.save(kept.after(WithdrawalStep.REFUSE, reason="level_too_low"))
    assert table.open(T1, "ethereum") == []


@pytest.mark.parametrize("plan", [EVM_PLAN, BITCOIN_PLAN, None], ids=["evm", "bitcoin", "void"])
def test_what_is_to_be_signed_is_kept_whole_and_once(model: type[Row], plan: Any) -> None:
    table = SigningsTable(model)
    signing = Signing("id", ANNA, "intent", plan, ("ab",), 3)
    planned = table.save(signing)
    with pytest.raises(Conflict):
        table.save(replace(signing, digests=("cd",)))
    signed = table.save(replace(planned, transaction="tx", raw=b"\x00\xff"))
    with pytest.raises(Conflict):
        table.save(replace(planned, transaction="other", raw=b"\x01"))
    assert table.find(ANNA, "id") == signed
    assert signed.plan == plan


def test_a_lower_epoch_never_comes_back(model: type[Row]) -> None:
    table = EpochsTable(model)
    assert [table.raise_to("bitcoin", one) for one in (2, 1, 5, 4)] == [2, 2, 5, 5]
    assert table.raise_to("ethereum", 1) == 1


def test_nonces_and_outputs_are_given_once(model: type[Row]) -> None:
    books = ClaimBooksTable(model)
    claims = Claims(books)
    claims.begin(T1, "ethereum", "0xhot", Nonces(3, 4))
    names = [Random(seed).choice("abc") for seed in range(12)]
    given = {name: claims.nonce(T1, "ethereum", "0xhot", name) for name in names}
    assert sorted(given.values()) == [4, 5, 6]
    claims.lock(T1, "bitcoin", "a", [OUTPOINT])
    with pytest.raises(Conflict):
        claims.lock(T1, "bitcoin", "b", [OUTPOINT])
    claims.unlock(T1, "bitcoin", "a")
    claims.lock(T1, "bitcoin", "b", [OUTPOINT])
    assert books.outputs(T1, "bitcoin").locked == {OUTPOINT: "b"}


def test_a_chain_is_read_on_from_where_it_was(model: type[Row]) -> None:
    table = CheckpointsTable(model)
    first = WatchCheckpoint("bitcoin", (BlockPlace(1, "a"), BlockPlace(2, "b")))
    assert table.find("bitcoin") is None
    kept = table.save(first)
    assert table.find("bitcoin") == kept
    with pytest.raises(Conflict):
        table.save(first)


def test_counts_are_changed_on_condition(model: type[Row]) -> None:
    table, key = CountsTable(model), CountKey(T1, "user/t1-7", 680)
    assert table.read(key).entries == {}
    table.save(Count(key, {"one": Entry(3, 5)}))
    assert table.read(key).total == 5
    with pytest.raises(Conflict):
        table.save(Count(key, {"two": Entry(3, 5)}))


def test_a_book_is_the_owners(model: type[Row]) -> None:
    table = AddressBooksTable(model)
    book = table.of(ANNA).with_address("bitcoin", "bc1q", "mine", 1, COOLING_OFF_MS_MIN)
    kept = table.save(book.listed_only())
    assert table.of(ANNA.sub_account(1)) == kept
    with pytest.raises(Conflict):
        table.save(book)


def test_switches_of_one_tenant_and_of_all(model: type[Row]) -> None:
    table = StopsTable(model)
    one = Stop(Flow.WITHDRAWALS, "t1", ANY, "BTC", "holdings_short")
    every = Stop(Flow.WITHDRAWALS, ANY, "bitcoin", ANY, "reorganisation")
    for stop in (one, every, one._replace(why="later")):
        table.set(stop)
    assert table.on(T1) == [one, every]
    assert table.on(T2) == [every]
    table.clear(every)
    table.clear(every)
    assert table.on(T1) == [one]


def test_a_table_that_is_not_there_is_unavailable(model: type[Row]) -> None:
    with pytest.raises(Unavailable) as error:
        DepositsTable(rows("other")).find(ANNA, DEPOSIT.id)
    assert error.value.code == "wallets_unavailable"


def test_claims_of_both_families_come_back(model: type[Row]) -> None:
    table = DepositsTable(model)
    for claim in (None, NonceClaim("0xa", 3), OutputsClaim((OUTPOINT, Outpoint("c", 0)))):
        deposit = replace(DEPOSIT, id=TransferId(BITCOIN, str(claim), "0"), claim=claim)
        table.save(deposit)
        found = table.find(ANNA, deposit.id)
        assert found is not None
        assert found.claim == claim
