"""How far an account's read models are: the progress row of its tenant's shard."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bursa.accounts.catch_up import Position
from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import (
    LISTS_SCHEMA,
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
        self._schemas: dict[int, int] = {}

    def position(self, account: AccountId) -> Position:
        """Return how far an account's rows are; raises `Unavailable`."""
        row = self._progress(account.tenant)
        if row is None:
            return Position(0, 0)
        owner = keys.account(account)
        return Position(row.position_of(owner)[0], row.moment_of(owner))

    def position_and_time(self, account: AccountId) -> tuple[int, int]:
        """Return the sequence that an account's rows reflect, and the exchange's time there.

        UTC milliseconds; raises `Unavailable`.
        """
        row = self._progress(account.tenant)
        return (0, 0) if row is None else row.position_of(keys.account(account))

    def whole_until_ms(self, tenant: TenantId) -> int:
        """Return the exchange's time of the last record that all of a tenant's rows reflect.

        UTC; 0 before any. Raises `Unavailable`.
        """
        row = self._progress(tenant)
        return 0 if row is None else row.time_ms

    def _progress(self, tenant: TenantId) -> ProgressRow | None:
        item = self._get(self._shard_of(tenant), keys.READ_MODELS)
        return None if item is None else from_attributes(ProgressRow, item)

    def is_current(self, account: AccountId, schema: int = LISTS_SCHEMA) -> bool:
        """Return whether an account's rows are those that a reader knows; raises `Unavailable`.

        ``schema`` is the first that has them.
        """
        return self.has_schema(account.tenant, schema)

    def has_schema(self, tenant: TenantId, schema: int) -> bool:
        """Return whether a tenant's rows are at least of a schema; raises `Unavailable`."""
        shard = self._shard_of(tenant)
        if self._schemas.get(shard, 0) < schema:
            item = self._get(shard, keys.READ_MODELS_SCHEMA)
            if item is None:
                # Without any row there is nothing to miss.
                return self._get(shard, keys.READ_MODELS) is None
            self._schemas[shard] = from_attributes(SchemaRow, item).schema
            return self._schemas[shard] >= schema
        return True

    def _get(self, shard: int, sort: str) -> Attributes | None:
        with unavailable("read_models_unavailable", "Ask again in a moment."):
            response = self._client.get_item(
                TableName=self._table, Key=row_key(keys.progress(shard), sort), ConsistentRead=True
            )
        return cast("Attributes | None", response.get("Item"))
