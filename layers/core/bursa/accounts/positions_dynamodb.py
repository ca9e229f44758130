"""How far an account's read models are: the progress row of its tenant's shard."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import Attributes, ProgressRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class PositionsTable:
    """The progress rows of all shards; `shard_of` returns a tenant's."""

    def __init__(
        self, client: "DynamoDBClient", table: str, shard_of: Callable[[TenantId], int]
    ) -> None:
        self._client = client
        self._table = table
        self._shard_of = shard_of

    def position(self, account: AccountId) -> int:
        """Return the sequence that an account's rows reflect; raises `Unavailable`."""
        shard = self._shard_of(account.tenant)
        with unavailable("read_models_unavailable", "Ask again in a moment."):
            item = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": keys.progress(shard)}, "sk": {"S": keys.READ_MODELS}},
                ConsistentRead=True,
            ).get("Item")
        if item is None:
            return 0
        row = from_attributes(ProgressRow, cast("Attributes", item))
        return row.position_of(keys.account(account))[0]
