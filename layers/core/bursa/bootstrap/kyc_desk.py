"""The routes of compliance about users' cases, and all that is behind them.

Loaded by the first of their requests, as the others' (see `bursa.bootstrap.kyc`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bursa.aws.clients import s3_client
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import AuditLog
from bursa.back_office.desk import Desk
from bursa.back_office.kyc_effects import kyc_effects
from bursa.back_office.staff import Admission
from bursa.bootstrap.kyc_parts import open_parts
from bursa.dialects.native.admin_kyc_routes import AdminKycRoutes, CaseDesk
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.kernel.clock import SystemClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from bursa.kernel.settings import KycSettings


def open_case_routes(
    settings: "KycSettings",
    client: "DynamoDBClient",
    clock: SystemClock,
    on_unpublished: Callable[[str], None],
) -> AdminKycRoutes:
    """Build them."""
    parts = open_parts(settings, client, clock)
    table = AuditTable(settings.audit_table)
    factors = FactorsTable(IdentityModels(settings.identity_table))
    log = AuditLog(table, AuditHeads(s3_client, settings.archive_bucket), clock, on_unpublished)
    return AdminKycRoutes(
        CaseDesk(
            Admission(factors, table, clock),
            Desk(log, kyc_effects(parts.cases, parts.applications)),
            log,
            parts.cases,
            parts.records,
            parts.documents,
            clock,
        )
    )
