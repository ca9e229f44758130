"""Users' addresses, kept for a while: Cognito counts its calls for all pools of a region together.

So a user who asks again and again must not use up what others need to sign up and to sign in. Kept
by the digest of the token, which is the user's permission to ask: never by what a token claims.
"""

from hashlib import sha256
from typing import Final, Protocol

from bursa.identity.pool_user import PoolAddress
from bursa.kernel.clock import MonotonicClock

# An address that is verified seldom changes.
VERIFIED_MS_MAX: Final = 300_000
# One that is not may be in a moment, and its user waits for that.
OTHER_MS_MAX: Final = 15_000
_KEPT_MAX: Final = 1_000


class Addresses(Protocol):
    """What user pools know of their users."""

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user; None where the pool does not tell this token."""


class KeptAddresses:
    """The addresses.

    Parameters
    ----------
    verified_ms_max
        How long one that is verified is kept.

    """

    def __init__(
        self,
        addresses: Addresses,
        clock: MonotonicClock,
        *,
        verified_ms_max: int = VERIFIED_MS_MAX,
    ) -> None:
        self._addresses = addresses
        self._clock = clock
        self._verified_ms_max = verified_ms_max
        self._kept: dict[bytes, tuple[float, PoolAddress | None]] = {}

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user, or None, as the pool told it a while ago.

        Raises `Unavailable` ``user_pool_unavailable``, which is not kept.
        """
        digest, now_ms = sha256(token.encode()).digest(), self._clock.monotonic_ms()
        until_ms, known = self._kept.get(digest, (now_ms, None))
        if now_ms < until_ms:
            return known
        found = self._addresses.of(token)
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        is_verified = found is not None and found.is_verified
        age_ms_max = self._verified_ms_max if is_verified else OTHER_MS_MAX
        self._kept[digest] = (now_ms + age_ms_max, found)
        return found
