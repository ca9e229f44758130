"""What a tenant's listing was when it was last sent, beside the tenant in the directory.

A listing is sent under the number that it has here, so that the one that is wanted now is never
taken for an earlier one that was the same. Rows:

    <tenant>  listing  {number, content (JSON), is_done}
"""

import json
from typing import TYPE_CHECKING

from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from bursa.tenants.listings import SentListing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LISTING = "listing"


class SentListings:
    """The listings of all tenants of a deployment."""

    def __init__(self, client: "DynamoDBClient", directory_table: str) -> None:
        self._client = client
        self._table = directory_table

    def last(self, tenant: TenantId) -> SentListing | None:
        """Return what was last sent; None when nothing was."""
        response = self._client.get_item(
            TableName=self._table, Key=_key(tenant), ConsistentRead=True
        )
        row = response.get("Item")
        if row is None:
            return None
        return SentListing(
            int(row["number"]["N"]), json.loads(row["content"]["S"]), row["is_done"]["BOOL"]
        )

    def write(self, tenant: TenantId, listing: SentListing) -> None:
        """Keep a listing that follows the last one, or the last one again.

        Raises
        ------
        Conflict
            ``listing_changed``: another was sent meanwhile.

        """
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key(tenant),
                    "number": {"N": str(listing.number)},
                    "content": {"S": json.dumps(listing.content, separators=(",", ":"))},
                    "is_done": {"BOOL": listing.is_done},
                },
                ConditionExpression=(
                    "attribute_not_exists(pk) OR #number = :before OR "
                    "(#number = :number AND content = :content)"
                ),
                ExpressionAttributeNames={"#number": "number"},
                ExpressionAttributeValues={
                    ":number": {"N": str(listing.number)},
                    ":before": {"N": str(listing.number - 1)},
                    ":content": {"S": json.dumps(listing.content, separators=(",", ":"))},
                },
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            raise Conflict(
                "listing_changed",
                "Somebody else changes this tenant's listing at the moment: look again.",
            ) from None


def _key(tenant: TenantId) -> dict[str, dict[str, str]]:
    return {"pk": {"S": str(tenant)}, "sk": {"S": _LISTING}}
