"""What one person of a back office asks for and another approves, before it is made.

A proposal is bound to a digest of all that was asked: whoever approves names it, so that nobody
approves one thing and gets another. It ends after a day, is never approved by who asked for it nor
once that person may no longer do it, needs a fresh code of the second factor, and is decided once.
Both write into the audit log; what is approved is then made as any other change,
in the name of who approved it, and its entries name the proposal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final, NoReturn, Protocol

from bursa.back_office.audit_entry import EntryKind, Facts, canonical
from bursa.back_office.audit_log import AuditLog, Note, NoteExists
from bursa.back_office.desk import Desk, Envelope, deed_of
from bursa.back_office.roles import Action, Role, may
from bursa.back_office.staff import Staff
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import (
    BursaError,
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from bursa.kernel.identifiers import TenantId
from bursa.kernel.reasons import require_reason

PROPOSALS: Final = "proposal"
DECISIONS: Final = "decision"
LIFE_MS: Final = 86_400_000
PROPOSALS_MAX: Final = 100
# Of several that one person asks for at the same moment one is counted; the others come again.
TRIES_MAX: Final = 5
_APPROVED: Final = "approved"
_REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody has asked for.

    Attributes
    ----------
    id
        32 hexadecimal digits.
    asker
        The id of who asked.
    digest
        SHA-256 over all of it, 64 hexadecimal digits.
    decision, decided_by
        ``approved``, ``rejected`` or empty, and whose decision that was.

    """

    id: str
    action: str
    about: str
    asked: Facts
    reason: str
    asker: str
    at_ms: int
    expires_at_ms: int
    digest: str
    decision: str = ""
    decided_by: str = ""

    def state(self, now_ms: int) -> str:
        """Return ``open``, ``approved``, ``rejected`` or ``expired``."""
        if self.decision:
            return self.decision
        return "expired" if now_ms >= self.expires_at_ms else "open"


class Notes(Protocol):
    """What lies in the audit table beside the entries; each raises `Unavailable`."""

    def note(self, tenant: TenantId, shelf: str, name: str) -> Mapping[str, Any] | None:
        """Return the content of a note; None when there is none."""

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return so many notes by name, the last first."""


class Alone(Protocol):
    """Judges what takes a second person; see `bursa.back_office.allowance.Allowance`."""

    def __call__(
        self, staff: Staff, action: Action, about: str, asked: Facts
    ) -> Sequence[Note] | None:
        """Return what is written with a change that one person makes; None if it takes two."""


class Staffing(Protocol):
    """Who is what now; see `bursa.back_office.users.Users`."""

    def role(self, tenant: TenantId, subject: str) -> Role | None:
        """Return what a person is now; None for nobody. Raises `Unavailable`."""


class FourEyes:
    """Keeps proposals, and makes what is approved.

    Parameters
    ----------
    alone
        Whether one person may make a change.
    staffing
        What people are by now, whatever their tokens say.
    on_refused
        Told the code of each decision that is refused.

    """

    def __init__(  # noqa: PLR0917 - where things are kept, and who is asked
        self,
        log: AuditLog,
        notes: Notes,
        desk: Desk,
        alone: Alone,
        staffing: Staffing,
        clock: WallClock,
        on_refused: Callable[[str], None],
    ) -> None:
        self._alone = alone
        self._staffing = staffing
        self._log = log
        self._notes = notes
        self._desk = desk
        self._clock = clock
        self._on_refused = on_refused

    def ask(
        self, staff: Staff, action: Action, about: str, asked: Facts, envelope: Envelope
    ) -> Facts | Proposal:
        """Make a change and return what is there now, or keep a proposal where it takes two.

        A repeat under the same name is what the first one was, whatever takes two by now. Raises
        as `Desk.change` and `propose` do.
        """
        name = deed_of(staff, action, about, asked, envelope).request
        if self._log.has(staff.tenant, name):
            return self._desk.change(staff, action, about, asked, envelope)
        if self._notes.note(staff.tenant, PROPOSALS, name) is not None:
            return self.propose(staff, action, about, asked, envelope)
        for _ in range(TRIES_MAX):
            notes = self._alone(staff, action, about, asked)
            if notes is None:
                return self.propose(staff, action, about, asked, envelope)
            try:
                return self._desk.change(staff, action, about, asked, envelope, notes)
            except NoteExists:
                continue
        raise Unavailable("audit_busy", "Send the same request again in a moment.")

    def propose(
        self, staff: Staff, action: Action, about: str, asked: Facts, envelope: Envelope
    ) -> Proposal:
        """Keep a proposal; a repeat under the same name returns the same.

        Raises
        ------
        InvalidInput
            ``invalid_reason``
        Conflict
            ``idempotency_key_reused``
        BursaError
            What keeps the change from being made now.

        """
        reason = require_reason(envelope.reason)
        deed = deed_of(staff, action, about, asked, envelope._replace(reason=reason))
        self._desk.effect(staff.tenant, action, about, asked).before()
        now_ms = self._clock.now_ms()
        name = f"{now_ms:015d}-{deed.request}"
        if self._log.has(staff.tenant, deed.request):
            raise Conflict("idempotency_key_reused", "Send another request under another name.")
        known = self._notes.note(staff.tenant, PROPOSALS, deed.request)
        if known is None:
            made = _sealed(
                staff.tenant,
                Proposal(
                    id=deed.request,
                    action=str(action),
                    about=about,
                    asked=asked,
                    reason=reason,
                    asker=staff.name,
                    at_ms=now_ms,
                    expires_at_ms=now_ms + LIFE_MS,
                    digest="",
                ),
            )
            content = _content(made)
            index = Note(f"{PROPOSALS}-by-time", name, {"id": made.id})
            try:
                own = Note(PROPOSALS, made.id, content)
                self._log.record(staff.tenant, deed, EntryKind.PROPOSAL, (own, index))
            except NoteExists:
                known = self._notes.note(staff.tenant, PROPOSALS, made.id)
            else:
                return made
        found = self.find(staff.tenant, deed.request)
        if (found.action, found.about, found.reason) != (str(action), about, reason) or canonical(
            found.asked
        ) != canonical(asked):
            raise Conflict("idempotency_key_reused", "Send another request under another name.")
        return found

    def find(self, tenant: TenantId, proposal_id: str) -> Proposal:
        """Return a proposal; raises `NotFound` ``unknown_proposal``."""
        content = self._notes.note(tenant, PROPOSALS, proposal_id)
        if content is None:
            raise NotFound("unknown_proposal", "Choose one of GET /v1/admin/proposals.")
        found = Proposal(id=proposal_id, **content)
        decision = self._notes.note(tenant, DECISIONS, proposal_id)
        if decision is None:
            return found
        return replace(found, decision=decision["decision"], decided_by=decision["by"])

    def latest(self, tenant: TenantId) -> Sequence[Proposal]:
        """Return the latest proposals, newest first, whatever became of them."""
        rows = self._notes.notes(tenant, f"{PROPOSALS}-by-time", "", PROPOSALS_MAX)
        return [self.find(tenant, content["id"]) for _, content in rows]

    def approve(
        self,
        staff: Staff,
        proposal_id: str,
        digest: str,
        envelope: Envelope,
        confirm: Callable[[], None],
    ) -> Facts:
        """Approve a proposal and make its change, once; return what is there now.

        The same person may send it again until the change is made; what was not begun before the
        proposal ended is not made any more.

        Parameters
        ----------
        confirm
            Raises unless the person has just shown its second factor; called last.

        Raises
        ------
        NotFound
            ``unknown_proposal``
        NotAllowed
            ``not_the_asker``: another person approves; ``not_your_own``: it is about the person
            who would approve it; ``role_may_not``.
        Conflict
            ``other_proposal``: the digest is not this one's; ``proposal_altered``,
            ``proposal_expired``, ``already_decided``, ``asker_may_not``: who asked for it may not
            do it any more.
        BursaError
            What `confirm` and the change itself raise.

        """
        found = self.find(staff.tenant, proposal_id)
        require_reason(envelope.reason)
        action = Action(found.action)
        deed = deed_of(
            staff,
            action,
            found.about,
            {**found.asked, "proposal": found.id, "asked_by": found.asker},
            envelope._replace(key=f"proposal/{found.id}", reason=found.reason),
        )
        self._require_decidable(staff, found, digest, deed.request)
        try:
            confirm()
        except (InvalidInput, NotAllowed, TooManyRequests) as error:
            self._refuse(error)
        if not found.decision:
            self._decide(staff, found, _APPROVED, EntryKind.APPROVAL, envelope)
        effect = self._desk.effect(staff.tenant, action, found.about, found.asked)
        return self._desk.make(staff.tenant, deed, effect)

    def reject(self, staff: Staff, proposal_id: str, envelope: Envelope) -> Proposal:
        """Reject a proposal; its asker may too. Raises as `approve` does."""
        found = self.find(staff.tenant, proposal_id)
        if found.decision == _REJECTED and found.decided_by == staff.name:
            return found
        if not may(staff.role, Action(found.action)):
            self._refuse(NotAllowed("role_may_not", f"As {staff.role} you may not decide this."))
        if found.decision:
            self._refuse(_decided())
        self._decide(staff, found, _REJECTED, EntryKind.REJECTION, envelope)
        return self.find(staff.tenant, proposal_id)

    def _require_decidable(self, staff: Staff, found: Proposal, digest: str, request: str) -> None:
        is_own_retry = found.decision == _APPROVED and found.decided_by == staff.name
        if found.asker == staff.name:
            self._refuse(NotAllowed("not_the_asker", "Ask another person to approve it."))
        if not may(staff.role, Action(found.action)):
            self._refuse(NotAllowed("role_may_not", f"As {staff.role} you may not approve this."))
        if found.about.endswith(f":{staff.name}"):
            self._refuse(NotAllowed("not_your_own", "It is about yourself: ask another person."))
        if not compare_digest(_digest(staff.tenant, found).encode(), found.digest.encode()):
            self._refuse(Conflict("proposal_altered", "Reject it, and have it asked for anew."))
        if not compare_digest(digest.encode(), found.digest.encode()):
            self._refuse(Conflict("other_proposal", "Send the digest of the proposal you mean."))
        if found.decision and not is_own_retry:
            self._refuse(_decided())
        if self._log.has(staff.tenant, request):
            return
        if self._clock.now_ms() >= found.expires_at_ms:
            self._refuse(Conflict("proposal_expired", "Have it asked for anew."))
        self._require_roles(staff, found)

    def _require_roles(self, staff: Staff, found: Proposal) -> None:
        """Ask the pool what both are by now: a token says what its holder was."""
        action = Action(found.action)
        if not self._may_now(staff.tenant, staff.name, action):
            self._refuse(NotAllowed("role_may_not", "Your role has changed: sign in again."))
        if not self._may_now(staff.tenant, found.asker, action):
            self._refuse(Conflict("asker_may_not", "Who asked for it may not any more: reject it."))

    def _may_now(self, tenant: TenantId, subject: str, action: Action) -> bool:
        role = self._staffing.role(tenant, subject)
        return role is not None and may(role, action)

    def _decide(
        self, staff: Staff, found: Proposal, decision: str, kind: EntryKind, envelope: Envelope
    ) -> None:
        reason = require_reason(envelope.reason)
        asked = {"proposal": found.id, "digest": found.digest}
        named = envelope._replace(key=f"{decision}/{found.id}", reason=reason)
        deed = deed_of(staff, Action(found.action), found.about, asked, named)
        note = Note(DECISIONS, found.id, {"decision": decision, "by": staff.name})
        try:
            self._log.record(staff.tenant, deed, kind, (note,))
        except NoteExists:
            now = self.find(staff.tenant, found.id)
            if (now.decision, now.decided_by) != (decision, staff.name):
                self._refuse(_decided())

    def _refuse(self, error: BursaError) -> NoReturn:
        self._on_refused(error.code)
        raise error


def _decided() -> Conflict:
    return Conflict("already_decided", "Somebody has decided it; look at it again.")


def _content(proposal: Proposal) -> dict[str, Any]:
    return {
        "action": proposal.action,
        "about": proposal.about,
        "asked": dict(proposal.asked),
        "reason": proposal.reason,
        "asker": proposal.asker,
        "at_ms": proposal.at_ms,
        "expires_at_ms": proposal.expires_at_ms,
        "digest": proposal.digest,
    }


def _digest(tenant: TenantId, proposal: Proposal) -> str:
    content = {**_content(proposal), "id": proposal.id, "tenant": str(tenant), "digest": ""}
    return sha256(canonical(content).encode()).hexdigest()


def _sealed(tenant: TenantId, proposal: Proposal) -> Proposal:
    return replace(proposal, digest=_digest(tenant, proposal))
