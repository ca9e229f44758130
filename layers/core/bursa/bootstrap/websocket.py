"""Build what the functions behind the WebSocket routes need: of accounts, and of visitors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import dynamodb_client, guard_dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.public_ids import open_ids
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.public_connect import PublicConnect
from bursa.dialects.native.socket_events import SocketEvents
from bursa.identity.session_check import SessionCheck
from bursa.identity.signed_requests_dynamodb import KeyStates
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import (
    BudgetSettings,
    DirectorySettings,
    JournalSettings,
    KeyStateSettings,
    PublicWebSocketSettings,
    ReadModelSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.channel_state_dynamodb import ChannelStateTables
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.subscriptions import Subscriptions
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.hosts import HostTenants
from bursa.tenants.origins import TenantOrigins
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class SocketServices:
    """What the routes of signed-in users call."""

    events: SocketEvents
    has_session: SessionCheck
    clock: SystemClock


@dataclass(frozen=True, slots=True)
class PublicSocketServices:
    """What the routes of visitors call."""

    events: SocketEvents
    admit: PublicConnect
    clock: SystemClock


class _Reports:
    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics

    def count(self, name: str) -> None:
        self._metrics.add_metric(name, MetricUnit.Count, 1)

    def failed(self, why: str) -> None:
        self._logger.exception(why)  # noqa: LOG004 - called where one is handled


def socket_services(logger: Logger, metrics: Metrics) -> SocketServices:
    """Build it from the environment."""
    client, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(client, read_settings(DirectorySettings).directory_table)
    events = _socket_events(client, clock, directory, (logger, metrics), replays=True)
    key_states = KeyStates(client, read_settings(KeyStateSettings).identity_table)
    return SocketServices(events, SessionCheck(directory, key_states), clock)


def public_socket_services(logger: Logger, metrics: Metrics) -> PublicSocketServices:
    """Build it from the environment; the table of connections and the stage are visitors' own.

    What visitors missed is not replayed: nothing that they reach reads the journal's records, in
    which everything of every account is.
    """
    client, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(client, read_settings(DirectorySettings).directory_table)
    events = _socket_events(client, clock, directory, (logger, metrics), replays=False)
    is_shared = read_settings(PublicWebSocketSettings).tenants_share_hosts == "true"
    tenants = HostTenants(directory, clock, is_shared=is_shared)
    admit = PublicConnect(tenants, TenantOrigins(directory, clock), is_shared=is_shared)
    return PublicSocketServices(events, admit, clock)


def _socket_events(
    client: "DynamoDBClient",
    clock: SystemClock,
    directory: DirectoryTable,
    reported: tuple[Logger, Metrics],
    *,
    replays: bool,
) -> SocketEvents:
    settings = read_settings(SocketSettings)
    connections = ConnectionsTable(client, settings.connections_table, TableWriter(client))
    shards = TenantShards(directory, clock)
    subscriptions = Subscriptions(
        connections,
        ChannelStateTables(
            client,
            read_settings(ReadModelSettings),
            read_settings(JournalSettings).journal_table,
        ),
        shards,
        shards.limits,
        clock.sleep_ms,
        replays=replays,
    )
    sockets = open_sockets(settings, *reported)
    limits = ConnectionLimits(
        connections,
        shards.limits,
        sockets.is_open,
        shared=DynamoBuckets(guard_dynamodb_client, read_settings(BudgetSettings).budgets_table),
        clock=clock,
        report=BudgetReport(clock),
    )
    return SocketEvents(subscriptions, sockets, limits, open_ids(), _Reports(*reported))
