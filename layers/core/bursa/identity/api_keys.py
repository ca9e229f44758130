"""API keys: what a program signs requests with in an account's name.

A key is made by a user with a second factor, and never by another key. It has a part of what its
user may do; the scope `account` is not among it. Of an Ed25519 key only the public half is known
here; the secret of an HMAC key is shown once and then sealed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final

from bursa.identity.principal import Scope
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits

KEYS_MAX: Final = 20
# Those that were revoked last, for people to see; a key that is not there is refused as well.
REVOKED_KEPT_MAX: Final = 40
LABEL_LENGTH_MAX: Final = 64
ADDRESSES_MAX: Final = 20
LIFE_MS_MAX: Final = 366 * 86_400_000
REQUESTS_PER_S_MAX: Final = 1_000
REQUESTS_BURST_MAX: Final = 10_000
PUBLIC_KEY_BYTES: Final = 32
SCOPES: Final = frozenset({Scope.READ, Scope.TRADE, Scope.TRANSFER, Scope.WITHDRAW})
# What moves money comes from where its owner says, and from nowhere else.
_FROM_SOMEWHERE: Final = frozenset({Scope.TRANSFER, Scope.WITHDRAW})

_NAME = r"[0-9a-f]{24}"
_ID: Final = re.compile(rf"(t[1-9][0-9]{{0,4}}-(?:0|[1-9][0-9]{{0,9}}))\.({_NAME})", re.ASCII)


class Algorithm(StrEnum):
    """How a key signs."""

    ED25519 = "ed25519"  # RFC 8032
    HMAC_SHA256 = "hmac-sha256"  # RFC 2104, FIPS 180-4


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a key is asked to be, as the caller says it; see `check_request`.

    Attributes
    ----------
    label
        The user's own name for it.
    scopes
        What it may do.
    algorithm, public_key
        How it signs; the public key is the 32 bytes of RFC 8032, empty for HMAC.
    addresses
        Networks (CIDR) that its requests come from; empty for any.
    expires_at_ms
        When it ends, UTC; 0 for never.
    rate
        How many requests it may send; None for as many as its account may.

    """

    label: str
    scopes: frozenset[Scope]
    algorithm: Algorithm
    public_key: bytes = b""
    addresses: tuple[str, ...] = ()
    expires_at_ms: int = 0
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored.

    Attributes
    ----------
    account
        The account that its requests are for; names the tenant too.
    name
        24 hexadecimal digits, unique in the account.
    user
        Who made it; without that user it is worth nothing.
    material
        What its signatures are verified with: the public key, or the sealed secret.
    revoked_at_ms, used_at_ms
        0 for never; `used_at_ms` may be some minutes behind.
    level, own_limits
        Of its user, with whom they are kept; 0 and none where nobody has looked.

    """

    account: AccountId
    name: str
    user: str
    label: str
    scopes: frozenset[Scope]
    algorithm: Algorithm
    material: bytes
    created_at_ms: int
    addresses: tuple[str, ...] = ()
    expires_at_ms: int = 0
    rate: Rate | None = None
    revoked_at_ms: int = 0
    used_at_ms: int = 0
    level: int = 0
    own_limits: AccountLimits = NO_OWN_LIMITS

    @property
    def id(self) -> str:
        """What a request names it by: the account, a full stop, the name."""
        return f"{self.account}.{self.name}"

    def state(self, now_ms: int) -> str:
        """Return ``active``, ``expired`` or ``revoked``."""
        if self.revoked_at_ms:
            return "revoked"
        return "expired" if self.expires_at_ms and now_ms >= self.expires_at_ms else "active"

    def admits(self, address: str) -> bool:
        """Return whether its requests may come from an address."""
        if not self.addresses:
            return True
        try:
            source = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(source, "ipv4_mapped", None)
        source = source if mapped is None else mapped
        return any(source in ip_network(network) for network in self.addresses)


def split_id(text: str) -> tuple[AccountId, str] | None:
    """Return account and name of a key's id; None for what is none."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    try:
        return AccountId.parse(match[1]), match[2]
    except InvalidInput:
        return None


def check_request(request: KeyRequest, now_ms: int) -> KeyRequest:
    """Return the request with its networks in their usual form.

    Raises
    ------
    InvalidInput
        ``invalid_label``, ``invalid_scopes``, ``invalid_public_key``, ``invalid_addresses``,
        ``addresses_required``, ``ed25519_required``, ``invalid_expires_at_ms``, ``invalid_rate``.

    """
    label = request.label
    if not 1 <= len(label) <= LABEL_LENGTH_MAX or not label.isprintable() or label.strip() != label:
        raise _invalid("label", f"Send label as 1 to {LABEL_LENGTH_MAX} printable characters.")
    if not request.scopes or not request.scopes <= SCOPES:
        raise _invalid("scopes", "Send scopes as one or more of read, trade, transfer, withdraw.")
    expected = PUBLIC_KEY_BYTES if request.algorithm is Algorithm.ED25519 else 0
    if len(request.public_key) != expected:
        raise _invalid(
            "public_key", "Send public_key as the base64 of 32 bytes with ed25519, and only then."
        )
    if request.expires_at_ms and not now_ms < request.expires_at_ms <= now_ms + LIFE_MS_MAX:
        raise _invalid("expires_at_ms", "Send expires_at_ms as a time within the next 366 days.")
    if request.rate is not None and not (
        1 <= request.rate.per_s <= REQUESTS_PER_S_MAX
        and request.rate.per_s <= request.rate.burst <= REQUESTS_BURST_MAX
    ):
        raise _invalid(
            "rate",
            f"Send rate as per_s from 1 to {REQUESTS_PER_S_MAX} and a burst of at least as much, "
            f"up to {REQUESTS_BURST_MAX}.",
        )
    addresses = _networks(request.addresses)
    if _FROM_SOMEWHERE & request.scopes and not addresses:
        raise InvalidInput(
            "addresses_required",
            "Send addresses with this scope: where its requests may come from.",
            field="addresses",
        )
    if Scope.TRANSFER in request.scopes and request.algorithm is not Algorithm.ED25519:
        # Who verifies transfers opens nobody's secret (docs/adr/0085).
        raise InvalidInput(
            "ed25519_required",
            "Send algorithm as ed25519 with the scope transfer.",
            field="algorithm",
        )
    return replace(request, addresses=addresses)


def _networks(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return networks as they are compared; the whole Internet is not one."""
    try:
        networks = [ip_network(address) for address in addresses]
    except ValueError:
        networks = []
    if (
        len(networks) != len(addresses)
        or len(networks) > ADDRESSES_MAX
        or any(network.prefixlen == 0 for network in networks)
    ):
        raise _invalid(
            "addresses",
            f"Send addresses as up to {ADDRESSES_MAX} networks such as 198.51.100.7/32 or "
            "2001:db8::/64, without host bits; leave them out for any address.",
        )
    return tuple(dict.fromkeys(map(str, networks)))


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"invalid_{field}", detail, field=field)
