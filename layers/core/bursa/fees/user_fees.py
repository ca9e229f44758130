"""What is kept of a user's fee tier."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class UserFees:
    """What is kept of a user's fee tier, its main account and sub-accounts together.

    Attributes
    ----------
    volume
        What was traded in the thirty days before ``counted_day``, in units of ``currency``.
    counted_day
        Days since 1970-01-01; 0 before the first run.
    told_tier
        The tier that the user was told of last.
    pinned_tier
        What the back office has set; None for the one that follows from the volume.

    """

    volume: int = 0
    currency: str = ""
    counted_day: int = 0
    told_tier: int = 0
    pinned_tier: int | None = None

    def volume_in(self, currency: str) -> int:
        """Return the volume; 0 until it is counted in this currency."""
        return self.volume if self.currency == currency else 0


def fees_as_stored(fees: UserFees) -> dict[str, Any]:
    """Return what is kept as plain values, without the pinned tier."""
    stored = asdict(fees)
    del stored["pinned_tier"]
    return stored


def fees_from(stored: Mapping[str, Any], pinned_tier: int | None) -> UserFees:
    """Return what is kept from plain values."""
    return UserFees(**stored, pinned_tier=pinned_tier)
