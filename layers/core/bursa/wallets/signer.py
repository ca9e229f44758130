"""The signer: it takes intents, never digests, and believes nothing that whoever asks says of them.

It reads the withdrawal from the table, checks its approvals, limits, destination, network and fee
again by the stored records and its own settings, and makes the transaction itself. The plan is kept
before it is signed, and the bytes before anyone gets them. What it refuses for good it notes as
void, so that it is not signed later either.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import BursaError, Conflict, InvalidInput, Refused, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.address_book import AddressBooks
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import (
    NATIVE,
    BitcoinPlan,
    Builder,
    EvmPlan,
    FeeQuote,
    GasFee,
    Lane,
    NonceLane,
    OutputsLane,
    Payment,
    Plan,
    Unspent,
)
from bursa.wallets.claims import Claims
from bursa.wallets.keys import SigningKey, sign_all
from bursa.wallets.limits import WithdrawalLimits
from bursa.wallets.networks import Network, Networks, named_network
from bursa.wallets.policy import Strictness
from bursa.wallets.signings import Epochs, Signing, Signings
from bursa.wallets.stops import Flow, Stops, require_running
from bursa.wallets.travel_rule import require_beneficiary
from bursa.wallets.withdrawal_requests import Policies
from bursa.wallets.withdrawal_states import WithdrawalState
from bursa.wallets.withdrawals import Withdrawal, Withdrawals, found_withdrawal

TRANSFER_GAS: Final = 21_000


class SigningOrder(NamedTuple):
    """Which withdrawal is to be signed, and what only a node knows.

    Attributes
    ----------
    account, withdrawal
        Which. Destination and amount are read from the table.
    epoch
        The term of whoever asks; a lower one than before is refused.
    fee, gas_limit
        What the network takes now; the withdrawal's cap bounds it.
    available
        Unspent outputs of the hot wallet (Bitcoin). A false one makes an invalid transaction, as
        the digest covers what is spent.

    """

    account: AccountId
    withdrawal: str
    epoch: int
    fee: FeeQuote
    gas_limit: int = 0
    available: tuple[Unspent, ...] = ()


class HotWallet(NamedTuple):
    """A tenant's hot wallet on a chain, by the signer's own settings: change goes nowhere else."""

    address: str
    key: str


class SignerParts(NamedTuple):
    """What the signer checks and signs with.

    Attributes
    ----------
    hot_wallet, keys
        Return a tenant's hot wallet on a chain, and the keys that sign for it by their names.

    """

    withdrawals: Withdrawals
    signings: Signings
    epochs: Epochs
    claims: Claims
    networks: Networks
    builders: Mapping[str, Builder]
    hot_wallet: Callable[[TenantId, str], HotWallet]
    books: AddressBooks
    limits: WithdrawalLimits
    policies: Policies
    stops: Stops
    keys: Callable[[TenantId, str], Mapping[str, SigningKey]]
    clock: WallClock


class Signer:
    """Signs withdrawals."""

    def __init__(self, parts: SignerParts) -> None:
        self._parts = parts

    def sign(self, order: SigningOrder) -> Signing:
        """Return the one signed transaction of a withdrawal, made now or before.

        Raises
        ------
        Refused
            ``signer_deposed``: a later epoch has asked. ``signing_void``: it is never signed;
            ``approvals_missing``, ``approval_expired``, ``not_counted``, ``destination_changed``,
            ``address_cooling_off``, ``address_not_listed``, ``policy_refused``,
            ``beneficiary_required``: it is void from now on.
        Conflict
            ``wrong_state``: it is not to be signed, or no more. ``outputs_locked``: ask again.
        NotFound
            ``unknown_withdrawal``, ``unknown_network``
        Unavailable
            ``withdrawals_stopped``, ``fee_above_cap``, or it can't be found out; ask again.
        PaymentRefused
            What the builder refuses, such as ``funds_short``; ask again.

        """
        withdrawal = found_withdrawal(self._parts.withdrawals, order.account, order.withdrawal)
        intent = withdrawal.intent
        self._require_epoch(intent.chain, order.epoch)
        signing = self._parts.signings.find(order.account, order.withdrawal)
        if signing is None:
            if withdrawal.state is not WithdrawalState.SIGNING:
                raise Conflict("wrong_state", f"It is {withdrawal.state}, not to be signed.")
            tenant = withdrawal.account.tenant
            require_running(self._parts.stops, Flow.WITHDRAWALS, tenant, intent.chain, intent.asset)
            signing = self._decided(withdrawal, order)
        if signing.plan is None:
            raise Refused("signing_void", "It was refused before, and is never signed.")
        if signing.intent != intent.digest:
            raise Refused("destination_changed", "It is not what was planned to be signed.")
        return signing if signing.raw else self._signed(signing, intent.chain)

    def fill_gap(self, tenant: TenantId, chain: str, gap: int, mined: int, fee: GasFee) -> Signing:
        """Return a transaction that uses a nonce that no withdrawal has, and pays nobody.

        Raises `Conflict` ``no_gap``, and `Unavailable` as `sign` does.
        """
        hot, name = self._parts.hot_wallet(tenant, chain), f"gap/{chain}/{gap}"
        account = tenant.fee_account
        signing = self._parts.signings.find(account, name)
        if signing is None:
            self._parts.claims.take_gap(tenant, chain, hot.address, name, gap, mined)
            builder = self._parts.builders[chain]
            nothing = Payment(name, NATIVE, hot.address, ChainUnits(0))
            lane = NonceLane(hot.address, gap, hot.key)
            paying = EvmPlan(builder.network, (nothing,), lane, fee, TRANSFER_GAS)
            plan = builder.cancellation(paying, fee)
            signing = self._kept(
                Signing(name, account, name, plan, _digests(builder, plan), epoch=0)
            )
        return signing if signing.raw else self._signed(signing, chain)

    def _require_epoch(self, chain: str, epoch: int) -> None:
        if self._parts.epochs.raise_to(chain, epoch) > epoch:
            raise Refused("signer_deposed", "Somebody else asks the signer by now: stop.")

    def _decided(self, withdrawal: Withdrawal, order: SigningOrder) -> Signing:
        """Return the plan as it is kept from now on, or void where a check fails for good."""
        network = named_network(
            self._parts.networks,
            withdrawal.account.tenant,
            withdrawal.intent.asset,
            withdrawal.intent.chain,
        )
        void = Signing(
            withdrawal.id, withdrawal.account, withdrawal.intent.digest, None, (), order.epoch
        )
        try:
            self._require_payable(withdrawal, network)
        except (Refused, InvalidInput) as error:
            if self._kept(void).plan is None:
                raise
            raise Unavailable("wallets_unavailable", "It was signed meanwhile.") from error
        plan = self._plan(withdrawal, network, order)
        builder = self._parts.builders[network.chain]
        kept = self._kept(replace(void, plan=plan, digests=_digests(builder, plan)))
        if isinstance(kept.plan, BitcoinPlan):
            self._parts.claims.unlock(
                withdrawal.account.tenant,
                network.chain,
                withdrawal.claim_name,
                [one.outpoint for one in kept.plan.inputs],
            )
        return kept

    def _require_payable(self, withdrawal: Withdrawal, network: Network) -> None:
        """Check all that could have been altered since, or between; raises what voids it."""
        intent, now_ms = withdrawal.intent, self._parts.clock.now_ms()
        policy = self._parts.policies.numbered(withdrawal.account.tenant, withdrawal.policy)
        if policy is None:
            raise Refused("policy_refused", "The policy that it was requested under is unknown.")
        verdict = policy.policy.verdict(withdrawal.facts)
        if verdict.strictness is Strictness.REFUSE:
            raise Refused("policy_refused", "The policy refuses it.")
        needed = max(verdict.approvals, withdrawal.approvals_needed)
        if len(withdrawal.approvers) < needed:
            raise Refused("approvals_missing", f"{needed} people must have approved this intent.")
        if needed and now_ms >= withdrawal.approvals_end_ms:
            raise Refused("approval_expired", "Its approval has expired.")
        require_beneficiary(withdrawal.beneficiary, withdrawal.facts.value, policy.travel_rule_from)
        self._parts.limits.require_reserved(withdrawal.reservation, network)
        builder = self._parts.builders[intent.chain]
        is_token = self._parts.networks.of_token(
            withdrawal.account.tenant, intent.chain, intent.destination
        )
        if (
            builder.address(intent.destination) != intent.destination
            or is_token is not None
            or withdrawal.receiver is not None
            or (intent.asset, intent.chain) != (withdrawal.facts.asset, withdrawal.facts.chain)
        ):
            raise Refused("destination_changed", "It can't be paid to what the record says.")
        book = self._parts.books.of(withdrawal.account.owner)
        book.require_usable(intent.chain, intent.destination, now_ms)

    def _plan(self, withdrawal: Withdrawal, network: Network, order: SigningOrder) -> Plan:
        tenant, intent = withdrawal.account.tenant, withdrawal.intent
        builder = self._parts.builders[network.chain]
        payment = Payment(
            withdrawal.id,
            network.token,
            intent.destination,
            network.on_chain(intent.units),
        )
        lane = self._lane(withdrawal, order)
        plan = builder.plan([payment], lane, order.fee, order.gas_limit)
        if plan.fee_max > intent.fee_cap:
            raise Unavailable(
                "fee_above_cap",
                "The network asks for more than may be spent; wait.",
                retry_after_s=60,
            )
        if isinstance(plan, BitcoinPlan):
            outpoints = [one.outpoint for one in plan.inputs]
            self._parts.claims.lock(tenant, network.chain, withdrawal.claim_name, outpoints)
        return plan

    def _lane(self, withdrawal: Withdrawal, order: SigningOrder) -> Lane:
        tenant, chain = withdrawal.account.tenant, withdrawal.intent.chain
        name = withdrawal.claim_name
        hot = self._parts.hot_wallet(tenant, chain)
        if isinstance(order.fee, GasFee):
            nonce = self._parts.claims.nonce(tenant, chain, hot.address, name)
            return NonceLane(hot.address, nonce, hot.key)
        is_free = self._parts.claims.free_outputs(tenant, chain, name)
        available = tuple(one for one in order.available if is_free(one.outpoint))
        return OutputsLane(available, hot.address)

    def _signed(self, signing: Signing, chain: str) -> Signing:
        """Sign what is kept, and keep the bytes; whoever was first has made the transaction."""
        if signing.plan is None:
            raise Refused("signing_void", "It is never signed.")
        builder, tenant = self._parts.builders[chain], signing.account.tenant
        unsigned = builder.build(signing.plan)
        if tuple(one.digest.hex() for one in unsigned.requests) != signing.digests:
            raise Refused("destination_changed", "The plan makes other digests than were kept.")
        signatures = sign_all(self._parts.keys(tenant, chain), unsigned.requests)
        signed = builder.assemble(signing.plan, signatures)
        return self._kept(replace(signing, transaction=signed.transaction, raw=signed.raw))

    def _kept(self, signing: Signing) -> Signing:
        """Keep a row, or return the one that is there by now."""
        try:
            return self._parts.signings.save(signing)
        except Conflict:
            found = self._parts.signings.find(signing.account, signing.name)
            if found is None:
                raise
            return found


def _digests(builder: Builder, plan: Plan) -> tuple[str, ...]:
    return tuple(one.digest.hex() for one in builder.build(plan).requests)


def is_final_refusal(error: BursaError) -> bool:
    """Return whether the signer will never sign what it has refused so."""
    return isinstance(error, Refused | InvalidInput) and error.code != "signer_deposed"
