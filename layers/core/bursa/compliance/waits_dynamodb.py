"""What waits for a provider's report: the task token of an attempt's workflow.

    <tenant>#<subject>  wait#<attempt>  {token}

The latest token counts: a task that is tried again waits under another one.
"""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.compliance.providers import Reference
from bursa.kernel import keys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_UNAVAILABLE = ("compliance_unavailable", "Send the same again in a moment.")


class WaitsTable:
    """The tokens of all attempts, in the compliance table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def keep(self, reference: Reference, token: str) -> None:
        """Keep an attempt's token in place of the one before; raises `Unavailable`."""
        with unavailable(*_UNAVAILABLE):
            self._client.put_item(
                TableName=self._table, Item={**_key(reference), "token": {"S": token}}
            )

    def find(self, reference: Reference) -> str | None:
        """Return an attempt's token; None while nothing has waited. Raises `Unavailable`."""
        with unavailable(*_UNAVAILABLE):
            found = self._client.get_item(
                TableName=self._table,
                Key=_key(reference),
                ConsistentRead=True,
                ProjectionExpression="#token",
                ExpressionAttributeNames={"#token": "token"},
            )
        return found["Item"]["token"]["S"] if "Item" in found else None


def _key(reference: Reference) -> "dict[str, AttributeValueTypeDef]":
    return {
        "pk": {"S": keys.compliance_of(reference.tenant, reference.user)},
        "sk": {"S": keys.wait(reference.attempt)},
    }
