"""What carries out operators' jobs."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from bursa.aws.clients import (
    cloudformation_client,
    cognito_client,
    dynamodb_client,
    s3_client,
)
from bursa.back_office.audit_dynamodb import AuditTable
from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_heads_s3 import AuditHeads
from bursa.back_office.audit_log import AuditLog
from bursa.bootstrap.blueprints import blueprints
from bursa.bootstrap.onboarding import open_onboarding
from bursa.bootstrap.tenants import open_tenant_tools
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.dialects.operator.tenant_file import TenantFile, describe
from bursa.fees.records_dynamodb import FeeRecords
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import (
    OnboardingSettings,
    OperatorJobsSettings,
    TenantToolSettings,
    read_settings,
)
from bursa.tenants.administration import TenantAdministration
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.export_s3 import ExportBucket
from bursa.tenants.life import TenantRecord
from bursa.tenants.listings_dynamodb import SentListings
from bursa.tenants.opening import Opening
from bursa.tenants.operator_work import OperatorWork
from bursa.tenants.place import Deployment, Place, Pool, find_place
from bursa.tenants.plan import Plan, Planner
from bursa.tenants.stacks_cloudformation import CloudFormationStacks, StackOwner

_WHO_READS = "operator-jobs"


def operator_work(on_unpublished: Callable[[str], None]) -> OperatorWork:
    """Build it from the environment."""
    settings = read_settings(OperatorJobsSettings)
    log = AuditLog(
        AuditTable(settings.audit_table),
        AuditHeads(s3_client, settings.archive_bucket),
        SystemClock(),
        on_unpublished,
    )
    tools = read_settings(TenantToolSettings)

    def administration(by: str) -> TenantAdministration:
        return open_tenant_tools(tools, by, cloudformation_client()).administration

    return OperatorWork(
        administration,
        _Opener(read_settings(OnboardingSettings)),
        _Exporter(tools, ExportBucket(s3_client(), settings.export_bucket)),
        log,
    )


class _Invitations:
    """Nobody but the user ever knows the password: the pool sends one that is good once."""

    def of(self, email: str) -> None:
        """Return None."""
        del email


class _Opener:
    """See `bursa.tenants.operator_work.Opener`."""

    def __init__(self, settings: OnboardingSettings) -> None:
        self._settings = settings
        dynamodb = dynamodb_client()
        self._directory = DirectoryTable(dynamodb, settings.directory_table)
        self._listings = SentListings(dynamodb, settings.directory_table)
        self._brandings = BrandingTable(dynamodb, settings.directory_table)
        self._checks = RulesTable(dynamodb, settings.directory_table)
        self._fees = FeeRecords(dynamodb, settings.directory_table)
        self._deployment = Deployment(
            Pool(settings.issuer, frozenset({settings.user_pool_client_id})),
            tuple(int(number) for number in settings.shards.split(",")),
        )

    @cached_property
    def _stacks(self) -> CloudFormationStacks:
        """Those of all tenants; only opening asks the deployment how it makes them."""
        client, settings = cloudformation_client(), self._settings
        owner = StackOwner(settings.stack_name, settings.tenant_stack_role)
        return CloudFormationStacks(client, owner, blueprints(client, owner.deployment))

    def claim(self, description: Mapping[str, Any]) -> TenantId:
        """See `bursa.tenants.operator_work.Opener`."""
        tenant, place, _ = self._planned(description)
        return self._directory.claim_name(tenant.name, place.tenant)

    def open(self, description: Mapping[str, Any]) -> Facts:
        """See `bursa.tenants.operator_work.Opener`."""
        tenant, place, plan = self._planned(description)
        opening = Opening(
            self._directory,
            self._stacks,
            lambda pool: open_onboarding(self._settings._replace(user_pool_id=pool.user_pool_id)),
            _users,
            self._listings,
            self._brandings,
            self._checks,
            self._fees,
            _Invitations(),
        )
        opened = opening.carry_out(tenant, place, plan)
        described = opened.described(tuple(tenant.markets))
        # Whose users they are is in the pool; the audit log that keeps this forgets nobody.
        users = described.pop("users")
        return {
            **described,
            "hosts": tenant.hosts,
            "accounts": len(users),
            "changes": len(plan.changes),
            "has_owner": opened.has_owner,
        }

    def _planned(self, description: Mapping[str, Any]) -> tuple[TenantFile, Place, Plan]:
        tenant = describe(description)
        place = find_place(tenant, self._deployment, self._directory, self._stacks)
        users = None if place.pool is None else _users(place.pool)
        planner = Planner(
            self._directory,
            users,
            self._listings,
            self._brandings,
            self._checks,
            self._fees,
            self._stacks,
        )
        return tenant, place, planner.plan(tenant, place)


class _Exporter:
    """See `bursa.tenants.operator_work.Exporter`."""

    def __init__(self, settings: TenantToolSettings, bucket: ExportBucket) -> None:
        self._tools = open_tenant_tools(settings, _WHO_READS, cloudformation_client())
        self._bucket = bucket

    def export(self, record: TenantRecord, job: str) -> Facts:
        """See `bursa.tenants.operator_work.Exporter`."""
        prefix = f"exports/{record.tenant}/{job}"
        about = {"tenant": {"id": record.tenant, "name": record.name, "state": record.state.value}}
        manifest = self._bucket.write(prefix, about, self._parts(record))
        rows = {name: file["rows"] for name, file in manifest["files"].items()}
        return {"prefix": prefix, "rows": rows}

    def _parts(self, record: TenantRecord) -> Iterator[tuple[str, Any]]:
        yield "users", self._tools.pools.users(record.issuer)
        yield from self._tools.tables.parts(TenantId.parse(record.tenant))


def _users(pool: Pool) -> CognitoUserPool:
    return CognitoUserPool(cognito_client(), pool.user_pool_id)
