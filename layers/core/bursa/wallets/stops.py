"""Kill switches: what of the wallets stands still until a person says otherwise.

A stop is for one tenant or all of them, for one chain or all, for one asset or all. It stops what
leaves: requests, signatures and broadcasts. Deposits are recorded all the same; whether they are
credited is another switch, because a chain that is not trusted is not credited either.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId

ANY: Final = ""


class Flow(StrEnum):
    """Which way the money goes; the words that are stored."""

    CREDITS = "credits"
    WITHDRAWALS = "withdrawals"


class Stop(NamedTuple):
    """A switch that is on.

    Attributes
    ----------
    flow
        What it stops.
    tenant, chain, asset
        Where; empty for everywhere.
    why
        A code: ``reorganisation``, ``holdings_short``, or what a person wrote.

    """

    flow: Flow
    tenant: str
    chain: str
    asset: str
    why: str

    def covers(self, flow: Flow, tenant: TenantId, chain: str, asset: str) -> bool:
        """Return whether it stops this."""
        return (
            self.flow is flow
            and self.tenant in {ANY, str(tenant)}
            and self.chain in {ANY, chain}
            and self.asset in {ANY, asset}
        )


class Stops(Protocol):
    """The switches; each method raises `Unavailable` ``wallets_unavailable``."""

    def on(self, tenant: TenantId) -> Sequence[Stop]:
        """Return the switches that are on for a tenant, those for all tenants included."""

    def set(self, stop: Stop) -> None:
        """Turn a switch on; one that is on keeps its first reason."""

    def clear(self, stop: Stop) -> None:
        """Turn it off."""


def require_running(stops: Stops, flow: Flow, tenant: TenantId, chain: str, asset: str) -> None:
    """Return when no switch is on; raises `Unavailable` ``withdrawals_stopped``."""
    if any(one.covers(flow, tenant, chain, asset) for one in stops.on(tenant)):
        raise Unavailable(
            "withdrawals_stopped",
            f"Withdrawals of {asset} by {chain} are stopped for now; what you have is safe. "
            "Try again later.",
            retry_after_s=60,
        )
