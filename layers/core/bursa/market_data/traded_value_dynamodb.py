"""What users have traded, and closing prices, as the projector writes them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.valuation import ClosingPrices
from bursa.read_models.rows import from_attributes
from bursa.read_models.traded_rows import ClosingPriceRow, TradedRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Two months of days on which a market traded.
_CLOSING_PRICES_READ = 62
# How long a market's prices are kept in memory.
_PRICES_AGE_MS_MAX = 5_000


class TradedTables:
    """Reads the rows of one deployment; prices may be some seconds old."""

    def __init__(
        self,
        client: "DynamoDBClient",
        balances_table: str,
        markets_table: str,
        clock: MonotonicClock,
        prices_age_ms_max: int = _PRICES_AGE_MS_MAX,
    ) -> None:
        self._client = client
        self._balances_table = balances_table
        self._markets_table = markets_table
        self._clock = clock
        self._prices_age_ms_max = prices_age_ms_max
        self._prices: dict[tuple[TenantId, str], tuple[float, ClosingPrices]] = {}

    def traded(self, owner: AccountId, first_day: int, last_day: int) -> Sequence[TradedRow]:
        """Read a user's amounts of some days; raises `Unavailable`."""
        request = {
            "TableName": self._balances_table,
            "KeyConditionExpression": "pk = :owner AND sk BETWEEN :first AND :after",
            "ExpressionAttributeValues": {
                ":owner": {"S": keys.traded(keys.account(owner))},
                ":first": {"S": keys.day(first_day)},
                # No row has a day alone for its key.
                ":after": {"S": keys.day(last_day + 1)},
            },
            "ConsistentRead": True,
        }
        return [from_attributes(TradedRow, item) for item in self._items(request)]

    def closing_prices(self, tenant: TenantId, market: str) -> ClosingPrices:
        """Read the last prices of a market's newest days; raises `Unavailable`."""
        now_ms = self._clock.monotonic_ms()
        known = self._prices.get((tenant, market))
        if known is None or now_ms - known[0] > self._prices_age_ms_max:
            known = now_ms, self._newest_prices(tenant, market)
            self._prices[tenant, market] = known
        return known[1]

    def _newest_prices(self, tenant: TenantId, market: str) -> ClosingPrices:
        with unavailable("read_models_unavailable", "Ask again in a moment."):
            response = self._client.query(
                TableName=self._markets_table,
                KeyConditionExpression="pk = :market",
                ExpressionAttributeValues={":market": {"S": keys.closing_prices(tenant, market)}},
                ScanIndexForward=False,
                Limit=_CLOSING_PRICES_READ,
            )
        rows = (from_attributes(ClosingPriceRow, item) for item in response["Items"])
        return [(row.day, row.price) for row in rows]

    def _items(self, request: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            with unavailable("read_models_unavailable", "Ask again in a moment."):
                response = self._client.query(**request, **start)
            yield from response["Items"]
            if "LastEvaluatedKey" not in response:
                return
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}
