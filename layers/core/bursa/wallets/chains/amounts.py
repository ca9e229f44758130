"""Amounts on a chain and in the ledger, both integers; what doesn't divide is never rounded away.

A chain counts in its own smallest unit (wei, satoshi, a token's unit), the ledger in units of its
own scale (docs/design.md, D6): ETH has 18 decimals on its chain and 9 in the ledger.
"""

from dataclasses import dataclass
from typing import NamedTuple, NewType

from bursa.kernel.amounts import INT64_MAX, SCALE_MAX, Units
from bursa.kernel.errors import InvalidInput, Refused

ChainUnits = NewType("ChainUnits", int)

# No amount of an EVM token is larger; tokens have up to 255 decimals, real ones up to 24.
CHAIN_UNITS_MAX = (1 << 256) - 1
CHAIN_DECIMALS_MAX = 36


class InLedger(NamedTuple):
    """A chain's amount as the ledger counts it, and what is too small for the ledger."""

    units: Units
    dust: ChainUnits


@dataclass(frozen=True)
class UnitScale:
    """How many decimals an asset has on its chain and in the ledger.

    Raises
    ------
    InvalidInput
        ``invalid_scale``: a number of decimals that neither knows.

    """

    chain_decimals: int
    ledger_decimals: int

    def __post_init__(self) -> None:
        if (
            not 0 <= self.chain_decimals <= CHAIN_DECIMALS_MAX
            or not 0 <= self.ledger_decimals <= SCALE_MAX
        ):
            raise InvalidInput(
                "invalid_scale",
                f"Name 0 to {CHAIN_DECIMALS_MAX} decimals on the chain and 0 to {SCALE_MAX} in "
                "the ledger.",
            )

    def in_ledger(self, amount: ChainUnits) -> InLedger:
        """Return an amount in ledger units, and the dust: what is left of it, in chain units.

        Raises
        ------
        Refused
            ``amount_out_of_range``: negative, or more than the ledger can count.

        """
        if amount < 0:
            raise _out_of_range(amount)
        places = self.chain_decimals - self.ledger_decimals
        if places >= 0:
            units, dust = divmod(amount, 10**places)
        else:
            units, dust = amount * 10**-places, 0
        if units > INT64_MAX:
            raise _out_of_range(amount)
        return InLedger(Units(units), ChainUnits(dust))

    def in_ledger_exactly(self, amount: ChainUnits) -> Units:
        """Return an amount in ledger units.

        Raises
        ------
        Refused
            As `in_ledger`; also ``amount_not_whole``: some of it is too small for the ledger.

        """
        units, dust = self.in_ledger(amount)
        if dust:
            raise Refused(
                "amount_not_whole",
                f"Send an amount with at most {self.ledger_decimals} decimal places.",
            )
        return units

    def on_chain(self, units: Units) -> ChainUnits:
        """Return an amount of the ledger in chain units.

        Raises
        ------
        Refused
            ``amount_out_of_range``: negative. ``amount_not_whole``: the chain has fewer decimals
            than the ledger, and some of it is too small for the chain.

        """
        if units < 0:
            raise _out_of_range(units)
        places = self.chain_decimals - self.ledger_decimals
        if places >= 0:
            return ChainUnits(units * 10**places)
        amount, rest = divmod(units, 10**-places)
        if rest:
            raise Refused(
                "amount_not_whole",
                f"Send an amount with at most {self.chain_decimals} decimal places.",
            )
        return ChainUnits(amount)


def _out_of_range(amount: int) -> Refused:
    return Refused("amount_out_of_range", f"Nothing was done: {amount} can't be counted here.")
