"""The tables and variables of the functions on the journal's stream."""

from typing import TYPE_CHECKING, Any

from bursa.kernel.identifiers import TenantId
from bursa.kernel.keys import ANNOUNCEMENTS
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.tables import READ_MODELS, create_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

JOURNAL, CONNECTIONS, DIRECTORY, BUDGETS = "journal", "connections", "directory", "budgets"
PUBLIC_CONNECTIONS = "public_connections"
IDENTITY = "identity"
USER = "4f8b1c1e-demo"
ENVIRONMENT = {
    "ID_KEY": "i" * 32,
    **{f"{name.upper()}_TABLE": name for name in READ_MODELS},
    "JOURNAL_TABLE": JOURNAL,
    "BUDGETS_TABLE": BUDGETS,
    "CONNECTIONS_TABLE": CONNECTIONS,
    "PUBLIC_CONNECTIONS_TABLE": PUBLIC_CONNECTIONS,
    "PUBLIC_WEBSOCKET_ENDPOINT": "https://public1234.execute-api.us-east-1.amazonaws.com/v1",
    "TENANTS_SHARE_HOSTS": "true",
    "DIRECTORY_TABLE": DIRECTORY,
    "IDENTITY_TABLE": IDENTITY,
    "WEBSOCKET_ENDPOINT": "https://abcdef1234.execute-api.us-east-1.amazonaws.com/v1",
    "SHARDS": "0",
    "EVENT_BUS": "bursa",
    "FACT_KINDS": "order.done,trade.executed",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_METRICS_NAMESPACE": "Bursa/test",
    "POWERTOOLS_TRACE_DISABLED": "true",
}


def create_all_tables(client: "DynamoDBClient") -> None:
    """Create what the functions on the journal's stream use."""
    create_tables(
        client, (JOURNAL, BUDGETS, CONNECTIONS, PUBLIC_CONNECTIONS, IDENTITY, *READ_MODELS)
    )
    create_directory(client, {TenantId(1): 0})


def create_directory(client: "DynamoDBClient", shards: dict[TenantId, int]) -> None:
    """Create the directory with these tenants, each on its shard."""
    create_tables(client, [DIRECTORY])
    directory = DirectoryTable(client, DIRECTORY)
    for tenant, shard in shards.items():
        issuer = f"https://issuer.example/{tenant}"
        directory.add_tenant(
            TenantProfile(tenant, shard, f"tenant {tenant}", issuer, frozenset({"web"}))
        )
        # Of the sample events.
        directory.open_account(tenant, USER)


def connection_rows(client: "DynamoDBClient") -> list[dict[str, Any]]:
    """Return what is in the connections table but the tenants' counts, which expire."""
    every = client.scan(TableName=CONNECTIONS)["Items"]
    # What tenants have announced to the feeds stays.
    items = [item for item in every if item["sk"]["S"] != ANNOUNCEMENTS]
    items = [item for item in items if "#announced#" not in item["pk"]["S"]]
    return [item for item in items if not item["pk"]["S"].endswith("#connection-counts")]
