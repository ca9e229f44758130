"""A withdrawal on its way, from the hold to the end of it; each step may be repeated.

Before anything is asked of the ledger, the signer or a node, the state says so; after it, what came
of it is written on condition of the version that was read. So a crash anywhere is continued by
whoever looks next, and of two that look at once one goes on.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, Refused, TooManyRequests, Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.wallets.chains.ports import (
    Block,
    Chain,
    Payment,
    Sent,
    State,
    Status,
    Unspent,
)
from bursa.wallets.claims import Claims
from bursa.wallets.deposits import BlockPlace
from bursa.wallets.ledger import COMMAND_TOO_OLD, Ledger
from bursa.wallets.limits import WithdrawalLimits
from bursa.wallets.networks import Network, Networks, named_network
from bursa.wallets.signer import HotWallet, Signer, SigningOrder, is_final_refusal
from bursa.wallets.signings import Signing, Signings
from bursa.wallets.stops import Flow, Stops
from bursa.wallets.withdrawal_decisions import APPROVAL_LIFE_MS
from bursa.wallets.withdrawal_states import WITHDRAWAL_ENDS, WithdrawalState, WithdrawalStep
from bursa.wallets.withdrawals import Withdrawal, Withdrawals

FEE_WITHIN_BLOCKS: Final = 3
FEE_NOT_CREDITED: Final = "fee_not_credited"
_S, _T = WithdrawalState, WithdrawalStep


class DestinationScreening(Protocol):
    """Looks at who is paid."""

    def hit(self, withdrawal: Withdrawal) -> str:
        """Return a code for what speaks against a destination; empty for nothing.

        Raises `Unavailable`: it can't be found out, so nothing goes on yet.
        """


class Attention(Protocol):
    """Who is told when a person must act; each is a metric with an alarm."""

    def hot_wallet_short(self, withdrawal: Withdrawal) -> None:
        """Note that a withdrawal waits because the hot wallet has too little."""

    def signer_refused(self, withdrawal: Withdrawal, code: str) -> None:
        """Note that the signer has refused for good what was approved."""

    def fee_not_credited(self, withdrawal: Withdrawal, code: str) -> None:
        """Note that the engine has refused to credit the tenant's fee."""

    def displaced(self, withdrawal: Withdrawal) -> None:
        """Note that another transaction has used what a withdrawal spends."""


class WithdrawalParts(NamedTuple):
    """What withdrawals go through on their way.

    Attributes
    ----------
    unspent
        Returns the unspent outputs of a tenant's hot wallet; nothing for EVM.
    epoch
        Returns the term of whoever runs this.

    """

    chain: Chain
    withdrawals: Withdrawals
    signings: Signings
    networks: Networks
    ledger: Ledger
    limits: WithdrawalLimits
    stops: Stops
    screening: DestinationScreening
    attention: Attention
    claims: Claims
    signer: Signer
    hot_wallet: Callable[[TenantId, str], HotWallet]
    unspent: Callable[[TenantId], tuple[Unspent, ...]]
    epoch: Callable[[], int]
    clock: WallClock


class WithdrawalProgress:
    """Takes withdrawals of one chain on their way."""

    def __init__(self, parts: WithdrawalParts) -> None:
        self._parts = parts
        self._steps: dict[WithdrawalState, Callable[[Withdrawal, Network], Withdrawal | None]] = {
            _S.REQUESTED: self._requested,
            _S.HELD: self._held,
            _S.IN_REVIEW: lambda *_: None,
            _S.SCREENED: self._screened,
            _S.APPROVED: self._approved,
            _S.MOVING: self._moving,
            _S.SIGNING: self._signing,
            _S.SIGNED: self._signed,
            _S.BROADCAST: self._broadcast,
            _S.UNKNOWN: self._unknown,
            _S.CONFIRMING: self._confirming,
            _S.PAID: self._paid,
            _S.DONE: self._done,
            _S.FAILING: self._failing,
        }

    def __call__(self, withdrawal: Withdrawal) -> Withdrawal:
        """Take a withdrawal as far as it goes now, and return it.

        Raises
        ------
        Conflict
            ``record_changed``: somebody else was first.
        Refused
            ``signer_deposed``: somebody else does this by now; stop.
        PaymentRefused
            The chain's builder or node refuses it as things are; ask again later.
        Unavailable
            Ask again later.

        """
        network = named_network(
            self._parts.networks,
            withdrawal.account.tenant,
            withdrawal.intent.asset,
            withdrawal.intent.chain,
        )
        while withdrawal.state not in WITHDRAWAL_ENDS:
            after = self._steps[withdrawal.state](withdrawal, network)
            if after is None:
                break
            try:
                withdrawal = self._parts.withdrawals.save(after)
            except Conflict:
                self._tidy(withdrawal, network)
                raise
        return withdrawal

    def _tidy(self, before: Withdrawal, network: Network) -> None:
        """Take back what was counted for a withdrawal that had come to its end meanwhile."""
        now = self._parts.withdrawals.find(before.account, before.id)
        if now is not None and now.state in WITHDRAWAL_ENDS:
            self._forget(now, network)
            if now.state is not _S.FINAL:
                self._parts.limits.give_back(now.reservation, network)

    # --- before it is signed ----------------------------------------------------------------------

    def _requested(self, one: Withdrawal, network: Network) -> Withdrawal:
        try:
            self._parts.limits.reserve(one.reservation, one.facts.level, network)
        except (Refused, TooManyRequests) as error:
            return one.after(_T.REFUSE, reason=error.code)
        try:
            self._parts.ledger.hold(one.account, network.asset_number, one.held_units, one.hold)
        except Refused as error:
            if error.code == COMMAND_TOO_OLD:
                # The engine has forgotten whether it holds it; releasing it is right either way.
                return one.after(_T.GIVE_UP, reason="hold_unknown")
            self._parts.limits.give_back(one.reservation, network)
            return one.after(_T.REFUSE, reason=error.code)
        return one.after(_T.STATE_HOLD)

    def _held(self, one: Withdrawal, _network: Network) -> Withdrawal:
        hit = self._parts.screening.hit(one)
        if hit or one.needs_review:
            return one.after(_T.REVIEW, reason=hit or "policy")
        return one.after(_T.CLEAR, approvals_end_ms=self._parts.clock.now_ms() + APPROVAL_LIFE_MS)

    def _screened(self, one: Withdrawal, _network: Network) -> Withdrawal | None:
        if one.approvals_needed and self._parts.clock.now_ms() >= one.approvals_end_ms:
            return one.after(_T.GIVE_UP, reason="approval_expired")
        if len(one.approvers) < one.approvals_needed:
            return None
        return one.after(_T.APPROVE, reason="")

    def _approved(self, one: Withdrawal, network: Network) -> Withdrawal | None:
        if one.approvals_needed and self._parts.clock.now_ms() >= one.approvals_end_ms:
            return one.after(_T.GIVE_UP, reason="approval_expired")
        if self._is_stopped(one):
            return None
        if one.receiver is not None:
            return one.after(_T.MOVE, asked_at_ms=self._parts.clock.now_ms())
        hot = self._parts.hot_wallet(one.account.tenant, network.chain)
        balance = self._parts.chain.balance(hot.address, network.token)
        if not self._parts.limits.commit(one.reservation, network, network.units_of(balance)):
            self._parts.attention.hot_wallet_short(one)
            return None
        return one.after(_T.SIGN)

    def _moving(self, one: Withdrawal, network: Network) -> Withdrawal:
        if one.receiver is None:
            return one.after(_T.REFUSE_MOVE, reason="no_receiver")
        asset, units = network.asset_number, one.intent.units
        try:
            self._parts.ledger.move_held(one.account, one.receiver, asset, one.decided_hold, units)
        except Refused as error:
            return one.after(_T.REFUSE_MOVE, reason=error.code)
        return one.after(_T.STATE_MOVE)

    # --- from the signature on --------------------------------------------------------------------

    def _signing(self, one: Withdrawal, network: Network) -> Withdrawal:
        tenant, chain = one.account.tenant, self._parts.chain
        hot = self._parts.hot_wallet(tenant, network.chain)
        payment = Payment(
            one.id,
            network.token,
            one.intent.destination,
            network.on_chain(one.intent.units),
        )
        order = SigningOrder(
            one.account,
            one.id,
            self._parts.epoch(),
            chain.fee_quote(FEE_WITHIN_BLOCKS),
            chain.gas_needed(hot.address, payment),
            self._parts.unspent(tenant),
        )
        try:
            signing = self._parts.signer.sign(order)
        except Refused as error:
            if not is_final_refusal(error):
                raise
            self._parts.attention.signer_refused(one, error.code)
            return one.after(_T.VOID, reason=error.code)
        return one.after(_T.STATE_SIGNATURE, transaction=signing.transaction)

    def _signed(self, one: Withdrawal, _network: Network) -> Withdrawal | None:
        if self._is_stopped(one):
            return None
        return self._sent(one)

    def _broadcast(self, one: Withdrawal, _network: Network) -> Withdrawal | None:
        status = self._status(one)
        if status.block is not None and status.state in {State.SUCCEEDED, State.REVERTED}:
            return one.after(_T.INCLUDE, block=_place(status.block))
        return None if status.state is State.PENDING else one.after(_T.LOSE_SIGHT)

    def _unknown(self, one: Withdrawal, _network: Network) -> Withdrawal | None:
        status = self._status(one)
        if status.block is not None and status.state in {State.SUCCEEDED, State.REVERTED}:
            return one.after(_T.INCLUDE, block=_place(status.block))
        if status.state is State.PENDING:
            return one.after(_T.SEND)
        if status.state is State.REPLACED:
            self._parts.attention.displaced(one)
            return None
        if self._is_stopped(one):
            return None
        return self._sent(one)

    def _confirming(self, one: Withdrawal, network: Network) -> Withdrawal | None:
        status = self._status(one)
        if status.state not in {State.SUCCEEDED, State.REVERTED}:
            return one.after(_T.DROP, block=None)
        fee = status.fee or 0
        if status.state is State.REVERTED:
            # In another block it might succeed, and the money would be there twice.
            if status.confirmations < network.final_confirmations:
                return None
            return one.after(_T.FAIL, reason="reverted", network_fee_paid=fee)
        if status.confirmations < network.withdrawal_confirmations:
            return None
        now_ms = self._parts.clock.now_ms()
        return one.after(_T.PAY, network_fee_paid=fee, asked_at_ms=now_ms)

    # --- how it ends ------------------------------------------------------------------------------

    def _paid(self, one: Withdrawal, network: Network) -> Withdrawal:
        ledger, asset = self._parts.ledger, network.asset_number
        ledger.capture(one.account, asset, one.decided_hold, self._parts.clock.now_ms())
        reason = self._credit_fee(one, asset)
        self._parts.limits.uncommit(one.reservation, network)
        return one.after(_T.STATE_PAYMENT, reason=reason)

    def _credit_fee(self, one: Withdrawal, asset: int) -> str:
        """Credit the tenant's fee; return a code where the engine won't: the payment stands."""
        if not one.tenant_fee_units:
            return ""
        account = one.account.tenant.fee_account
        try:
            self._parts.ledger.credit(account, asset, one.tenant_fee_units, one.fee)
        except Refused as error:
            self._parts.attention.fee_not_credited(one, error.code)
            return FEE_NOT_CREDITED
        return ""

    def _done(self, one: Withdrawal, network: Network) -> Withdrawal | None:
        """Watch what was paid until it is final; it keeps its nonce and outputs as long."""
        if one.receiver is None:
            status = self._status(one)
            if status.state is State.REPLACED:
                self._parts.attention.displaced(one)
                return None
            if status.state is State.UNKNOWN and not self._is_stopped(one):
                self._parts.chain.broadcast(self._signing_of(one).raw)
            if status.confirmations < network.final_confirmations:
                return None
        self._forget(one, network)
        return one.after(_T.FINISH)

    def _failing(self, one: Withdrawal, network: Network) -> Withdrawal:
        now_ms = self._parts.clock.now_ms()
        self._parts.ledger.release(one.account, network.asset_number, one.decided_hold, now_ms)
        self._parts.limits.give_back(one.reservation, network)
        self._forget(one, network)
        return one.after(_T.STATE_RELEASE)

    def _forget(self, one: Withdrawal, network: Network) -> None:
        """Return what only a withdrawal on its way needs; a nonce not mined is a gap then."""
        tenant, chain = one.account.tenant, network.chain
        self._parts.limits.uncommit(one.reservation, network)
        hot = self._parts.hot_wallet(tenant, chain)
        self._parts.claims.forget_nonce(tenant, chain, hot.address, one.claim_name)
        self._parts.claims.unlock(tenant, chain, one.claim_name)

    def _is_stopped(self, one: Withdrawal) -> bool:
        tenant = one.account.tenant
        return any(
            stop.covers(Flow.WITHDRAWALS, tenant, one.intent.chain, one.intent.asset)
            for stop in self._parts.stops.on(tenant)
        )

    def _signing_of(self, one: Withdrawal) -> Signing:
        signing = self._parts.signings.find(one.account, one.id)
        if signing is None or not signing.raw:
            raise Unavailable("wallets_unavailable", "What was signed can't be read now.")
        return signing

    def _status(self, one: Withdrawal) -> Status:
        plan = self._signing_of(one).plan
        return self._parts.chain.status(one.transaction, None if plan is None else plan.claim)

    def _sent(self, one: Withdrawal) -> Withdrawal | None:
        """Send the stored bytes; only a node that has them counts, and only by its own words."""
        outcome = self._parts.chain.broadcast(self._signing_of(one).raw)
        if outcome.sent in {Sent.ACCEPTED, Sent.ALREADY_KNOWN}:
            return one.after(_T.SEND)
        return one.after(_T.LOSE_SIGHT) if one.state is _S.SIGNED else None


def _place(block: Block) -> BlockPlace:
    return BlockPlace(block.height, block.hash)
