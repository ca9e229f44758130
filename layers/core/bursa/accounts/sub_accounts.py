"""Sub-accounts: accounts of one user that are kept apart, each with balances and keys of its own.

A user has a main account and up to `SUB_ACCOUNTS_MAX` seats for others. Whose a sub-account is
follows from its number (`AccountId.owner`), so nobody has to be asked; what is kept here is which
seats are open, and what the user calls them. A seat that was closed may be opened again and is
then the same account, with its history.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, InvalidInput, NotFound, Refused, Unavailable
from bursa.kernel.identifiers import SUB_ACCOUNTS_MAX, AccountId, CommandId

LABEL_LENGTH_MAX: Final = 64
# Of all that change one user's sub-accounts at the same moment one is first.
_TRIES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class SubAccount:
    """A seat for a sub-account, which is open or was.

    Attributes
    ----------
    label
        The user's own name for it.
    opened_at_ms
        When it was opened last, UTC.
    closed_at_ms
        0 while it is open.
    request, asked_label
        Under which name it was asked for, and what was asked: so a repeat is found.

    """

    account: AccountId
    label: str
    opened_at_ms: int
    closed_at_ms: int = 0
    request: str = ""
    asked_label: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may be used."""
        return not self.closed_at_ms


@dataclass(frozen=True, slots=True)
class SubAccountList:
    """A user's sub-accounts by seat, as of a version."""

    by_seat: Mapping[int, SubAccount]
    version: int


class SubAccountRecords(Protocol):
    """Keeps them; each method raises `Unavailable` ``directory_unavailable``."""

    def read(self, owner: AccountId) -> SubAccountList:
        """Return a user's sub-accounts, the latest."""

    def replace(self, owner: AccountId, changed: SubAccountList) -> bool:
        """Write them as the version after; return whether theirs is still the latest."""


class Holdings(Protocol):
    """What an account has."""

    def has_any(self, account: AccountId) -> bool:
        """Return whether any balance is not zero. Raises `Unavailable`."""


class Keys(Protocol):
    """The API keys of accounts."""

    def active_keys(self, account: AccountId) -> int:
        """Return how many of an account's keys are not revoked. Raises `Unavailable`."""


class SubAccounts:
    """Opens, lists, renames and closes a user's sub-accounts.

    `account` is everywhere one of the user's own, whichever.
    """

    def __init__(
        self,
        records: SubAccountRecords,
        holdings: Holdings,
        keys: Keys,
        clock: WallClock,
        random_key: Callable[[], str],
    ) -> None:
        self._records = records
        self._holdings = holdings
        self._keys = keys
        self._clock = clock
        self._random_key = random_key

    def all(self, account: AccountId) -> Sequence[SubAccount]:
        """Return all that are open or were, by seat."""
        by_seat = self._records.read(account.owner).by_seat
        return [by_seat[seat] for seat in sorted(by_seat)]

    def open(self, account: AccountId, label: str, request_key: str | None) -> SubAccount:
        """Open a sub-account at the first free seat; under the same key once.

        Raises
        ------
        InvalidInput
            ``invalid_label``
        Conflict
            ``idempotency_key_reused``
        Refused
            ``too_many_sub_accounts``

        """
        check_label(label)
        owner = account.owner
        key = self._random_key() if request_key is None else request_key
        request = CommandId.from_parts(owner, "sub-account", key).hex()

        def change(kept: Mapping[int, SubAccount]) -> SubAccount | None:
            for one in kept.values():
                if one.request == request:
                    if one.asked_label != label:
                        raise Conflict(
                            "idempotency_key_reused",
                            "Choose a new Idempotency-Key: this one belongs to another request.",
                        )
                    return None
            return SubAccount(
                owner.sub_account(_free_seat(kept)),
                label,
                self._clock.now_ms(),
                request=request,
                asked_label=label,
            )

        changed = self._change(owner, change)
        return next(one for one in changed.values() if one.request == request)

    def rename(self, account: AccountId, name: str, label: str) -> SubAccount:
        """Set another label of a sub-account.

        Raises `InvalidInput` ``invalid_label``, `NotFound` ``unknown_account``.
        """
        check_label(label)
        seat = _own(account, name).seat
        changed = self._change(
            account.owner, lambda kept: replace(_open_at(kept, seat), label=label)
        )
        return changed[seat]

    def close(self, account: AccountId, name: str) -> SubAccount:
        """Close a sub-account that holds nothing and has no keys; a closed one stays so.

        What comes in later is not lost: the seat can be opened again, and a closed account may
        always be transferred from.

        Raises
        ------
        NotFound
            ``unknown_account``
        Conflict
            ``sub_account_not_empty``, ``sub_account_has_keys``

        """
        own = _own(account, name)
        kept = self._records.read(own.owner).by_seat.get(own.seat)
        if kept is None:
            raise _unknown()
        if not kept.is_open:
            return kept
        if self._keys.active_keys(own):
            raise Conflict("sub_account_has_keys", "Revoke its API keys first.")
        if self._holdings.has_any(own):
            raise Conflict(
                "sub_account_not_empty", "Cancel its orders and transfer what it holds first."
            )
        now_ms = self._clock.now_ms()

        def change(latest: Mapping[int, SubAccount]) -> SubAccount:
            return replace(_open_at(latest, own.seat), closed_at_ms=now_ms)

        return self._change(own.owner, change)[own.seat]

    def _change(
        self,
        owner: AccountId,
        change: Callable[[Mapping[int, SubAccount]], SubAccount | None],
    ) -> Mapping[int, SubAccount]:
        """Write one seat as it is to be, unless nothing is to be written; return all."""
        for _ in range(_TRIES_MAX):
            kept = self._records.read(owner)
            one = change(kept.by_seat)
            if one is None:
                return kept.by_seat
            changed = {**kept.by_seat, one.account.seat: one}
            if self._records.replace(owner, SubAccountList(changed, kept.version)):
                return changed
        raise Unavailable("directory_unavailable", "Send the same request again in a moment.")


class OpenAccounts:
    """Which accounts may be used."""

    def __init__(self, records: SubAccountRecords) -> None:
        self._records = records

    def __call__(self, account: AccountId) -> None:
        """Return for a main account, and for a sub-account that is open.

        Raises `NotFound` ``unknown_account``, `Unavailable` ``directory_unavailable``.
        """
        if account.seat:
            _open_at(self._records.read(account.owner).by_seat, account.seat)


def own_account(account: AccountId, name: str) -> AccountId:
    """Return the account of that name if it is one of the same user's; seats may be closed.

    Raises `NotFound` ``unknown_account``: the same for another user's and for what is none.
    """
    try:
        named = AccountId.parse(name)
    except InvalidInput:
        raise _unknown() from None
    if named.owner != account.owner or not named.is_users:
        raise _unknown()
    return named


def check_label(label: str) -> None:
    """Return for a label that may be shown; raises `InvalidInput` ``invalid_label``."""
    if not 1 <= len(label) <= LABEL_LENGTH_MAX or not label.isprintable() or label.strip() != label:
        raise InvalidInput(
            "invalid_label",
            f"Send label as 1 to {LABEL_LENGTH_MAX} printable characters.",
            field="label",
        )


def _own(account: AccountId, name: str) -> AccountId:
    own = own_account(account, name)
    if not own.seat:
        raise _unknown()
    return own


def _open_at(kept: Mapping[int, SubAccount], seat: int) -> SubAccount:
    one = kept.get(seat)
    if one is None or not one.is_open:
        raise _unknown()
    return one


def _free_seat(kept: Mapping[int, SubAccount]) -> int:
    for seat in range(1, SUB_ACCOUNTS_MAX + 1):
        if seat not in kept or not kept[seat].is_open:
            return seat
    raise Refused("too_many_sub_accounts", f"Close one first: you have at most {SUB_ACCOUNTS_MAX}.")


def _unknown() -> NotFound:
    return NotFound("unknown_account", "You have no such account; see GET /v1/sub-accounts.")
