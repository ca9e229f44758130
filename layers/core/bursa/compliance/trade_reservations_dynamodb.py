"""What users have sent in the last seconds, in the table of budgets: a row for each user.

    <owner>   sent   {window, sent, request_names, sent_before, names_before, expires_at}

A window is five seconds. The row has the latest in which something was sent, and of the one before
how much was sent and by which requests; both count, so what was sent counts for five to ten
seconds. By then the read models have it as traded or held, or it is gone.

All that counts is in one row, and each write is on condition of what is in it: of several at once
no more is added than fits, also where one window ends and the next begins. A function whose clock
is behind adds to the window that is there. Rows that are over are forgotten by the table.
"""

from typing import TYPE_CHECKING, Any, NamedTuple, Self

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.compliance.trade_limits import Sent
from bursa.kernel import keys
from bursa.kernel.errors import TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW_MS = 5_000
# So many requests of a user's accounts together in a window; it bounds the row, which is written
# whole with each.
REQUESTS_MAX = 250
_KEPT_S = 60
_ATTEMPTS = 3
_LATER = ("level_limits_unavailable", "Send the same request again in a moment.")


class _Row(NamedTuple):
    """What a user has sent: in the latest window, and in the one before."""

    window: int
    sent: int
    names: frozenset[str]
    sent_before: int
    names_before: frozenset[str]

    def at(self, window: int) -> Self:
        """Return the row as it is at a window, which may be later than its own."""
        if window <= self.window:
            return self
        if window == self.window + 1:
            return self._replace(
                window=window,
                sent=0,
                names=frozenset(),
                sent_before=self.sent,
                names_before=self.names,
            )
        return self._replace(
            window=window, sent=0, names=frozenset(), sent_before=0, names_before=frozenset()
        )


class _Request(NamedTuple):
    """What is to be added: how much, under which name, and when."""

    name: str
    amount: int
    now_ms: int

    def values(self) -> dict[str, Any]:
        """Return it as an expression's values."""
        return {
            ":expires": {"N": str(self.now_ms // 1_000 + _KEPT_S)},
            ":amount": {"N": str(self.amount)},
            ":names": {"SS": [self.name]},
        }


class TradeReservationsTable:
    """The reservations of one deployment's users."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def reserve(self, owner: AccountId, name: str, amount: int, room: int, now_ms: int) -> Sent:
        """Add an amount under a request's name, if the sum is within ``room`` then.

        Raises
        ------
        TooManyRequests
            ``too_many_limited_requests``: the user's accounts have sent `REQUESTS_MAX` already.
        Unavailable
            It can't be found out, or too many write at once.

        """
        with unavailable(*_LATER):
            for _ in range(_ATTEMPTS):
                stored = self._find(owner)
                row = stored.at(now_ms // WINDOW_MS)
                sent = row.sent_before + row.sent
                if name in row.names | row.names_before:
                    return Sent(is_reserved=True, amount=sent)
                if sent > room:
                    return Sent(is_reserved=False, amount=sent)
                if len(row.names) >= REQUESTS_MAX:
                    raise TooManyRequests(
                        "too_many_limited_requests",
                        "Wait some seconds: while your level limits how much you trade, all your "
                        f"accounts together send at most {REQUESTS_MAX} orders or batches in "
                        f"{WINDOW_MS // 1_000} seconds. A batch counts once.",
                        retry_after_s=WINDOW_MS // 1_000,
                    )
                request = _Request(name, amount, now_ms)
                added = (
                    self._add(owner, row, request, room)
                    if row is stored
                    else self._begin(owner, stored, row, request)
                )
                if added:
                    return Sent(is_reserved=True, amount=sent + amount)
        raise Unavailable(*_LATER)

    def _find(self, owner: AccountId) -> _Row:
        response = self._client.get_item(
            TableName=self._table, Key=_key(owner), ConsistentRead=True
        )
        return _row(response.get("Item", {}))

    def _add(self, owner: AccountId, row: _Row, request: _Request, room: int) -> bool:
        """Add to the window of the row while there is room; return whether it was added."""
        return self._write(
            owner,
            "SET expires_at = :expires ADD sent :amount, request_names :names",
            # What was sent before doesn't change while the window is the same.
            "#window = :window AND sent <= :room AND NOT contains(request_names, :name) "
            "AND size(request_names) < :most",
            request.values()
            | {
                ":window": {"N": str(row.window)},
                ":room": {"N": str(room - row.sent_before)},
                ":name": {"S": request.name},
                ":most": {"N": str(REQUESTS_MAX)},
            },
        )

    def _begin(self, owner: AccountId, stored: _Row, row: _Row, request: _Request) -> bool:
        """Begin a window, if the stored row is still as it was read; return whether it was."""
        values = request.values() | {
            ":window": {"N": str(row.window)},
            ":before": {"N": str(row.sent_before)},
        }
        update = (
            "SET expires_at = :expires, #window = :window, sent = :amount, request_names = :names, "
            "sent_before = :before"
        )
        if row.names_before:
            update += ", names_before = :names_before"
            values[":names_before"] = {"SS": sorted(row.names_before)}
        else:
            update += " REMOVE names_before"
        condition = "attribute_not_exists(#window)"
        if stored.window >= 0:
            # Each request adds more than nothing, so an equal sum is the same requests.
            condition = "#window = :stored AND sent = :stored_sent"
            values[":stored"] = {"N": str(stored.window)}
            values[":stored_sent"] = {"N": str(stored.sent)}
        return self._write(owner, update, condition, values)

    def _write(self, owner: AccountId, update: str, condition: str, values: dict[str, Any]) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(owner),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#window": "window"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


def _key(owner: AccountId) -> dict[str, Any]:
    return {"pk": {"S": keys.account(owner)}, "sk": {"S": keys.SENT}}


def _row(item: "Mapping[str, Any]") -> _Row:
    """Return what a row has; one that is not there has a window before all."""
    return _Row(
        int(item.get("window", {"N": "-1"})["N"]),
        int(item.get("sent", {"N": "0"})["N"]),
        frozenset(item.get("request_names", {"SS": ()})["SS"]),
        int(item.get("sent_before", {"N": "0"})["N"]),
        frozenset(item.get("names_before", {"SS": ()})["SS"]),
    )
