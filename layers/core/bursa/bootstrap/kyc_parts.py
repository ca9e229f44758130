"""Build what the routes and the tasks of applications need; imports what takes long to import."""

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from bursa.aws.clients import (
    cognito_client,
    kms_client,
    s3_client,
    secrets_client,
    signing_s3_client,
    step_functions_client,
)
from bursa.aws.secrets import find_secret
from bursa.compliance.applications import Applications, Services
from bursa.compliance.cases_dynamodb import CasesTable
from bursa.compliance.documents_s3 import S3Documents
from bursa.compliance.list_in_force import ListInForce
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.compliance.personal_data_dynamodb import PersonalRecordsTable, UserKeysTable
from bursa.compliance.personal_data_kms import UserVault
from bursa.compliance.personal_records import PersonalRecords
from bursa.compliance.provider_secrets import ProviderSecrets
from bursa.compliance.providers import Provider, open_provider
from bursa.compliance.rules_dynamodb import KeptRules, RulesTable
from bursa.compliance.screening import Screening
from bursa.compliance.waits_dynamodb import WaitsTable
from bursa.compliance.workflow_stepfunctions import StepFunctionsWorkflow
from bursa.compliance.workflow_tasks import WorkflowTasks
from bursa.dialects.native.kyc_routes import KycParts, KycRoutes
from bursa.identity.addresses_cognito import CognitoAddresses
from bursa.identity.kept_addresses import KeptAddresses
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Build the routes; they take what users send, and compare and ask nobody."""
    parts = _open_applications(
        settings, client, signing_s3_client(), clock, _no_screening, _no_provider
    )

    secrets = cache(secrets_client)

    def read_secret(tenant: "TenantId", provider: str) -> bytes | None:
        return find_secret(secrets(), f"{settings.kyc_secrets}{tenant}/{provider}")

    return KycRoutes(
        KycParts(
            parts.applications,
            parts.cases,
            parts.records,
            parts.documents,
            parts.rules,
            KeptAddresses(CognitoAddresses(cognito_client), clock),
            ProviderSecrets(parts.rules, read_secret, clock),
            clock,
        )
    )


class Tasks(NamedTuple):
    """What the function of the workflow calls."""

    workflow: WorkflowTasks
    applications: Applications
    rules: KeptRules


def open_tasks(settings: "KycTasksSettings", client: "DynamoDBClient", clock: SystemClock) -> Tasks:
    """Build the tasks of the workflow."""
    s3 = s3_client()
    screening = ListInForce(S3Lists(s3, settings.documents_bucket), settings.sanctions_list)

    def provider_of(tenant: "TenantId") -> Provider:
        name = parts.cases.rules(tenant).provider
        return open_provider(name, is_for_trying_out=settings.kyc_sandbox == "true")

    parts = _open_applications(settings, client, s3, clock, screening, provider_of)
    waits = WaitsTable(client, settings.compliance_table)
    tokens = StepFunctionsWorkflow(step_functions_client(), "", waits)
    workflow = WorkflowTasks(parts.applications, waits, tokens)
    return Tasks(workflow, parts.applications, parts.rules)


def _open_applications(  # noqa: PLR0917 - one for each thing that differs
    settings: "KycSettings | KycTasksSettings",
    client: "DynamoDBClient",
    s3: "S3Client",
    clock: SystemClock,
    screening: "Callable[[], Screening]",
    provider_of: "Callable[[TenantId], Provider]",
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
    services = Services(cases, records, documents, screening, provider_of, clock)
    return ApplicationParts(Applications(services), cases, records, documents, rules)


def _key(prefix: str, tenant: "TenantId", purpose: str) -> str:
    return f"{prefix}{tenant}-{purpose}"


def _no_screening() -> Screening:
    raise InternalError("not_here", "Users are compared by the workflow's tasks.")


def _no_provider(_tenant: "TenantId") -> Provider:
    raise InternalError("not_here", "Providers are asked by the workflow's tasks.")
