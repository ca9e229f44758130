"""What the function behind the routes about who users are calls.

The adapters are opened by the first request: pynamodb and the Encryption SDK take longer to import
than the rest of a start, and many starts serve a callback or a preflight only.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from bursa.aws.clients import dynamodb_client
from bursa.bootstrap.budget_report import BudgetReport
from bursa.bootstrap.read_budgets import open_read_budgets
from bursa.intake.budgets import Budgets
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import BudgetSettings, KycSettings, read_settings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards

if TYPE_CHECKING:
    from collections.abc import Callable

    from bursa.dialects.native.admin_kyc_routes import AdminKycRoutes
    from bursa.dialects.native.kyc_routes import KycRoutes


@dataclass(frozen=True, slots=True)
class KycServices:
    """What the function calls."""

    routes: "Callable[[], KycRoutes]"
    cases: "Callable[[], AdminKycRoutes]"
    budgets: Budgets
    clock: SystemClock


def kyc_services(logger: Logger, metrics: Metrics) -> KycServices:
    """Build it from the environment."""
    settings, clock = read_settings(KycSettings), SystemClock()
    client = dynamodb_client()
    shards = TenantShards(DirectoryTable(client, settings.directory_table), clock)
    table = read_settings(BudgetSettings).budgets_table

    @cache
    def routes() -> "KycRoutes":
        from bursa.bootstrap.kyc_parts import open_kyc_routes  # noqa: PLC0415 - see above

        return open_kyc_routes(settings, client, clock)

    def report_unpublished(why: str) -> None:
        metrics.add_metric("AuditHeadsUnpublished", MetricUnit.Count, 1)
        logger.warning("The head of an audit log was not published", extra={"why": why})

    @cache
    def cases() -> "AdminKycRoutes":
        from bursa.bootstrap.kyc_desk import open_case_routes  # noqa: PLC0415 - see above

        return open_case_routes(settings, client, clock, report_unpublished)

    budgets = open_read_budgets(shards, table, clock, BudgetReport(clock))
    return KycServices(routes, cases, budgets, clock)
