"""The routes of compliance about users' cases: the queue, one case, who it is about, decisions.

Personal data and documents are read by the role compliance alone, and only after an entry of the
audit log says so; the user's own record of accesses gets a line too.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, TypeVar, cast

from bursa.back_office.audit_entry import Deed, Facts
from bursa.back_office.desk import Envelope, deed_of
from bursa.back_office.effects import USER
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.compliance.case_queue import CasePlace, CaseQueue
from bursa.compliance.cases import Case, CaseFile, CaseState
from bursa.compliance.personal_data import PersonalData
from bursa.compliance.personal_records import Reader, Role
from bursa.dialects.native import admin_kyc_bodies as bodies
from bursa.dialects.native.admin_parameters import read_subject, require_key
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.request_bodies import read_body
from bursa.identity.principal import Principal
from bursa.kernel.calendar_time import DAY_MS, parse_date
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import TenantId
from bursa.kernel.reasons import require_reason

LINK_S: Final = 60
_PAGE: Final = 50
_PAGE_MAX: Final = 100
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{1,128})", re.ASCII)
_Change = TypeVar(
    "_Change",
    bound=(
        bodies.CaseDecisionRequest
        | bodies.EraseRequest
        | bodies.LowerLevelRequest
        | bodies.ReopenRequest
    ),
)


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""


class Desk(Protocol):
    """Makes changes and logs reads of regulators; see `bursa.back_office.desk.Desk`."""

    def change(
        self, staff: Staff, action: Action, about: str, asked: Facts, envelope: Envelope
    ) -> Facts:
        """Make a change and return what is there now."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class Log(Protocol):
    """The audit log; see `bursa.back_office.audit_log.AuditLog`."""

    def record_read(self, tenant: TenantId, deed: Deed) -> None:
        """Write that something is read; what raises keeps it from being read."""


class Records(Protocol):
    """Personal data; see `bursa.compliance.personal_records.PersonalRecords`."""

    def read(self, tenant: TenantId, user: str, reader: Reader) -> PersonalData:
        """Return it, once the read is on record."""

    def note_document(self, tenant: TenantId, user: str, reader: Reader) -> None:
        """Put on record that a document is read."""


class Links(Protocol):
    """Where documents are read; see `bursa.compliance.documents_s3.S3Documents`."""

    def link(self, file: CaseFile, expires_s: int) -> str:
        """Return the address of a file's checked version."""


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What the routes call."""

    admission: Admission
    desk: Desk
    log: Log
    queue: CaseQueue
    records: Records
    links: Links
    clock: WallClock


class AdminKycRoutes:
    """What `functions/kyc` serves to people of compliance."""

    def __init__(self, parts: CaseDesk) -> None:
        self._parts = parts

    def cases(
        self,
        principal: Principal,
        state: str | None,
        limit: str | None,
        cursor: str | None,
        envelope: Envelope,
    ) -> bodies.CaseList:
        """Return cases of a state, those that have waited longest first.

        Raises `InvalidInput` ``invalid_state``, ``invalid_limit``, ``invalid_cursor``.
        """
        staff = self._parts.admission(principal, Action.READ_CASES)
        wanted = _state(state or CaseState.DECIDING.value)
        most = read_number(limit, "limit", default=_PAGE, most=_PAGE_MAX)
        after = None if cursor is None else _place(cursor)
        self._parts.desk.read(staff, Action.READ_CASES, f"cases:{wanted}", envelope)
        places, following = self._parts.queue.page(staff.tenant, wanted, most, after)
        found = (self._parts.queue.find(staff.tenant, place.user) for place in places)
        # The index is a moment behind: who is elsewhere by now is not in this queue.
        items = [_item(case) for case in found if case is not None and case.state is wanted]
        place = None if following is None else f"{following.changed_at_ms}.{following.user}"
        return bodies.CaseList(items=items, next_cursor=place)

    def case(self, principal: Principal, user_id: str, envelope: Envelope) -> bodies.CaseDetails:
        """Return a user's case; raises `NotFound` ``no_case``."""
        staff = self._parts.admission(principal, Action.READ_CASES)
        user = read_subject(user_id)
        self._parts.desk.read(staff, Action.READ_CASES, USER + user, envelope)
        return _details(self._case(staff, user))

    def personal_data(
        self, principal: Principal, user_id: str, reason: str | None, envelope: Envelope
    ) -> bodies.CasePerson:
        """Return who a user says they are, once that is logged.

        Raises `InvalidInput` ``invalid_reason``; `NotFound` ``no_case``, ``no_personal_data``.
        """
        staff, user, why = self._open(principal, user_id, reason)
        self._case(staff, user)
        self._log(staff, USER + user, envelope._replace(reason=why))
        reader = Reader(Role.COMPLIANCE, staff.name, why)
        data = self._parts.records.read(staff.tenant, user, reader)
        return cast("bodies.CasePerson", asdict(data))

    def document(
        self,
        principal: Principal,
        user_id: str,
        document: str,
        reason: str | None,
        envelope: Envelope,
    ) -> bodies.CaseDocumentLink:
        """Return where a document of the attempt is read, once that is logged.

        Only a version that was checked is read. Raises as `personal_data` does, and `NotFound`
        ``no_document``.
        """
        staff, user, why = self._open(principal, user_id, reason)
        case = self._case(staff, user)
        file = next((one for one in case.files if one.shows == document and one.version), None)
        if file is None:
            raise NotFound("no_document", "Choose a document of the case that was checked.")
        self._log(
            staff, f"document:{document}:{case.attempt}:{user}", envelope._replace(reason=why)
        )
        reader = Reader(Role.COMPLIANCE, staff.name, why)
        self._parts.records.note_document(staff.tenant, user, reader)
        return bodies.CaseDocumentLink(
            url=self._parts.links.link(file, LINK_S),
            content_type=file.kind,
            expires_at_ms=self._parts.clock.now_ms() + LINK_S * 1_000,
        )

    def decide(
        self, principal: Principal, user_id: str, body: str | None, envelope: Envelope
    ) -> bodies.CaseChanged:
        """Decide about an attempt; raises as `bursa.compliance.steps.advance` does."""
        shape = bodies.CaseDecisionRequest
        return self._change(principal, Action.DECIDE_CASES, user_id, body, shape, envelope)

    def lower(
        self, principal: Principal, user_id: str, body: str | None, envelope: Envelope
    ) -> bodies.CaseChanged:
        """Take a level away."""
        shape = bodies.LowerLevelRequest
        return self._change(principal, Action.LOWER_LEVELS, user_id, body, shape, envelope)

    def reopen(
        self, principal: Principal, user_id: str, body: str | None, envelope: Envelope
    ) -> bodies.CaseChanged:
        """Let a rejected user apply again."""
        shape = bodies.ReopenRequest
        return self._change(principal, Action.REOPEN_CASES, user_id, body, shape, envelope)

    def erase(
        self, principal: Principal, user_id: str, body: str | None, envelope: Envelope
    ) -> bodies.CaseChanged:
        """Have who a user is erased, as soon as the law allows it."""
        shape = bodies.EraseRequest
        return self._change(principal, Action.ERASE_USERS, user_id, body, shape, envelope)

    def _open(
        self, principal: Principal, user_id: str, reason: str | None
    ) -> tuple[Staff, str, str]:
        staff = self._parts.admission(principal, Action.READ_PERSONAL_DATA)
        return staff, read_subject(user_id), require_reason(reason or "")

    def _log(self, staff: Staff, about: str, envelope: Envelope) -> None:
        # A read has no name of its caller's: one that is repeated is another read.
        deed = deed_of(staff, Action.READ_PERSONAL_DATA, about, {}, envelope._replace(key=""))
        self._parts.log.record_read(staff.tenant, deed)

    def _case(self, staff: Staff, user: str) -> Case:
        case = self._parts.queue.find(staff.tenant, user)
        if case is None:
            raise NotFound("no_case", "The user has not applied.")
        return case

    def _change(  # noqa: PLR0917 - who, what, and the request's parts
        self,
        principal: Principal,
        action: Action,
        user_id: str,
        body: str | None,
        shape: type[_Change],
        envelope: Envelope,
    ) -> bodies.CaseChanged:
        staff = self._parts.admission(principal, action)
        about = USER + read_subject(user_id)
        require_key(envelope.key)
        asked = _asked(read_body(body, shape).model_dump())
        reason = asked.pop("reason")
        after = self._parts.desk.change(
            staff, action, about, asked, envelope._replace(reason=reason)
        )
        return cast("bodies.CaseChanged", after)


def _asked(sent: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent, with days as the times at which they are over."""
    for field, name in _DAYS.items():
        if field in sent:
            sent[name] = _end_of(field, sent.pop(field))
    return sent


_DAYS: Final = {"documents_end_on": "documents_end_at_ms", "ended_on": "ended_at_ms"}


def _end_of(field: str, day: str | None) -> int | None:
    date = None if day is None else parse_date(day)
    if day is not None and date is None:
        raise InvalidInput(
            f"invalid_{field}", "Send the day as 2031-05-01, or leave it out.", field=field
        )
    return None if date is None else (date.day_number + 1) * DAY_MS


def _state(text: str) -> CaseState:
    try:
        return CaseState(text)
    except ValueError:
        raise InvalidInput(
            "invalid_state", f"Send one of {', '.join(CaseState)}.", field="state"
        ) from None


def _place(cursor: str) -> CasePlace:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput(
            "invalid_cursor", "Send the next_cursor of the page before.", field="cursor"
        )
    return CasePlace(int(found[1]), found[2])


def _item(case: Case) -> bodies.CaseItem:
    return bodies.CaseItem(
        user_id=case.user,
        state=case.state.value,
        since_ms=case.history[-1].at_ms if case.history else 0,
        attempt=case.attempt,
        applied_for=case.target,
        level=case.level,
        hits=len(case.hits),
        proposed=None if case.proposal is None else case.proposal.outcome,
    )


def _details(case: Case) -> bodies.CaseDetails:
    proposal = case.proposal
    return bodies.CaseDetails(
        user_id=case.user,
        state=case.state.value,
        attempt=case.attempt,
        applied_for=case.target,
        level=case.level,
        granted=case.granted,
        withheld=case.is_withheld,
        barred=case.is_barred,
        watched=case.is_watched,
        given=sorted(case.given),
        documents=[
            bodies.CaseDocument(
                document=one.shows, content_type=one.kind, checked=bool(one.version)
            )
            for one in case.files
        ],
        files_checked=case.files_are_good,
        screened=case.is_screened,
        hits=[bodies.CaseHit(entry=one.entry, score=one.score) for one in case.hits],
        proposed=None if proposal is None else proposal.outcome,
        proposed_by=None if proposal is None else proposal.by,
        due_at_ms=case.due_at_ms,
        documents_end_at_ms=case.documents_end_at_ms,
        level_ends_at_ms=case.level_ends_at_ms,
        renew_by_ms=case.documents_good_until_ms,
        erase_at_ms=case.erase_at_ms,
        erased_at_ms=case.erased_at_ms or None,
        history=[_event(one._asdict()) for one in case.history],
    )


def _event(change: Mapping[str, Any]) -> bodies.CaseEvent:
    return cast("bodies.CaseEvent", {**change, "state": str(change["state"])})
