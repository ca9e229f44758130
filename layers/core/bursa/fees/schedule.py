"""A tenant's fee schedule: from which volume in thirty days on a user has which fee tier.

A schedule names volumes only. The rates of a tier are the engine's, which charges them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

from bursa.kernel.errors import InvalidInput
from wire.layout import FEE_PPM_MAX, TIER_MAX

WINDOW_DAYS: Final = 30
VOLUME_MAX: Final = (1 << 62) - 1
DEFAULT_TIER: Final = 0


class Rates(NamedTuple):
    """What the makers and the takers of a tier pay, in parts per million; a rebate is negative."""

    maker_ppm: int
    taker_ppm: int


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """From which volume on a user has which tier.

    Attributes
    ----------
    currency, scale
        In which volumes are counted: an asset of the tenant, and its decimal places.
    volumes
        The least of tier 1, of tier 2, and so on, in ledger units; tier 0 is for all others.
    since_ms
        When it was set, UTC.

    """

    currency: str
    scale: int
    volumes: tuple[int, ...]
    since_ms: int = 0

    def tier_for(self, volume: int) -> int:
        """Return the tier of who has traded so much."""
        return sum(volume >= least for least in self.volumes)

    def least(self, tier: int) -> int:
        """Return from which volume on a user has a tier of the schedule."""
        return self.volumes[tier - 1] if tier else 0

    @property
    def tiers(self) -> range:
        """All its tiers."""
        return range(len(self.volumes) + 1)


class FeeTiers(NamedTuple):
    """A schedule, and the rates of its tiers from the default one on."""

    schedule: FeeSchedule
    rates: tuple[Rates, ...]


def check_schedule(volumes: Sequence[int], rates: Sequence[Rates]) -> None:
    """Return for what may be a schedule: the least volumes of tier 0 and up, and their rates.

    Raises
    ------
    InvalidInput
        ``invalid_tiers``: too many, or volumes that do not rise from 0; ``invalid_rates``: beyond
        the engine's bounds, a rebate that some taker's fee does not pay, or, where volume leads
        to tiers, trades that are free for both sides together.

    """
    if not 1 <= len(volumes) <= TIER_MAX + 1 or len(rates) != len(volumes):
        raise _invalid_tiers(f"Send 1 to {TIER_MAX + 1} tiers.")
    if volumes[0] != 0:
        raise _invalid_tiers("Send the volume of the first tier as 0: it is everybody's.")
    if any(later <= before for before, later in pairwise(volumes)):
        raise _invalid_tiers("Send tiers whose volumes rise from one to the next.")
    if volumes[-1] > VOLUME_MAX:
        raise _invalid_tiers("Send smaller volumes.")
    if not all(
        -FEE_PPM_MAX <= one.maker_ppm <= FEE_PPM_MAX and 0 <= one.taker_ppm <= FEE_PPM_MAX
        for one in rates
    ):
        raise _invalid_rates(f"Send rates of at most {FEE_PPM_MAX}, and takers' of at least 0.")
    if min(one.maker_ppm for one in rates) + min(one.taker_ppm for one in rates) < 0:
        raise _invalid_rates("Send rebates that the lowest taker's fee pays: any two may meet.")
    if len(rates) > 1 and not min(one.maker_ppm for one in rates) + min(
        one.taker_ppm for one in rates
    ):
        raise _invalid_rates(
            "Send rates of which any maker's and any taker's together are above 0: who trades with"
            " a friend for nothing has the volume of any tier."
        )


def rate_changes(
    before: Mapping[int, Rates], wanted: Sequence[Rates]
) -> Sequence[tuple[int, Rates]]:
    """Return what to set, in an order in which no rebate is ever beyond the lowest taker's fee.

    First every rate is as high as it was and as it will be, then each becomes what is wanted. A
    tier that is no longer in the schedule gets the rates of the highest that is.
    """
    wanted_of = {**dict.fromkeys(before, wanted[-1]), **dict(enumerate(wanted))}
    changed = {tier: one for tier, one in wanted_of.items() if before.get(tier) != one}
    raised = [
        (tier, Rates(*map(max, before[tier], one)))
        for tier, one in sorted(changed.items())
        if tier in before
    ]
    return [
        *((tier, one) for tier, one in raised if before[tier] != one),
        *sorted(changed.items()),
    ]


def schedule_as_stored(schedule: FeeSchedule) -> dict[str, Any]:
    """Return a schedule as plain values."""
    return {
        "currency": schedule.currency,
        "scale": schedule.scale,
        "volumes": list(schedule.volumes),
        "since_ms": schedule.since_ms,
    }


def schedule_from(stored: Mapping[str, Any]) -> FeeSchedule:
    """Return a schedule from plain values."""
    return FeeSchedule(
        stored["currency"], stored["scale"], tuple(stored["volumes"]), stored["since_ms"]
    )


def _invalid_tiers(detail: str) -> InvalidInput:
    return InvalidInput("invalid_tiers", detail, field="tiers")


def _invalid_rates(detail: str) -> InvalidInput:
    return InvalidInput("invalid_rates", detail, field="tiers")
