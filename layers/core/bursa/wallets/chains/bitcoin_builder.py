"""Payments on a Bitcoin network: several in one transaction, replaceable by BIP 125.

The order of outputs is that of the payments, change last. A plan is checked as a whole each time it
is built, because the signer got it from others: most of all its fee, which Bitcoin states nowhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from embit import transaction as bitcoin
from embit.script import Script, Witness

from bursa.wallets.chains import bitcoin_scripts as scripts
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_network import BitcoinNetwork
from bursa.wallets.chains.bitcoin_selection import KVB, choose, fee_at, vbytes
from bursa.wallets.chains.ports import (
    NATIVE,
    BitcoinPlan,
    FeeQuote,
    Lane,
    NetworkName,
    OutputsLane,
    Payment,
    PaymentRefused,
    Plan,
    RateFee,
    Request,
    Signature,
    Signed,
    Unsigned,
    Unspent,
)
from bursa.wallets.signatures import is_of, to_der

REPLACEABLE: Final = 0xFFFFFFFD
# What nodes demand of a replacement above the first one's fee (incremental relay fee).
INCREMENT_SAT_PER_KVB: Final = 1_000
_VERSION: Final = 2
_SIGHASH_ALL: Final = 1
_AMOUNT_MAX: Final = 21_000_000 * 100_000_000


class BitcoinBuilder:
    """Builds payments of one network; see `ports.Builder`."""

    def __init__(self, network: BitcoinNetwork) -> None:
        self._network = network

    @property
    def network(self) -> NetworkName:
        """Which network it builds for."""
        return self._network.name

    def address(self, text: str) -> str:
        """Return a destination in its one form; raises as `bitcoin_scripts.parse_address`."""
        return scripts.parse_address(text, self._network)[0]

    def plan(
        self, payments: Sequence[Payment], lane: Lane, fee: FeeQuote, gas_limit: int = 0
    ) -> BitcoinPlan:
        """Return what a transaction is to say; raises `PaymentRefused` and as `address` does."""
        if not isinstance(lane, OutputsLane) or not isinstance(fee, RateFee) or gas_limit:
            raise TypeError("a Bitcoin payment has outputs to spend and a rate")
        paid = tuple(replace(one, destination=self.address(one.destination)) for one in payments)
        self._check_payments(paid)
        change_address = self.address(lane.change_address)
        change_script = self._script(change_address)
        chosen = choose(
            lane.available,
            sum(one.amount for one in paid),
            [self._script(one.destination) for one in paid],
            change_script=change_script,
            dust=scripts.dust_limit(change_script),
            rate_sat_per_kvb=fee.sat_per_kvb,
            inputs_max=self._network.inputs_max,
        )
        return self._checked(
            BitcoinPlan(
                self._network.name,
                paid,
                chosen.inputs,
                change_address,
                ChainUnits(chosen.change),
                fee,
                chosen.vbytes,
            )
        )

    def child(self, parent: BitcoinPlan, output: Unspent, to: str, fee: RateFee) -> BitcoinPlan:
        """Return a plan that spends an output of a stuck transaction and pays for both.

        Raises
        ------
        PaymentRefused
            ``funds_short``: the output is too small. ``absurd_fee``.

        """
        address = self.address(to)
        script = self._script(address)
        size = vbytes([output], [script])
        due = fee_at(fee.sat_per_kvb, parent.vbytes + size) - parent.fee_max
        due = max(due, fee_at(self._network.rate_min, size))
        left = output.amount - due
        if left < scripts.dust_limit(script):
            raise PaymentRefused("funds_short", "Replace it: its output is too small to help.")
        rate = RateFee(ChainUnits(due * KVB // size))
        return self._checked(
            BitcoinPlan(self._network.name, (), (output,), address, ChainUnits(left), rate, size)
        )

    def sweep(self, outputs: Sequence[Unspent], to: str, fee: RateFee) -> BitcoinPlan:
        """Return a plan that moves all of some outputs to one address.

        Raises
        ------
        PaymentRefused
            ``funds_short``: they cost more than they are worth. ``absurd_fee``.

        """
        address = self.address(to)
        script = self._script(address)
        size = vbytes(outputs, [script])
        left = sum(one.amount for one in outputs) - fee_at(fee.sat_per_kvb, size)
        if left < scripts.dust_limit(script):
            raise PaymentRefused("funds_short", "Wait: they cost more than they are worth.")
        plan = BitcoinPlan(
            self._network.name, (), tuple(outputs), address, ChainUnits(left), fee, size
        )
        return self._checked(plan)

    def replacement(self, plan: Plan, fee: FeeQuote) -> BitcoinPlan:
        """Return the same payments with the same inputs and less change.

        Raises
        ------
        PaymentRefused
            ``not_replaceable``: there is not enough change to pay for it. ``absurd_fee``.

        """
        checked = self._checked(plan)
        return self._replaced(checked, checked.payments, fee)

    def cancellation(self, plan: Plan, fee: FeeQuote) -> BitcoinPlan:
        """Return a plan that gives what the first one spends back to its change address."""
        return self._replaced(self._checked(plan), (), fee)

    def _replaced(
        self, first: BitcoinPlan, payments: tuple[Payment, ...], fee: FeeQuote
    ) -> BitcoinPlan:
        if not isinstance(fee, RateFee):
            raise TypeError("a Bitcoin payment has a rate")
        outputs = [self._script(one.destination) for one in payments]
        change_script = self._script(first.change_address)
        left = sum(one.amount for one in first.inputs) - sum(one.amount for one in payments)
        size = vbytes(first.inputs, [*outputs, change_script])
        change = left - _fee_of_replacement(first, fee, size)
        if change < scripts.dust_limit(change_script):
            size = vbytes(first.inputs, outputs)
            if not outputs or left < _fee_of_replacement(first, fee, size):
                raise PaymentRefused("not_replaceable", "Spend an output of it instead.")
            change = 0
        new = BitcoinPlan(
            first.network,
            payments,
            first.inputs,
            first.change_address,
            ChainUnits(change),
            RateFee(ChainUnits((left - change) * KVB // size)),
            size,
        )
        return self._checked(new)

    def build(self, plan: Plan) -> Unsigned:
        """Return the transaction's bytes and a digest for each input (BIP 143)."""
        checked = self._checked(plan)
        made = self._transaction(checked)
        requests = tuple(
            Request(
                one.key,
                made.sighash_segwit(number, _script_code(one), one.amount, _SIGHASH_ALL),
                one.public_key,
            )
            for number, one in enumerate(checked.inputs)
        )
        return Unsigned(made.serialize(), requests)

    def assemble(self, plan: Plan, signatures: Sequence[Signature]) -> Signed:
        """Return the signed bytes; each signature must be of its input's key."""
        checked = self._checked(plan)
        requests = self.build(checked).requests
        made = self._transaction(checked)
        if len(signatures) != len(requests) or not all(
            is_of(one.public_key, one.digest, signature)
            for one, signature in zip(requests, signatures, strict=True)
        ):
            raise PaymentRefused("signature_refused", "Sign each input with its own key.")
        for spent, entry, signature in zip(checked.inputs, made.vin, signatures, strict=True):
            entry.witness = Witness(_witness(spent, signature))
        return Signed(made.txid().hex(), made.serialize())

    def _transaction(self, plan: BitcoinPlan) -> bitcoin.Transaction:
        outputs = [(one.destination, one.amount) for one in plan.payments]
        if plan.change:
            outputs.append((plan.change_address, plan.change))
        return bitcoin.Transaction(
            version=_VERSION,
            vin=[
                bitcoin.TransactionInput(
                    bytes.fromhex(one.outpoint.transaction),
                    one.outpoint.index,
                    sequence=REPLACEABLE,
                )
                for one in plan.inputs
            ],
            vout=[
                bitcoin.TransactionOutput(int(amount), Script(self._script(address)))
                for address, amount in outputs
            ],
        )

    def _script(self, address: str) -> bytes:
        return scripts.parse_address(address, self._network)[1]

    def _checked(self, plan: Plan) -> BitcoinPlan:
        if not isinstance(plan, BitcoinPlan) or plan.network != self._network.name:
            raise PaymentRefused("other_network", f"This builds for {self._network.name}.")
        self._check_payments(plan.payments)
        self._check_inputs(plan)
        output_scripts = [self._script(one.destination) for one in plan.payments]
        if plan.change:
            change_script = self._script(plan.change_address)
            output_scripts.append(change_script)
            if plan.change < scripts.dust_limit(change_script):
                raise PaymentRefused("dust_output", "Leave change below the limit to the fee.")
        if not output_scripts or plan.vbytes != vbytes(plan.inputs, output_scripts):
            raise PaymentRefused("plan_refused", "Plan it again: its size is another one.")
        self._check_fee(plan)
        return plan

    def _check_payments(self, payments: Sequence[Payment]) -> None:
        if len(payments) > self._network.payments_max:
            raise PaymentRefused(
                "too_many_payments", f"Send at most {self._network.payments_max} at once."
            )
        for one in payments:
            address, script = scripts.parse_address(one.destination, self._network)
            if address != one.destination or one.asset != NATIVE:
                raise PaymentRefused("destination_refused", "Name address and asset in one form.")
            if one.amount < scripts.dust_limit(script):
                raise PaymentRefused(
                    "dust_output", f"Send {scripts.dust_limit(script)} satoshi or more there."
                )
            if one.amount > _AMOUNT_MAX:
                raise PaymentRefused("amount_out_of_range", "Send no more than there is.")

    def _check_inputs(self, plan: BitcoinPlan) -> None:
        outpoints = {one.outpoint for one in plan.inputs}
        if not 0 < len(plan.inputs) <= self._network.inputs_max or len(outpoints) < len(
            plan.inputs
        ):
            raise PaymentRefused("inputs_refused", "Spend each of some outputs once.")
        for one in plan.inputs:
            if scripts.address_of(_output_script(one), self._network) != one.address:
                raise PaymentRefused("inputs_refused", "Name the keys of what is spent.")

    def _check_fee(self, plan: BitcoinPlan) -> None:
        least = fee_at(self._network.rate_min, plan.vbytes)
        most = min(self._network.fee_max, fee_at(self._network.rate_max, plan.vbytes))
        if not least <= plan.fee_max <= most:
            raise PaymentRefused(
                "absurd_fee", f"Pay {least} to {most} satoshi of fee, not {plan.fee_max}."
            )


def _fee_of_replacement(plan: BitcoinPlan, fee: RateFee, size: int) -> int:
    """Return what nodes demand, or what the quote says if that is more (BIP 125, rules 3, 4, 6)."""
    at_quote = fee_at(fee.sat_per_kvb, size)
    above = plan.fee_max + fee_at(INCREMENT_SAT_PER_KVB, size)
    at_least_the_rate = -(-plan.fee_max * size // plan.vbytes) + 1
    return max(at_quote, above, at_least_the_rate)


def _output_script(spent: Unspent) -> bytes:
    if spent.cold_public_key:
        return scripts.hashed(scripts.either_key(spent.public_key, spent.cold_public_key))
    return scripts.key_script(spent.public_key)


def _script_code(spent: Unspent) -> Script:
    """Return what a signature covers of the output it spends (BIP 143)."""
    if spent.cold_public_key:
        return Script(scripts.either_key(spent.public_key, spent.cold_public_key))
    return Script(b"\x76\xa9" + scripts.key_script(spent.public_key)[1:] + b"\x88\xac")


def _witness(spent: Unspent, signature: Signature) -> list[bytes]:
    signed = to_der(signature) + bytes([_SIGHASH_ALL])
    if spent.cold_public_key:
        return [b"", signed, scripts.either_key(spent.public_key, spent.cold_public_key)]
    return [signed, spent.public_key]
