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

from bursa.compliance.calendar_time import day_at, month_at
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
    """How much of one operation was used in a day and a month, by their numbers."""

    day: int = 0
    used_in_day: int = 0
    month: int = 0
    used_in_month: int = 0

    def at(self, now_ms: int) -> "Usage":
        """Return the usage as it counts at a time: an earlier day or month counts no more."""
        day, month = day_at(now_ms), month_at(now_ms)
        return Usage(
            day,
            self.used_in_day if day == self.day else 0,
            month,
            self.used_in_month if month == self.month else 0,
        )

    def plus(self, amount: int, now_ms: int) -> "Usage":
        """Return the usage after an amount was used at a time."""
        now = self.at(now_ms)
        return now._replace(
            used_in_day=now.used_in_day + amount, used_in_month=now.used_in_month + amount
        )


def require_allowed(
    levels: Levels, number: int, operation: Operation, amount: int, *, usage: Usage, now_ms: int
) -> None:
    """Return when a level allows an amount beside what was used in this day and month.

    Raises
    ------
    Refused
        ``level_too_low``: not at all; ``day_limit``, ``month_limit``: not so much.

    """
    allowance, used_now = levels[number].allows[operation], usage.at(now_ms)
    if allowance.per_day == 0 or allowance.per_month == 0:
        raise Refused(
            "level_too_low",
            f"Level {number} does not allow to {operation}; {_next_step(levels, number)}",
        )
    for limit, used, period in (
        (allowance.per_day, used_now.used_in_day, "day"),
        (allowance.per_month, used_now.used_in_month, "month"),
    ):
        if limit is not None and used + amount > limit:
            left = max(0, limit - used)
            raise Refused(
                f"{period}_limit",
                f"{left} of {limit} units of {levels.currency} are left this {period} (UTC) to "
                f"{operation} at level {number}; take less, wait, or "
                f"{_next_step(levels, number)}",
            )


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
