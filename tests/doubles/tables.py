"""The tables of a deployment as the template makes them, each under its plain name."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bursa.kernel import keys
from bursa.kernel.settings import ReadModelSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READ_MODELS = ReadModelSettings(
    *(field.removesuffix("_table") for field in ReadModelSettings._fields)
)
_WITHOUT_SORT_KEY = {"nonces", "replies", "tickets"}
_SORTED_BY_NUMBER = {"journal"}


def _index(name: str, partition: str, sort: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


INDEXES = {
    READ_MODELS.orders_table: [
        _index(keys.ORDERS_BY_STATE, keys.ACCOUNT_STATE, "sk"),
        _index(keys.ORDERS_BY_MARKET, keys.MARKET_STATE, "sk"),
    ],
    READ_MODELS.fills_table: [_index(keys.FILLS_BY_MARKET, keys.MARKET_ACCOUNT, "sk")],
}


def create_tables(client: "DynamoDBClient", names: Iterable[str]) -> None:
    """Create these tables, empty."""
    for name in names:
        client.create_table(**_definition(name))


def _definition(name: str) -> dict[str, Any]:
    columns = {"pk": "S"}
    if name not in _WITHOUT_SORT_KEY:
        columns["sk"] = "N" if name in _SORTED_BY_NUMBER else "S"
    definition: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": column, "KeyType": key}
            for column, key in zip(columns, ("HASH", "RANGE"), strict=False)
        ],
    }
    if name in INDEXES:
        definition["GlobalSecondaryIndexes"] = INDEXES[name]
        for index in INDEXES[name]:
            columns |= {key["AttributeName"]: "S" for key in index["KeySchema"]}
    definition["AttributeDefinitions"] = [
        {"AttributeName": column, "AttributeType": kind} for column, kind in columns.items()
    ]
    return definition
