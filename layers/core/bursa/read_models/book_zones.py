"""How a large book is divided, and what is stored of each zone. Pure.

The near zone holds the best levels of each side, a few thousand, and the far zone all others. They
are stored apart, so that whoever reads a thousand levels does not read what has changed beyond, and
so that changes near the best price, where most are, are not paid for with all of the book. A price
keeps its zone until the book is divided anew.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

NEAR, FAR = "near", "far"
ZONES = (NEAR, FAR)

# Of each side, in the near zone of a book that has been divided just now.
NEAR_LEVELS = 1_500
# As many as anyone may ask for at once. When the near zone of a side holds fewer although there are
# more, whoever asks for them reads the far zone too; so the book is divided anew, but not before
# that many changed levels have paid for it.
READ_LEVELS_MAX = 1_000
CHANGED_LEVELS_TO_DIVIDE = 2_500
# A zone gets a new base when this much has changed since. Whoever reads a zone reads all of it:
# the far one is read when a projector starts, the near one whenever a client wants to look deep.
CHANGE_ROWS_MAX = 256
CHANGED_LEVELS_MIN = 1_000
CHANGED_LEVELS_MAX = {NEAR: 8_000, FAR: 100_000}
# Of the levels in the base, so that it pays to write them again.
CHANGED_SHARE = 5
# Change rows are kept in so many cells in turn. A cell is written over long after what was in it
# has been replaced by a base, whichever writer looks (docs/adr/0062): a base comes after
# 256 numbers, and twice the cells that a writer may find taken still fit beside those.
RING_CELLS = 512
# How many cells may be found taken by writers that did not get further.
CELLS_TRIED_MAX = 100

_NO_EDGE = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Zone:
    """What is stored of a zone.

    Attributes
    ----------
    base_sequence, base_bids, base_asks
        Which base holds its levels, and how many on each side.
    base_change, last_change
        Numbers of the last change row that the base holds, and of the last there is.
    changed_levels
        How many levels the change rows since the base hold.

    """

    base_sequence: int
    base_bids: int
    base_asks: int
    base_change: int = 0
    last_change: int = 0
    changed_levels: int = 0

    def levels(self, side: str) -> int:
        """Return how many levels of a side are in the base."""
        return self.base_bids if side == "bids" else self.base_asks

    def needs_base(self, zone: str, changed: int) -> bool:
        """Whether so many more changed levels are too many for one more change row."""
        share = (self.base_bids + self.base_asks) * CHANGED_SHARE
        allowed = min(max(share, CHANGED_LEVELS_MIN), CHANGED_LEVELS_MAX[zone])
        rows = self.last_change - self.base_change
        return rows >= CHANGE_ROWS_MAX or self.changed_levels + changed > allowed

    def with_base(self, sequence: int, bids: int, asks: int) -> "Zone":
        """Return it with a new base."""
        return Zone(sequence, bids, asks, self.last_change, self.last_change)

    def with_change(self, levels: int) -> "Zone":
        """Return it with one more change row."""
        return replace(
            self, last_change=self.last_change + 1, changed_levels=self.changed_levels + levels
        )

    def cells(self) -> list[tuple[int, int]]:
        """Return the cells of its change rows, as ranges with their last."""
        if self.last_change == self.base_change:
            return []
        first, last = cell(self.base_change + 1), cell(self.last_change)
        return [(first, last)] if first <= last else [(first, RING_CELLS - 1), (0, last)]


@dataclass(frozen=True, slots=True)
class Zones:
    """Both zones; ``bid_edge`` and ``ask_edge`` are the last prices of the near one."""

    bid_edge: int
    ask_edge: int
    near: Zone
    far: Zone

    def may_divide(self, changed: int, *, is_due: bool) -> bool:
        """Whether so many more changed levels of the near zone pay for dividing the book anew.

        ``is_due`` if the near zone is about to be written anyway.
        """
        return is_due or self.near.changed_levels + changed >= CHANGED_LEVELS_TO_DIVIDE

    def edge(self, side: str) -> int:
        """Return the last price of a side in the near zone."""
        return self.bid_edge if side == "bids" else self.ask_edge

    def has_far(self, side: str) -> bool:
        """Whether a side has levels beyond its near zone, or may get some."""
        return self.edge(side) not in (0, _NO_EDGE)

    def of(self, zone: str) -> Zone:
        """Return a zone by its name."""
        return self.near if zone == NEAR else self.far

    def having(self, zone: str, one: Zone) -> "Zones":
        """Return them with another in the place of one."""
        near, far = (one, self.far) if zone == NEAR else (self.near, one)
        return Zones(self.bid_edge, self.ask_edge, near, far)


def fits(near: int, levels: int, *, is_due: bool) -> bool:
    """Whether a near zone of so many of a side's levels has all that readers ask for.

    And, where ``is_due`` to be written, not much more.
    """
    return near >= min(levels, READ_LEVELS_MAX) and not (is_due and near > 2 * NEAR_LEVELS)


def cell(number: int) -> int:
    """Return where the change row of a number is kept."""
    return number % RING_CELLS


def zone_of(price: int, edge: int, *, buys: bool) -> str:
    """Return the zone of a price on a side whose near zone ends at ``edge``."""
    return NEAR if (price >= edge if buys else price <= edge) else FAR


def edge_of(prices: list[int], *, buys: bool) -> int:
    """Return where the near zone of a side ends, given its prices, best first."""
    if len(prices) > NEAR_LEVELS:
        return prices[NEAR_LEVELS - 1]
    return 0 if buys else _NO_EDGE


def numbers_to_try(first: int) -> range:
    """Return the numbers that a change row may have: the one that is next, or a later one.

    A cell may be taken by a writer that got no further, or by one that is about to.
    """
    return range(first, first + CELLS_TRIED_MAX)


def to_numbers(zones: Zones) -> list[int]:
    """Write zones as numbers, in the order of their fields."""
    return [zones.bid_edge, zones.ask_edge, *astuple(zones.near), *astuple(zones.far)]


def from_numbers(given: Sequence[int]) -> Zones:
    """Read zones; raises `ValueError`."""
    bid_edge, ask_edge, *rest = given
    half = len(rest) // 2
    try:
        return Zones(bid_edge, ask_edge, Zone(*rest[:half]), Zone(*rest[half:]))
    except TypeError:
        raise ValueError("Not the numbers of zones.") from None
