"""The definitions of markets and assets that everybody may read."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.fees.schedule import DEFAULT_TIER, Rates
from bursa.kernel import keys
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Asset, Market
from bursa.read_models.definitions import market_from_row
from bursa.read_models.rows import (
    AssetRow,
    FeeTierRow,
    MarketRow,
    from_attributes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A market that is not known may have been defined a moment ago; look no more often than this.
_MISS_AGE_MS_MIN = 1_000


@dataclass(frozen=True, slots=True)
class _Definitions:
    read_ms: float
    markets: dict[str, Market]
    numbers: dict[int, Market]
    assets: dict[str, Asset]
    rates: dict[int, Rates]


class MarketsTable:
    """Definitions of a tenant's markets and assets, kept in memory for a while.

    An order is checked against a definition that may be ``age_ms_max`` old. That is safe: steps of
    a market never change, and the engine checks limits and states again.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, clock: MonotonicClock, age_ms_max: int
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._age_ms_max = age_ms_max
        self._known: dict[TenantId, _Definitions] = {}

    def find(self, tenant: TenantId, symbol: str) -> Market | None:
        """Find a market by its name."""
        found = self._definitions(tenant).markets.get(symbol)
        return found or self._second_look(tenant).markets.get(symbol)

    def by_number(self, tenant: TenantId, number: int) -> Market | None:
        """Find a market by the engine's number."""
        found = self._definitions(tenant).numbers.get(number)
        return found or self._second_look(tenant).numbers.get(number)

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """List the markets by name."""
        return sorted(self._definitions(tenant).markets.values(), key=lambda one: one.symbol)

    def asset_scale(self, tenant: TenantId, asset: str) -> int | None:
        """Return an asset's number of decimal places; None for an unknown one."""
        found = self.asset(tenant, asset)
        return None if found is None else found.scale

    def asset(self, tenant: TenantId, symbol: str) -> Asset | None:
        """Find an asset by its name."""
        found = self._definitions(tenant).assets.get(symbol)
        return found or self._second_look(tenant).assets.get(symbol)

    def fee_rates(self, tenant: TenantId) -> Mapping[int, Rates]:
        """Return the rates of the fee tiers that are set, by tier; tier 0 is always there."""
        return self._definitions(tenant).rates

    def _definitions(self, tenant: TenantId) -> _Definitions:
        return self._not_older_than(tenant, self._age_ms_max)

    def _second_look(self, tenant: TenantId) -> _Definitions:
        return self._not_older_than(tenant, _MISS_AGE_MS_MIN)

    def _not_older_than(self, tenant: TenantId, age_ms: float) -> _Definitions:
        known = self._known.get(tenant)
        now_ms = self._clock.monotonic_ms()
        if known is None or now_ms - known.read_ms > age_ms:
            known = self._known[tenant] = self._read(tenant, now_ms)
        return known

    def _read(self, tenant: TenantId, now_ms: float) -> _Definitions:
        markets: list[MarketRow] = []
        assets: dict[str, Asset] = {}
        rates = {DEFAULT_TIER: Rates(0, 0)}
        for item in self._items(tenant):
            sort = item["sk"]["S"]
            if sort.startswith(keys.MARKET_PREFIX):
                markets.append(from_attributes(MarketRow, item))
            elif sort.startswith(keys.ASSET_PREFIX):
                row = from_attributes(AssetRow, item)
                assets[row.symbol] = Asset(row.number, row.symbol, row.scale)
            elif sort.startswith(keys.FEES_PREFIX):
                fees = from_attributes(FeeTierRow, item)
                rates[fees.tier] = Rates(fees.maker_ppm, fees.taker_ppm)
        known = [market_from_row(row, *rates[DEFAULT_TIER]) for row in markets]
        return _Definitions(
            now_ms,
            {market.symbol: market for market in known},
            {market.number: market for market in known},
            assets,
            rates,
        )

    def _items(self, tenant: TenantId) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            with _reading():
                response = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :tenant",
                    ExpressionAttributeValues={":tenant": {"S": str(tenant)}},
                    **start,
                )
            items += response["Items"]
            if "LastEvaluatedKey" not in response:
                return items
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}


def _reading() -> AbstractContextManager[None]:
    return unavailable("read_models_unavailable", "Ask again in a moment.")
