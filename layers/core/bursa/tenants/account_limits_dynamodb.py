"""Users' own limits in the directory, where a sign-in reads them with the account.

<tenant>  user#<subject>  {own_limits (JSON), own_limits_at_ms}

Of attributes of their own, so that a role may be allowed to change these alone.
"""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from bursa.tenants.account_limits import (
    AccountLimits,
    account_limits_as_text,
    account_limits_from,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LATER = ("directory_unavailable", "Send the same request again in a moment.")


class AccountLimitsTable:
    """The own limits of all users of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def own(self, tenant: TenantId, subject: str) -> AccountLimits:
        """Return a user's own limits, the latest. Raises `Unavailable`."""
        with unavailable(*_LATER):
            row = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
                ConsistentRead=True,
                ProjectionExpression="own_limits",
            ).get("Item", {})
        return account_limits_from(row.get("own_limits", {"S": ""})["S"])

    def set(self, tenant: TenantId, subject: str, own: AccountLimits, at_ms: int) -> None:
        """Write a user's own limits; safe to repeat. Changes no other attribute.

        ``at_ms`` is when that was asked for. Raises `Conflict` ``overtaken``: something that was
        asked for later is written already, or the account is gone; `Unavailable`.
        """
        with unavailable(*_LATER):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(subject)}},
                    UpdateExpression="SET own_limits = :own, own_limits_at_ms = :at",
                    ConditionExpression=(
                        "attribute_exists(pk) AND "
                        "(attribute_not_exists(own_limits_at_ms) OR own_limits_at_ms <= :at)"
                    ),
                    ExpressionAttributeValues={
                        ":own": {"S": account_limits_as_text(own)},
                        ":at": {"N": str(at_ms)},
                    },
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                raise Conflict("overtaken", "The limits were set again since: ask anew.") from None
