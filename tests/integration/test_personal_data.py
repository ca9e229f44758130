"""Personal data under keys of KMS and on tables: sealed for one user, and gone with their key."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from bursa.compliance import personal_data_dynamodb
from bursa.compliance.personal_data_dynamodb import PersonalRecordsTable, UserKeysTable
from bursa.compliance.personal_data_kms import UserVault
from bursa.compliance.personal_records import Access, AccessKind, SealedRecord
from bursa.kernel import keys
from bursa.kernel.errors import BursaError, Conflict, Unavailable
from bursa.kernel.identifiers import TenantId

T1, T2 = TenantId(1), TenantId(2)
NOW = 1_790_000_000_000
DATA = b"Anna Lindqvist, 1990-02-28"


class World(NamedTuple):
    vault: UserVault
    user_keys: UserKeysTable
    records: PersonalRecordsTable
    key_of: dict[TenantId, str]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        for table in ("compliance", "user-keys"):
            boto3.client("dynamodb").create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[
                    {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
                ],
                KeySchema=[
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            )
        client: Any = boto3.client("kms")
        key_of = {tenant: client.create_key()["KeyMetadata"]["KeyId"] for tenant in (T1, T2)}
        user_keys = UserKeysTable("user-keys")
        vault = UserVault(client, user_keys, key_of.__getitem__)
        yield World(vault, user_keys, PersonalRecordsTable("compliance"), key_of)


def test_what_is_sealed_opens_for_the_same_user(world: World) -> None:
    sealed = world.vault.seal(T1, "anna", DATA)
    assert b"Lindqvist" not in sealed
    assert world.vault.open(T1, "anna", sealed) == DATA
    again = world.vault.seal(T1, "anna", DATA)
    assert again != sealed
    assert world.vault.open(T1, "anna", again) == DATA


def test_another_users_data_does_not_open(world: World) -> None:
    sealed = world.vault.seal(T1, "anna", DATA)
    for tenant, user in ((T1, "bert"), (T2, "anna")):
        world.vault.seal(tenant, user, b"their own")
        with pytest.raises(BursaError) as caught:
            world.vault.open(tenant, user, sealed)
        assert caught.value.code == "personal_data_damaged"


def test_a_key_that_was_moved_to_another_user_does_not_open(world: World) -> None:
    sealed = world.vault.seal(T1, "anna", DATA)
    moved = world.user_keys.find(T1, "anna")
    assert moved
    for tenant, user in ((T1, "bert"), (T2, "anna")):
        world.user_keys.add(tenant, user, moved)
        with pytest.raises(Unavailable):
            world.vault.open(tenant, user, sealed)


def test_what_was_changed_or_cut_does_not_open(world: World) -> None:
    sealed = world.vault.seal(T1, "anna", DATA)
    flipped = (
        sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(0, len(sealed), 11)
    )
    for changed in (sealed[:-1], b"", b"x", *flipped):
        with pytest.raises(BursaError) as caught:
            world.vault.open(T1, "anna", changed)
        assert caught.value.code == "personal_data_damaged"


def test_without_the_users_key_no_copy_opens(world: World) -> None:
    sealed = world.vault.seal(T1, "anna", DATA)
    for _ in range(2):
        world.vault.destroy(T1, "anna")
    with pytest.raises(BursaError) as caught:
        world.vault.open(T1, "anna", sealed)
    assert caught.value.code == "no_personal_data"
    # What they give afterwards is under another key, which does not open the copy either.
    assert world.vault.open(T1, "anna", world.vault.seal(T1, "anna", b"new")) == b"new"
    with pytest.raises(BursaError) as caught:
        world.vault.open(T1, "anna", sealed)
    assert caught.value.code == "personal_data_damaged"


def test_of_two_first_keys_one_is_kept(world: World) -> None:
    assert world.user_keys.add(T1, "anna", b"first") == b"first"
    assert world.user_keys.add(T1, "anna", b"second") == b"first"
    assert world.user_keys.find(T1, "anna") == b"first"


@pytest.mark.parametrize(("seen", "stored"), [(0, 1), (1, 0), (1, 2)])
def test_nothing_is_written_when_the_case_has_changed_meanwhile(
    world: World, seen: int, stored: int
) -> None:
    if stored:
        boto3.resource("dynamodb").Table("compliance").put_item(
            Item={"pk": "t1#anna", "sk": "case", "version": stored}
        )
    with pytest.raises(Conflict) as caught:
        world.records.save(T1, "anna", SealedRecord(1, b"a"), seen)
    assert caught.value.code == "personal_data_changed"
    assert world.records.find(T1, "anna") is None
    world.records.save(T1, "anna", SealedRecord(1, b"a"), stored)
    assert world.records.find(T1, "anna") == SealedRecord(1, b"a")


def test_of_two_writers_one_is_refused(world: World) -> None:
    world.records.save(T1, "anna", SealedRecord(1, b"a"), 0)
    with pytest.raises(Conflict):
        world.records.save(T1, "anna", SealedRecord(1, b"b"), 0)
    world.records.save(T1, "anna", SealedRecord(2, b"b"), 0)
    with pytest.raises(Conflict):
        world.records.save(T1, "anna", SealedRecord(2, b"c"), 0)
    assert world.records.find(T1, "anna") == SealedRecord(2, b"b")
    assert world.records.find(T2, "anna") is None
    # Emptied, once, and its versions go on.
    for _ in range(2):
        world.records.remove(T1, "anna")
    assert world.records.find(T1, "anna") == SealedRecord(3, b"")
    world.records.save(T1, "anna", SealedRecord(4, b"d"), 0)


def test_lines_are_kept_newest_first_and_apart(world: World) -> None:
    lines = [Access(NOW + at, AccessKind.READ, "compliance", "mia", f"{at}") for at in range(3)]
    for line in lines:
        world.records.note(T1, "anna", line)
    world.records.note(T1, "anna", lines[0])
    assert list(world.records.accesses(T1, "anna")) == [*lines[:0:-1], lines[0], lines[0]]
    assert world.records.accesses(T2, "anna") == []
    assert keys.access_record(NOW, "x") < keys.access_record(NOW + 1, "a")


def test_a_table_that_is_away_is_unavailable(world: World) -> None:
    away = PersonalRecordsTable("no-such-table")
    with pytest.raises(Unavailable):
        away.find(T1, "anna")
    with pytest.raises(Unavailable):
        away.note(T1, "anna", Access(NOW, AccessKind.READ, "compliance", "mia", "x"))


def test_changes_are_counted_by_user_and_day(world: World) -> None:
    for day in (20_000, 20_001):
        assert [world.records.count_change(T1, "anna", day, 3) for _ in range(5)] == [
            *([True] * 3),
            *([False] * 2),
        ]
    assert world.records.count_change(T1, "bert", 20_001, 3)
    assert world.records.count_change(T2, "anna", 20_001, 3)


@pytest.mark.parametrize("before", [0, 1])
def test_of_two_changes_at_once_one_counts_and_the_other_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    for _ in range(before):
        world.records.count_change(T1, "anna", 20_000, 5)
    get, others = personal_data_dynamodb._get, iter([True])

    def read_before_the_other(*asked: Any) -> Any:
        found = get(*asked)
        if next(others, False):
            assert world.records.count_change(T1, "anna", 20_000, 5)
        return found

    monkeypatch.setattr(personal_data_dynamodb, "_get", read_before_the_other)
    with pytest.raises(Conflict) as caught:
        world.records.count_change(T1, "anna", 20_000, 5)
    assert caught.value.code == "personal_data_changed"
    counted = [world.records.count_change(T1, "anna", 20_000, 5) for _ in range(5)]
    assert counted.count(True) == 4 - before
