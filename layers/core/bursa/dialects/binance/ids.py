"""Order, trade and account numbers as this wire has them, and back.

Its clients read them as whole numbers below 2**53, which every JSON reader holds exactly. Our own
grow with all that happens on the shard, so that a brand could read its neighbours' volume from
them (docs/adr/0073). So a number is ours, permuted under the deployment's key: a Feistel network of
six rounds of keyed BLAKE2b (RFC 7693) over 54 bits, walked until the result has 53. It is always
the same for the same order, and the account that asks decides what is found under it, as ever.

What clients lose by that is the order of numbers. What they do with it is to page: from the last
number they know, or from the one after it. Both are understood.
"""

from functools import cache
from hashlib import blake2b
from typing import Final

from bursa.kernel.identifiers import AccountId
from bursa.kernel.settings import IdSettings, read_settings

NUMBER_MAX: Final = (1 << 53) - 1
_HALF_BITS = 27
_HALF = (1 << _HALF_BITS) - 1
_ROUNDS = 6
# More commands than a shard sees in centuries; a number that was made up is rarely below it.
_OURS_MAX = (1 << 40) - 1
# The first command of every shard begins an epoch, so no order has this id.
NO_ORDER: Final = 1


def order_number(order_id: int) -> int:
    """Return the number of an order."""
    return _order_numbers().hide(order_id)


def order_id_of(number: int) -> int:
    """Return the id of the order that has a number; `NO_ORDER` for one that was made up."""
    ours = _order_numbers().open(number)
    return ours if ours <= _OURS_MAX else NO_ORDER


def first_order(number: int) -> int:
    """Return the id of the first order of a list that begins at a number."""
    return _order_numbers().first(number)


def trade_number(trade_id: int) -> int:
    """Return the number of a trade."""
    return _trade_numbers().hide(trade_id)


def first_trade(number: int) -> int:
    """Return the id of the first trade of a list that begins at a number."""
    return _trade_numbers().first(number)


def update_number(time_ms: int) -> int:
    """Return the number of a state, of a book or of an order; a later one has a higher one.

    It is the time of the record that made it: no two of a shard's have the same.
    """
    return time_ms


def account_number(account: AccountId) -> int:
    """Return the number of an account among its tenant's."""
    return account.index


class HiddenNumbers:
    """A permutation of the numbers below 2**53.

    Parameters
    ----------
    key
        Up to 64 bytes.
    kind
        What is numbered: the numbers of another kind are others.

    """

    def __init__(self, key: bytes, kind: bytes) -> None:
        self._key = blake2b(key, digest_size=32).digest()
        self._kind = kind

    def hide(self, ours: int) -> int:
        """Return the number of one of ours."""
        number = self._permuted(ours, range(_ROUNDS))
        while number > NUMBER_MAX:
            number = self._permuted(number, range(_ROUNDS))
        return number

    def open(self, number: int) -> int:
        """Return ours; of a number that was made up, one that is not there."""
        ours = self._reversed(number)
        while ours > NUMBER_MAX:
            ours = self._reversed(ours)
        return ours

    def first(self, number: int) -> int:
        """Return ours of a number, or the one after ours of the number before; else 0."""
        for known, offset in ((number, 0), (number - 1, 1)):
            ours = self.open(known) if known >= 0 else NUMBER_MAX
            if ours <= _OURS_MAX:
                return ours + offset
        return 0

    def _permuted(self, number: int, rounds: range) -> int:
        left, right = number >> _HALF_BITS, number & _HALF
        for one in rounds:
            left, right = right, left ^ self._round(one, right)
        return left << _HALF_BITS | right

    def _reversed(self, number: int) -> int:
        left, right = number >> _HALF_BITS, number & _HALF
        for one in reversed(range(_ROUNDS)):
            left, right = right ^ self._round(one, left), left
        return left << _HALF_BITS | right

    def _round(self, one: int, half: int) -> int:
        data = bytes([one]) + half.to_bytes(4, "big")
        digest = blake2b(data, digest_size=4, key=self._key, person=self._kind).digest()
        return int.from_bytes(digest, "big") & _HALF


@cache
def _order_numbers() -> HiddenNumbers:
    return HiddenNumbers(read_settings(IdSettings).id_key.encode(), b"order")


@cache
def _trade_numbers() -> HiddenNumbers:
    return HiddenNumbers(read_settings(IdSettings).id_key.encode(), b"trade")
