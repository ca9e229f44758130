"""Build what the functions on the journal's stream need: one state a shard, made when it is met."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from aws_lambda_powertools import Logger, Metrics

from bursa.aws.clients import dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.public_ids import open_ids
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.feed_messages import encode_message, token_expired, too_slow
from bursa.journal.dynamodb import JournalParts, JournalReader
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import (
    JournalSettings,
    ReadModelSettings,
    SocketSettings,
    read_settings,
)
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.feed import Feeds, ShardFeed
from bursa.market_data.shard_state_dynamodb import StoredShardState
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from bursa.read_models.projectors import Projectors


@dataclass(frozen=True, slots=True)
class ProjectorServices:
    """What the projector function calls."""

    projectors: Projectors
    parts: JournalParts
    clock: SystemClock


@dataclass(frozen=True, slots=True)
class FeedServices:
    """What the feeds function calls."""

    feeds: Feeds
    parts: JournalParts
    clock: SystemClock


def projector_services(on_unprojectable: Callable[[Exception], None]) -> ProjectorServices:
    """Build the projector function's services from the environment."""
    settings = read_settings(ReadModelSettings)
    journal = read_settings(JournalSettings).journal_table
    client = dynamodb_client()
    writer = TableWriter(client)

    def open_projector(shard: int) -> Projector:
        tables = ReadModelTables(client, settings, shard, writer)
        reader = JournalReader(client, journal, shard)
        return Projector(shard, reader, tables, on_unprojectable)

    projectors = Projectors(open_projector, on_unprojectable)
    return ProjectorServices(projectors, JournalParts(client, journal), SystemClock())


def feed_services(logger: Logger, metrics: Metrics) -> FeedServices:
    """Build the feeds function's services from the environment."""
    settings = read_settings(ReadModelSettings)
    socket_settings = read_settings(SocketSettings)
    client = dynamodb_client()
    writer = TableWriter(client)
    clock = SystemClock()
    connections = ConnectionsTable(client, socket_settings.connections_table, writer)
    sockets = open_sockets(socket_settings, logger, metrics)

    encode = partial(encode_message, ids=open_ids())

    journal = read_settings(JournalSettings).journal_table

    def open_feed(shard: int) -> ShardFeed:
        tables = ReadModelTables(client, settings, shard, writer)
        return ShardFeed(
            StoredShardState(tables, JournalReader(client, journal, shard)),
            connections,
            sockets,
            encode,
            clock.now_ms,
            shard=shard,
            farewell=[token_expired()],
            too_slow=[too_slow()],
        )

    return FeedServices(Feeds(open_feed), JournalParts(client, journal), clock)
