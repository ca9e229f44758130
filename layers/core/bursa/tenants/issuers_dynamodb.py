"""Which user pool is a tenant's, for a role that may read no more of the directory."""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AGAIN = "Send the same request again in a moment."


class TenantIssuers:
    """The issuers of tenants' tokens, in the directory table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def issuer(self, tenant: TenantId) -> str:
        """Return the URL of a tenant's user pool; raises `Unavailable`."""
        with unavailable("directory_unavailable", _AGAIN):
            row = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
                ProjectionExpression="issuer",
            ).get("Item")
        if not row:
            raise Unavailable("directory_unavailable", _AGAIN)
        return row["issuer"]["S"]
