"""Who pays whom by which providers, in the form of IVMS 101: carried from a threshold on.

The form is that of the interVASP messaging standard (IVMS 101, 2020), in its JSON names. Nothing
here sends it to another provider; a withdrawal from the threshold on is refused without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bursa.kernel.errors import InvalidInput, Refused

NAME_LENGTH_MAX: Final = 100
_CODE_LENGTH_LEI: Final = 20


@dataclass(frozen=True, slots=True)
class Provider:
    """A virtual asset service provider: its legal name, country and LEI, where it has one."""

    name: str
    country: str
    lei: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name, "provider")
        if not (len(self.country) == 2 and self.country.isalpha() and self.country.isupper()):  # noqa: PLR2004
            raise _invalid("provider", "give its country as two letters, such as ID")
        if self.lei and not (len(self.lei) == _CODE_LENGTH_LEI and self.lei.isalnum()):
            raise _invalid("provider", "give its LEI with 20 characters, or leave it out")

    def as_ivms(self) -> dict[str, Any]:
        """Return it as a legal person."""
        person: dict[str, Any] = {
            "name": {
                "nameIdentifier": [
                    {"legalPersonName": self.name, "legalPersonNameIdentifierType": "LEGL"}
                ]
            },
            "countryOfRegistration": self.country,
        }
        if self.lei:
            person["nationalIdentification"] = {
                "nationalIdentifier": self.lei,
                "nationalIdentifierType": "LEIX",
            }
        return {"legalPerson": person}


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """Who is paid, as the user says it.

    Attributes
    ----------
    last_name, first_name
        Of a person; only the last for who has one name.
    provider
        Whose customer it is; None for an address of the person's own.

    """

    last_name: str
    first_name: str = ""
    provider: Provider | None = None

    def __post_init__(self) -> None:
        _check_name(self.last_name, "beneficiary")
        if self.first_name:
            _check_name(self.first_name, "beneficiary")


@dataclass(frozen=True, slots=True)
class Originator:
    """Who pays: the user's name as it was verified, and what the user is known by here."""

    last_name: str
    first_name: str
    customer: str


def require_beneficiary(beneficiary: Beneficiary | None, value: int, threshold: int | None) -> None:
    """Return when a withdrawal says whom it pays, or needs not to.

    Parameters
    ----------
    value, threshold
        In the tenant's reference currency; None for no threshold.

    Raises
    ------
    Refused
        ``beneficiary_required``

    """
    if threshold is not None and value >= threshold and beneficiary is None:
        raise Refused(
            "beneficiary_required",
            "Say who is paid: send the beneficiary's name, and its provider unless the address is "
            "its own.",
        )


def ivms101(
    originator: Originator, origin: Provider, beneficiary: Beneficiary, address: str
) -> Mapping[str, Any]:
    """Return the data of a withdrawal in the form of IVMS 101."""
    paid: dict[str, Any] = {
        "originator": {
            "originatorPersons": [_person(originator.last_name, originator.first_name)],
            "accountNumber": [originator.customer],
        },
        "beneficiary": {
            "beneficiaryPersons": [_person(beneficiary.last_name, beneficiary.first_name)],
            "accountNumber": [address],
        },
        "originatingVASP": {"originatingVASP": origin.as_ivms()},
    }
    if beneficiary.provider is not None:
        paid["beneficiaryVASP"] = {"beneficiaryVASP": beneficiary.provider.as_ivms()}
    return paid


def _person(last_name: str, first_name: str) -> dict[str, Any]:
    name = {"primaryIdentifier": last_name, "naturalPersonNameIdentifierType": "LEGL"}
    if first_name:
        name["secondaryIdentifier"] = first_name
    return {"naturalPerson": {"name": {"nameIdentifier": [name]}}}


def _check_name(name: str, field: str) -> None:
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX or not name.isprintable():
        raise _invalid(field, f"give names of 1 to {NAME_LENGTH_MAX} printable characters")


def _invalid(field: str, detail: str) -> InvalidInput:
    return InvalidInput(f"invalid_{field}", f"Of the {field} {detail}.", field=field)
