"""Carries out an operator's job: the same use cases that the command line calls, each logged.

Whatever fails, the same job again goes on: opening, suspending and deleting may be repeated, and
the audit log knows the job by its id. What is asked of a tenant and what became of it are two
entries of that tenant's own audit log.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bursa.back_office.audit_entry import Deed, Facts
from bursa.back_office.audit_log import DONE, AuditLog, Intent
from bursa.kernel.errors import BursaError, Conflict, InternalError, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.kernel.reasons import require_reason
from bursa.tenants.administration import Request, TenantAdministration
from bursa.tenants.jobs import JobKind, JobOrder, JobOrigin
from bursa.tenants.life import WAITING_MS_DEFAULT, TenantRecord, TenantState

_ROLE: Final = "operator"
_GOING: Final = frozenset({TenantState.CLOSING.value, TenantState.DELETED.value})


class Opener(Protocol):
    """Opens what a description says; see `bursa.bootstrap.opening`."""

    def claim(self, description: Mapping[str, Any]) -> TenantId:
        """Find every fault and conflict, then return the tenant's number, for good."""

    def open(self, description: Mapping[str, Any]) -> Facts:
        """Make it so, and return what is there now. Safe to repeat."""


class Exporter(Protocol):
    """Writes a tenant's users, settings and tables."""

    def export(self, record: TenantRecord, job: str) -> Facts:
        """Write it, and return where and how much. Safe to repeat."""


class OperatorWork:
    """Carries out jobs."""

    def __init__(
        self,
        administration: Callable[[str], TenantAdministration],
        opener: Opener,
        exporter: Exporter,
        log: AuditLog,
    ) -> None:
        self._administration_for = administration
        self._opener = opener
        self._exporter = exporter
        self._log = log

    def carry_out(self, job: str, order: JobOrder, origin: JobOrigin) -> Facts:
        """Carry a job out, and return what is there now.

        Raises
        ------
        Unavailable, InternalError
            What became of it is not known: it is to be carried out again.
        BursaError
            It can't be done.

        """
        reason = require_reason(order.reason)
        administration = self._administration_for(order.by)
        if order.kind is JobKind.CREATE:
            tenant, state = self._opener.claim(order.asked), ""
        else:
            found = administration.find(order.tenant)
            tenant, state = TenantId.parse(found.tenant), found.state.value
        intent = self._log.begin(
            tenant, _deed(job, tenant, order, origin, reason), lambda: {"state": state}
        )
        if intent.outcome is not None:
            if intent.outcome.result != DONE:
                raise Conflict(intent.outcome.result, "It was refused; look at the tenant.")
            return intent.outcome.after
        try:
            after = self._change(job, order, tenant, administration, intent)
        except (Unavailable, InternalError):
            raise
        except BursaError as error:
            self._log.finish(intent, error.code, {})
            raise
        return self._log.finish(intent, DONE, after).after

    def _change(
        self,
        job: str,
        order: JobOrder,
        tenant: TenantId,
        administration: TenantAdministration,
        intent: Intent,
    ) -> Facts:
        request = Request(order.by, order.reason)
        if order.kind is JobKind.CREATE:
            return self._opener.open(order.asked)
        if order.kind is JobKind.EXPORT:
            exported = self._exporter.export(administration.find(order.tenant), job)
            administration.note_export(tenant)
            return exported
        if order.kind is JobKind.SUSPEND:
            record = administration.suspend(tenant, request, order.asked.get("grace_ms"))
        elif order.kind is JobKind.RESUME:
            record = administration.resume(tenant, request)
        elif intent.before["state"] in _GOING:
            # As it was when this was asked for first: a repeat of closing must not delete.
            record = administration.delete(tenant, request)
        else:
            waiting_ms = order.asked.get("waiting_ms") or WAITING_MS_DEFAULT
            record = administration.close(tenant, request, waiting_ms)
        return {"tenant": record.tenant, "state": record.state.value}


def _deed(job: str, tenant: TenantId, order: JobOrder, origin: JobOrigin, reason: str) -> Deed:
    # Of a description its name: all of it is the operator's, and names people.
    asked = {} if order.kind is JobKind.CREATE else dict(order.asked)
    return Deed(
        request=job,
        # Who it is to the deployment; the account is no business of the tenant's.
        actor=order.by.rpartition("/")[2],
        role=_ROLE,
        action=f"{order.kind.value}_tenant",
        about=f"tenant:{tenant}",
        asked=asked,
        reason=reason,
        address=origin.address,
        request_id=origin.request_id,
    )
