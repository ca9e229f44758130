"""One change by one person: written down, made, written down again, acknowledged.

Whatever asks for a change goes through here, so none can be made without its two entries in the
audit log; and whatever a regulator reads goes through here, so none of that is without one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from bursa.back_office.audit_entry import Deed, Facts
from bursa.back_office.audit_log import DONE, AuditLog, Intent, Note, Outcome
from bursa.back_office.roles import NEVER_ONESELF, Action, Role
from bursa.back_office.staff import Staff
from bursa.kernel.errors import BursaError, Conflict, InternalError, NotAllowed, Unavailable
from bursa.kernel.identifiers import CommandId, TenantId
from bursa.kernel.reasons import require_reason

_REALM = "back-office"


class Envelope(NamedTuple):
    """What comes with a request beside what it asks for.

    Attributes
    ----------
    key
        The caller's own name for the request; a repeat has the same. Empty for a read.
    reason
        Why; empty for a read.
    address
        Where it came from.
    request_id
        The gateway's name of it.

    """

    key: str
    reason: str
    address: str
    request_id: str


class Effect(Protocol):
    """One change, ready to be made."""

    def before(self) -> Facts:
        """Return what is there; raises what keeps the change from being made."""

    def carry_out(self, intent: Intent) -> Facts:
        """Make the change and return what is there now. Safe to repeat.

        Raises `Unavailable` when it may have been made, another `BursaError` when it was not.
        """

    def notes(self, intent: Intent) -> Sequence[Note]:
        """Return what is written with the outcome, for later ones to find."""


# Builds a change of a tenant from what it is about and what was asked.
EffectBuilder: TypeAlias = Callable[[TenantId, str, Facts], Effect]


class Desk:
    """Makes changes, and logs what regulators read."""

    def __init__(self, log: AuditLog, effects: Mapping[Action, EffectBuilder]) -> None:
        self._log = log
        self._effects = effects

    def change(  # noqa: PLR0917 - who, what, and the request's parts
        self,
        staff: Staff,
        action: Action,
        about: str,
        asked: Facts,
        envelope: Envelope,
        notes: Sequence[Note] = (),
    ) -> Facts:
        """Make a change and return what is there now; a repeat returns the same.

        Parameters
        ----------
        notes
            What is written with its intent.

        Raises
        ------
        InvalidInput
            ``invalid_reason``
        NotAllowed
            ``not_your_own``
        Conflict
            ``idempotency_key_reused``, ``already_refused``: it was refused under this name.
        NoteExists
            Something lies under the name of a note; nothing was begun.
        BursaError
            What the change itself raises.

        """
        require_other(staff, action, about)
        reason = require_reason(envelope.reason)
        deed = deed_of(staff, action, about, asked, envelope._replace(reason=reason))
        effect = self.effect(staff.tenant, action, about, asked)
        return self.make(staff.tenant, deed, effect, notes)

    def effect(self, tenant: TenantId, action: Action, about: str, asked: Facts) -> Effect:
        """Return a change, ready to be made."""
        return self._effects[action](tenant, about, asked)

    def make(
        self, tenant: TenantId, deed: Deed, effect: Effect, notes: Sequence[Note] = ()
    ) -> Facts:
        """Make a change and return what is there now; raises as `change` does."""
        intent = self._log.begin(tenant, deed, effect.before, notes)
        if intent.outcome is not None:
            return _known(intent.outcome)
        try:
            after = effect.carry_out(intent)
        except (Unavailable, InternalError):
            # What became of it is not known: a repeat makes it again, and says so then.
            raise
        except BursaError as error:
            self._log.finish(intent, error.code, {})
            raise
        return _known(self._log.finish(intent, DONE, after, effect.notes(intent)))

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read, by who is logged when it reads."""
        if staff.role is Role.REGULATOR:
            self._log.record_read(staff.tenant, deed_of(staff, action, about, {}, envelope))


def _known(outcome: Outcome) -> Facts:
    if outcome.result != DONE:
        raise Conflict(
            "already_refused",
            f"It was refused with {outcome.result}; send it under another name to try again.",
        )
    return outcome.after


def require_other(staff: Staff, action: Action, about: str) -> None:
    """Return unless somebody asks for what nobody may do to themself.

    Raises `NotAllowed` ``not_your_own``.
    """
    if action in NEVER_ONESELF and about.endswith(f":{staff.name}"):
        raise NotAllowed("not_your_own", "It is about yourself: ask another person.")


def deed_of(staff: Staff, action: Action, about: str, asked: Facts, envelope: Envelope) -> Deed:
    """Return what a person does, under a name that is this person's alone."""
    name = envelope.key or envelope.request_id
    return Deed(
        # Of this person alone: nobody can use up, or find, a request of somebody else.
        request=CommandId.from_parts(staff.principal.account, _REALM, f"{staff.name}/{name}").hex(),
        actor=staff.name,
        role=str(staff.role),
        action=str(action),
        about=about,
        asked=asked,
        reason=envelope.reason,
        address=envelope.address,
        request_id=envelope.request_id,
    )
