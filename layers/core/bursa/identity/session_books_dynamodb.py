"""The books of users' sessions in the identity table, by the raw client.

Written by the authorizer, whose start can't afford pynamodb. A security event and its pause are
written as `bursa.identity.records_dynamodb` reads them; tests compare the two.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from bursa.aws.failures import unavailable
from bursa.identity.security_events import EVENTS_KEPT_S, SecurityEvent
from bursa.identity.session_book import SessionBook, read_book, write_book
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_AGAIN: Final = "Send the same again in a moment."
_IS_NEXT: Final = "attribute_not_exists(version) AND :before = :none OR version = :before"
_REFUSED: Final = "ConditionalCheckFailed"


class SessionBookRows:
    """The books; each method raises `Unavailable` ``identity_unavailable``.

    Parameters
    ----------
    open_client
        Called at the first use.
    pause_ms_of
        Returns how long an event pauses withdrawals of a tenant's accounts.

    """

    def __init__(
        self,
        open_client: "Callable[[], DynamoDBClient]",
        table: str,
        pause_ms_of: Callable[[TenantId], int],
    ) -> None:
        self._open_client = open_client
        self._table = table
        self._pause_ms_of = pause_ms_of

    def find(self, tenant: TenantId, user: str) -> SessionBook:
        """Return a user's book, which is empty when there is none."""
        with unavailable("identity_unavailable", _AGAIN):
            row: Any = self._client.get_item(
                TableName=self._table,
                Key=_book_key(tenant, user),
                ProjectionExpression="book, version",
                ConsistentRead=True,
            ).get("Item")
        if row is None:
            return SessionBook()
        return read_book(row["book"]["S"], int(row["version"]["N"]))

    def write(self, tenant: TenantId, user: str, book: SessionBook) -> bool:
        """Keep the next version of a book; return whether the one before was the last."""
        with unavailable("identity_unavailable", _AGAIN):
            try:
                self._client.update_item(**self._book(tenant, user, book))
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def write_with(
        self, tenant: TenantId, user: str, book: SessionBook, event: SecurityEvent
    ) -> bool:
        """Keep it together with a security event and its pause of withdrawals."""
        until_ms = event.at_ms + self._pause_ms_of(tenant)
        with unavailable("identity_unavailable", _AGAIN):
            known_ms = self._paused_until_ms(event.account)
            writes: list[TransactWriteItemTypeDef] = [
                {"Update": self._book(tenant, user, book)},
                {"Put": self._event(event)},
            ]
            if until_ms > known_ms:
                writes.append({"Update": self._pause(event, until_ms)})
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as cancelled:
                reasons = cancelled.response.get("CancellationReasons", [])
                if any(reason.get("Code") == _REFUSED for reason in reasons):
                    return False
                raise
        return True

    def _book(self, tenant: TenantId, user: str, book: SessionBook) -> Any:  # noqa: ANN401
        return {
            "TableName": self._table,
            "Key": _book_key(tenant, user),
            "UpdateExpression": "SET book = :book, version = :version",
            "ConditionExpression": _IS_NEXT,
            "ExpressionAttributeValues": {
                ":book": {"S": write_book(book)},
                ":version": {"N": str(book.version)},
                ":before": {"N": str(book.version - 1)},
                ":none": {"N": "0"},
            },
        }

    def _event(self, event: SecurityEvent) -> Any:  # noqa: ANN401
        return {
            "TableName": self._table,
            "Item": {
                "pk": {"S": keys.user_records(event.account.tenant, event.user)},
                "sk": {"S": keys.security_event(event.at_ms, secrets.token_hex(4))},
                "kind": {"S": str(event.kind)},
                "account": {"S": str(event.account)},
                "user": {"S": event.user},
                "at_ms": {"N": str(event.at_ms)},
                "address": {"S": event.address},
                "about": {"S": event.about},
                "expires_at": {"N": str(event.at_ms // 1_000 + EVENTS_KEPT_S)},
            },
        }

    def _pause(self, event: SecurityEvent, until_ms: int) -> Any:  # noqa: ANN401
        return {
            "TableName": self._table,
            "Key": _pause_key(event.account),
            "UpdateExpression": "SET until_ms = :until, why = :why",
            "ExpressionAttributeValues": {
                ":until": {"N": str(until_ms)},
                ":why": {"S": str(event.kind)},
            },
        }

    def _paused_until_ms(self, account: AccountId) -> int:
        row: Any = self._client.get_item(
            TableName=self._table,
            Key=_pause_key(account),
            ProjectionExpression="until_ms",
            ConsistentRead=True,
        ).get("Item")
        return 0 if row is None else int(row["until_ms"]["N"])

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return self._open_client()


class SessionBookErasure:
    """Takes out of users' books what is of a person."""

    def __init__(self, open_client: "Callable[[], DynamoDBClient]", table: str) -> None:
        self._open_client = open_client
        self._table = table

    def empty(self, tenant: TenantId, user: str) -> None:
        """Leave an empty book where there is one; safe to repeat.

        It has a version still, so that the next device is a new one: a user who goes on is told.
        Raises `Unavailable` ``identity_unavailable``.
        """
        client = self._open_client()
        with (
            unavailable("identity_unavailable", _AGAIN),
            suppress(client.exceptions.ConditionalCheckFailedException),
        ):
            client.update_item(
                TableName=self._table,
                Key=_book_key(tenant, user),
                UpdateExpression="SET book = :empty, version = version + :one",
                ConditionExpression="attribute_exists(book)",
                ExpressionAttributeValues={
                    ":empty": {"S": write_book(SessionBook())},
                    ":one": {"N": "1"},
                },
            )


def _book_key(tenant: TenantId, user: str) -> Any:  # noqa: ANN401
    return {"pk": {"S": keys.user_records(tenant, user)}, "sk": {"S": keys.SESSIONS}}


def _pause_key(account: AccountId) -> Any:  # noqa: ANN401
    return {"pk": {"S": str(account)}, "sk": {"S": keys.WITHDRAWAL_PAUSE}}
