"""Build what the functions on the journal's stream need: one state a shard, made when it is met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import dynamodb_client, facts_client, guard_dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.public_ids import open_ids
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.events.presentation import write_fact
from bursa.dialects.native.feed_messages import encode_message, token_expired, too_slow
from bursa.facts.background import Thread
from bursa.facts.bus_eventbridge import EventBridgeFacts
from bursa.facts.kinds import read_kinds
from bursa.facts.late_facts import LateFacts
from bursa.facts.position_dynamodb import PositionTable
from bursa.facts.publisher import Publisher, Report
from bursa.journal.dynamodb import JournalParts, JournalReader
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import (
    FactSettings,
    JournalSettings,
    PublicSocketSettings,
    ReadModelSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.feed import Feeds, ShardFeed
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.market_data.shard_state_dynamodb import StoredShardState
from bursa.market_data.sockets import VISITORS_CALL_MS_MAX, VISITORS_SEND_MS_MAX
from bursa.market_data.visitor_connections import JoinedOutbox, JoinedSubscribers
from bursa.read_models.definitions_dynamodb import read_definitions
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from bursa.read_models.projectors import Projectors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class ProjectorServices:
    """What the projector function calls."""

    projectors: Projectors
    parts: JournalParts
    clock: SystemClock
    facts: Callable[[], Mapping[int, LateFacts]]


@dataclass(frozen=True, slots=True)
class FeedServices:
    """What the feeds function calls."""

    feeds: Feeds
    parts: JournalParts
    clock: SystemClock


def projector_services(
    on_unprojectable: Callable[[Exception], None], report: Report
) -> ProjectorServices:
    """Build the projector function's services from the environment."""
    settings = read_settings(ReadModelSettings)
    fact_settings = read_settings(FactSettings)
    journal = read_settings(JournalSettings).journal_table
    client = dynamodb_client()
    writer = TableWriter(client)
    clock = SystemClock()
    open_publisher = _publishers(fact_settings, settings, journal, client, report)

    def open_projector(shard: int) -> Projector:
        tables = ReadModelTables(client, settings, shard, writer)
        reader = JournalReader(client, journal, shard)
        facts = open_publisher and open_publisher(shard)
        return Projector(shard, reader, tables, on_unprojectable, facts=facts)

    def late_facts() -> Mapping[int, LateFacts]:
        if open_publisher is None:
            return {}
        shards = [int(one) for one in fact_settings.shards.split(",")]
        return {
            shard: LateFacts(
                open_publisher(shard), ReadModelTables(client, settings, shard, writer)
            )
            for shard in shards
        }

    projectors = Projectors(open_projector, on_unprojectable)
    return ProjectorServices(projectors, JournalParts(client, journal), clock, late_facts)


def _publishers(
    settings: FactSettings,
    read_models: ReadModelSettings,
    journal: str,
    client: "DynamoDBClient",
    report: Report,
) -> Callable[[int], Publisher] | None:
    """Return what opens a shard's publisher; None where no facts are put."""
    chosen = read_kinds(settings.fact_kinds)
    if not chosen:
        return None
    write = partial(write_fact, ids=open_ids())
    bus = EventBridgeFacts(facts_client(), settings.event_bus, write)
    background = Thread()

    def open_publisher(shard: int) -> Publisher:
        return Publisher(
            JournalReader(client, journal, shard),
            lambda: read_definitions(client, read_models.progress_table, shard),
            bus,
            PositionTable(client, read_models.progress_table, shard),
            chosen,
            SystemClock(),
            report,
            background,
        )

    return open_publisher


def feed_services(logger: Logger, metrics: Metrics) -> FeedServices:
    """Build the feeds function's services from the environment."""
    settings = read_settings(ReadModelSettings)
    socket_settings = read_settings(SocketSettings)
    client = dynamodb_client()
    writer = TableWriter(client)
    data = MarketDataTables(client, settings.markets_table, settings.trades_table)
    clock = SystemClock()
    public = read_settings(PublicSocketSettings)
    connections = JoinedSubscribers(
        ConnectionsTable(client, socket_settings.connections_table, writer),
        _visitors(public),
        clock.now_ms,
        partial(_report_visitors, logger, metrics),
    )
    outbox = JoinedOutbox(
        open_sockets(socket_settings, logger, metrics),
        open_sockets(
            socket_settings._replace(websocket_endpoint=public.public_websocket_endpoint),
            logger,
            metrics,
            call_ms_max=VISITORS_CALL_MS_MAX,
            send_ms_max=VISITORS_SEND_MS_MAX,
        ),
    )

    encode = partial(encode_message, ids=open_ids())

    journal = read_settings(JournalSettings).journal_table

    def open_feed(shard: int) -> ShardFeed:
        tables = ReadModelTables(client, settings, shard, writer)
        return ShardFeed(
            StoredShardState(tables, data, JournalReader(client, journal, shard)),
            connections,
            outbox,
            encode,
            clock.now_ms,
            shard=shard,
            farewell=[token_expired()],
            too_slow=[too_slow()],
        )

    return FeedServices(Feeds(open_feed), JournalParts(client, journal), clock)


def _visitors(settings: PublicSocketSettings) -> ConnectionsTable:
    """Return visitors' connections, by a client that accounts wait for only shortly."""
    client = guard_dynamodb_client()
    return ConnectionsTable(client, settings.public_connections_table, TableWriter(client))


def _report_visitors(logger: Logger, metrics: Metrics, error: Exception) -> None:
    metrics.add_metric("VisitorsUnread", MetricUnit.Count, 1)
    logger.warning("Visitors' connections can't be reached", extra={"why": str(error)})
