"""Users' levels in the directory, where a sign-in reads them with the account.

    <tenant>  user#<subject>  {level, level_version, vouched_level}

``level`` follows the case, ``level_version`` is the version of it; ``vouched_level`` is what the
operator knows of a user from elsewhere (`bursa.tenants.dynamodb.DirectoryTable.vouch`).
"""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_UNAVAILABLE = ("directory_unavailable", "Send the same again in a moment.")


class AccountLevelsTable:
    """See `bursa.compliance.case_changes.AccountLevels`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def set(
        self, tenant: TenantId, user: str, level: int, version: int, *, ends_vouching: bool
    ) -> None:
        """See `bursa.compliance.case_changes.AccountLevels`.

        Changes no other attribute, so that a role may be allowed these alone.
        """
        ends = " REMOVE vouched_level" if ends_vouching else ""
        with unavailable(*_UNAVAILABLE):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.user(user)}},
                    UpdateExpression=f"SET #level = :level, level_version = :version{ends}",
                    ConditionExpression=(
                        "attribute_exists(pk) AND "
                        "(attribute_not_exists(level_version) OR level_version < :version)"
                    ),
                    ExpressionAttributeNames={"#level": "level"},
                    ExpressionAttributeValues={
                        ":level": {"N": str(level)},
                        ":version": {"N": str(version)},
                    },
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                # A later version was faster, or the user's account is gone.
                return
