"""What amounts are worth by a tenant's own markets, and what users have traded."""

from collections.abc import Sequence

import pytest

from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.market_data.traded_value import TradedValues
from bursa.market_data.valuation import ClosingPrices, Reference, Valuation, price_of
from bursa.read_models.traded_rows import TradedRow

# A tick of each is 0.01 of the quote for one whole base.
MARKETS = [
    MarketUnits("BTC-EUR", "BTC", "EUR", 8, 10, lot_units=1, tick_units=1),
    MarketUnits("ETH-BTC", "ETH", "BTC", 6, 8, lot_units=1, tick_units=1),
    MarketUnits("EUR-USDT", "EUR", "USDT", 10, 12, lot_units=1, tick_units=1),
    MarketUnits("ETH-USDT", "ETH", "USDT", 6, 12, lot_units=1, tick_units=10_000),
    MarketUnits("SOL-ETH", "SOL", "ETH", 4, 6, lot_units=1, tick_units=1),
    MarketUnits("DOT-BTC", "DOT", "BTC", 6, 8, lot_units=1, tick_units=1),
    MarketUnits("DOT-USDT", "DOT", "USDT", 6, 12, lot_units=1, tick_units=10_000),
]
# The day and the price in ticks: 50,000 EUR, 1.25 USDT, 0.05 BTC, 2,000 USDT …
PRICES = {
    "BTC-EUR": [(10, 5_000_000), (8, 4_000_000), (3, 1_000_000)],
    "EUR-USDT": [(9, 125)],
    "ETH-BTC": [(10, 5)],
    "ETH-USDT": [(10, 200_000)],
    "DOT-BTC": [(12, 1)],
    "DOT-USDT": [],
}
EUR = Reference("EUR", 2)


def prices(market: str) -> ClosingPrices:
    return PRICES.get(market, [])


@pytest.mark.parametrize(
    ("asset", "units", "day", "value"),
    [
        pytest.param("EUR", 10**10, 10, 100, id="itself"),
        pytest.param("EUR", 1, 10, 1, id="the smallest amount counts"),
        pytest.param("EUR", 0, 10, 0, id="nothing"),
        pytest.param("BTC", 10**8, 10, 5_000_000, id="by a market's base"),
        pytest.param("BTC", 10**8, 9, 4_000_000, id="no trade on that day: the day before"),
        pytest.param("BTC", 10**8, 5, 1_000_000, id="several days before"),
        pytest.param("BTC", 10**8, 1, 1_000_000, id="before the first trade: the first price"),
        pytest.param("BTC", 10**8, 99, 5_000_000, id="later: the last price"),
        pytest.param("USDT", 10**12, 10, 80, id="by a market's quote"),
        pytest.param("USDT", 1, 10, 1, id="rounded up"),
        pytest.param(
            "ETH", 10**6, 10, 160_000, id="by way of the asset that most markets trade for"
        ),
        pytest.param("DOT", 10**6, 12, 50_000, id="by way of one that has prices"),
        pytest.param("SOL", 10**4, 10, None, id="two assets in between"),
        pytest.param("XRP", 10**8, 10, None, id="unknown"),
    ],
)
def test_an_amount_is_worth(asset: str, units: int, day: int, value: int | None) -> None:
    assert Valuation(MARKETS, prices, EUR).value(asset, units, day) == value


def test_a_market_that_is_new_leaves_the_days_before_it_as_they_are() -> None:
    two_hops = {"ETH-USDT": [(1, 200_000)], "EUR-USDT": [(1, 125)]}
    direct = MarketUnits("ETH-EUR", "ETH", "EUR", 6, 10, lot_units=1, tick_units=1)

    def later(market: str) -> ClosingPrices:
        return {**two_hops, "ETH-EUR": [(40, 9_000_000)]}.get(market, [])

    valuation = Valuation([*MARKETS, direct], later, EUR)
    assert valuation.value("ETH", 10**6, 5) == 160_000
    assert valuation.value("ETH", 10**6, 39) == 160_000
    assert valuation.value("ETH", 10**6, 40) != 160_000


def test_a_thin_asset_is_no_way_because_of_its_name() -> None:
    thin = [
        MarketUnits("ETH-AAA", "ETH", "AAA", 6, 8, lot_units=1, tick_units=1),
        MarketUnits("AAA-EUR", "AAA", "EUR", 8, 10, lot_units=1, tick_units=1),
    ]

    def also(market: str) -> ClosingPrices:
        return [(10, 1)] if "AAA" in market else prices(market)

    assert Valuation([*MARKETS, *thin], also, EUR).value("ETH", 10**6, 10) == 160_000


def test_a_market_that_never_traded_gives_no_value() -> None:
    assert price_of([], 10) is None
    assert Valuation(MARKETS[:1], lambda _: [], EUR).value("BTC", 1, 10) is None


def test_a_currency_that_no_market_trades_values_nothing() -> None:
    assert Valuation(MARKETS, prices, Reference("GBP", 2)).value("GBP", 1, 10) is None
    assert Valuation(MARKETS, prices, Reference("GBP", 2)).value("BTC", 1, 10) is None


class Rows:
    """Rows in memory."""

    def __init__(self, *rows: TradedRow) -> None:
        self._rows = rows

    def traded(self, owner: AccountId, first_day: int, last_day: int) -> Sequence[TradedRow]:
        return [
            row
            for row in self._rows
            if row.account == str(owner) and first_day <= row.day <= last_day
        ]

    def closing_prices(self, _tenant: TenantId, market: str) -> ClosingPrices:
        return prices(market)


def markets_of(_tenant: TenantId) -> Sequence[Market]:
    return [
        Market(number, units, MarketState.OPEN, Units(0), Ticks(10**9), Lots(10**9))
        for number, units in enumerate(MARKETS)
    ]


def test_a_users_days_are_valued_each_at_its_own_prices() -> None:
    values = TradedValues(
        Rows(
            TradedRow("t1-7", 8, "BTC", Units(10**8), 1),
            TradedRow("t1-7", 10, "BTC", Units(10**8), 2),
            TradedRow("t1-7", 10, "EUR", Units(1), 3),
            TradedRow("t1-7", 10, "SOL", Units(1), 4),
            TradedRow("t1-8", 10, "EUR", Units(10**10), 5),
        ),
        markets_of,
    )
    sub_account = AccountId.parse("t1-7").sub_account(1)

    found = values.of_user(sub_account, EUR, 8, 10)

    assert found.by_day == {8: 4_000_000, 10: 5_000_001}
    assert found.without_price == {"SOL"}
    assert found.between(9, 10) == 5_000_001
    assert found.between(8, 10) == 9_000_001
    assert values.of_user(sub_account, EUR, 9, 9).by_day == {}
