"""Tickets in DynamoDB. Taking one is one conditional delete, so that it can't be taken twice.

The table's time to live removes what nobody has used, hours later; a ticket's end is therefore a
condition of the delete.
"""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.account_limits import account_limits_as_text, account_limits_from

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AGAIN = "Ask for a ticket again in a moment."


class TicketsTable:
    """The tickets of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def keep(self, tenant: TenantId, digest: str, principal: Principal, expires_at_ms: int) -> None:
        """Remember whom a ticket stands for; raises `Unavailable` ``tickets_unavailable``."""
        own_limits = account_limits_as_text(principal.own_limits)
        with unavailable("tickets_unavailable", _AGAIN):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": keys.ticket(tenant, digest)},
                    "account": {"S": str(principal.account)},
                    "user": {"S": principal.user},
                    "scopes": {"SS": sorted(principal.scopes)},
                    "method": {"S": str(principal.method)},
                    **({"key": {"S": principal.key}} if principal.key else {}),
                    **({"session": {"S": principal.session}} if principal.session else {}),
                    **({"own_limits": {"S": own_limits}} if own_limits else {}),
                    "session_ends_at": {"N": str(principal.expires_at)},
                    "signed_in_at": {"N": str(principal.signed_in_at)},
                    "expires_at_ms": {"N": str(expires_at_ms)},
                    "expires_at": {"N": str(expires_at_ms // 1_000 + 1)},
                },
            )

    def take(self, tenant: TenantId, digest: str, now_ms: int) -> Principal | None:
        """Return whom a ticket stands for, at most once; None for one that is not good.

        Raises `Unavailable` ``tickets_unavailable``.
        """
        with unavailable("tickets_unavailable", _AGAIN):
            try:
                response = self._client.delete_item(
                    TableName=self._table,
                    Key={"pk": {"S": keys.ticket(tenant, digest)}},
                    ConditionExpression="expires_at_ms > :now",
                    ExpressionAttributeValues={":now": {"N": str(now_ms)}},
                    ReturnValues="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        item = response["Attributes"]
        return Principal(
            account=AccountId.parse(item["account"]["S"]),
            user=item["user"]["S"],
            scopes=frozenset(map(Scope, item["scopes"]["SS"])),
            method=SignInMethod(item["method"]["S"]),
            expires_at=int(item["session_ends_at"]["N"]),
            signed_in_at=int(item["signed_in_at"]["N"]),
            key=item.get("key", {"S": ""})["S"],
            session=item.get("session", {"S": ""})["S"],
            own_limits=account_limits_from(item.get("own_limits", {"S": ""})["S"]),
        )
