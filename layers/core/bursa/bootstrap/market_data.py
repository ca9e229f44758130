"""The public routes: markets, books, trades, tickers, health."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from bursa.aws.clients import dynamodb_client, secrets_client
from bursa.aws.secrets import Secret
from bursa.bootstrap.public_ids import open_cursors, open_ids
from bursa.dialects.native.market_routes import Deployment, MarketRoutes
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import NotFound, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import MarketApiSettings
from bursa.market_data.candles import ReadCandles
from bursa.market_data.dynamodb import MarketsTable
from bursa.market_data.health import ReadHealth
from bursa.market_data.health_dynamodb import ShardPositions
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.market_data.queries import MarketQueries
from bursa.market_data.websocket_stage import stage_url
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import TENANT_PARAMETER, HostTenants
from bursa.tenants.origins import HostOrigins, TenantOrigins
from bursa.tenants.ports import TenantResolver
from bursa.tenants.public_tenant import ReadPublicTenant

DEFINITIONS_AGE_MS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class MarketServices:
    """What the public routes call."""

    routes: MarketRoutes
    tenants: TenantResolver
    origins: HostOrigins
    clock: SystemClock


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where visitors of a tenant connect their WebSockets, as far as the deployment knows."""

    url: str
    tenants: TenantResolver
    is_shared: bool

    def __call__(self, tenant: TenantId) -> str | None:
        """Return it; None where the deployment's own host name is not the tenant's."""
        if self.is_shared:
            return f"{self.url}?{TENANT_PARAMETER}={tenant}"
        try:
            found = self.tenants.resolve(urlsplit(self.url).hostname or "", None)
        except (NotFound, Unavailable):
            return None
        return self.url if found == tenant else None


def open_market_data(settings: MarketApiSettings) -> MarketServices:
    """Build the public routes from a function's settings."""
    clock = SystemClock()
    client = dynamodb_client()
    catalogue = MarketsTable(client, settings.markets_table, clock, DEFINITIONS_AGE_MS_MAX)
    data = MarketDataTables(client, settings.markets_table, settings.trades_table)
    journal, progress = settings.journal_table, settings.progress_table
    positions = [
        (shard, ShardPositions(client, journal, progress, shard))
        for shard in sorted(int(number) for number in settings.shards.split(","))
    ]
    directory = DirectoryTable(client, settings.directory_table)
    is_shared = settings.tenants_share_hosts == "true"
    tenants = HostTenants(directory, clock, is_shared=is_shared)
    origins = HostOrigins(tenants, TenantOrigins(directory, clock), is_shared=is_shared)
    cursors = open_cursors(Secret(secrets_client, settings.cursor_key_secret))
    brandings = BrandingTable(client, settings.directory_table)
    endpoint, public_endpoint = (
        stage_url(one, settings.aws_endpoint_url).replace("http", "ws", 1)
        for one in (settings.websocket_endpoint, settings.public_websocket_endpoint)
    )
    routes = MarketRoutes(
        MarketQueries(catalogue, data, clock),
        ReadCandles(catalogue, data, clock),
        ReadHealth(positions, clock),
        ReadPublicTenant(directory, brandings, clock, tenants.unknown),
        cursors,
        ids=open_ids(),
        deployment=Deployment(
            settings.bursa_version, endpoint, PublicAddress(public_endpoint, tenants, is_shared)
        ),
    )
    return MarketServices(routes, tenants, origins, clock)
