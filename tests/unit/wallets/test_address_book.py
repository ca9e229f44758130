"""Addresses that cool off, and the mode in which only they may be used."""

from collections.abc import Callable

import pytest

from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.address_book import (
    ADDRESSES_MAX,
    COOLING_OFF_MS_MAX,
    COOLING_OFF_MS_MIN,
    HOUR_MS,
    AddressBook,
    AddressBookChanges,
)
from tests.doubles.wallet_records import MemoryBooks

ANNA = AccountId(TenantId(1), 7)
NOW = 1_790_000_000_000
COOLING = COOLING_OFF_MS_MIN
BOOK = AddressBook(ANNA).with_address("bitcoin", "bc1q", "mine", NOW, COOLING)


@pytest.mark.parametrize(
    ("code", "book", "address", "at_ms"),
    [
        ("", AddressBook(ANNA), "bc1q", NOW),
        ("", BOOK, "other", NOW),
        ("address_cooling_off", BOOK, "bc1q", NOW),
        ("address_cooling_off", BOOK, "bc1q", NOW + COOLING - 1),
        ("", BOOK, "bc1q", NOW + COOLING),
        ("address_not_listed", BOOK.listed_only(), "other", NOW),
        ("", BOOK.listed_only(), "bc1q", NOW + COOLING),
        ("address_not_listed", BOOK.listed_only().open_to_all(NOW, COOLING), "other", NOW),
        (
            "address_not_listed",
            BOOK.listed_only().open_to_all(NOW, COOLING).open_to_all(NOW - HOUR_MS, COOLING),
            "other",
            NOW + COOLING - 1,
        ),
        ("", BOOK.listed_only().open_to_all(NOW, COOLING), "other", NOW + COOLING),
    ],
)
def test_what_may_be_used_when(code: str, book: AddressBook, address: str, at_ms: int) -> None:
    if not code:
        book.require_usable("bitcoin", address, at_ms)
        return
    with pytest.raises(BursaError) as error:
        book.require_usable("bitcoin", address, at_ms)
    assert error.value.code == code


def test_an_address_of_another_chain_is_another_address() -> None:
    assert BOOK.find("bitcoin-regtest", "bc1q") is None


def test_adding_again_does_not_begin_its_time_anew_and_removing_does() -> None:
    assert BOOK.with_address("bitcoin", "bc1q", "other", NOW + 1, COOLING) == BOOK
    again = BOOK.without_address("bitcoin", "bc1q").with_address(
        "bitcoin", "bc1q", "mine", NOW + 5, COOLING
    )
    assert again.addresses[0].usable_from_ms == NOW + 5 + COOLING


def full() -> AddressBook:
    book = AddressBook(ANNA)
    for number in range(ADDRESSES_MAX):
        book = book.with_address("bitcoin", str(number), "x", NOW, COOLING)
    return book


def changes() -> AddressBookChanges:
    return AddressBookChanges(MemoryBooks(), COOLING)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("invalid_name", lambda: BOOK.with_address("bitcoin", "a", "", NOW, COOLING)),
        ("invalid_name", lambda: BOOK.with_address("bitcoin", "a", "x" * 41, NOW, COOLING)),
        ("invalid_name", lambda: BOOK.with_address("bitcoin", "a", "a\tb", NOW, COOLING)),
        ("address_book_full", lambda: full().with_address("bitcoin", "a", "x", NOW, COOLING)),
        ("unknown_address", lambda: BOOK.without_address("bitcoin", "a")),
        ("invalid_cooling_off", lambda: AddressBookChanges(MemoryBooks(), COOLING - 1)),
        (
            "invalid_cooling_off",
            lambda: AddressBookChanges(MemoryBooks(), COOLING_OFF_MS_MAX + 1),
        ),
        (
            "second_factor_required",
            lambda: changes().add(ANNA, "bitcoin", "a", "x", NOW, factor=False),
        ),
        ("second_factor_required", lambda: changes().open_to_all(ANNA, NOW, factor=False)),
    ],
)
def test_changes_that_are_refused(code: str, change: Callable[[], object]) -> None:
    with pytest.raises(BursaError) as error:
        change()
    assert error.value.code == code


def test_a_book_is_for_all_accounts_of_its_owner() -> None:
    books = MemoryBooks()
    desk = AddressBookChanges(books, COOLING)
    desk.add(ANNA.sub_account(1), "bitcoin", "bc1q", "mine", NOW, factor=True)
    desk.add(ANNA, "bitcoin", "bc1q", "mine", NOW + 9, factor=True)
    assert books.of(ANNA).addresses == BOOK.addresses
    assert desk.list_only(ANNA).is_listed_only(NOW)
    assert desk.open_to_all(ANNA, NOW, factor=True).is_listed_only(NOW + COOLING - 1)
    assert not books.of(ANNA).is_listed_only(NOW + COOLING)
    assert desk.remove(ANNA, "bitcoin", "bc1q").addresses == ()
