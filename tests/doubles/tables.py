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
_WITHOUT_SORT_KEY = {"replies", "tickets"}
_SORTED_BY_NUMBER = {"journal"}
_OPEN_ORDERS: dict[str, Any] = {
    "IndexName": keys.OPEN_ORDERS_INDEX,
    "KeySchema": [
        {"AttributeName": keys.OPEN_ORDERS_KEY, "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
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
    if name == READ_MODELS.orders_table:
        columns[keys.OPEN_ORDERS_KEY] = "S"
        definition["GlobalSecondaryIndexes"] = [_OPEN_ORDERS]
    definition["AttributeDefinitions"] = [
        {"AttributeName": column, "AttributeType": kind} for column, kind in columns.items()
    ]
    return definition
