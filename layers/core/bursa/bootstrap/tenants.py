"""What changes the state of tenants, and reads all of one."""

from typing import TYPE_CHECKING, NamedTuple

from bursa.aws.clients import cognito_client, dynamodb_client, kms_client
from bursa.bootstrap.onboarding import open_once_intake
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import OPERATORS, Actor, ActorKind
from bursa.market_data.dynamodb import MarketsTable
from bursa.tenants.administration import TenantAdministration
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.export_dynamodb import ExportTables, TenantTables
from bursa.tenants.keys_kms import TenantKeys
from bursa.tenants.pools_cognito import TenantUserPools
from bursa.tenants.records_dynamodb import TenantRecords
from bursa.tenants.removal_dynamodb import Owned, RemovalTables, TenantRemoval
from bursa.tenants.stacks_cloudformation import CloudFormationStacks, StackOwner

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

    from bursa.kernel.settings import TenantToolSettings


class TenantTools(NamedTuple):
    """What an operator's tool calls."""

    administration: TenantAdministration
    markets: MarketsTable
    tables: TenantTables
    pools: TenantUserPools
    brandings: BrandingTable


def open_tenant_tools(
    settings: "TenantToolSettings", operator: str, cloudformation: "CloudFormationClient"
) -> TenantTools:
    """Build them for an operator, who is named in every command that they send."""
    dynamodb, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(dynamodb, settings.directory_table)
    brandings = BrandingTable(dynamodb, settings.directory_table)
    pools = TenantUserPools(cognito_client())
    # It only removes: that takes neither a role nor what they are made from.
    stacks = CloudFormationStacks(cloudformation, StackOwner(settings.stack_name, ""), {})
    owned = Owned(pools, TenantKeys(kms_client(), settings.stack_name), stacks)
    # A tool's reads are few: it keeps no definitions.
    markets = MarketsTable(dynamodb, settings.markets_table, clock, 0)
    administration = TenantAdministration(
        TenantRecords(settings.directory_table, directory),
        markets,
        open_once_intake(
            settings, dynamodb, directory, Actor.named(ActorKind.OPERATOR, OPERATORS, operator)
        ),
        TenantRemoval(dynamodb, _removal_tables(settings), owned),
        clock,
    )
    tables = ExportTables(
        directory=settings.directory_table,
        markets=settings.markets_table,
        trades=settings.trades_table,
        orders=settings.orders_table,
        fills=settings.fills_table,
        balances=settings.balances_table,
        identity=settings.identity_table,
        notices=settings.notices_table,
    )
    return TenantTools(administration, markets, TenantTables(dynamodb, tables), pools, brandings)


def _removal_tables(settings: "TenantToolSettings") -> RemovalTables:
    return RemovalTables(
        directory=settings.directory_table,
        identity=settings.identity_table,
        notices=settings.notices_table,
    )
