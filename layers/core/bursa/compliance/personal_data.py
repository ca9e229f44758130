"""What a user says of themself: checked when it comes in, and read only by compliance.

Nothing here keeps or sends anything; see `bursa.compliance.personal_records`. No value of it may be
logged, put into an error or into a case.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from bursa.compliance.names import parse_name
from bursa.compliance.screening import Person
from bursa.kernel.calendar_time import CalendarDate, date_of, day_at, parse_date
from bursa.kernel.errors import InternalError, InvalidInput, Refused

SCHEMA: Final = 1
AGE_YEARS_MIN: Final = 18
_AGE_YEARS_MAX: Final = 130
TEXT_LENGTH_MAX: Final = 100
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_OPTIONAL: Final = frozenset({"native_name", "street", "city", "postal_code"})


@dataclass(frozen=True, slots=True, repr=False)
class PersonalData:
    """Who a user says they are; its ``repr`` shows nothing of it.

    Attributes
    ----------
    given_names, family_name
        As in the machine-readable lines of the document, or in any script that can be compared.
    native_name
        The whole name in the user's own script; empty for none.
    born
        As ``1990-02-28``.
    nationality, residence
        Countries by two letters (ISO 3166-1).
    street, city, postal_code
        Of the residence; empty where the level needs none.

    """

    given_names: str
    family_name: str
    born: str
    nationality: str
    residence: str
    native_name: str = ""
    street: str = ""
    city: str = ""
    postal_code: str = ""

    def __repr__(self) -> str:
        return "PersonalData(…)"

    @property
    def person(self) -> Person:
        """Who is compared with sanctions lists."""
        names = (f"{self.given_names} {self.family_name}", self.native_name)
        return Person(tuple(filter(None, names)), parse_date(self.born))

    @property
    def identity(self) -> tuple[str, ...]:
        """What an identity document shows."""
        return (self.given_names, self.family_name, self.native_name, self.born, self.nationality)

    @property
    def address(self) -> tuple[str, ...]:
        """What a proof of address shows."""
        return (self.residence, self.street, self.city, self.postal_code)


def parse_personal_data(given: Mapping[str, Any], now_ms: int) -> PersonalData:
    """Read what a user has sent.

    Raises
    ------
    InvalidInput
        ``invalid_personal_data``, ``invalid_name``, ``name_not_readable``, with the field.
    Refused
        ``too_young``

    """
    known = [field.name for field in fields(PersonalData)]
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise _invalid(unknown[0][:TEXT_LENGTH_MAX], "is not known; leave it out")
    values = {name: _text(name, given.get(name, "")) for name in known}
    data = PersonalData(**values)
    for name in ("nationality", "residence"):
        if not _COUNTRY.fullmatch(values[name]):
            raise _invalid(name, "is a country by two letters, such as DE")
    _require_age(data.born, now_ms)
    for text in data.person.names:
        # What can't be compared with lists is refused now, not when the case is screened.
        parse_name(text)
    return data


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(name, "is a text")
    text = " ".join(value.split())
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable():
        raise _invalid(name, f"has at most {TEXT_LENGTH_MAX} printable characters")
    if not text and name not in _OPTIONAL:
        raise _invalid(name, "is needed")
    return text


def _require_age(born: str, now_ms: int) -> None:
    date, today = parse_date(born), date_of(day_at(now_ms))
    if date is None or not 0 <= _years(date, today) <= _AGE_YEARS_MAX or date > today:
        raise _invalid("born", "is a date of birth, such as 1990-02-28")
    if _years(date, today) < AGE_YEARS_MIN:
        raise Refused("too_young", f"Apply again when you are {AGE_YEARS_MIN}.", field="born")


def _years(born: CalendarDate, today: CalendarDate) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def encode_personal_data(data: PersonalData) -> bytes:
    """Return it as it is sealed."""
    return json.dumps({"schema": SCHEMA} | asdict(data), ensure_ascii=False).encode()


def decode_personal_data(opened: bytes) -> PersonalData:
    """Read what `encode_personal_data` gave; raises `InternalError` ``personal_data_damaged``."""
    try:
        found = json.loads(opened)
        if found.pop("schema") == SCHEMA:
            return PersonalData(**found)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    # Without what was read: an error may be logged.
    raise InternalError("personal_data_damaged", "The personal data can't be read.")


def _invalid(field: str, must: str) -> InvalidInput:
    return InvalidInput("invalid_personal_data", f"{field} {must}.", field=field)
