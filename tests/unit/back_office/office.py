"""A tenant's back office over moto: a pool with people in it, and the function that serves them."""

import json
from base64 import b32encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from admin_api.fee_tier_routes import add_fee_tier_routes
from admin_api.limit_routes import add_limit_routes
from admin_api.report_routes import add_report_routes
from admin_api.routes import add_routes
from admin_api.statement_routes import add_statement_routes
from bursa.aws.clients import cognito_client, kms_client, s3_client
from bursa.back_office.audit_dynamodb import ENTRIES
from bursa.back_office.roles import Role, group_of
from bursa.back_office.staff import TERM_SHELF, term_name
from bursa.bootstrap.back_office import back_office_services
from bursa.dialects.native.http_api import RestApi
from bursa.identity.codes_cryptography import code_of
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.second_factor import STEP_S
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from engine.reference import Engine
from tests.doubles.exchange import (
    CREDENTIALS_KEY,
    NOON_MS,
    TENANT,
    Exchange,
    WorkingClock,
    create_queue,
    read_event,
)
from tests.unit.conftest import Context, Response, opened, query_parts, response_of, started

OTHER = TenantId(2)
FUNDS = "funds-0.fifo"
SECRET = b"a secret of 20 bytes"


@dataclass
class FundsClock(WorkingClock):
    """A clock that lets the exchange work on the funds queue while a caller sleeps."""

    funds_url: str = ""

    def sleep_ms(self, duration_ms: float) -> None:
        super().sleep_ms(duration_ms)
        self.exchange.work(self.funds_url)


@dataclass
class Office:
    """The back offices of two tenants."""

    exchange: Exchange
    function: ModuleType
    clock: FundsClock
    # Subjects by tenant and e-mail address.
    people: dict[tuple[TenantId, str], str] = field(default_factory=dict)
    pools: dict[TenantId, str] = field(default_factory=dict)
    asked: int = 0

    def open_pool(self, tenant: TenantId, name: str) -> None:
        """Make a tenant's pool with its groups, and lead the directory there."""
        cognito = cognito_client()
        pool = cognito.create_user_pool(PoolName=name, UsernameAttributes=["email"])["UserPool"]
        self.pools[tenant] = pool["Id"]
        for role in Role:
            cognito.create_group(GroupName=group_of(role), UserPoolId=pool["Id"])
        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool['Id']}"
        directory = DirectoryTable(self.exchange._dynamodb, "directory")
        directory.add_tenant(TenantProfile(tenant, 0, name, issuer, frozenset({"client"})))

    def add(self, email: str, role: Role | None = None, tenant: TenantId = TENANT) -> str:
        """Add a user with an account and a second factor; return its subject."""
        cognito, pool = cognito_client(), self.pools[tenant]
        made = cognito.admin_create_user(
            UserPoolId=pool,
            Username=email,
            UserAttributes=[
                {"Name": "email", "Value": email},
                {"Name": "email_verified", "Value": "true"},
            ],
        )["User"]
        subject = next(one["Value"] for one in made["Attributes"] if one["Name"] == "sub")
        if role is not None:
            cognito.admin_add_user_to_group(
                UserPoolId=pool, Username=email, GroupName=group_of(role)
            )
        DirectoryTable(self.exchange._dynamodb, "directory").open_account(tenant, subject)
        self.require_factor(subject, tenant)
        self.people[tenant, email] = subject
        return subject

    def require_factor(
        self, subject: str, tenant: TenantId = TENANT, since_ms: int = NOON_MS - 9_999_999
    ) -> None:
        """Have a user's second factor required since a time; 0 for not at all."""
        factor = IdentityModels("identity").factor
        context = {"purpose": "second-factor", "tenant": str(tenant), "user": subject}
        sealed = kms_client().encrypt(
            KeyId=CREDENTIALS_KEY, Plaintext=b32encode(SECRET), EncryptionContext=context
        )["CiphertextBlob"]
        factor(
            keys.user_records(tenant, subject),
            keys.SECOND_FACTOR,
            sealed=sealed,
            since_ms=since_ms,
            last_step=0,
            attempts=0,
            attempts_since=0,
        ).save()

    def code(self) -> str:
        """Return what everybody's authenticator shows next, half a minute later."""
        self.exchange.time_ms += STEP_S * 1_000
        return code_of(SECRET, self.clock.now_ms() // (STEP_S * 1_000))

    def send(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: Role | None = Role.OWNER,
        tenant: TenantId = TENANT,
        key: str | None = "",
        query: dict[str, str | list[str]] | None = None,
        method_of_sign_in: str = "user_pool",
        signed_in_at: int = NOON_MS // 1_000,
    ) -> Response:
        """Send a request as a user who has signed in; each has a key of its own, unless named."""
        self.asked += 1
        event = read_event("admin-market-state")
        event |= {"httpMethod": method, "path": path, "resource": path}
        event |= query_parts(query or {})
        event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        context = event["requestContext"]
        context["requestId"] = f"gateway-{self.asked}"
        subject = self.people[tenant, who]
        directory = DirectoryTable(self.exchange._dynamodb, "directory")
        context["authorizer"] |= {
            "tenant": str(tenant),
            "account": str(directory.account_of(tenant, subject)),
            "user": subject,
            "method": method_of_sign_in,
            "signed_in_at": str(signed_in_at),
            "role": str(role),
        }
        if role is None:
            del context["authorizer"]["role"]
        event["headers"].pop("idempotency-key", None)
        if key is not None and method == "POST":
            event["headers"]["idempotency-key"] = key or f"request-{self.asked}"
        event["multiValueHeaders"] = {name: [text] for name, text in event["headers"].items()}
        return response_of(self.function.handler(event, Context()))

    def entries(self, tenant: TenantId = TENANT) -> list[dict[str, Any]]:
        """Return a tenant's audit log, the oldest entry first."""
        rows = self.exchange._dynamodb.query(
            TableName="audit",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.audit_notes(tenant, ENTRIES)}},
        )["Items"]
        return [json.loads(row["line"]["S"]) for row in rows]


@contextmanager
def opened_office() -> Iterator[Office]:
    """Open it: alice owns the first tenant's back office, olga the second's; eve is a user."""
    with opened(Engine()) as exchange:
        s3_client().create_bucket(Bucket="archive")
        clock = FundsClock(exchange, funds_url=create_queue(FUNDS))
        module = started("admin_api.app")
        services = back_office_services(module.logger, module.metrics, clock)
        app = RestApi(module.logger, module.metrics, clock, services.budgets)
        add_routes(app, services.routes, services.proposals)
        add_statement_routes(app, services.statements)
        add_fee_tier_routes(app, services.fee_tiers)
        add_report_routes(app, services.reports)
        add_limit_routes(app, services.limits)
        vars(module).update(app=app, services=services)
        office = Office(exchange, module, clock)
        office.open_pool(TENANT, "demo")
        office.open_pool(OTHER, "other")
        office.add("alice@demo.example", Role.OWNER)
        office.add("eve@demo.example")
        office.add("olga@other.example", Role.OWNER, OTHER)
        yield office


def give_term(office: Office, who: str, until_ms: int, at_ms: int = 1) -> None:
    """Write a regulator's term, as whoever gives one does."""
    row = {
        "pk": {"S": keys.audit_notes(TENANT, TERM_SHELF)},
        "sk": {"S": term_name(office.people[TENANT, who], at_ms)},
        "content": {"S": json.dumps({"until_ms": until_ms})},
    }
    office.exchange._dynamodb.put_item(TableName="audit", Item=row)
