"""What the engine is asked to do in the name of a person of a tenant's back office.

The intent in the audit log is the record of the request (`bursa.intake.once`): its time and its
name are those of the commands, so a repeat brings the same ones and the engine carries them out
once.
"""

from collections.abc import Sequence
from typing import Final

from bursa.back_office.audit_log import Intent
from bursa.intake.once import AskedAt, CommandBuilder, OnceIntake, Submitter
from bursa.kernel.errors import Conflict, Refused
from bursa.kernel.identifiers import AccountId, Actor, ActorKind
from wire import layout as w

KIND: Final = "back-office"
_TOO_OLD: Final = w.REASON_NAMES[w.REASON_COMMAND_TOO_OLD]


class StaffCommands:
    """Submits commands to the funds queue of a tenant's shard."""

    def __init__(self, intake: Submitter) -> None:
        self._intake = intake

    def submit(
        self,
        intent: Intent,
        account: AccountId,
        commands: Sequence[CommandBuilder],
        step: str = "",
    ) -> None:
        """Have commands carried out, once for a request.

        Parameters
        ----------
        step
            Which of several messages of a request for one account; each has another.

        Raises
        ------
        Refused
            The engine's reason.
        Conflict
            ``outcome_unknown``: it was first sent so long ago that the engine no longer knows
            whether it was carried out; nothing is done now.
        Unavailable
            It may have been done all the same; repeat it.

        """
        actor = Actor.named(ActorKind.OPERATOR, str(intent.tenant), intent.deed.actor)
        once = OnceIntake(self._intake, AskedAt(intent.at_ms), actor)
        try:
            key = f"{intent.deed.request}/{step}" if step else intent.deed.request
            once.submit_once(account, KIND, key, commands)
        except Refused as error:
            if error.code != _TOO_OLD:
                raise
            # Only a repeat is: that it was refused would be a guess, and tempt to a second one.
            raise Conflict(
                "outcome_unknown",
                "It may have been done long ago: look at what is there before you ask anew.",
            ) from error
