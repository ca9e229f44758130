"""Who pays whom in the form of IVMS 101, and from when on it has to be said."""

from collections.abc import Callable

import pytest

from bursa.kernel.errors import InvalidInput, Refused
from bursa.wallets.travel_rule import (
    Beneficiary,
    Originator,
    Provider,
    ivms101,
    require_beneficiary,
)

HERE = Provider("PT Example", "ID", "5493001KJTIIGC8Y1R12")
SARI = Beneficiary("Wijaya", "Sari", Provider("Other Exchange", "SG"))


def test_all_of_it_is_where_the_standard_has_it() -> None:
    paid = ivms101(Originator("Putri", "Ayu", "t1-7"), HERE, SARI, "bc1q")
    name = {
        "primaryIdentifier": "Putri",
        "secondaryIdentifier": "Ayu",
        "naturalPersonNameIdentifierType": "LEGL",
    }
    assert paid["originator"] == {
        "originatorPersons": [{"naturalPerson": {"name": {"nameIdentifier": [name]}}}],
        "accountNumber": ["t1-7"],
    }
    assert paid["beneficiary"]["accountNumber"] == ["bc1q"]
    origin = paid["originatingVASP"]["originatingVASP"]["legalPerson"]
    assert origin["nationalIdentification"] == {
        "nationalIdentifier": "5493001KJTIIGC8Y1R12",
        "nationalIdentifierType": "LEIX",
    }
    other = paid["beneficiaryVASP"]["beneficiaryVASP"]["legalPerson"]
    assert other["countryOfRegistration"] == "SG"
    assert "nationalIdentification" not in other


def test_one_name_and_an_address_of_ones_own() -> None:
    paid = ivms101(Originator("Suharto", "", "t1-7"), HERE, Beneficiary("Suharto"), "bc1q")
    (person,) = paid["beneficiary"]["beneficiaryPersons"]
    (name,) = person["naturalPerson"]["name"]["nameIdentifier"]
    assert "secondaryIdentifier" not in name
    assert "beneficiaryVASP" not in paid


@pytest.mark.parametrize(
    ("is_refused", "value", "threshold", "beneficiary"),
    [
        (False, 10, None, None),
        (False, 9, 10, None),
        (True, 10, 10, None),
        (False, 10, 10, SARI),
        (True, 0, 0, None),
    ],
)
def test_from_the_threshold_on_it_has_to_be_said(
    is_refused: bool, value: int, threshold: int | None, beneficiary: Beneficiary | None
) -> None:
    if not is_refused:
        require_beneficiary(beneficiary, value, threshold)
        return
    with pytest.raises(Refused) as error:
        require_beneficiary(beneficiary, value, threshold)
    assert error.value.code == "beneficiary_required"


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("invalid_beneficiary", lambda: Beneficiary("")),
        ("invalid_beneficiary", lambda: Beneficiary(" ")),
        ("invalid_beneficiary", lambda: Beneficiary("a\nb")),
        ("invalid_beneficiary", lambda: Beneficiary("a", "b" * 101)),
        ("invalid_provider", lambda: Provider("", "ID")),
        ("invalid_provider", lambda: Provider("A", "id")),
        ("invalid_provider", lambda: Provider("A", "IDN")),
        ("invalid_provider", lambda: Provider("A", "ID", "123")),
        ("invalid_provider", lambda: Provider("A", "ID", "5493001KJTIIGC8Y1R1-")),
    ],
)
def test_what_is_no_name_or_provider(code: str, make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput) as error:
        make()
    assert error.value.code == code
