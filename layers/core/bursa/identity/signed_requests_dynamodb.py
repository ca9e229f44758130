"""What signed requests leave in DynamoDB: that each was here once, and when its key was used.

    nonces     <account>#<digest of the request>    {request_id, expires_at}
    identity   <account>  key#<name>                {used_at_ms, used_from}, of the key's row

The first has a time to live; the second is a note for people, so it is one short attempt.
"""

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.failures import unavailable
from bursa.identity.api_keys import ApiKey, split_id
from bursa.identity.signed_requests import USE_NOTED_EVERY_MS
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

# Longer than a request is good for, and than a function may take to look at it.
REMEMBERED_S: Final = 120
_KNOWN: Final = "ConditionalCheckFailedException"


class KeyStates:
    """Whether keys may be used, for who has no other business with them."""

    def __init__(self, client: "DynamoDBClient", identity_table: str) -> None:
        self._client = client
        self._identity = identity_table

    def is_active(self, key_id: str, now_ms: int) -> bool:
        """Return whether a key may be used; raises `Unavailable` ``identity_unavailable``.

        Reads no other attribute, so that a role may be allowed these alone.
        """
        named = split_id(key_id)
        if named is None:
            return False
        account, name = named
        with unavailable("identity_unavailable", "Try again in a moment."):
            row: Any = self._client.get_item(
                TableName=self._identity,
                Key={"pk": {"S": str(account)}, "sk": {"S": keys.api_key(name)}},
                ProjectionExpression="revoked_at_ms, expires_at_ms",
                ConsistentRead=True,
            ).get("Item")
        if row is None or int(row["revoked_at_ms"]["N"]):
            return False
        expires_at_ms = int(row["expires_at_ms"]["N"])
        return not expires_at_ms or now_ms < expires_at_ms


class SignedRequestTables:
    """The requests that came, and the uses of keys.

    Parameters
    ----------
    open_guard
        Makes the client of what may fail; called at the first use.

    """

    def __init__(
        self,
        client: "DynamoDBClient",
        open_guard: "Callable[[], DynamoDBClient]",
        nonces_table: str,
        identity_table: str,
    ) -> None:
        self._client = client
        self._open_guard = open_guard
        self._nonces = nonces_table
        self._identity = identity_table

    def is_first(self, account: AccountId, digest: str, request_id: str, now_ms: int) -> bool:
        """Remember a request; return whether it was not known before.

        Raises `Unavailable` ``nonces_unavailable``. A put whose response was lost and that the
        client has repeated finds its own row, which has the same request id.
        """
        item: dict[str, Any] = {
            "pk": {"S": keys.signed_request(account, digest)},
            "request_id": {"S": request_id},
            "expires_at": {"N": str(now_ms // 1_000 + REMEMBERED_S)},
        }
        with unavailable("nonces_unavailable", "Sign the request anew and send it in a moment."):
            try:
                self._client.put_item(
                    TableName=self._nonces,
                    Item=item,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != _KNOWN:
                    raise
                found: Any = error.response.get("Item") or {}
                return bool(request_id) and found.get("request_id") == item["request_id"]
        return True

    def note_use(self, key: ApiKey, now_ms: int, address: str) -> None:
        """Write when a key was used last, unless another container has just done so."""
        with suppress(ClientError, BotoCoreError):
            self._guard.update_item(
                TableName=self._identity,
                Key={"pk": {"S": str(key.account)}, "sk": {"S": keys.api_key(key.name)}},
                UpdateExpression="SET used_at_ms = :now, used_from = :address",
                ConditionExpression="attribute_exists(pk) AND used_at_ms < :bound",
                ExpressionAttributeValues={
                    ":now": {"N": str(now_ms)},
                    ":address": {"S": address},
                    ":bound": {"N": str(now_ms - USE_NOTED_EVERY_MS)},
                },
            )

    @cached_property
    def _guard(self) -> "DynamoDBClient":
        return self._open_guard()
