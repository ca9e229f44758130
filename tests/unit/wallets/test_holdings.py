"""Liabilities against holdings: short means that withdrawals of the asset stop, and no other."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.wallets.holdings import Balance, Holding, HoldingsCheck
from bursa.wallets.stops import ANY, Flow, Stop, require_running
from tests.doubles.wallet_records import MemoryStops

TENANT = TenantId(1)


@dataclass
class Books:
    """What is owed, at each reading; the last one from then on."""

    readings: list[int]
    told: list[Balance] = field(default_factory=list)

    def of(self, _tenant: TenantId, _asset: str) -> int:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]

    def measured(self, _tenant: TenantId, balance: Balance) -> None:
        self.told.append(balance)


def check(books: Books, stops: MemoryStops, *units: int, leaving: int = 0) -> Balance:
    holdings = [Holding("bitcoin", "hot", one) for one in units]
    return HoldingsCheck(books, lambda *_: holdings, lambda *_: leaving, stops, books).check(
        TENANT, "BTC"
    )


@pytest.mark.parametrize(
    ("surplus", "owed", "there", "leaving"),
    [
        (0, [100], (60, 40), 0),
        (1, [100], (101,), 0),
        (-1, [100], (99,), 0),
        (0, [100], (70,), 30),
        (-100, [100], (), 0),
        # Credited between the readings: what was owed before is what must be there.
        (0, [100, 130], (100,), 0),
        (0, [130, 100], (100,), 0),
    ],
)
def test_short_stops_withdrawals_of_the_asset(
    surplus: int, owed: list[int], there: Sequence[int], leaving: int
) -> None:
    books, stops = Books(owed), MemoryStops()
    found = check(books, stops, *there, leaving=leaving)
    assert found.surplus == surplus
    assert books.told == [found]
    stop = Stop(Flow.WITHDRAWALS, "t1", ANY, "BTC", "holdings_short")
    assert stops.on(TENANT) == ([stop] if surplus < 0 else [])
    assert stops.on(TenantId(2)) == []


def test_only_a_person_starts_them_again() -> None:
    stops = MemoryStops()
    check(Books([100]), stops, 99)
    check(Books([100]), stops, 200)
    with pytest.raises(Unavailable) as error:
        require_running(stops, Flow.WITHDRAWALS, TENANT, "bitcoin", "BTC")
    assert error.value.code == "withdrawals_stopped"
    require_running(stops, Flow.WITHDRAWALS, TENANT, "ethereum", "ETH")
    require_running(stops, Flow.CREDITS, TENANT, "bitcoin", "BTC")


@pytest.mark.parametrize(
    ("covers", "stop"),
    [
        (True, Stop(Flow.WITHDRAWALS, ANY, ANY, ANY, "")),
        (True, Stop(Flow.WITHDRAWALS, "t1", "bitcoin", "BTC", "")),
        (False, Stop(Flow.WITHDRAWALS, "t2", ANY, ANY, "")),
        (False, Stop(Flow.WITHDRAWALS, ANY, "ethereum", ANY, "")),
        (False, Stop(Flow.WITHDRAWALS, ANY, ANY, "ETH", "")),
        (False, Stop(Flow.CREDITS, ANY, ANY, ANY, "")),
    ],
)
def test_what_a_switch_covers(covers: bool, stop: Stop) -> None:
    assert stop.covers(Flow.WITHDRAWALS, TENANT, "bitcoin", "BTC") is covers
