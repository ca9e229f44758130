"""The read models' tables as the template makes them."""

from typing import TYPE_CHECKING, Any

from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import ReadModelSettings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOURNAL, CONNECTIONS, DIRECTORY = "journal", "connections", "directory"
SETTINGS = ReadModelSettings(
    orders_table="orders",
    fills_table="fills",
    balances_table="balances",
    markets_table="markets",
    trades_table="trades",
    progress_table="progress",
)
ENVIRONMENT = {
    "ORDERS_TABLE": "orders",
    "FILLS_TABLE": "fills",
    "BALANCES_TABLE": "balances",
    "MARKETS_TABLE": "markets",
    "TRADES_TABLE": "trades",
    "PROGRESS_TABLE": "progress",
    "JOURNAL_TABLE": JOURNAL,
    "CONNECTIONS_TABLE": CONNECTIONS,
    "DIRECTORY_TABLE": DIRECTORY,
    "WEBSOCKET_ENDPOINT": "https://abcdef1234.execute-api.us-east-1.amazonaws.com/v1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_METRICS_NAMESPACE": "Bursa",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def create_tables(client: "DynamoDBClient") -> None:
    client.create_table(**_table("progress", "S"))
    client.create_table(**_table(JOURNAL, "N"))
    create_directory(client, {TenantId(1): 0})
    create_read_models(client)


def create_directory(client: "DynamoDBClient", shards: dict[TenantId, int]) -> None:
    """Create the directory with these tenants, each on its shard."""
    client.create_table(**_table(DIRECTORY, "S"))
    directory = DirectoryTable(client, DIRECTORY)
    for tenant, shard in shards.items():
        issuer = f"https://issuer.example/{tenant}"
        directory.add_tenant(
            TenantProfile(tenant, shard, f"tenant {tenant}", issuer, frozenset({"web"}))
        )


def create_read_models(client: "DynamoDBClient") -> None:
    for name in ("fills", "balances", "markets", "trades", CONNECTIONS):
        client.create_table(**_table(name, "S"))
    orders = _table("orders", "S") | _OPEN_ORDERS
    orders["AttributeDefinitions"].append({"AttributeName": "open_account", "AttributeType": "S"})
    client.create_table(**orders)


def _table(name: str, sort_type: str) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": sort_type},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    }


_OPEN_ORDERS: dict[str, Any] = {
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "open-orders",
            "KeySchema": [
                {"AttributeName": "open_account", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
