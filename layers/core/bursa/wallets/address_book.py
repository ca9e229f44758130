"""The addresses to which a user withdraws, and whether it may be to others.

An address that was added can be used after a cooling-off time, so that who takes over a session
can't add one and empty the account at once. In allow-list mode only addresses of the book can be
used; leaving that mode takes the same time, entering it none.
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from bursa.kernel.errors import InvalidInput, NotAllowed, NotFound, Refused
from bursa.kernel.identifiers import AccountId

HOUR_MS: Final = 3_600_000
COOLING_OFF_MS_MIN: Final = 24 * HOUR_MS
COOLING_OFF_MS_MAX: Final = 168 * HOUR_MS
ADDRESSES_MAX: Final = 100
NAME_LENGTH_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class BookAddress:
    """An address of a book, as its chain writes it."""

    chain: str
    address: str
    name: str
    added_at_ms: int
    usable_from_ms: int


@dataclass(frozen=True, slots=True)
class AddressBook:
    """A user's addresses, for all of the user's accounts.

    Attributes
    ----------
    listed_only_until_ms
        Until when only its addresses may be used: 0 for not at all, None for no end.

    """

    owner: AccountId
    addresses: tuple[BookAddress, ...] = ()
    listed_only_until_ms: int | None = 0
    version: int = 0

    def find(self, chain: str, address: str) -> BookAddress | None:
        """Return an address; None for none."""
        for one in self.addresses:
            if (one.chain, one.address) == (chain, address):
                return one
        return None

    def is_listed_only(self, now_ms: int) -> bool:
        """Return whether only its addresses may be used."""
        return self.listed_only_until_ms is None or now_ms < self.listed_only_until_ms

    def require_usable(self, chain: str, address: str, now_ms: int) -> None:
        """Return when a withdrawal may go to an address.

        Raises
        ------
        Refused
            ``address_cooling_off``: it was added too lately; ``address_not_listed``: it is none of
            the book, and only those may be used.

        """
        found = self.find(chain, address)
        if found is not None and now_ms < found.usable_from_ms:
            left = -(-(found.usable_from_ms - now_ms) // HOUR_MS)
            raise Refused(
                "address_cooling_off",
                f"This address was added to your book lately; use it in {left} hours.",
            )
        if found is None and self.is_listed_only(now_ms):
            raise Refused(
                "address_not_listed",
                "Only addresses of your book may be used: add it, or leave allow-list mode; both "
                "take a while.",
            )

    def with_address(
        self, chain: str, address: str, name: str, now_ms: int, cooling_off_ms: int
    ) -> "AddressBook":
        """Return the book with an address more; one that it has keeps its time.

        The address has been read by its chain already.

        Raises
        ------
        InvalidInput
            ``invalid_name``
        Refused
            ``address_book_full``

        """
        if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
            raise InvalidInput(
                "invalid_name",
                f"Send a name of 1 to {NAME_LENGTH_MAX} printable characters.",
                field="name",
            )
        check_cooling_off(cooling_off_ms)
        if self.find(chain, address) is not None:
            return self
        if len(self.addresses) >= ADDRESSES_MAX:
            raise Refused("address_book_full", f"Remove one of your {ADDRESSES_MAX} addresses.")
        new = BookAddress(chain, address, name, now_ms, now_ms + cooling_off_ms)
        return replace(self, addresses=(*self.addresses, new))

    def without_address(self, chain: str, address: str) -> "AddressBook":
        """Return the book without an address; raises `NotFound` ``unknown_address``."""
        found = self.find(chain, address)
        if found is None:
            raise NotFound("unknown_address", "Choose an address of your book.", field="address")
        return replace(self, addresses=tuple(one for one in self.addresses if one != found))

    def listed_only(self) -> "AddressBook":
        """Return the book in allow-list mode, from now on."""
        return replace(self, listed_only_until_ms=None)

    def open_to_all(self, now_ms: int, cooling_off_ms: int) -> "AddressBook":
        """Return the book as it leaves allow-list mode, after the cooling-off time."""
        check_cooling_off(cooling_off_ms)
        if self.listed_only_until_ms is not None:
            return self
        return replace(self, listed_only_until_ms=now_ms + cooling_off_ms)


def check_cooling_off(duration_ms: int) -> None:
    """Return when a cooling-off time is one; raises `InvalidInput` ``invalid_cooling_off``."""
    if not COOLING_OFF_MS_MIN <= duration_ms <= COOLING_OFF_MS_MAX:
        least, most = COOLING_OFF_MS_MIN // HOUR_MS, COOLING_OFF_MS_MAX // HOUR_MS
        raise InvalidInput("invalid_cooling_off", f"Give a cooling-off of {least} to {most} hours.")


class AddressBooks(Protocol):
    """The books; each method raises `Unavailable` ``wallets_unavailable``."""

    def of(self, owner: AccountId) -> AddressBook:
        """Return a user's book, an empty one where there is none."""

    def save(self, book: AddressBook) -> AddressBook:
        """Keep a book on condition of its version; raises `Conflict` ``record_changed``."""


class AddressBookChanges:
    """Changes of books by their users; each needs the second factor.

    Parameters
    ----------
    cooling_off_ms
        The tenant's, 24 hours at least.

    """

    def __init__(self, books: AddressBooks, cooling_off_ms: int) -> None:
        check_cooling_off(cooling_off_ms)
        self._books = books
        self._cooling_off_ms = cooling_off_ms

    def add(
        self, owner: AccountId, chain: str, address: str, name: str, now_ms: int, *, factor: bool
    ) -> AddressBook:
        """Add an address; raises as `AddressBook.with_address`, and `_require_factor`."""
        _require_factor(is_shown=factor)
        book = self._books.of(owner.owner)
        added = book.with_address(chain, address, name, now_ms, self._cooling_off_ms)
        return book if added == book else self._books.save(added)

    def remove(self, owner: AccountId, chain: str, address: str) -> AddressBook:
        """Remove an address, which needs no factor: it makes nothing possible."""
        return self._books.save(self._books.of(owner.owner).without_address(chain, address))

    def list_only(self, owner: AccountId) -> AddressBook:
        """Enter allow-list mode."""
        return self._books.save(self._books.of(owner.owner).listed_only())

    def open_to_all(self, owner: AccountId, now_ms: int, *, factor: bool) -> AddressBook:
        """Leave allow-list mode after the cooling-off; raises as `_require_factor`."""
        _require_factor(is_shown=factor)
        book = self._books.of(owner.owner)
        return self._books.save(book.open_to_all(now_ms, self._cooling_off_ms))


def _require_factor(*, is_shown: bool) -> None:
    if not is_shown:
        raise NotAllowed("second_factor_required", "Send a fresh code of your second factor.")
