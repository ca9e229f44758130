"""Build what the function behind the WebSocket routes needs."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics

from bursa.aws.clients import dynamodb_client, guard_dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.public_ids import open_ids
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.public_ids import PublicIds
from bursa.identity.session_check import SessionCheck
from bursa.identity.signed_requests_dynamodb import KeyStates
from bursa.intake.budgets_dynamodb import DynamoBuckets
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import (
    BudgetSettings,
    DirectorySettings,
    JournalSettings,
    KeyStateSettings,
    ReadModelSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.channel_state_dynamodb import ChannelStateTables
from bursa.market_data.connection_limits import ConnectionLimits
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.sockets import Sockets
from bursa.market_data.subscriptions import Subscriptions
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards


@dataclass(frozen=True, slots=True)
class SocketServices:
    """What the WebSocket routes call."""

    subscriptions: Subscriptions
    sockets: Sockets
    limits: ConnectionLimits
    has_session: SessionCheck
    clock: SystemClock
    ids: PublicIds


def socket_services(logger: Logger, metrics: Metrics) -> SocketServices:
    """Build it from the environment."""
    settings = read_settings(SocketSettings)
    client = dynamodb_client()
    clock = SystemClock()
    directory = DirectoryTable(client, read_settings(DirectorySettings).directory_table)
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
    )
    sockets = open_sockets(settings, logger, metrics)
    key_states = KeyStates(client, read_settings(KeyStateSettings).identity_table)
    has_session = SessionCheck(directory, key_states)
    limits = ConnectionLimits(
        connections,
        shards.limits,
        sockets.is_open,
        shared=DynamoBuckets(guard_dynamodb_client, read_settings(BudgetSettings).budgets_table),
        clock=clock,
        report=BudgetReport(clock),
    )
    return SocketServices(subscriptions, sockets, limits, has_session, clock, open_ids())
