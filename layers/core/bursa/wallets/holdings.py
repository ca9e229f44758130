"""Whether what the exchange owes its users is there: liabilities against holdings, by asset.

Liabilities are the balances of all accounts in the engine, held parts and fees included. Holdings
are what the chains say of every wallet of the tenant. Short means that withdrawals of the asset
stop at once, and a person must look; nothing here starts them again.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from bursa.kernel.identifiers import TenantId
from bursa.wallets.stops import ANY, Flow, Stop, Stops

HOLDINGS_SHORT: Final = "holdings_short"


class Holding(NamedTuple):
    """What a chain says of one kind of wallet, in ledger units.

    Attributes
    ----------
    wallet
        ``hot``, ``cold`` or ``deposit``.

    """

    chain: str
    wallet: str
    units: int


class Balance(NamedTuple):
    """An asset of a tenant: what is owed and what is there.

    Attributes
    ----------
    liabilities
        What accounts have, available and held.
    leaving
        Of it, what withdrawals have paid on a chain and the engine has not captured yet.
    holdings
        What is there, by chain and kind of wallet.

    """

    asset: str
    liabilities: int
    leaving: int
    holdings: Sequence[Holding]

    @property
    def surplus(self) -> int:
        """What is there beyond what is owed; negative when it is short."""
        return sum(one.units for one in self.holdings) - (self.liabilities - self.leaving)


class Liabilities(Protocol):
    """What a tenant owes, by its read models."""

    def of(self, tenant: TenantId, asset: str) -> int:
        """Return what all accounts have of an asset; raises `Unavailable`."""


class HoldingsWatch(Protocol):
    """Who is told; each is a metric with an alarm."""

    def measured(self, tenant: TenantId, balance: Balance) -> None:
        """Note how an asset stands; a negative surplus rings."""


class HoldingsCheck:
    """Compares, on a schedule and after blocks with movements.

    Parameters
    ----------
    holdings_of
        Returns what the chains say of a tenant's wallets for an asset.
    leaving_of
        Returns what withdrawals have paid and the engine still holds.

    """

    def __init__(
        self,
        liabilities: Liabilities,
        holdings_of: Callable[[TenantId, str], Sequence[Holding]],
        leaving_of: Callable[[TenantId, str], int],
        stops: Stops,
        watch: HoldingsWatch,
    ) -> None:
        self._liabilities = liabilities
        self._holdings_of = holdings_of
        self._leaving_of = leaving_of
        self._stops = stops
        self._watch = watch

    def check(self, tenant: TenantId, asset: str) -> Balance:
        """Return how an asset stands; short, its withdrawals are stopped before that is told.

        Holdings are read between two readings of the liabilities, of which the smaller counts: a
        deposit that is credited meanwhile is no shortage. Raises `Unavailable`; nothing is stopped
        by what can't be read.
        """
        before = self._liabilities.of(tenant, asset)
        holdings = self._holdings_of(tenant, asset)
        leaving = self._leaving_of(tenant, asset)
        owed = min(before, self._liabilities.of(tenant, asset))
        balance = Balance(asset, owed, leaving, holdings)
        if balance.surplus < 0:
            stop = Stop(Flow.WITHDRAWALS, str(tenant), ANY, asset, HOLDINGS_SHORT)
            self._stops.set(stop)
        self._watch.measured(tenant, balance)
        return balance
