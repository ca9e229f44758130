"""Which visitor comes from a network address."""

from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.kernel.visitors import DIGEST_DIGITS, VisitorId

# A household, or one machine, has all addresses of such a network.
_IPV6_NETWORK_BITS = 64


def visitor_at(tenant: TenantId, address: str) -> VisitorId:
    """Return the visitor at an address as a gateway writes it; of IPv6 its network counts.

    The digest is of the tenant too, so that rows of two tenants do not tell that one person uses
    both. It hides the address from who reads a key; who tries all addresses finds it.

    Raises
    ------
    InvalidInput
        ``invalid_address``

    """
    try:
        known = ip_address(address)
    except ValueError:
        raise InvalidInput("invalid_address", "That is no network address.") from None
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or ip_network((known, _IPV6_NETWORK_BITS), strict=False)[0]
    digest = sha256(f"{tenant}\0{known}".encode()).hexdigest()[:DIGEST_DIGITS]
    return VisitorId(tenant, digest)
