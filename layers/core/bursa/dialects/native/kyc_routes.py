"""The routes about who a user is: where they stand, and what they send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bursa.compliance.applications import Applications, UploadedFile
from bursa.compliance.case_changes import visible_state, what_is_needed
from bursa.compliance.cases import IN_PROGRESS, Case, open_case
from bursa.compliance.documents import (
    BYTES_MAX,
    UPLOAD_S_MAX,
    Upload,
    UploadForm,
    parse_document_id,
    require_upload,
)
from bursa.compliance.levels import (
    ANY,
    Level,
    Levels,
    Operation,
    Requirement,
    Usage,
    periods,
)
from bursa.compliance.personal_data import parse_personal_data
from bursa.compliance.provider_callbacks import Callback, read_callback
from bursa.compliance.steps import Rules
from bursa.dialects.native import kyc_bodies as bodies
from bursa.dialects.native.request_bodies import read_body
from bursa.identity.pool_user import PoolAddress
from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.kernel import object_keys
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput, NotFound, Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId


class Cases(Protocol):
    """The cases of users; see `bursa.compliance.cases_dynamodb.CasesTable`."""

    def find(self, tenant: TenantId, user: str) -> Case | None:
        """Return a user's case."""


class Records(Protocol):
    """Personal data; see `bursa.compliance.personal_records.PersonalRecords`."""

    def version_of(self, tenant: TenantId, user: str) -> int:
        """Return its version; 0 for none."""


class Uploads(Protocol):
    """Forms for uploads; see `bursa.compliance.documents_s3.S3Documents`."""

    def form(self, upload: Upload) -> UploadForm:
        """Return a form for one file."""


class Addresses(Protocol):
    """What user pools know of their users."""

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user; None where the pool does not tell this token."""


@dataclass(frozen=True, slots=True)
class KycParts:
    """What the routes call.

    Attributes
    ----------
    rules
        Returns a tenant's rules; None for one that asks nobody who they are.
    traded
        Returns what a user has traded, of one of its accounts, as levels count it.
    secrets
        Returns the secrets with which a tenant's provider signs; none for one it has not.

    """

    applications: Applications
    cases: Cases
    records: Records
    uploads: Uploads
    rules: Callable[[TenantId], Rules | None]
    addresses: Addresses
    traded: Callable[[AccountId, Levels], Usage]
    secrets: Callable[[TenantId, str], tuple[bytes, ...]]
    clock: WallClock


class KycRoutes:
    """What `functions/kyc` serves."""

    def __init__(self, parts: KycParts) -> None:
        self._parts = parts

    def state(self, principal: Principal) -> bodies.Kyc:
        """Return where the caller stands; raises `NotFound` ``no_kyc``."""
        rules = self._rules(principal)
        return self._present(principal, rules, self._case(principal))

    def give_personal_data(self, principal: Principal, body: str | None) -> bodies.Kyc:
        """Keep what the caller says of themself.

        Raises as `read_body`, `parse_personal_data` and `Applications.give_personal_data` do.
        """
        require_token(principal)
        rules = self._rules(principal)
        request = read_body(body, bodies.PersonalDataRequest)
        data = parse_personal_data(request.model_dump(), self._parts.clock.now_ms())
        self._parts.applications.give_personal_data(principal.tenant, principal.user, data)
        return self._present(principal, rules, self._case(principal))

    def upload(self, principal: Principal, body: str | None) -> bodies.UploadForm:
        """Return a form for one file of the next application; raises as `require_upload` does."""
        require_token(principal)
        self._rules(principal)
        request = read_body(body, bodies.DocumentRequest)
        shown, kind = require_upload(request.document, request.content_type)
        attempt = self._case(principal).attempt + 1
        upload = Upload(principal.tenant, principal.user, attempt, shown, kind)
        form = self._parts.uploads.form(upload)
        return bodies.UploadForm(
            document_id=form.key.rpartition("/")[2],
            url=form.url,
            fields=form.fields,
            bytes_max=BYTES_MAX,
            expires_at_ms=self._parts.clock.now_ms() + UPLOAD_S_MAX * 1_000,
        )

    def apply(self, principal: Principal, token: str, body: str | None) -> bodies.Kyc:
        """Apply for a level.

        Raises as `read_body` and `Applications.apply` do; `InvalidInput` ``invalid_document_id``,
        ``duplicate_document``.
        """
        require_token(principal)
        rules = self._rules(principal)
        request = read_body(body, bodies.ApplicationRequest)
        attempt = self._case(principal).attempt + 1
        files: dict[Requirement, UploadedFile] = {}
        for id_ in request.documents:
            shown, kind = parse_document_id(id_)
            if shown in files:
                raise InvalidInput(
                    "duplicate_document", f"Send one file for {shown}.", field="documents"
                )
            key = object_keys.document(principal.tenant, principal.user, attempt, id_)
            files[shown] = UploadedFile(key, kind)
        address = self._parts.addresses.of(token)
        case = self._parts.applications.apply(
            principal.tenant,
            principal.user,
            request.level,
            files,
            is_email_verified=address is not None and address.is_verified,
        )
        return self._present(principal, rules, case)

    def take_callback(
        self, tenant: str, provider: str, headers: Mapping[str, str], body: bytes
    ) -> bodies.ReceivedCallback:
        """Ask a tenant's provider what it has found, as it has called back.

        Raises as `read_callback` and `Applications.ask_report` do; of what is not there it says
        what it says of a bad signature.
        """
        callback = Callback(headers, body)
        known = _tenant(tenant)
        secrets = self._parts.secrets(known, provider)
        called = read_callback(provider, known, secrets, callback, self._parts.clock.now_ms())
        if called is not None:
            self._parts.applications.ask_report(called)
        return bodies.ReceivedCallback(received=True)

    def _rules(self, principal: Principal) -> Rules:
        rules = self._parts.rules(principal.tenant)
        if rules is None:
            raise NotFound("no_kyc", "This exchange asks nobody who they are; just go on.")
        return rules

    def _case(self, principal: Principal) -> Case:
        found = self._parts.cases.find(principal.tenant, principal.user)
        return found or open_case(str(principal.tenant), principal.user)

    def _present(self, principal: Principal, rules: Rules, case: Case) -> bodies.Kyc:
        levels = rules.levels
        # What an operator vouches for is with the account, not with the case.
        own = case.level if case.is_withheld else max(case.level, principal.level)
        level = min(own, len(levels.levels) - 1)
        has_next = level + 1 < len(levels.levels)
        beyond: Any = sorted(levels[level + 1].needs - levels[level].needs) if has_next else []
        state: Any = visible_state(case).value
        return bodies.Kyc(
            state=state,
            level=level,
            next_level=level + 1 if has_next else None,
            missing=beyond,
            message=what_is_needed(case) or None,
            personal_data_given=self._parts.records.version_of(principal.tenant, principal.user)
            > 0,
            applied_for=case.target if case.state in IN_PROGRESS else None,
            renew_by_ms=case.documents_good_until_ms,
            level_ends_at_ms=case.level_ends_at_ms,
            currency=levels.currency,
            scale=levels.scale,
            levels=[_present_level(number, one) for number, one in enumerate(levels.levels)],
            traded=self._traded(principal, levels),
        )

    def _traded(self, principal: Principal, levels: Levels) -> bodies.Traded:
        usage, now_ms = self._parts.traded(principal.account, levels), self._parts.clock.now_ms()
        day, month = periods(ANY, usage, now_ms)
        return bodies.Traded(
            this_day=day.used,
            this_month=month.used,
            in_open_orders=usage.open,
            day_ends_at_ms=day.ends_at_ms,
            month_ends_at_ms=month.ends_at_ms,
        )


def _present_level(number: int, level: Level) -> bodies.KycLevel:
    needs: Any = sorted(level.needs)
    allows = {
        operation: bodies.Allowance(per_day=amounts.per_day, per_month=amounts.per_month)
        for operation, amounts in level.allows.items()
    }
    return bodies.KycLevel(
        level=number,
        name=level.name,
        needs=needs,
        deposit=allows[Operation.DEPOSIT],
        trade=allows[Operation.TRADE],
        withdraw=allows[Operation.WITHDRAW],
    )


def _tenant(text: str) -> TenantId:
    try:
        return TenantId.parse(text)
    except InvalidInput:
        raise Unauthenticated(
            "bad_signature", "Sign the raw body with the secret of this hook."
        ) from None
