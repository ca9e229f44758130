"""Which outputs a Bitcoin payment spends, and what it weighs.

Largest first: few inputs, so the cheapest transaction now, and the same choice for the same
outputs everywhere. Small outputs are collected by sweeps, when fees are low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bursa.wallets.chains.ports import PaymentRefused, Unspent

# Weight units (BIP 141): a byte counts four, one of a witness counts one.
_FRAME: Final = 4 * (4 + 4) + 2  # version, lock time; marker and flag
_INPUT: Final = 4 * (32 + 4 + 1 + 4)  # outpoint, empty script, sequence
_SIGNATURE: Final = 1 + 72  # the largest low-s signature in DER with its kind, and its length
_KEY_WITNESS: Final = 1 + _SIGNATURE + 1 + 33
_EITHER_WITNESS: Final = 1 + 1 + _SIGNATURE + 1 + 71
_OUTPUT_FIXED: Final = 8 + 1
_SHORT_COUNT_MAX: Final = 252
_SCALE: Final = 4
KVB: Final = 1_000


@dataclass(frozen=True)
class Choice:
    """Inputs, change (0 for none), and the virtual bytes of the transaction at most."""

    inputs: tuple[Unspent, ...]
    change: int
    vbytes: int


def vbytes(inputs: Sequence[Unspent], output_scripts: Sequence[bytes]) -> int:
    """Return a transaction's virtual size, with signatures as long as they can be."""
    weight = _FRAME + 4 * (_count(len(inputs)) + _count(len(output_scripts)))
    for one in inputs:
        weight += _INPUT + (_EITHER_WITNESS if one.cold_public_key else _KEY_WITNESS)
    weight += sum(4 * (_OUTPUT_FIXED + len(script)) for script in output_scripts)
    return -(-weight // _SCALE)


def fee_at(rate_sat_per_kvb: int, size: int) -> int:
    """Return the fee of so many virtual bytes at a rate, rounded up."""
    return -(-rate_sat_per_kvb * size // KVB)


def choose(
    available: Sequence[Unspent],
    amount: int,
    output_scripts: Sequence[bytes],
    *,
    change_script: bytes,
    dust: int,
    rate_sat_per_kvb: int,
    inputs_max: int,
) -> Choice:
    """Choose inputs for an amount and its fee; change below dust is left to the fee.

    Raises
    ------
    PaymentRefused
        ``funds_short``: the outputs that may be spent don't pay for it.

    """
    ordered = sorted(available, key=lambda one: (-one.amount, one.outpoint))
    chosen: list[Unspent] = []
    total = 0
    for one in ordered[:inputs_max]:
        chosen.append(one)
        total += one.amount
        with_change = vbytes(chosen, [*output_scripts, change_script])
        change = total - amount - fee_at(rate_sat_per_kvb, with_change)
        if change >= dust:
            return Choice(tuple(chosen), change, with_change)
        without = vbytes(chosen, output_scripts)
        if total - amount - fee_at(rate_sat_per_kvb, without) >= 0:
            return Choice(tuple(chosen), 0, without)
    raise PaymentRefused("funds_short", "Wait for funds: what can be spent does not pay for it.")


def _count(number: int) -> int:
    return 1 if number <= _SHORT_COUNT_MAX else 3
