"""The routes of tenants' back offices, and all that is behind them.

Loaded by the first request: pynamodb costs a start 40 ms.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from bursa.aws.clients import cognito_client, dynamodb_client, s3_client
from bursa.back_office.account_effects import account_effects, is_frozen, takes_two
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import AuditLog
from bursa.back_office.commands import StaffCommands
from bursa.back_office.desk import Desk
from bursa.back_office.effects import Tools, effects
from bursa.back_office.four_eyes import FourEyes
from bursa.back_office.sessions import StaffSessionEnd
from bursa.back_office.staff import Admission
from bursa.back_office.users import Users
from bursa.back_office.users_cognito import BackOfficePools
from bursa.dialects.native.admin_routes import AdminRoutes
from bursa.dialects.native.proposal_routes import ProposalRoutes
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.sessions import SessionEnd
from bursa.intake.submission import Intake
from bursa.kernel.clock import Clock
from bursa.kernel.settings import AdminApiSettings
from bursa.market_data.dynamodb import MarketsTable
from bursa.tenants.dynamodb import DirectoryTable


class BackOffice(NamedTuple):
    """What serves the routes."""

    routes: AdminRoutes
    proposals: ProposalRoutes


def open_back_office(  # noqa: PLR0917 - what it shares with nothing else
    settings: AdminApiSettings,
    directory: DirectoryTable,
    end: SessionEnd,
    intake: Intake,
    on_unpublished: Callable[[str], None],
    on_refused: Callable[[str], None],
    clock: Clock,
) -> BackOffice:
    """Build them."""
    table, models = AuditTable(settings.audit_table), IdentityModels(settings.identity_table)
    pools, keys = BackOfficePools(cognito_client), ApiKeysTable(models)
    users = Users(directory, pools)
    # A back office reads little, and what it changes it wants to see.
    markets = MarketsTable(dynamodb_client(), settings.markets_table, clock, 0)
    sessions = StaffSessionEnd(end, pools, directory)
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
    )
    heads = AuditHeads(s3_client, settings.archive_bucket)
    log = AuditLog(table, heads, clock, on_unpublished)
    desk = Desk(log, {**effects(tools), **account_effects(tools)})
    admission = Admission(FactorsTable(models), table, clock)
    return BackOffice(
        AdminRoutes(
            admission,
            desk,
            users,
            keys,
            markets,
            table,
            clock,
            lambda account: account is not None and is_frozen(table, account),
        ),
        ProposalRoutes(
            admission,
            desk,
            FourEyes(log, table, desk, clock, on_refused),
            partial(takes_two, tools),
            clock,
        ),
    )
