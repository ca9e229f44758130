"""Build what the routes and the tasks of applications need; imports what takes long to import."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bursa.aws.clients import (
    cognito_client,
    kms_client,
    s3_client,
    signing_s3_client,
    step_functions_client,
)
from bursa.bootstrap.kyc_providers import open_provider_secrets, providers
from bursa.bootstrap.trade_limits import open_trade_usage
from bursa.compliance.applications import Applications, Services
from bursa.compliance.cases_dynamodb import CasesTable
from bursa.compliance.documents_s3 import S3Documents
from bursa.compliance.list_in_force import ListInForce
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.compliance.personal_data_dynamodb import PersonalRecordsTable, UserKeysTable
from bursa.compliance.personal_data_kms import UserVault
from bursa.compliance.personal_records import PersonalRecords
from bursa.compliance.rescreening_run import RescreeningRun, RunServices
from bursa.compliance.rules_dynamodb import KeptRules, RulesTable
from bursa.compliance.scanner_clamd import Clamd
from bursa.compliance.screening import Screening
from bursa.compliance.waits_dynamodb import WaitsTable
from bursa.compliance.workflow_stepfunctions import StepFunctionsWorkflow
from bursa.compliance.workflow_tasks import WorkflowTasks
from bursa.dialects.native.kyc_routes import KycParts, KycRoutes
from bursa.identity.addresses_cognito import CognitoAddresses
from bursa.identity.kept_addresses import KeptAddresses
from bursa.identity.session_books_dynamodb import SessionBookErasure
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from bursa.kernel.identifiers import TenantId
    from bursa.kernel.settings import KycSettings, KycTasksSettings


class ApplicationParts(NamedTuple):
    """The tasks of applications, and what they are made of."""

    applications: Applications
    cases: CasesTable
    records: PersonalRecords
    documents: S3Documents
    rules: KeptRules


def open_kyc_routes(
    settings: "KycSettings", client: "DynamoDBClient", clock: SystemClock
) -> KycRoutes:
    """Build the routes of users and providers."""
    parts = open_parts(settings, client, clock)
    return KycRoutes(
        KycParts(
            parts.applications,
            parts.cases,
            parts.records,
            parts.documents,
            parts.rules,
            KeptAddresses(CognitoAddresses(cognito_client), clock),
            open_trade_usage(settings, client, clock).of,
            open_provider_secrets(settings, parts.rules, clock),
            clock,
        )
    )


def open_parts(
    settings: "KycSettings", client: "DynamoDBClient", clock: SystemClock
) -> ApplicationParts:
    """Build what takes what people send and decide; it compares nobody."""
    return _open_applications(settings, client, signing_s3_client(), clock, _no_screening, None)


class Tasks(NamedTuple):
    """What the function of the workflow calls."""

    workflow: WorkflowTasks
    applications: Applications
    rules: KeptRules
    rescreening: RescreeningRun
    scanner: Clamd | None


def open_tasks(
    settings: "KycTasksSettings",
    client: "DynamoDBClient",
    clock: SystemClock,
    tenants: "Callable[[], Iterable[TenantId]]",
) -> Tasks:
    """Build the tasks of the workflow, and of time."""
    s3 = s3_client()
    lists = S3Lists(s3, settings.documents_bucket)
    screening = ListInForce(lists, settings.sanctions_list)

    scanner = Clamd(settings.clamd_host, settings.clamd_port) if settings.clamd_host else None
    parts = _open_applications(settings, client, s3, clock, screening, scanner)
    waits = WaitsTable(client, settings.compliance_table)
    tokens = StepFunctionsWorkflow(step_functions_client(), "", waits)
    workflow = WorkflowTasks(parts.applications, waits, tokens)
    services = RunServices(
        lists,
        lists,
        parts.cases,
        parts.cases,
        parts.records,
        screening,
        lambda: [one for one in tenants() if parts.rules(one) is not None],
        clock,
    )
    rescreening = RescreeningRun(services, settings.sanctions_list)
    return Tasks(workflow, parts.applications, parts.rules, rescreening, scanner)


def _open_applications(  # noqa: PLR0917 - what the two functions have otherwise
    settings: "KycSettings | KycTasksSettings",
    client: "DynamoDBClient",
    s3: "S3Client",
    clock: SystemClock,
    screening: "Callable[[], Screening]",
    scanner: Clamd | None,
) -> ApplicationParts:
    rules = KeptRules(RulesTable(client, settings.directory_table), clock)
    cases = CasesTable(settings.compliance_table, rules)
    key_of = partial(_key, settings.tenant_keys)
    records = PersonalRecords(
        PersonalRecordsTable(settings.compliance_table),
        UserVault(
            kms_client(), UserKeysTable(settings.user_keys_table), lambda one: key_of(one, "data")
        ),
        clock,
    )
    documents = S3Documents(
        s3, settings.documents_bucket, lambda one: key_of(one, "documents"), random_key
    )
    secrets = open_provider_secrets(settings, rules, clock)
    provider_of = providers(settings, cases.rules, secrets)
    sessions = SessionBookErasure(lambda: client, settings.identity_table)
    services = Services(cases, records, documents, screening, provider_of, clock, sessions, scanner)
    return ApplicationParts(Applications(services), cases, records, documents, rules)


def _key(prefix: str, tenant: "TenantId", purpose: str) -> str:
    return f"{prefix}{tenant}-{purpose}"


def _no_screening() -> Screening:
    raise InternalError("not_here", "Users are compared by the workflow's tasks.")
