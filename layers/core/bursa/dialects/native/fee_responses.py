"""Fee tiers, as they are sent. Volumes are decimals, rates parts per million."""

from typing_extensions import TypedDict


class FeeTier(TypedDict):
    """A fee tier: who has traded so much in thirty days pays these rates."""

    tier: int
    volume: str
    maker_ppm: int
    taker_ppm: int


class FeeTiers(TypedDict):
    """All fee tiers, and in which asset volumes are counted; null where nobody's are."""

    currency: str | None
    tiers: list[FeeTier]


class MarketFees(TypedDict):
    """What your orders in a market are charged."""

    market: str
    maker_ppm: int
    taker_ppm: int


class OwnFees(TypedDict):
    """Your fees: your tier, what led to it, and what you need for the next.

    volume is what all your accounts have traded in the thirty days (UTC) before counted_day, in
    currency; the three are null until it is counted, which happens once a day. pinned is true for
    a tier that does not follow from it. next_tier is null for the last.
    """

    tier: int
    pinned: bool
    volume: str | None
    currency: str | None
    counted_day: str | None
    next_tier: FeeTier | None
    tiers: list[FeeTier]
    markets: list[MarketFees]
