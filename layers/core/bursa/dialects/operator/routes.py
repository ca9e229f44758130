"""The routes of the operator's API: what is read at once, and what becomes a job."""

import re
from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import unquote

from bursa.dialects.native.admin_parameters import require_key
from bursa.dialects.native.json_text import read_json
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.request_bodies import read_model
from bursa.dialects.operator import requests
from bursa.dialects.operator.presentation import job_state, tenant_state
from bursa.dialects.operator.responses import JobState, TenantList, TenantState
from bursa.dialects.operator.tenant_file import DescriptionError, describe, text_of
from bursa.kernel.errors import InvalidInput, NotFound, TooLarge
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.kernel.reasons import require_reason
from bursa.tenants.jobs import JobKind, JobOrder, JobOrigin, Jobs, job_id
from bursa.tenants.life import TenantRecord

# A job's input is at most 256 KiB with all that comes with it.
BODY_BYTES_MAX: Final = 200 * 1024
_PAGE, _PAGE_MAX = 50, 200
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,30}", re.ASCII)
_JOB: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CURSOR: Final = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
# How many faults of a description are said at once.
_FAULTS_MAX: Final = 20

BODIES: Final[dict[JobKind, type[requests.OperatorRequest]]] = {
    JobKind.CREATE: requests.CreateTenantRequest,
    JobKind.SUSPEND: requests.SuspendTenantRequest,
    JobKind.RESUME: requests.ResumeTenantRequest,
    JobKind.EXPORT: requests.ExportTenantRequest,
    JobKind.DELETE: requests.DeleteTenantRequest,
}


class Records(Protocol):
    """The records of tenants."""

    def named(self, named: str) -> TenantRecord | None:
        """Return the tenant with an id, or that goes by a name; None when there is none."""

    def page(self, after: int, limit: int) -> Sequence[TenantRecord]:
        """Return the records of so many numbers after one."""

    def last_number(self) -> int:
        """Return the number of the newest tenant."""


class Markets(Protocol):
    """The markets of tenants."""

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """List a tenant's markets."""


class OperatorRoutes:
    """What `functions/operator_api` serves."""

    def __init__(self, records: Records, markets: Markets, jobs: Jobs) -> None:
        self._records = records
        self._markets = markets
        self._jobs = jobs

    def tenants(self, limit: str | None, cursor: str | None) -> TenantList:
        """Return tenants by number, a page at a time.

        Raises `InvalidInput` ``invalid_limit``, ``invalid_cursor``.
        """
        size = read_number(limit, "limit", default=_PAGE, most=_PAGE_MAX)
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidInput(
                "invalid_cursor", "Send a cursor as next_cursor gave it, or none.", field="cursor"
            )
        after = int(cursor or 0)
        found = self._records.page(after, size)
        end = after + size
        return TenantList(
            items=[tenant_state(record) for record in found],
            next_cursor=str(end) if end < self._records.last_number() else None,
        )

    def tenant(self, named: str) -> TenantState:
        """Return a tenant with its markets; raises `NotFound` ``unknown_tenant``."""
        record = self._record(named)
        return tenant_state(record, self._markets.all(TenantId.parse(record.tenant)))

    def create(self, by: str, body: str | None, key: str, origin: JobOrigin) -> JobState:
        """Begin to open a tenant.

        Raises
        ------
        InvalidInput
            ``invalid_tenant``: names every fault; or about the request.
        Conflict, Unavailable
            As `bursa.tenants.jobs.Jobs.begin`.

        """
        require_key(key)
        asked = _read(body, JobKind.CREATE)
        try:
            name = describe(asked.asked()).name
        except DescriptionError as error:
            raise _invalid(error) from None
        return self._begin(JobKind.CREATE, name, asked, by, key, origin)

    def change(  # noqa: PLR0917 - the parts of one request
        self, by: str, kind: JobKind, named: str, body: str | None, key: str, origin: JobOrigin
    ) -> JobState:
        """Begin to change a tenant; raises as `create` does, and ``unknown_tenant``."""
        require_key(key)
        asked = _read(body, kind)
        record = self._record(named)
        return self._begin(kind, record.tenant, asked, by, key, origin)

    def job(self, job: str) -> JobState:
        """Return a job; raises `NotFound` ``unknown_job``."""
        found = self._jobs.find(job) if _JOB.fullmatch(job) else None
        if found is None:
            raise NotFound("unknown_job", "Send a job_id as it was given; jobs are kept 90 days.")
        return job_state(found)

    def _begin(  # noqa: PLR0917 - the parts of one request
        self,
        kind: JobKind,
        tenant: str,
        asked: requests.OperatorRequest,
        by: str,
        key: str,
        origin: JobOrigin,
    ) -> JobState:
        order = JobOrder(kind, tenant, asked.asked(), by, require_reason(asked.reason))
        return job_state(self._jobs.begin(job_id(by, key), order, origin))

    def _record(self, named: str) -> TenantRecord:
        name = unquote(named)
        record = self._records.named(name) if _NAME.fullmatch(name) else None
        if record is None:
            raise NotFound("unknown_tenant", "Send a tenant's id or its name: list them all first.")
        return record


def _read(body: str | None, kind: JobKind) -> requests.OperatorRequest:
    if not body:
        raise InvalidInput("missing_body", "Send a JSON object as the request's body.")
    if len(body.encode(errors="replace")) > BODY_BYTES_MAX:
        raise TooLarge("body_too_large", f"Send a body of at most {BODY_BYTES_MAX} bytes.")
    return read_model(read_json(body, "body"), BODIES[kind])


def _invalid(error: DescriptionError) -> InvalidInput:
    """Return every fault of a description as one error, about the field of the first."""
    said = [f"{text_of(at)}: {message}" for at, message in error.faults[:_FAULTS_MAX]]
    more = len(error.faults) - len(said)
    if more:
        said.append(f"and {more} more.")
    first, _ = error.faults[0]
    return InvalidInput(
        "invalid_tenant", " ".join(said), field=".".join(("tenant", *map(str, first)))
    )
