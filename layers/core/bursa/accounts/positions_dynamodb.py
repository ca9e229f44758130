"""How far an account's read models are: the progress row of its tenant's shard."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import (
    READ_MODELS_SCHEMA,
    Attributes,
    ProgressRow,
    SchemaRow,
    from_attributes,
    row_key,
)

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
        self._current: set[int] = set()

    def position(self, account: AccountId) -> int:
        """Return the sequence that an account's rows reflect; raises `Unavailable`."""
        shard = self._shard_of(account.tenant)
        item = self._get(shard, keys.READ_MODELS)
        if item is None:
            return 0
        row = from_attributes(ProgressRow, item)
        return row.position_of(keys.account(account))[0]

    def is_current(self, account: AccountId) -> bool:
        """Return whether an account's rows are those that readers know; raises `Unavailable`."""
        shard = self._shard_of(account.tenant)
        if shard not in self._current:
            item = self._get(shard, keys.READ_MODELS_SCHEMA)
            if item is None:
                # Without any row there is nothing to miss.
                return self._get(shard, keys.READ_MODELS) is None
            if from_attributes(SchemaRow, item).schema != READ_MODELS_SCHEMA:
                return False
            self._current.add(shard)
        return True

    def _get(self, shard: int, sort: str) -> Attributes | None:
        with unavailable("read_models_unavailable", "Ask again in a moment."):
            response = self._client.get_item(
                TableName=self._table, Key=row_key(keys.progress(shard), sort), ConsistentRead=True
            )
        return cast("Attributes | None", response.get("Item"))
