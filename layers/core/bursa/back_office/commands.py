"""What the engine is asked to do in the name of a person of a tenant's back office.

The intent in the audit log is the record of the request (`bursa.intake.once`): its time and its
name are those of the commands, so a repeat brings the same ones and the engine carries them out
once.
"""

from collections.abc import Sequence
from typing import Final

from bursa.back_office.audit_log import Intent
from bursa.intake.once import CommandBuilder, OnceIntake, RequestRecord, Submitter
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, TenantId

KIND: Final = "back-office"


class _AskedAt:
    """Request records of one intent: nothing is written that the audit log does not have."""

    def __init__(self, at_ms: int) -> None:
        self._record = RequestRecord(at_ms, done=False)

    def find_or_add(self, _tenant: TenantId, _name: str, _now_ms: int) -> RequestRecord:
        """Return when it was asked for."""
        return self._record

    def mark_done(self, tenant: TenantId, name: str) -> None:
        """Do nothing: the outcome says so."""


class StaffCommands:
    """Submits commands to the funds queue of a tenant's shard."""

    def __init__(self, intake: Submitter) -> None:
        self._intake = intake

    def submit(
        self, intent: Intent, account: AccountId, commands: Sequence[CommandBuilder]
    ) -> None:
        """Have commands carried out, once for a request.

        Raises
        ------
        Refused
            The engine's reason.
        Unavailable
            It may have been done all the same; repeat it.

        """
        actor = Actor.named(ActorKind.OPERATOR, str(intent.tenant), intent.deed.actor)
        once = OnceIntake(self._intake, _AskedAt(intent.at_ms), actor)
        once.submit_once(account, KIND, intent.deed.request, commands)
