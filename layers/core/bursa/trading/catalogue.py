"""A tenant's markets and assets, and what to do about those that are not there."""

from collections.abc import Sequence
from typing import Protocol

from bursa.kernel.errors import InternalError, NotFound
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market


class MarketCatalogue(Protocol):
    """The definitions of a tenant's markets and assets, as the read model has them."""

    def find(self, tenant: TenantId, symbol: str) -> Market | None:
        """Return a market by its name."""

    def by_number(self, tenant: TenantId, number: int) -> Market | None:
        """Return a market by the engine's number."""

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """Return the markets by name."""

    def asset_scale(self, tenant: TenantId, asset: str) -> int | None:
        """Return an asset's number of decimal places; None for an unknown one."""


def named_market(catalogue: MarketCatalogue, tenant: TenantId, symbol: str) -> Market:
    """Return the market that a request names; raises `NotFound` ``unknown_market``."""
    market = catalogue.find(tenant, symbol)
    if market is None:
        raise NotFound("unknown_market", "There is no such market.", field="market")
    return market


def stored_market(catalogue: MarketCatalogue, tenant: TenantId, key: str | int) -> Market:
    """Return the market that a stored order or trade is in, by name or by the engine's number.

    Raises
    ------
    InternalError
        ``missing_market``: the read models hold an order of a market that they don't hold.

    """
    found = (
        catalogue.find(tenant, key) if isinstance(key, str) else catalogue.by_number(tenant, key)
    )
    if found is None:
        raise InternalError("missing_market", "Report the request_id: a market's data is missing.")
    return found


def stored_scale(catalogue: MarketCatalogue, tenant: TenantId, asset: str) -> int:
    """Return the decimal places of an asset that a balance is in; raises `InternalError`."""
    scale = catalogue.asset_scale(tenant, asset)
    if scale is None:
        raise InternalError("missing_asset", "Report the request_id: an asset's data is missing.")
    return scale
