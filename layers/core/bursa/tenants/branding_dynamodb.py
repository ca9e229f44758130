"""The brandings of tenants, beside their profiles in the directory.

A row of its own, because a profile is read at every sign-in and a read is paid by the row's size:

    <tenant>  branding  {branding (JSON)}
"""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.tenants.branding import Branding, Colours, check_branding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class BrandingTable:
    """The brandings of all tenants of a deployment."""

    def __init__(self, client: "DynamoDBClient", directory_table: str) -> None:
        self._client = client
        self._table = directory_table

    def find(self, tenant: TenantId) -> Branding | None:
        """Return a tenant's branding; None while it has none.

        Reads no other attribute, so that a role may be allowed this one alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            row = self._client.get_item(
                TableName=self._table,
                Key=_key(tenant),
                ProjectionExpression="branding",
                ConsistentRead=True,
            ).get("Item")
        if row is None:
            return None
        content = json.loads(row["branding"]["S"])
        content["colours"] = Colours(**content["colours"])
        content["languages"] = tuple(content["languages"])
        return Branding(**content)

    def write(self, tenant: TenantId, branding: Branding) -> None:
        """Replace a tenant's branding.

        Raises
        ------
        InvalidInput
            ``invalid_branding``: applications could not show it as it is.
        Unavailable
            ``directory_unavailable``

        """
        check_branding(branding)
        text = json.dumps(asdict(branding), separators=(",", ":"))
        with unavailable("directory_unavailable", "Send the same again in a moment."):
            self._client.put_item(
                TableName=self._table, Item={**_key(tenant), "branding": {"S": text}}
            )


def _key(tenant: TenantId) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": str(tenant)}, "sk": {"S": keys.BRANDING}}
