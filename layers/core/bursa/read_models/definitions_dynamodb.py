"""What has been defined in a shard, from the rows that define it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from bursa.kernel import keys
from bursa.read_models.fold import Definitions
from bursa.read_models.rows import AssetRow, Attributes, MarketRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read_definitions(client: "DynamoDBClient", progress_table: str, shard: int) -> Definitions:
    """Read what has been defined in a shard, consistently."""
    definitions = Definitions()
    for item in _registry(client, progress_table, shard, keys.ASSET_PREFIX):
        asset = from_attributes(AssetRow, item)
        definitions.assets[asset.number] = asset
    for item in _registry(client, progress_table, shard, keys.MARKET_PREFIX):
        market = from_attributes(MarketRow, item)
        definitions.markets[market.number] = market
    return definitions


def _registry(
    client: "DynamoDBClient", progress_table: str, shard: int, prefix: str
) -> Iterator[Attributes]:
    pages = client.get_paginator("query").paginate(
        TableName=progress_table,
        KeyConditionExpression="pk = :shard AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={
            ":shard": {"S": keys.progress(shard)},
            ":prefix": {"S": prefix},
        },
        ConsistentRead=True,
    )
    for page in pages:
        yield from cast("list[Attributes]", page["Items"])
