"""Payments on an EVM network: EIP-1559 transactions, one payment each.

The destination of a token's payment is inside its call data; the transaction itself goes to the
contract. A plan is checked as a whole each time it is built, because the signer got it from others.
"""

from collections.abc import Sequence
from dataclasses import replace

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains import evm_encoding as evm
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_network import EvmNetwork
from bursa.wallets.chains.ports import (
    NATIVE,
    EvmPlan,
    FeeQuote,
    GasFee,
    Lane,
    NetworkName,
    NonceLane,
    Payment,
    PaymentRefused,
    Plan,
    Request,
    Signature,
    Signed,
    Unsigned,
)
from bursa.wallets.signatures import recover

PLAIN_GAS = 21_000
_AMOUNT_MAX = (1 << 256) - 1
# Nodes take a transaction in another's place for an eighth more, on both fields.
_REPLACEMENT_NUMERATOR, _REPLACEMENT_DENOMINATOR = 9, 8


class EvmBuilder:
    """Builds payments of one network; see `ports.Builder`."""

    def __init__(self, network: EvmNetwork) -> None:
        self._network = network

    @property
    def network(self) -> NetworkName:
        """Which network it builds for."""
        return self._network.name

    def address(self, text: str) -> str:
        """Return a destination by EIP-55.

        Raises
        ------
        InvalidInput
            As `evm_encoding.parse_address`; also ``token_contract``: a listed token's own contract.

        """
        address = evm.parse_address(text)
        if address in self._network.tokens:
            raise InvalidInput(
                "token_contract",
                "Send another address: this is a token's contract, and what it gets is lost.",
                field="address",
            )
        return address

    def plan(
        self, payments: Sequence[Payment], lane: Lane, fee: FeeQuote, gas_limit: int = 0
    ) -> EvmPlan:
        """Return what a transaction is to say; raises `PaymentRefused` and as `address` does."""
        if len(payments) != 1:
            raise PaymentRefused("too_many_payments", "Send one payment a transaction here.")
        if not isinstance(lane, NonceLane) or not isinstance(fee, GasFee):
            raise TypeError("an EVM payment has a nonce and a gas fee")
        payment = replace(payments[0], destination=self.address(payments[0].destination))
        limit = gas_limit or (PLAIN_GAS if payment.asset == NATIVE else 0)
        plan = EvmPlan(self._network.name, (payment,), lane, fee, limit)
        self._check(plan)
        return plan

    def replacement(self, plan: Plan, fee: FeeQuote) -> EvmPlan:
        """Return the same payment at a fee for which nodes replace the first one."""
        if not isinstance(plan, EvmPlan) or not isinstance(fee, GasFee):
            raise TypeError("an EVM payment has a gas fee")
        raised = GasFee(
            max(fee.max_fee_per_gas, _raised(plan.fee.max_fee_per_gas)),
            max(fee.max_priority_fee_per_gas, _raised(plan.fee.max_priority_fee_per_gas)),
        )
        if raised.max_fee_per_gas < raised.max_priority_fee_per_gas:
            raised = replace(raised, max_fee_per_gas=raised.max_priority_fee_per_gas)
        new = replace(plan, fee=raised)
        self._check(new)
        return new

    def cancellation(self, plan: Plan, fee: FeeQuote) -> EvmPlan:
        """Return a payment of nothing to the sender itself with the same nonce."""
        new = self.replacement(plan, fee)
        nothing = Payment(
            f"{plan.payments[0].id}-cancelled", NATIVE, new.lane.sender, ChainUnits(0)
        )
        return replace(new, payments=(nothing,), gas_limit=PLAIN_GAS)

    def gap(self, lane: NonceLane, fee: GasFee) -> EvmPlan:
        """Return a payment of nothing to the sender itself that fills a gap of its nonces."""
        nothing = Payment(f"gap-{lane.nonce}", NATIVE, lane.sender, ChainUnits(0))
        plan = EvmPlan(self._network.name, (nothing,), lane, fee, PLAIN_GAS)
        self._check(plan)
        return plan

    def build(self, plan: Plan) -> Unsigned:
        """Return the transaction's bytes and the one digest to sign."""
        checked = self._checked(plan)
        raw = evm.transaction(self._fields(checked))
        return Unsigned(raw, (Request(checked.lane.key, evm.keccak_256(raw)),))

    def assemble(self, plan: Plan, signatures: Sequence[Signature]) -> Signed:
        """Return the signed bytes; the signature must be the sender's."""
        checked = self._checked(plan)
        (request,) = self.build(checked).requests
        if len(signatures) != 1 or self._signer(request.digest, signatures[0]) != (
            checked.lane.sender
        ):
            raise PaymentRefused("signature_refused", "Sign with the sender's key.")
        raw = evm.transaction(self._fields(checked), signatures[0])
        return Signed("0x" + evm.keccak_256(raw).hex(), raw)

    @staticmethod
    def _signer(digest: bytes, signature: Signature) -> str | None:
        public_key = recover(digest, signature)
        return None if public_key is None else evm.address_of(public_key)

    def _checked(self, plan: Plan) -> EvmPlan:
        if not isinstance(plan, EvmPlan) or plan.network != self._network.name:
            raise PaymentRefused("other_network", f"This builds for {self._network.name}.")
        self._check(plan)
        return plan

    def _check(self, plan: EvmPlan) -> None:
        (payment,) = plan.payments
        to_itself = payment.destination == plan.lane.sender and payment.amount == 0
        if evm.parse_address(plan.lane.sender) != plan.lane.sender or plan.lane.nonce < 0:
            raise PaymentRefused("sender_refused", "Name the sender by EIP-55, and its nonce.")
        if self.address(payment.destination) != payment.destination:
            raise PaymentRefused("destination_refused", "Name the destination by EIP-55.")
        if payment.asset != NATIVE and payment.asset not in self._network.tokens:
            raise PaymentRefused("unlisted_token", "Pay with an asset of this network's list.")
        if not 0 < payment.amount <= _AMOUNT_MAX and not to_itself:
            raise PaymentRefused("amount_out_of_range", "Pay more than nothing.")
        if not PLAIN_GAS <= plan.gas_limit <= self._network.gas_limit_max:
            raise PaymentRefused(
                "gas_limit_refused", f"Ask for {PLAIN_GAS} to {self._network.gas_limit_max} gas."
            )
        if not 0 <= plan.fee.max_priority_fee_per_gas <= plan.fee.max_fee_per_gas:
            raise PaymentRefused("fee_refused", "Offer a tip no larger than the whole fee.")
        if plan.fee_max > self._network.fee_max:
            raise PaymentRefused(
                "absurd_fee",
                f"Wait for lower fees, or raise the network's limit of {self._network.fee_max}.",
            )

    def _fields(self, plan: EvmPlan) -> list[evm.Item]:
        (payment,) = plan.payments
        if payment.asset == NATIVE:
            to, value, data = payment.destination, payment.amount, b""
        else:
            to, value = payment.asset, ChainUnits(0)
            data = evm.transfer_call(payment.destination, payment.amount)
        return [
            self._network.chain_id,
            plan.lane.nonce,
            plan.fee.max_priority_fee_per_gas,
            plan.fee.max_fee_per_gas,
            plan.gas_limit,
            bytes.fromhex(to[2:]),
            value,
            data,
            [],
        ]


def _raised(price: int) -> ChainUnits:
    """Return the least price that is an eighth higher, and higher at all."""
    raised = -(-price * _REPLACEMENT_NUMERATOR // _REPLACEMENT_DENOMINATOR)
    return ChainUnits(max(raised, price + 1))
