"""How much money one person of a back office may move alone: so much of an asset in 24 hours.

What is moved alone is counted twice, for who asked and for whose account it is, so that neither
many small amounts nor many people who each move a little to one account pass what takes two. Each
count is a row that is written with the intent, under the next number: of two that are asked for at
the same moment one gets it, and the other is judged again. Whatever becomes of a request, it was
asked for, and counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from bursa.back_office.account_effects import amount_for_one, units_of
from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Note
from bursa.back_office.effects import USER, Markets
from bursa.back_office.roles import SENSITIVE, SENSITIVE_ABOVE_AN_AMOUNT, Action
from bursa.back_office.staff import Staff
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import TenantId

ALONE: Final = "alone"
WINDOW_MS: Final = 86_400_000
# In 24 hours; more of them take two people, because all are read to judge the next.
MOVEMENTS_MAX: Final = 200
_NUMBER_DIGITS: Final = 12


class Notes(Protocol):
    """What lies in the audit table beside the entries."""

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return so many notes by name, the last first. Raises `Unavailable`."""


class Allowance:
    """Judges what takes a second person."""

    def __init__(self, notes: Notes, markets: Markets, clock: WallClock) -> None:
        self._notes = notes
        self._markets = markets
        self._clock = clock

    def __call__(
        self, staff: Staff, action: Action, about: str, asked: Facts
    ) -> Sequence[Note] | None:
        """Return what is written with a change that one person makes; None if it takes two.

        Raises `NotFound` ``unknown_asset``, `InvalidInput` for an amount that is none.
        """
        if action in SENSITIVE:
            return None
        if action not in SENSITIVE_ABOVE_AN_AMOUNT:
            return ()
        symbol = asked["asset"]
        units = units_of(self._markets, staff.tenant, symbol, asked["amount"])
        left = amount_for_one(self._notes, staff.tenant, symbol) - units
        if left < 0:
            return None
        content = {"at_ms": self._clock.now_ms(), "units": units}
        notes = []
        for counted in _counted(staff, about, symbol):
            rows = self._notes.notes(staff.tenant, ALONE, counted, MOVEMENTS_MAX)
            recent = [row for _, row in rows if row["at_ms"] > content["at_ms"] - WINDOW_MS]
            if len(recent) == MOVEMENTS_MAX or sum(row["units"] for row in recent) > left:
                return None
            number = 1 + (int(rows[0][0].removeprefix(counted)) if rows else 0)
            notes.append(Note(ALONE, f"{counted}{number:0{_NUMBER_DIGITS}d}", content))
        return notes


def _counted(staff: Staff, about: str, symbol: str) -> Iterator[str]:
    yield f"by/{staff.name}/{symbol}/"
    yield f"of/{about.removeprefix(USER)}/{symbol}/"
