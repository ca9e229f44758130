"""Build what the function on a schedule sets fee tiers with."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from bursa.accounts.dynamodb import AccountSettings
from bursa.accounts.positions_dynamodb import PositionsTable
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.aws.clients import background_dynamodb_client, events_client, sqs_client
from bursa.bootstrap.intake import open_intake
from bursa.fees.commands import TierCommands
from bursa.fees.counted_days import CountedDays
from bursa.fees.daily_run import DailyRun, Tools, tenants_in_turn
from bursa.fees.notices_eventbridge import TierNotices
from bursa.fees.records_dynamodb import FeeRecords
from bursa.intake.backlog_sqs import CommandBacklog
from bursa.intake.sqs import queue_url
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import FeeTiersSettings, read_settings
from bursa.market_data.dynamodb import MarketsTable
from bursa.market_data.traded_value import TradedValues
from bursa.market_data.traded_value_dynamodb import TradedTables
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from bursa.kernel.clock import Clock
    from bursa.kernel.errors import BursaError
    from bursa.kernel.identifiers import AccountId

    OnFailure = Callable[[AccountId, BursaError], None]
    OnMissing = Callable[[TenantId, frozenset[str]], None]

# Who has its tier set waits for nobody: the queue may be long.
_QUEUE_DEPTH_MAX = 10_000
_DEFINITIONS_AGE_MS_MAX = 60_000


class FeeTierServices(NamedTuple):
    """What the function calls."""

    tools: Tools
    tenants: "Callable[[], Iterator[TenantId]]"

    def run(
        self, may_go_on: Callable[[], bool], on_failure: "OnFailure", on_missing: "OnMissing"
    ) -> DailyRun:
        """Return a run of tenants."""
        return DailyRun(self.tools, may_go_on, on_failure, on_missing)


def open_fee_tiers(clock: "Clock | None" = None) -> FeeTierServices:
    """Build it from the environment."""
    settings = read_settings(FeeTiersSettings)
    client, sqs, clock = background_dynamodb_client(), sqs_client(), clock or SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    shards, records = TenantShards(directory, clock), FeeRecords(client, settings.directory_table)
    markets = MarketsTable(client, settings.markets_table, clock, _DEFINITIONS_AGE_MS_MAX)
    rows = TradedTables(client, settings.balances_table, settings.markets_table, clock)

    def backlog_of(shard: int) -> CommandBacklog:
        url = queue_url(settings.funds_queue_url_prefix, shard)
        return CommandBacklog(sqs, url, clock, _QUEUE_DEPTH_MAX)

    def tenants() -> Iterator[TenantId]:
        for number in tenants_in_turn(records.tenants_numbered(), clock.now_ms()):
            if directory.has_tenant(TenantId(number)):
                yield TenantId(number)

    intake = open_intake(
        client,
        sqs,
        settings,
        backlog_of,
        clock,
        queue_url_prefix=settings.funds_queue_url_prefix,
        shards=shards,
    )
    commands = TierCommands(intake)
    progress = PositionsTable(client, settings.progress_table, shards)
    tools = Tools(
        records=records,
        sub_accounts=SubAccountsTable(client, settings.directory_table),
        traded=TradedValues(rows, markets.all),
        days=CountedDays(progress, commands.do_nothing, clock),
        settings=AccountSettings(client, settings.balances_table),
        commands=commands,
        notices=TierNotices(events_client(), settings.event_bus),
        clock=clock,
    )
    return FeeTierServices(tools, tenants)
