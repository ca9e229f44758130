"""Build the adapters of the read models from settings, for every process that needs them."""

from typing import TYPE_CHECKING

from bursa.aws.table_writer import TableWriter
from bursa.kernel.settings import ReadModelSettings
from bursa.read_models.dynamodb import ReadModelNames, ReadModelTables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read_model_names(settings: ReadModelSettings) -> ReadModelNames:
    """Return the names of the tables."""
    return ReadModelNames(
        orders=settings.orders_table,
        fills=settings.fills_table,
        balances=settings.balances_table,
        markets=settings.markets_table,
        trades=settings.trades_table,
        progress=settings.progress_table,
    )


def read_model_tables(
    client: "DynamoDBClient", settings: ReadModelSettings, shard: int, writer: TableWriter
) -> ReadModelTables:
    """Return the read models of a shard."""
    return ReadModelTables(client, read_model_names(settings), shard, writer)
