"""The functions about users, their cases, back offices and tenants, called as by API Gateway.

The callers are known already, as what the authorizer says: eve, a user of the tenant's, about
herself, alice, who owns its back office, and an operator. Any code is taken as a second factor's.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from bursa.aws import clients
from bursa.back_office.roles import Role
from bursa.bootstrap import back_office_routes, identity, kyc, kyc_parts, security
from bursa.compliance.cases import CasePolicy
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from bursa.identity.linked_identities import LinkedIdentity
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.session_book import SessionBook, Sighting
from bursa.identity.session_books_dynamodb import SessionBookRows
from bursa.kernel.clock import SystemClock
from bursa.notifications.notices import Happening, notice_of
from bursa.notifications.notices_dynamodb import NoticesTable
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import FAR_S, NOON_MS, TENANT, WorkingClock, environment, read_event
from tests.doubles.factors import AnyCode
from tests.doubles.linked_pool import LinkedPool, PoolUser
from tests.unit.back_office.office import Office, opened_office
from tests.unit.back_office.people import ALICE, BOB, EVE, eves_account, proposed
from tests.unit.conftest import Context, started
from tests.unit.kyc.test_case_desk import Desk, add_index
from tests.unit.kyc.test_routes import PERSON

# Between two requests, so that budgets refill.
_BETWEEN_MS = 10_000


class _Pool(LinkedPool):
    def get_user(self, **_: Any) -> Any:
        """Return a user who has entered the code."""
        known = {"email": EVE, "email_verified": "true"}
        return {"UserAttributes": [{"Name": name, "Value": known[name]} for name in known]}


class _Sockets:
    def close(self, connection_ids: Any, _bodies: Any) -> None:
        """Close them: there is nobody who would notice."""
        list(connection_ids)


KEY = {"label": "bot", "algorithm": "hmac-sha256", "scopes": ["read"], "code": "123456"}
CAROL, DORA = "carol@demo.example", "dora@demo.example"
# She has no balance, which would keep an account open, and no decision to wait for.
OTHERS = {"/me/close": CAROL, "/kyc/applications": CAROL}
# Users with cases that wait for a person, or were decided; by the operation they are for.
CASES = {name: f"user-{name}" for name in ("decision", "lower", "reopen", "erasure", "documents")}


@dataclass(frozen=True)
class Known:
    """What there is: a user and one with a case, an account, two keys, two proposals, a job."""

    user: str
    screened: str
    account: str
    keys: list[str]
    proposals: list[dict[str, Any]]
    job: str


@dataclass
class OfficeFunctions:
    """The functions, and the statuses that each method and path had."""

    office: Office
    identity: ModuleType
    kyc: ModuleType
    operator: ModuleType
    # Whose requests these are: nobody's, or those of a user without a role, to be refused.
    caller: str = "everybody"
    who: str = EVE
    seen: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the response to one request."""
        self.office.exchange.time_ms += _BETWEEN_MS
        path = event["path"]
        if path.startswith("/operator"):
            function, event = self.operator, event | self._of_operator(event)
        else:
            function = self._of(path)
            event["requestContext"] |= self._context(event)
        response: dict[str, Any] = function.handler(event, Context())
        self.seen[event["httpMethod"], path].add(response["statusCode"])
        return response

    def _of(self, path: str) -> ModuleType:
        if path.startswith(("/kyc", "/admin/kyc")):
            return self.kyc
        return self.office.function if path.startswith("/admin") else self.identity

    @staticmethod
    def _of_operator(event: dict[str, Any]) -> dict[str, Any]:
        return {"requestContext": read_event("operator-tenants")["requestContext"]} | {
            name: event[name] for name in ("httpMethod", "path", "resource")
        }

    def _context(self, event: dict[str, Any]) -> dict[str, Any]:
        path = event["path"]
        if self.caller == "nobody":
            return {"authorizer": None}
        event["headers"]["Authorization"] = "Bearer header.claims.signature"
        event["multiValueHeaders"]["Authorization"] = ["Bearer header.claims.signature"]
        is_office = path.startswith("/admin")
        # An owner reads and decides no cases.
        role = Role.COMPLIANCE if path.startswith("/admin/kyc") else Role.OWNER
        who = ALICE if is_office else OTHERS.get(path, self.who)
        subject = self.office.people[TENANT, who]
        directory = DirectoryTable(self.office.exchange._dynamodb, "directory")
        context = read_event("me")["requestContext"]["authorizer"] | {
            "account": str(directory.account_of(TENANT, subject)),
            "user": subject,
            "signed_in_at": str(FAR_S),
            "scopes": "account read trade",
        }
        if is_office and self.caller == "everybody":
            context["role"] = str(role)
        return {"authorizer": context, "requestId": f"gateway-{self.office.exchange.time_ms}"}


@contextmanager
def opened_functions() -> Iterator[OfficeFunctions]:
    """Open a tenant's functions, with a user who has a key, a case and a notice."""
    with pytest.MonkeyPatch.context() as patch, opened_office() as office:
        clock = WorkingClock(office.exchange)
        subject = office.people[TENANT, EVE]
        pool = _Pool(PoolUser(subject, EVE))
        for module in (identity, security, kyc_parts):
            patch.setattr(module, "cognito_client", lambda: pool)
        for module in (identity, kyc):
            patch.setattr(module, "SystemClock", lambda: clock)
        for module in (security, back_office_routes):
            patch.setattr(module, "SecondFactor", AnyCode)
        patch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: _Sockets())
        office.add(BOB, Role.OWNER)
        for who in (CAROL, DORA):
            office.add(who)
        _open_compliance(office)
        functions = OfficeFunctions(
            office,
            started("identity_api.app"),
            started("kyc.app"),
            started("operator_api.app"),
        )
        yield functions


def known(functions: OfficeFunctions) -> "Known":
    """Return what there is to be asked for; some of it for one operation alone."""
    office = functions.office
    eve = office.people[TENANT, EVE]
    keys = [_ask(functions, "/api-keys", KEY)["key"]["key_id"] for _ in range(2)]
    desk = Desk(office.exchange, functions.kyc)
    for user in CASES.values():
        desk.keep(user)
    decision = {"reason": "Seen", "attempt": 1}
    outcomes = {"lower": "approve", "erasure": "approve", "reopen": "reject"}
    for name, outcome in outcomes.items():
        path = f"/admin/kyc/cases/{CASES[name]}/decision"
        _ask(functions, path, decision | {"outcome": outcome})
    for who in (CAROL, DORA, EVE):
        functions.who = who
        _ask(functions, "/kyc/personal-data", PERSON, "PUT")
    screened = office.people[TENANT, DORA]
    desk.keep(screened)
    books = SessionBookRows(clients.dynamodb_client, "identity", lambda _: 0)
    seen = Sighting("session-1", 1, "Browser", "198.51.100.7", NOON_MS)
    books.write(TENANT, eve, SessionBook().noted(seen))
    LinkedIdentitiesTable(IdentityModels("identity")).link(
        TENANT, eve, LinkedIdentity("Google", "of-eve", 1), None, 0
    )
    happened = Happening("t1/1", TENANT, None, "", "kyc.in_review", NOON_MS)
    notices = NoticesTable(office.exchange._dynamodb, "notices", SystemClock())
    notices.keep(notice_of(happened, eves_account(office), NOON_MS))
    opened = [proposed(office, BOB), proposed(office, BOB)]
    job = _ask(functions, "/operator/tenants/t1/export", {"reason": "Contract 4711"})
    return Known(eve, screened, str(eves_account(office)), keys, opened, str(job["job_id"]))


def _ask(functions: OfficeFunctions, path: str, body: Any, method: str = "POST") -> Any:
    event = read_event("orders-place") | {"httpMethod": method, "path": path, "resource": path}
    event["headers"]["Idempotency-Key"] = path.rpartition("/")[0].replace("/", ".") or "one"
    event["multiValueHeaders"] = {name: [text] for name, text in event["headers"].items()}
    response = functions(event | {"body": json.dumps(body)})
    assert response["statusCode"] in {200, 201, 202}, response
    return json.loads(response["body"])


def _open_compliance(office: Office) -> None:
    exchange = office.exchange
    kms = clients.kms_client()
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/bursa-{TENANT}-data", TargetKeyId=key_id)
    clients.s3_client().create_bucket(Bucket="documents")
    add_index(exchange)
    RulesTable(exchange._dynamodb, "directory").write(
        TENANT, Rules(DEFAULT_LEVELS, CasePolicy(), "manual")
    )
    for name in ("KYC_WORKFLOW", "OPERATOR_WORKFLOW"):
        clients.step_functions_client().create_state_machine(
            name=environment()[name].rpartition(":")[2],
            definition=json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}),
            roleArn="arn:aws:iam::123456789012:role/any",
        )
