"""On which chains a tenant's assets come and go, and under which conditions: plain data."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from bursa.kernel.amounts import Units
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import TenantId
from bursa.wallets.chains.amounts import ChainUnits, UnitScale

CONFIRMATIONS_MAX: Final = 10_000


class Depth(NamedTuple):
    """How many blocks make an amount certain: from so many ledger units on, so many."""

    from_units: int
    confirmations: int


@dataclass(frozen=True, slots=True)
class Network:
    """An asset of a tenant on a chain.

    Attributes
    ----------
    asset, chain
        The asset's symbol and the chain's name.
    asset_number
        The engine's number of the asset.
    token
        The contract of a token; `NATIVE` for the chain's own asset.
    decimals, scale
        Decimal places of the chain's smallest unit and of the ledger's.
    deposit_minimum_units, withdrawal_minimum_units
        What is smaller is shown and not credited, or refused.
    depths
        Confirmations of a deposit by amount, from 0 on, rising. A withdrawal needs the last.
    final_confirmations
        How deep a credited deposit is no longer watched.
    fee_units
        What the tenant takes for a withdrawal beside the network's fee.
    hourly_units
        How much all users together may ask for in an hour; 0 for no bound.

    """

    asset: str
    chain: str
    asset_number: int
    token: str
    decimals: int
    scale: int
    deposit_minimum_units: int
    withdrawal_minimum_units: int
    depths: tuple[Depth, ...]
    final_confirmations: int
    fee_units: int = 0
    hourly_units: int = 0

    def __post_init__(self) -> None:
        depths = self.depths
        rising = all(
            a.from_units < b.from_units and a.confirmations <= b.confirmations
            for a, b in pairwise(depths)
        )
        if not depths or depths[0].from_units != 0 or depths[0].confirmations < 1 or not rising:
            raise _invalid("give confirmations by amount, from 0 on, each at least the one before")
        if not depths[-1].confirmations <= self.final_confirmations <= CONFIRMATIONS_MAX:
            raise _invalid("a deposit is final no earlier than its last confirmation")
        if self.scale > self.decimals:
            raise _invalid("the ledger's unit is no finer than the chain's")
        UnitScale(self.decimals, self.scale)
        if (
            min(self.deposit_minimum_units, self.withdrawal_minimum_units) < 1
            or min(self.fee_units, self.hourly_units) < 0
        ):
            raise _invalid("minimums are at least one unit, and fees not negative")

    def units_of(self, amount: ChainUnits) -> int:
        """Return an amount of the chain in ledger units, the dust left out.

        Raises `Refused` ``amount_out_of_range``: the ledger can't count so much.
        """
        return UnitScale(self.decimals, self.scale).in_ledger(amount).units

    def on_chain(self, units: int) -> ChainUnits:
        """Return an amount of the ledger in chain units; raises `Refused` as `UnitScale` does."""
        return UnitScale(self.decimals, self.scale).on_chain(Units(units))

    def confirmations_of(self, units: int) -> int:
        """Return how many blocks make a deposit of an amount certain, its own included."""
        return max(one.confirmations for one in self.depths if one.from_units <= units)

    @property
    def withdrawal_confirmations(self) -> int:
        """How many blocks make a withdrawal certain."""
        return self.depths[-1].confirmations


class Networks(Protocol):
    """The networks of all tenants."""

    def find(self, tenant: TenantId, asset: str, chain: str) -> Network | None:
        """Return an asset on a chain; None where it is not offered."""

    def of_token(self, tenant: TenantId, chain: str, token: str) -> Network | None:
        """Return the asset that a contract, or a chain itself, stands for; None for none."""


def named_network(networks: Networks, tenant: TenantId, asset: str, chain: str) -> Network:
    """Return an asset on a chain; raises `NotFound` ``unknown_network``."""
    found = networks.find(tenant, asset, chain)
    if found is None:
        raise NotFound(
            "unknown_network", "Choose an asset and a network of GET /v1/assets.", field="network"
        )
    return found


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput("invalid_network", f"Network: {detail}.", field="network")
