"""The routes of tenants' back offices, and all that is behind them.

Loaded by the first request: pynamodb costs a start 40 ms.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bursa.accounts.dynamodb import AccountSettings, BalancesTable, FillsTable, TransfersTable
from bursa.accounts.positions_dynamodb import PositionsTable
from bursa.accounts.statements import Statements
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.aws.clients import cognito_client, dynamodb_client, kms_client, s3_client
from bursa.back_office.account_effects import account_effects, is_frozen
from bursa.back_office.allowance import Allowance
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import AuditLog
from bursa.back_office.commands import StaffCommands
from bursa.back_office.desk import Desk, EffectBuilder
from bursa.back_office.effects import Tools, effects
from bursa.back_office.fee_effects import fee_effects
from bursa.back_office.four_eyes import FourEyes
from bursa.back_office.limit_effects import limit_effects
from bursa.back_office.market_effects import market_effects
from bursa.back_office.new_market import new_market_effects
from bursa.back_office.roles import Action
from bursa.back_office.sessions import StaffSessionEnd
from bursa.back_office.staff import Admission
from bursa.back_office.user_keys import UserKeys
from bursa.back_office.users import Users
from bursa.back_office.users_cognito import BackOfficePools
from bursa.bootstrap.public_ids import open_ids
from bursa.compliance.levels import Levels
from bursa.dialects.native.account_limit_routes import AccountLimitRoutes
from bursa.dialects.native.admin_routes import AdminRoutes
from bursa.dialects.native.fee_tier_routes import FeeTierRoutes
from bursa.dialects.native.proposal_routes import ProposalRoutes
from bursa.dialects.native.report_routes import ReportRoutes
from bursa.dialects.native.statement_routes import StatementRoutes
from bursa.fees.queries import FeeQueries
from bursa.fees.records_dynamodb import FeeRecords
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.codes_cryptography import code_of
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.second_factor import SecondFactor
from bursa.identity.second_factor_cognito import CognitoAuthenticators
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import SecurityEvents
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.sessions import SessionEnd
from bursa.intake.submission import Intake
from bursa.kernel.clock import Clock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import AdminApiSettings
from bursa.market_data.dynamodb import MarketsTable
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.market_data.trading_reports import TradingReports
from bursa.tenants.account_limits_dynamodb import AccountLimitsTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.listing_numbers_dynamodb import ListingNumbers
from bursa.tenants.shards import TenantShards

_DEFINITIONS_AGE_MS_MAX = 30_000


class BackOffice(NamedTuple):
    """What serves the routes."""

    routes: AdminRoutes
    proposals: ProposalRoutes
    statements: StatementRoutes
    fee_tiers: FeeTierRoutes
    reports: ReportRoutes
    limits: AccountLimitRoutes


def open_back_office(  # noqa: PLR0917 - what it shares with nothing else
    settings: AdminApiSettings,
    directory: DirectoryTable,
    end: SessionEnd,
    intake: Intake,
    on_unpublished: Callable[[str], None],
    on_refused: Callable[[str], None],
    clock: Clock,
    shards: TenantShards,
) -> BackOffice:
    """Build them."""
    table, models = AuditTable(settings.audit_table), IdentityModels(settings.identity_table)
    pools, keys = BackOfficePools(cognito_client), ApiKeysTable(models)
    users = Users(directory, pools)
    # A back office reads little, and what it changes it wants to see.
    markets = MarketsTable(dynamodb_client(), settings.markets_table, clock, 0)
    sessions = StaffSessionEnd(end, pools, directory)
    sub_accounts = SubAccountsTable(dynamodb_client(), settings.directory_table)
    tools = Tools(
        users=users,
        sessions=sessions,
        keys=keys,
        connections=sessions,
        markets=markets,
        profiles=directory,
        commands=StaffCommands(intake),
        pools=pools,
        notes=table,
        sub_accounts=sub_accounts,
        clock=clock,
    )
    log = AuditLog(table, AuditHeads(s3_client, settings.archive_bucket), clock, on_unpublished)
    fee_records = FeeRecords(dynamodb_client(), settings.directory_table)
    own_limits = AccountLimitsTable(dynamodb_client(), settings.directory_table)
    of_limits = limit_effects(tools, own_limits, shards.limits)
    of_markets = _new_markets(tools, settings, directory)
    desk = Desk(log, {**_effects(tools, fee_records), **of_limits, **of_markets})
    admission = Admission(FactorsTable(models), table, clock)
    alone = Allowance(table, markets, clock)
    four_eyes = FourEyes(log, table, desk, alone, users, clock, on_refused)
    return BackOffice(
        AdminRoutes(
            admission,
            desk,
            users,
            UserKeys(keys, sub_accounts),
            sub_accounts,
            markets,
            table,
            clock,
            lambda account: account is not None and is_frozen(table, account),
        ),
        ProposalRoutes(admission, desk, four_eyes, _factor(settings, models, clock), clock),
        _statement_routes(
            admission, desk, users, _statements(settings, shards, clock), sub_accounts, clock
        ),
        FeeTierRoutes(admission, desk, users, _fees(settings, markets, fee_records), markets),
        ReportRoutes(admission, desk, _reports(settings, markets, shards)),
        AccountLimitRoutes(admission, desk, users, own_limits, shards.limits),
    )


def _effects(tools: Tools, records: FeeRecords) -> Mapping[Action, EffectBuilder]:
    of_fees = fee_effects(tools, records)
    return {**effects(tools), **account_effects(tools), **market_effects(tools), **of_fees}


def _new_markets(
    tools: Tools, settings: AdminApiSettings, directory: DirectoryTable
) -> Mapping[Action, EffectBuilder]:
    def levels(tenant: TenantId) -> Levels | None:
        profile = directory.intake_profile(tenant)
        return None if profile is None else profile.levels

    numbers = ListingNumbers(dynamodb_client(), settings.directory_table)
    return new_market_effects(tools, numbers, levels)


def _statement_routes(  # noqa: PLR0917 - what the routes take
    admission: Admission,
    desk: Desk,
    users: Users,
    statements: Statements,
    sub_accounts: SubAccountsTable,
    clock: Clock,
) -> StatementRoutes:
    return StatementRoutes(
        admission, desk, users, statements, sub_accounts=sub_accounts, clock=clock, ids=open_ids()
    )


def _fees(settings: AdminApiSettings, markets: MarketsTable, records: FeeRecords) -> FeeQueries:
    account_settings = AccountSettings(dynamodb_client(), settings.balances_table)
    return FeeQueries(markets, account_settings, records)


def _reports(
    settings: AdminApiSettings, markets: MarketsTable, shard_of: Callable[[TenantId], int]
) -> TradingReports:
    client = dynamodb_client()
    return TradingReports(
        markets,
        MarketDataTables(client, settings.markets_table, settings.trades_table),
        PositionsTable(client, settings.progress_table, shard_of),
    )


def _factor(settings: AdminApiSettings, models: IdentityModels, clock: Clock) -> SecondFactor:
    return SecondFactor(
        FactorsTable(models),
        CognitoAuthenticators(cognito_client),
        code_of,
        Seals(kms_client, settings.credentials_key, clock),
        SecurityEvents(SecurityEventsTable(models), lambda _tenant: 0),  # nothing here pauses
        clock,
    )


def _statements(
    settings: AdminApiSettings, shard_of: Callable[[TenantId], int], clock: Clock
) -> Statements:
    client = dynamodb_client()
    # Each row names a market, whose steps never change: they are not read again for each.
    return Statements(
        MarketsTable(client, settings.markets_table, clock, _DEFINITIONS_AGE_MS_MAX),
        FillsTable(client, settings.fills_table),
        TransfersTable(client, settings.fills_table),
        BalancesTable(client, settings.balances_table),
        PositionsTable(client, settings.progress_table, shard_of),
    )
