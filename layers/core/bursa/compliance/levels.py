"""What a tenant's levels need of a user, and what they allow.

A level allows so much per day and per month (UTC) of what is deposited, traded and withdrawn, all
counted in one reference currency of the tenant, in its smallest unit. Levels are plain data; a
tenant that has none of its own has `DEFAULT_LEVELS`. Nothing here converts money: the caller brings
the amount in the reference currency.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from bursa.kernel.amounts import format_units
from bursa.kernel.calendar_time import (
    DAY_MS,
    date_of,
    day_at,
    month_at,
    next_month,
)
from bursa.kernel.errors import InvalidInput, Refused

LEVELS_MAX: Final = 10
AMOUNT_MAX: Final = (1 << 63) - 1
SCALE_MAX: Final = 18
NAME_LENGTH_MAX: Final = 40
_CURRENCY = re.compile(r"[A-Z0-9]{2,10}", re.ASCII)


class Requirement(StrEnum):
    """What a user shows to get a level; the words that are stored."""

    EMAIL = "email"
    PERSONAL_DATA = "personal_data"
    IDENTITY_DOCUMENT = "identity_document"
    SELFIE = "selfie"
    PROOF_OF_ADDRESS = "proof_of_address"
    SOURCE_OF_FUNDS = "source_of_funds"


# What is shown by a file, and grows old.
DOCUMENTS: Final = frozenset(Requirement) - {Requirement.EMAIL, Requirement.PERSONAL_DATA}


class Operation(StrEnum):
    """What a level allows; the words that are stored."""

    DEPOSIT = "deposit"
    TRADE = "trade"
    WITHDRAW = "withdraw"


class Allowance(NamedTuple):
    """How much, in units of the reference currency; None for any amount, 0 for nothing."""

    per_day: int | None
    per_month: int | None


ANY: Final = Allowance(None, None)
NOTHING: Final = Allowance(0, 0)


@dataclass(frozen=True, slots=True)
class Level:
    """One level: what it needs, and what it allows."""

    name: str
    needs: frozenset[Requirement]
    allows: Mapping[Operation, Allowance]


@dataclass(frozen=True, slots=True)
class Levels:
    """A tenant's levels by number, from 0, which every user has.

    Attributes
    ----------
    currency, scale
        The reference currency, and how many decimals its smallest unit has.

    """

    currency: str
    scale: int
    levels: tuple[Level, ...]

    def __getitem__(self, number: int) -> Level:
        """Return a level; raises `InvalidInput` ``unknown_level``."""
        if not 0 <= number < len(self.levels):
            raise InvalidInput(
                "unknown_level",
                f"There are levels 0 to {len(self.levels) - 1}; ask for one of them.",
                field="level",
            )
        return self.levels[number]

    def without_documents(self, at_most: int) -> int:
        """Return the highest level, up to one, that needs no document."""
        return max(
            number
            for number, level in enumerate(self.levels)
            if number <= max(0, at_most) and not level.needs & DOCUMENTS
        )


class Usage(NamedTuple):
    """How much of one operation was used in a day and a month, by their numbers.

    Attributes
    ----------
    open, sent
        What may be used yet: by open orders, and by what was sent in the last seconds.

    """

    day: int = 0
    used_in_day: int = 0
    month: int = 0
    used_in_month: int = 0
    open: int = 0
    sent: int = 0

    def at(self, now_ms: int) -> "Usage":
        """Return the usage as it counts at a time: an earlier day or month counts no more."""
        day, month = day_at(now_ms), month_at(now_ms)
        return self._replace(
            day=day,
            used_in_day=self.used_in_day if day == self.day else 0,
            month=month,
            used_in_month=self.used_in_month if month == self.month else 0,
        )

    def plus(self, amount: int, now_ms: int) -> "Usage":
        """Return the usage after an amount was used at a time."""
        now = self.at(now_ms)
        return now._replace(
            used_in_day=now.used_in_day + amount, used_in_month=now.used_in_month + amount
        )


class Period(NamedTuple):
    """A day or a month in which an amount is limited, and when the next one begins."""

    name: str
    limit: int | None
    used: int
    ends_at_ms: int


def periods(allowance: Allowance, usage: Usage, now_ms: int) -> tuple[Period, Period]:
    """Return the day and the month of a time, with what is allowed and used in each."""
    now, day = usage.at(now_ms), day_at(now_ms)
    return (
        Period("day", allowance.per_day, now.used_in_day, (day + 1) * DAY_MS),
        Period("month", allowance.per_month, now.used_in_month, next_month(day) * DAY_MS),
    )


def require_allowed(
    levels: Levels, number: int, operation: Operation, amount: int, *, usage: Usage, now_ms: int
) -> None:
    """Return when a level allows an amount beside what was used in this day and month.

    Raises
    ------
    Refused
        ``level_too_low``: not at all; ``level_limit_reached``: not so much.

    """
    allowance = levels[number].allows[operation]
    if allowance.per_day == 0 or allowance.per_month == 0:
        raise Refused(
            "level_too_low",
            f"Level {number} does not allow to {operation}; {_next_step(levels, number)}",
        )
    for period in periods(allowance, usage, now_ms):
        may_be_used = period.used + usage.open + usage.sent
        if period.limit is not None and may_be_used + amount > period.limit:
            raise Refused(
                "level_limit_reached",
                _limit_reached(levels, number, operation, (amount, may_be_used), usage, period),
            )


def _limit_reached(  # noqa: PLR0917 - what the sentence is made of
    levels: Levels,
    number: int,
    operation: Operation,
    amounts: tuple[int, int],
    usage: Usage,
    period: Period,
) -> str:
    def text(units: int) -> str:
        return f"{format_units(units, levels.scale)} {levels.currency}"

    amount, may_be_used = amounts
    counted = [f"{text(period.used)} is used"]
    counted += [f"{text(usage.open)} is in open orders"] * bool(usage.open)
    counted += [f"{text(usage.sent)} was sent in the last ten seconds"] * bool(usage.sent)
    limit = period.limit or 0
    day, minute = date_of(period.ends_at_ms // DAY_MS), "00:00 UTC"
    return (
        f"Level {number} allows to {operation} {text(limit)} a {period.name}, of which "
        f"{', '.join(counted)}: {text(amount)} more is too much. Take at most "
        f"{text(max(0, limit - may_be_used))}, wait for {day} {minute}, or "
        f"{_lifting(levels, number, operation, may_be_used + amount, period.name)}"
    )


def _lifting(levels: Levels, number: int, operation: Operation, amount: int, period: str) -> str:
    """Return what to do for a level that allows an amount."""
    for higher in range(number + 1, len(levels.levels)):
        per_day, per_month = levels[higher].allows[operation]
        limit = per_day if period == "day" else per_month
        if limit is None or amount <= limit:
            missing = sorted(levels[higher].needs - levels[number].needs)
            return f"apply for level {higher} with {', '.join(missing) or 'nothing more'}."
    return "ask support, as no level allows so much."


def _next_step(levels: Levels, number: int) -> str:
    if number + 1 == len(levels.levels):
        return "ask support, as there is no higher level."
    missing = sorted(levels[number + 1].needs - levels[number].needs)
    return f"apply for level {number + 1} with {', '.join(missing) or 'nothing more'}."


def check_levels(levels: Levels) -> None:
    """Return when levels make sense together: each needs and allows what the one below does.

    Raises
    ------
    InvalidInput
        ``invalid_levels``

    """
    if not _CURRENCY.fullmatch(levels.currency) or not 0 <= levels.scale <= SCALE_MAX:
        raise _invalid(f"give a currency such as EUR, and 0 to {SCALE_MAX} decimals")
    if not 1 <= len(levels.levels) <= LEVELS_MAX:
        raise _invalid(f"give 1 to {LEVELS_MAX} levels")
    if levels.levels[0].needs - {Requirement.EMAIL}:
        raise _invalid("level 0 is everybody's and needs no more than the e-mail address")
    for number, level in enumerate(levels.levels):
        if not 1 <= len(level.name) <= NAME_LENGTH_MAX or not level.name.isprintable():
            raise _invalid(f"name level {number} with 1 to {NAME_LENGTH_MAX} characters")
        _check_allowances(number, level)
        if number:
            _check_above(number, levels.levels[number - 1], level)


def _check_allowances(number: int, level: Level) -> None:
    if set(level.allows) != set(Operation):
        raise _invalid(f"level {number} says what it allows to {', '.join(Operation)}")
    for operation, (per_day, per_month) in level.allows.items():
        if any(one is not None and not 0 <= one <= AMOUNT_MAX for one in (per_day, per_month)):
            raise _invalid(f"level {number}: amounts to {operation} are 0 to {AMOUNT_MAX}, or none")
        if _less(per_month, per_day):
            raise _invalid(f"level {number}: a month allows no less to {operation} than a day")


def _check_above(number: int, below: Level, level: Level) -> None:
    if below.needs - level.needs:
        raise _invalid(f"level {number} needs all that level {number - 1} needs")
    for operation in Operation:
        pairs = zip(level.allows[operation], below.allows[operation], strict=True)
        if any(_less(here, there) for here, there in pairs):
            raise _invalid(f"level {number} allows no less to {operation} than level {number - 1}")


def _less(amount: int | None, other: int | None) -> bool:
    """Return whether an amount is less than another; None is more than any."""
    return amount is not None and (other is None or amount < other)


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput("invalid_levels", f"Levels: {detail}.", field="levels")


def levels_as_stored(levels: Levels) -> dict[str, Any]:
    """Return levels as JSON keeps them."""
    return {
        "currency": levels.currency,
        "scale": levels.scale,
        "levels": [
            {
                "name": level.name,
                "needs": sorted(level.needs),
                "allows": {
                    operation.value: list(level.allows[operation]) for operation in Operation
                },
            }
            for level in levels.levels
        ],
    }


def levels_from(stored: Mapping[str, Any]) -> Levels:
    """Return levels from what JSON kept, or an operator wrote.

    Raises
    ------
    InvalidInput
        ``invalid_levels``: as `check_levels` does, and for words and shapes that are not known.

    """
    try:
        levels = Levels(
            _typed(stored["currency"], str),
            _typed(stored["scale"], int),
            tuple(_level(one) for one in stored["levels"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _invalid("give currency, scale, and levels with name, needs and allows") from error
    check_levels(levels)
    return levels


def _level(stored: Mapping[str, Any]) -> Level:
    return Level(
        _typed(stored["name"], str),
        frozenset(map(Requirement, stored["needs"])),
        MappingProxyType(
            {
                Operation(operation): _allowance(amounts)
                for operation, amounts in stored["allows"].items()
            }
        ),
    )


def _allowance(amounts: Sequence[Any]) -> Allowance:
    per_day, per_month = (None if one is None else _typed(one, int) for one in amounts)
    return Allowance(per_day, per_month)


def _typed(value: Any, kind: type) -> Any:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}.")
    return value


def _default(name: str, needs: Sequence[Requirement], *allows: Allowance) -> Level:
    return Level(
        name, frozenset(needs), MappingProxyType(dict(zip(Operation, allows, strict=True)))
    )


_BASIC: Final = (Requirement.EMAIL, Requirement.PERSONAL_DATA)
_FULL: Final = (*_BASIC, Requirement.IDENTITY_DOCUMENT, Requirement.SELFIE)
# Amounts in euro cents: an example to start from, not advice on any law.
DEFAULT_LEVELS: Final = Levels(
    "EUR",
    2,
    (
        _default("new", (Requirement.EMAIL,), NOTHING, NOTHING, NOTHING),
        _default("basic", _BASIC, Allowance(100_000, 1_000_000), ANY, NOTHING),
        _default("full", _FULL, ANY, ANY, Allowance(5_000_000, 50_000_000)),
        _default(
            "enhanced",
            (*_FULL, Requirement.PROOF_OF_ADDRESS, Requirement.SOURCE_OF_FUNDS),
            *(ANY, ANY, ANY),
        ),
    ),
)
