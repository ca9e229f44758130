"""Notices in their table, in the partition of a user's main account.

    <account>  notice#<time>-<digest>  {kind, at_ms, facts (JSON)}
    <account>  told#<digest>           {mailed_at_ms}: that it is there, and whether it was mailed
    <account>  mails#<day>#<kind>      {digests}: of which notices of a kind there were mails
    <account>  read                    {until_ms}
    <account>  mailed-to               {address}: where its last mail went

The first two are written together and forgotten together. What comes again comes at another time,
so what tells whether it is there is a row of its own.
"""

import json
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.calendar_time import day_at
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import AccountId
from bursa.notifications.notices import (
    KEPT_S,
    MAILS_OF_A_KIND_MAX,
    Notice,
    Notices,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mypy_boto3_dynamodb import DynamoDBClient

_CONDITION = "ConditionalCheckFailed"
_MAILS_KEPT_S = 2 * 86_400


class NoticesTable:
    """See `bursa.notifications.notices.NoticeList`."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: WallClock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def keep(self, notice: Notice) -> bool:
        """Keep a notice, once; return whether nobody has mailed it yet."""
        expires = {"N": str(self._clock.now_ms() // 1_000 + KEPT_S)}
        row: Any = _key(notice.account, keys.NOTICE_PREFIX + notice.id) | {
            "kind": {"S": notice.kind},
            "at_ms": {"N": str(notice.at_ms)},
            "facts": {"S": json.dumps(dict(notice.facts))},
            "expires_at": expires,
        }
        told: Any = _told(notice) | {"mailed_at_ms": {"N": "0"}, "expires_at": expires}
        puts: Any = [
            {
                "Put": {
                    "TableName": self._table,
                    "Item": told,
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            {"Put": {"TableName": self._table, "Item": row}},
        ]
        with _writing():
            try:
                self._client.transact_write_items(TransactItems=puts)
            except self._client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                if not reasons or reasons[0].get("Code") != _CONDITION:
                    raise
                return self._is_owed(notice)
        return True

    def _is_owed(self, notice: Notice) -> bool:
        found = self._client.get_item(
            TableName=self._table, Key=_told(notice), ConsistentRead=True
        ).get("Item", {})
        return int(found.get("mailed_at_ms", {}).get("N", "0")) == 0

    def may_mail(self, notice: Notice) -> bool:
        """Return whether it is one of the mails that a user gets of its kind today."""
        now_ms, digest = self._clock.now_ms(), _digest(notice)
        with _writing():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(notice.account, keys.mails_of(day_at(now_ms), notice.kind)),
                    UpdateExpression="ADD digests :one SET expires_at = :expires",
                    ConditionExpression="attribute_not_exists(digests)"
                    " OR size(digests) < :most OR contains(digests, :digest)",
                    ExpressionAttributeValues={
                        ":one": {"SS": [digest]},
                        ":digest": {"S": digest},
                        ":most": {"N": str(MAILS_OF_A_KIND_MAX)},
                        ":expires": {"N": str(now_ms // 1_000 + _MAILS_KEPT_S)},
                    },
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def set_mailed(self, notice: Notice) -> None:
        """Remember that it was mailed."""
        with _writing():
            self._client.update_item(
                TableName=self._table,
                Key=_told(notice),
                UpdateExpression="SET mailed_at_ms = :now",
                ExpressionAttributeValues={":now": {"N": str(self._clock.now_ms())}},
            )

    def mailed_to(self, account: AccountId) -> str:
        """Return where the last mail of an account went; empty while there was none."""
        with _writing():
            found: Any = self._client.get_item(
                TableName=self._table, Key=_key(account, keys.MAILED_TO), ConsistentRead=True
            ).get("Item", {})
        return str(found.get("address", {"S": ""})["S"])

    def set_mailed_to(self, account: AccountId, address: str) -> None:
        """Remember where a mail went, or forget it where it is empty."""
        change: Any = {"UpdateExpression": "REMOVE address"}
        if address:
            change = {
                "UpdateExpression": "SET address = :address",
                "ExpressionAttributeValues": {":address": {"S": address}},
            }
        with _writing():
            self._client.update_item(
                TableName=self._table, Key=_key(account, keys.MAILED_TO), **change
            )

    def newest(self, account: AccountId, before: str | None, limit: int) -> Notices:
        """Return notices before one of them, or the newest."""
        with _writing():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :account AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":account": {"S": str(account)},
                    ":first": {"S": keys.NOTICE_PREFIX},
                    ":last": {
                        "S": f"{keys.NOTICE_PREFIX}{before}" if before else f"{keys.NOTICE_PREFIX}~"
                    },
                },
                ScanIndexForward=False,
                # That one itself is among them.
                Limit=limit + 1 + bool(before),
                ConsistentRead=True,
            )
            read = self._client.get_item(
                TableName=self._table, Key=_key(account, keys.NOTICES_READ), ConsistentRead=True
            ).get("Item", {})
        found = [_notice(account, item) for item in response["Items"]]
        found = [one for one in found if one.id != before]
        items = found[:limit]
        is_more = len(found) > limit
        until_ms = int(read.get("until_ms", {}).get("N", "0"))
        return Notices(items, items[-1].id if is_more else None, until_ms)

    def set_read(self, account: AccountId, until_ms: int) -> int:
        """Remember up to when notices were read, never less; return up to when."""
        until_ms = min(until_ms, self._clock.now_ms())
        key = _key(account, keys.NOTICES_READ)
        with _writing():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET until_ms = :until",
                    ConditionExpression="attribute_not_exists(until_ms) OR until_ms < :until",
                    ExpressionAttributeValues={":until": {"N": str(until_ms)}},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                found = self._client.get_item(
                    TableName=self._table, Key=key, ConsistentRead=True
                ).get("Item", {})
                return int(found["until_ms"]["N"])
        return until_ms


def _writing() -> "AbstractContextManager[None]":
    return unavailable("notices_unavailable", "Send the same again in a moment.")


def _key(account: AccountId, sort: str) -> Any:  # noqa: ANN401 - botocore's own shape
    return {"pk": {"S": str(account)}, "sk": {"S": sort}}


def _told(notice: Notice) -> Any:  # noqa: ANN401 - botocore's own shape
    return _key(notice.account, keys.TOLD_PREFIX + _digest(notice))


def _digest(notice: Notice) -> str:
    return notice.id.partition("-")[2]


def _notice(account: AccountId, item: Any) -> Notice:  # noqa: ANN401 - botocore's own shape
    return Notice(
        account,
        item["sk"]["S"].removeprefix(keys.NOTICE_PREFIX),
        item["kind"]["S"],
        int(item["at_ms"]["N"]),
        json.loads(item["facts"]["S"]),
    )
