"""Budgets on a real table: conditions, units, several containers, a table that does not respond."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.intake.shared_buckets import Ask
from bursa.kernel.errors import Unavailable
from tests.doubles.tables import create_tables

NOW_US = 1_795_291_200_000_000
# Ten at once, one back in 20 ms.
INTERVAL_US, ROOM_US = 20_000, 200_000


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_tables(client, ["budgets"])
        yield client


@pytest.fixture
def buckets(client: Any) -> DynamoBuckets:
    return DynamoBuckets(lambda: client, "budgets")


def ask(count: int, after_ms: int = 0) -> Ask:
    return Ask(count, INTERVAL_US, ROOM_US, NOW_US + after_ms * 1_000)


def test_a_bucket_gives_what_it_has_and_fills_again(buckets: DynamoBuckets) -> None:
    taken = [buckets.take("t1-1", "commands", ask(4)).is_taken for _ in range(4)]
    later = [buckets.take("t1-1", "commands", ask(1, after_ms=40)).is_taken for _ in range(5)]
    full = buckets.take("t1-1", "commands", ask(10, after_ms=60_000))

    assert taken == [True, True, False, False]
    assert later == [True] * 4 + [False]
    assert full.is_taken


def test_budgets_and_holders_are_apart_and_expire(buckets: DynamoBuckets, client: Any) -> None:
    for holder, budget in (("t1-1", "commands"), ("t1-1", "cancels"), ("t1", "commands")):
        assert buckets.take(holder, budget, ask(10)).is_taken

    items = client.scan(TableName="budgets")["Items"]
    assert {(item["pk"]["S"], item["sk"]["S"]) for item in items} == {
        ("t1-1", "commands"),
        ("t1-1", "cancels"),
        ("t1", "commands"),
    }
    assert all(int(item["expires_at"]["N"]) > NOW_US // 1_000_000 for item in items)


class Interleaved:
    """A client that lets another container take in between, before its second update."""

    def __init__(self, client: Any, between: Callable[[], object]) -> None:
        self._client = client
        self._between = between
        self._updates = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        self._updates += 1
        if self._updates == 2:
            self._between()
        return self._client.update_item(**request)


def test_what_another_took_meanwhile_is_not_given_again(
    buckets: DynamoBuckets, client: Any
) -> None:
    """The bucket was full, so a first update finds no row and a second one writes it."""
    between: Any = Interleaved(client, lambda: buckets.take("t1-1", "commands", ask(7)))
    raced = DynamoBuckets(lambda: between, "budgets")

    assert raced.take("t1-1", "commands", ask(3)).is_taken
    assert not raced.take("t1-1", "commands", ask(1)).is_taken


def test_a_row_of_a_clock_that_is_off_is_replaced(buckets: DynamoBuckets) -> None:
    an_hour_ahead = Ask(10, INTERVAL_US, ROOM_US, NOW_US + 3_600_000_000)
    assert buckets.take("t1-1", "commands", an_hour_ahead).is_taken
    assert buckets.take("t1-1", "commands", ask(1)).is_taken


def test_a_table_that_can_not_be_reached_is_unavailable(
    buckets: DynamoBuckets, client: Any
) -> None:
    client.delete_table(TableName="budgets")
    with pytest.raises(Unavailable) as error:
        buckets.take("t1-1", "commands", ask(1))
    assert error.value.code == "budgets_unavailable"


def test_what_is_seen_and_named_is_added_up_and_expires(
    buckets: DynamoBuckets, client: Any
) -> None:
    assert [buckets.see("t1-1", "reads", 7, 50) for _ in range(2)] == [50, 100]
    assert buckets.see("t1-1", "reads", 8, 50) == 50
    assert buckets.named("t1", 3) == frozenset()
    for account in ("t1-1", "t1-2", "t1-1"):
        buckets.name("t1", account, 3)
    buckets.name("t2", "t2-1", 3)

    assert buckets.named("t1", 3) == {"t1-1", "t1-2"}
    assert buckets.named("t1", 4) == frozenset()
    assert all("expires_at" in item for item in client.scan(TableName="budgets")["Items"])


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda away: away.see("t1-1", "reads", 7, 50), id="see"),
        pytest.param(lambda away: away.name("t1", "t1-1", 3), id="name"),
        pytest.param(lambda away: away.named("t1", 3), id="named"),
    ],
)
def test_sightings_that_cannot_be_reached_are_unavailable(
    client: Any, call: Callable[[DynamoBuckets], object]
) -> None:
    with pytest.raises(Unavailable):
        call(DynamoBuckets(lambda: client, "no-such-table"))
