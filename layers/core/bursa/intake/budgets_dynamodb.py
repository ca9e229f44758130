"""The buckets that all containers share, in DynamoDB: a row holds when its bucket is full again.

    <account> or <tenant>   <budget>                 {full_at_us, expires_at}
    <account>               seen#<budget>#<window>   {seen, expires_at}
    <tenant>                named#<period>           {accounts, expires_at}

One conditional update takes from a bucket that is not full; one that is full, or that there is no
row of, needs a second. A full bucket needs no row: `expires_at` is the table's time to live.
The other rows are those of `bursa.intake.sightings`; both are added to without a condition.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.failures import unavailable
from bursa.intake.shared_buckets import Ask, Taken
from bursa.intake.sightings import PERIOD_US, WINDOW_US
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.rates import MICROSECONDS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

_ATTEMPTS = 3
_KEPT_S = 60
_REFUSED = "ConditionalCheckFailedException"


class DynamoBuckets:
    """The shared buckets of a deployment.

    Parameters
    ----------
    open_client
        Makes the client when a bucket is needed for the first time, which most containers never
        do. It should give up soon: a request waits for it.

    """

    def __init__(self, open_client: "Callable[[], DynamoDBClient]", table: str) -> None:
        self._open_client = open_client
        self._client: DynamoDBClient | None = None
        self._table = table

    def take(self, holder: str, budget: str, ask: Ask) -> Taken:
        """Take from a bucket if it has as much; raises `Unavailable` ``budgets_unavailable``."""
        try:
            return self._take(holder, budget, ask)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("budgets_unavailable", "Counters can't be reached.") from error

    def see(self, holder: str, budget: str, window: int, amount: int) -> int:
        """Add what was seen in a window; return all that was. Raises `Unavailable`."""
        key = {"pk": {"S": holder}, "sk": {"S": keys.seen(budget, window)}}
        found = self._add_to(key, "seen", _number(amount), (window + 1) * WINDOW_US)
        return int(found["seen"]["N"])

    def name(self, tenant: str, account: str, period: int) -> None:
        """Name an account in a period. Raises `Unavailable`."""
        self._add_to(
            _names_key(tenant, period), "accounts", {"SS": [account]}, (period + 1) * PERIOD_US
        )

    def named(self, tenant: str, period: int) -> frozenset[str]:
        """Return the accounts of a tenant that are named in a period. Raises `Unavailable`."""
        with _reaching():
            response = self._open().get_item(TableName=self._table, Key=_names_key(tenant, period))
        item: Any = response.get("Item", {})
        return frozenset(item.get("accounts", {"SS": ()})["SS"])

    def _add_to(
        self, key: dict[str, Any], name: str, value: dict[str, Any], until_us: int
    ) -> dict[str, Any]:
        with _reaching():
            response = self._open().update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression="ADD #name :value SET expires_at = :expires",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={
                    ":value": value,
                    ":expires": _number(_expires_at(until_us)),
                },
                ReturnValues="UPDATED_NEW",
            )
        attributes: dict[str, Any] = response["Attributes"]
        return attributes

    def _open(self) -> "DynamoDBClient":
        if self._client is None:
            self._client = self._open_client()
        return self._client

    def _take(self, holder: str, budget: str, ask: Ask) -> Taken:
        client = self._open()
        key = {"pk": {"S": holder}, "sk": {"S": budget}}
        found_us = self._add(client, key, ask)
        for _ in range(_ATTEMPTS):
            if isinstance(found_us, Taken):
                return found_us
            taken = ask.after(found_us)
            if not taken.is_taken:
                return taken
            found_us = self._replace(client, key, found_us, taken)
        if isinstance(found_us, Taken):
            return found_us
        raise Unavailable("budgets_unavailable", "Too many take from this bucket at once.")

    def _add(self, client: "DynamoDBClient", key: dict[str, Any], ask: Ask) -> Taken | int:
        """Take from a bucket that is not full; return what is there when that does not go."""
        cost_us = ask.amount * ask.interval_us
        update = {
            "UpdateExpression": "SET full_at_us = full_at_us + :cost, expires_at = :expires",
            "ConditionExpression": "full_at_us BETWEEN :now AND :latest",
            "ExpressionAttributeValues": {
                ":cost": _number(cost_us),
                ":now": _number(ask.now_us),
                ":latest": _number(ask.now_us + ask.room_us - cost_us),
                ":expires": _number(_expires_at(ask.now_us + ask.room_us)),
            },
        }
        return self._update(client, key, update)

    def _replace(
        self, client: "DynamoDBClient", key: dict[str, Any], found_us: int, taken: Taken
    ) -> Taken | int:
        """Write a bucket in the place of what was found, if it is still there."""
        values = {
            ":full": _number(taken.full_at_us),
            ":expires": _number(_expires_at(taken.full_at_us)),
        }
        condition = "attribute_not_exists(pk)"
        if found_us:
            condition = "full_at_us = :found"
            values[":found"] = _number(found_us)
        update = {
            "UpdateExpression": "SET full_at_us = :full, expires_at = :expires",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        return self._update(client, key, update)

    def _update(
        self, client: "DynamoDBClient", key: dict[str, Any], update: dict[str, Any]
    ) -> Taken | int:
        try:
            response = client.update_item(
                TableName=self._table,
                Key=key,
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _REFUSED:
                raise
            item: Any = error.response.get("Item")
            return self._find(client, key) if item is None else _full_at_us(item)
        return Taken(is_taken=True, full_at_us=_full_at_us(response["Attributes"]))

    def _find(self, client: "DynamoDBClient", key: dict[str, Any]) -> int:
        response = client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return _full_at_us(response.get("Item", {}))


def _reaching() -> AbstractContextManager[None]:
    return unavailable("budgets_unavailable", "Counters can't be reached.")


def _names_key(tenant: str, period: int) -> dict[str, Any]:
    return {"pk": {"S": tenant}, "sk": {"S": keys.named(period)}}


def _full_at_us(item: Any) -> int:  # noqa: ANN401 - attributes as the client has them
    return int(item.get("full_at_us", {"N": "0"})["N"])


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _expires_at(full_at_us: int) -> int:
    return full_at_us // MICROSECONDS_PER_SECOND + _KEPT_S
