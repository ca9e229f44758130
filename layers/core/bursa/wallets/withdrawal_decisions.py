"""What people decide of a withdrawal: its user cancels it, others review and approve it.

An approval is for one intent: address, amount, asset, network and fee cap, by the digest of what
the stored record says. It never counts for who asked, and for one person once.
"""

from dataclasses import replace
from hmac import compare_digest
from typing import Final

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, NotAllowed
from bursa.kernel.identifiers import AccountId
from bursa.wallets.chains.ports import Chain, State
from bursa.wallets.signings import Signings
from bursa.wallets.withdrawal_states import (
    CANCELLABLE,
    WithdrawalState,
    WithdrawalStep,
)
from bursa.wallets.withdrawals import Approval, Withdrawal, Withdrawals, found_withdrawal

CANCELLED: Final = "cancelled"
# So long people have to approve, from when it was screened on; then it is given up.
APPROVAL_LIFE_MS: Final = 24 * 3_600_000
_S, _T = WithdrawalState, WithdrawalStep


class WithdrawalDecisions:
    """Changes of withdrawals by people; whoever calls has checked their roles."""

    def __init__(self, withdrawals: Withdrawals, signings: Signings, clock: WallClock) -> None:
        self._withdrawals = withdrawals
        self._signings = signings
        self._clock = clock

    def cancel(self, account: AccountId, withdrawal: str) -> Withdrawal:
        """End a withdrawal for its user; one that was cancelled is returned as it is.

        Raises
        ------
        NotFound
            ``unknown_withdrawal``
        Conflict
            ``too_late_to_cancel``: it is being signed, or at an end; ``record_changed``.

        """
        found = found_withdrawal(self._withdrawals, account, withdrawal)
        if found.reason == CANCELLED:
            return found
        if found.state not in CANCELLABLE:
            raise Conflict(
                "too_late_to_cancel",
                f"It is {found.state}; a withdrawal is cancelled only before it is signed.",
            )
        return self._withdrawals.save(found.after(_T.GIVE_UP, reason=CANCELLED))

    def approve(self, account: AccountId, withdrawal: str, person: str, digest: str) -> Withdrawal:
        """Note that a person has approved what they saw; the same person again changes nothing.

        Raises
        ------
        NotFound
            ``unknown_withdrawal``
        NotAllowed
            ``not_your_own``: the person has asked for it.
        Conflict
            ``approval_for_other_data``: the digest is not that of the stored intent;
            ``approval_expired``; ``wrong_state``: it waits for no approval; ``record_changed``.

        """
        found = found_withdrawal(self._withdrawals, account, withdrawal)
        if person == found.user:
            raise NotAllowed("not_your_own", "You have asked for it: another person approves it.")
        if not compare_digest(digest.encode(), found.intent.digest.encode()):
            raise Conflict(
                "approval_for_other_data",
                "This is not what would be paid: look at it again, and send its digest.",
            )
        if person in found.approvers:
            return found
        if found.state is not _S.SCREENED or not found.approvals_needed:
            raise Conflict("wrong_state", f"It is {found.state} and waits for no approval.")
        now_ms = self._clock.now_ms()
        if now_ms >= found.approvals_end_ms:
            raise Conflict("approval_expired", "It was not approved in time and is given up.")
        approval = Approval(person, digest, now_ms)
        return self._withdrawals.save(replace(found, approvals=(*found.approvals, approval)))

    def reject(self, account: AccountId, withdrawal: str, person: str, reason: str) -> Withdrawal:
        """End a withdrawal for a reason, a code; raises as `accept` does."""
        return self._decide(account, withdrawal, person, _T.GIVE_UP, reason)

    def accept(self, account: AccountId, withdrawal: str, person: str) -> Withdrawal:
        """Let a withdrawal go on that waits for a look; what it needs of approvals it needs still.

        Raises
        ------
        NotFound
            ``unknown_withdrawal``
        NotAllowed
            ``not_your_own``
        Conflict
            ``wrong_state``, ``record_changed``

        """
        found = found_withdrawal(self._withdrawals, account, withdrawal)
        if found.state is not _S.IN_REVIEW:
            raise Conflict("wrong_state", f"It is {found.state} and waits for no look.")
        return self._decide(account, withdrawal, person, _T.CLEAR, "")

    def give_up_displaced(
        self, account: AccountId, withdrawal: str, chain: Chain, confirmations: int
    ) -> Withdrawal:
        """End a withdrawal whose nonce or outputs another transaction has used for good.

        Parameters
        ----------
        confirmations
            How many blocks must stand on that other transaction.

        Raises
        ------
        Conflict
            ``not_displaced``: the chain does not say so, or not deep enough; ``wrong_state``.

        """
        found = found_withdrawal(self._withdrawals, account, withdrawal)
        signing = self._signings.find(account, withdrawal)
        claim = None if signing is None or signing.plan is None else signing.plan.claim
        status = chain.status(found.transaction, claim)
        if status.state is not State.REPLACED or status.confirmations < confirmations:
            raise Conflict(
                "not_displaced",
                f"Another use of what it spends must have {confirmations} confirmations; until "
                "then it may still be paid.",
            )
        return self._withdrawals.save(found.after(_T.FAIL, reason="displaced"))

    def _decide(
        self,
        account: AccountId,
        withdrawal: str,
        person: str,
        step: WithdrawalStep,
        reason: str,
    ) -> Withdrawal:
        found = found_withdrawal(self._withdrawals, account, withdrawal)
        if person == found.user:
            raise NotAllowed("not_your_own", "You have asked for it: another person decides.")
        changes: dict[str, object] = {"reason": reason} if reason else {}
        now_ms = self._clock.now_ms()
        if step is _T.CLEAR:
            changes["approvals_end_ms"] = now_ms + APPROVAL_LIFE_MS
        return self._withdrawals.save(found.after(step, **changes))
