"""Sessions that were ended one by one, and accounts that were closed, in the directory table.

    <tenant>  user#<subject>  {…, ended_sessions: set of <forgotten at, in seconds>~<session>,
                               closed_at_ms}

They stand in the row that every sign-in reads for the account, so there is no further read, and
they are few, so that it stays one. A session is forgotten when nothing can renew it any more, or
when all that began then were ended.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bursa.identity.session_book import SESSION_KEPT_MS
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENDED_MAX: Final = 50
SESSION_KEPT_S: Final = SESSION_KEPT_MS // 1_000
_TRIES_MAX: Final = 3
_MARK: Final = "~"


class _Entry(NamedTuple):
    forgotten_at: int
    session: str

    @classmethod
    def parse(cls, text: str) -> "_Entry":
        at, _, session = text.partition(_MARK)
        return cls(int(at) if at.isdecimal() else 0, session)

    def __str__(self) -> str:
        return f"{self.forgotten_at}{_MARK}{self.session}"

    def is_over(self, signed_out_at: int, now_s: int) -> bool:
        """Return whether it need not be known any more."""
        return self.forgotten_at <= max(now_s, signed_out_at + SESSION_KEPT_S)


def ended_names(entries: Iterable[str]) -> frozenset[str]:
    """Return the names of sessions that were ended, as they are stored."""
    return frozenset(_Entry.parse(one).session for one in entries)


class EndedSessionRows:
    """The sessions of a deployment's users that were ended one by one."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def end(
        self, tenant: TenantId, subject: str, session: str, signed_in_at: int, now_s: int
    ) -> bool:
        """End a session; return False, and change nothing, when there is no room. Safe to repeat.

        Room is made of those that need not be known any more.
        """
        entry = _Entry(signed_in_at + SESSION_KEPT_S, session)
        for _ in range(_TRIES_MAX):
            if self._add(tenant, subject, entry):
                return True
            stored, signed_out_at = self._read(tenant, subject)
            if str(entry) in stored:
                return True
            over = [one for one in stored if _Entry.parse(one).is_over(signed_out_at, now_s)]
            if not over:
                return False
            self._change(tenant, subject, "DELETE", over, "attribute_exists(pk)", {})
        return False

    def close_user(self, tenant: TenantId, subject: str, at_ms: int) -> None:
        """Write that a user has closed its account, unless it has; no session goes on then."""
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
                UpdateExpression="SET closed_at_ms = :at",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(closed_at_ms)",
                ExpressionAttributeValues={":at": {"N": str(at_ms)}},
            )

    def reopen_user(self, tenant: TenantId, subject: str) -> None:
        """Take that back, for an operator; what was ended stays ended."""
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
            UpdateExpression="REMOVE closed_at_ms",
            ConditionExpression="attribute_exists(pk)",
        )

    def _add(self, tenant: TenantId, subject: str, entry: _Entry) -> bool:
        condition = (
            "attribute_exists(pk) AND "
            "(attribute_not_exists(ended_sessions) OR size(ended_sessions) < :most)"
        )
        try:
            most = {":most": {"N": str(ENDED_MAX)}}
            self._change(tenant, subject, "ADD", [str(entry)], condition, most)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _change(  # noqa: PLR0917 - a row, and what becomes of it
        self,
        tenant: TenantId,
        subject: str,
        verb: str,
        entries: list[str],
        condition: str,
        values: dict[str, Any],
    ) -> None:
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
            UpdateExpression=f"{verb} ended_sessions :entries",
            ConditionExpression=condition,
            ExpressionAttributeValues={":entries": {"SS": entries}, **values},
        )

    def _read(self, tenant: TenantId, subject: str) -> tuple[frozenset[str], int]:
        row: Any = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
            ProjectionExpression="ended_sessions, signed_out_at",
            ConsistentRead=True,
        ).get("Item", {})
        signed_out_at = int(row.get("signed_out_at", {"N": "0"})["N"])
        return frozenset(row.get("ended_sessions", {}).get("SS", ())), signed_out_at
