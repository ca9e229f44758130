"""Who and what: tenants, accounts, actors, and the ids of commands.

Every identifier is a number inside and a short string outside. Nothing here reads a clock or
draws random numbers: an id that must be unpredictable is made at the edge and passed in.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from typing import NamedTuple, Self

from bursa.kernel.errors import InvalidInput

ACCOUNT_INDEX_BITS = 32
TENANT_NUMBER_MAX = (1 << 16) - 1
ACCOUNT_INDEX_MAX = (1 << ACCOUNT_INDEX_BITS) - 1
FEE_ACCOUNT_INDEX = 0
# A user's own accounts have one number in the low bits; its sub-account's seat is above them.
OWNER_INDEX_BITS = 24  # as `wire.layout.OWNER_INDEX_MAX` has it
OWNER_INDEX_MAX = (1 << OWNER_INDEX_BITS) - 1
SUB_ACCOUNTS_MAX = 20
# The client's own name of an order; also what the worker holds the texts of a message to.
CLIENT_ORDER_ID = r"^[A-Za-z0-9._:-]{1,64}$"

_TENANT = re.compile(r"t([1-9][0-9]{0,9})", re.ASCII)
_ACCOUNT = re.compile(r"t([1-9][0-9]{0,9})-(0|[1-9][0-9]{0,9})", re.ASCII)
_WORD = 1 << 64


@dataclass(frozen=True, slots=True)
class TenantId:
    """A brand on this deployment; written ``t7``."""

    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= TENANT_NUMBER_MAX:
            raise InvalidInput("invalid_tenant", f"Tenant number {self.number} is out of range.")

    def __str__(self) -> str:
        return f"t{self.number}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``t7``; raises `InvalidInput` for anything else."""
        match = _TENANT.fullmatch(text)
        if match is None:
            raise InvalidInput("invalid_tenant", "A tenant id is the letter t and a number.")
        return cls(int(match[1]))

    @property
    def fee_account(self) -> "AccountId":
        """The account that receives this tenant's trading fees."""
        return AccountId(self, FEE_ACCOUNT_INDEX)


@dataclass(frozen=True, slots=True)
class AccountId:
    """A holder of balances; written ``t7-12``, a single word inside the engine."""

    tenant: TenantId
    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.index <= ACCOUNT_INDEX_MAX:
            raise InvalidInput("invalid_account", f"Account index {self.index} is out of range.")

    def __str__(self) -> str:
        return f"{self.tenant}-{self.index}"

    @property
    def number(self) -> int:
        """The engine's word: tenant number in the high bits, index in the low 32."""
        return self.tenant.number << ACCOUNT_INDEX_BITS | self.index

    @property
    def owner(self) -> "AccountId":
        """The main account of whose accounts this is one: itself, unless it is a sub-account.

        It follows from the number alone, so that whoever must know it believes nobody and looks
        nothing up (docs/adr/0069).
        """
        return AccountId(self.tenant, self.index & OWNER_INDEX_MAX)

    @property
    def seat(self) -> int:
        """Which of its owner's accounts it is: 0 the main one, from 1 its sub-accounts."""
        return self.index >> OWNER_INDEX_BITS

    def sub_account(self, seat: int) -> "AccountId":
        """Return the sub-account at a seat, from 1 to `SUB_ACCOUNTS_MAX`, of this one's owner."""
        if not 1 <= seat <= SUB_ACCOUNTS_MAX:
            raise InvalidInput("invalid_account", f"There is no seat {seat} for a sub-account.")
        return AccountId(self.tenant, seat << OWNER_INDEX_BITS | self.owner.index)

    @property
    def is_users(self) -> bool:
        """Whether a user may own it: a main account, or at a seat that sub-accounts have."""
        return self.owner.index != FEE_ACCOUNT_INDEX and self.seat <= SUB_ACCOUNTS_MAX

    @classmethod
    def from_number(cls, number: int) -> Self:
        """Split the engine's word again."""
        return cls(TenantId(number >> ACCOUNT_INDEX_BITS), number & ACCOUNT_INDEX_MAX)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``t7-12``; raises `InvalidInput` for anything else."""
        match = _ACCOUNT.fullmatch(text)
        if match is None:
            raise InvalidInput("invalid_account", "An account id looks like t1-12.")
        return cls(TenantId(int(match[1])), int(match[2]))


@dataclass(frozen=True, slots=True)
class CommandId:
    """128 bits that name one command for good, so that a retry of it has no second effect.

    Two signed words, because the engine's words are signed. Never (0, 0): that means "no id".
    """

    high: int
    low: int

    @classmethod
    def from_parts(cls, account: AccountId, kind: str, key: str) -> Self:
        """Derive the id from the account, what the key is, and the key.

        BLAKE2b-128 (RFC 7693) over the parts, NUL-separated; none of them may contain a NUL.
        """
        digest = blake2b(f"{account}\0{kind}\0{key}".encode(), digest_size=16).digest()
        return cls.from_bytes(digest)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read 16 big-endian bytes."""
        return cls(
            int.from_bytes(data[:8], "big", signed=True),
            int.from_bytes(data[8:], "big", signed=True),
        )

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read 32 hexadecimal digits."""
        return cls.from_bytes(bytes.fromhex(text))

    def hex(self) -> str:
        """32 hexadecimal digits, the form used in keys and messages."""
        return f"{self.high % _WORD:016x}{self.low % _WORD:016x}"


class ActorKind(IntEnum):
    """Who can ask for a command, with the engine's numbers (`wire.layout.ACTOR_NAMES`)."""

    SYSTEM = 0
    USER = 1
    API_KEY = 2
    OPERATOR = 3


_ACTOR_NUMBER_BYTES = 7
_ACTOR_NUMBER_BITS = 8 * _ACTOR_NUMBER_BYTES


class Actor(NamedTuple):
    """Who asked for a command: a word of the command, for later readers of the journal.

    The number is BLAKE2b-56 (RFC 7693) over where the name is unique, kind and name, NUL-separated.
    It needs no counter and no look-up; whether it was a certain user is found by computing the
    user's number.
    """

    kind: ActorKind
    number: int = 0

    @classmethod
    def named(cls, kind: ActorKind, realm: str, name: str) -> Self:
        """Return the actor of a name that is unique in a realm.

        That is the tenant for a user's subject and a key's id, `OPERATORS` for an operator's name.
        """
        text = f"{realm}\0{kind.name.lower()}\0{name}"
        digest = blake2b(text.encode(), digest_size=_ACTOR_NUMBER_BYTES).digest()
        return cls(kind, int.from_bytes(digest, "big"))

    @classmethod
    def from_word(cls, word: int) -> Self:
        """Return the actor in a command's word; raises `ValueError` for an unknown kind."""
        kind = ActorKind(word >> _ACTOR_NUMBER_BITS)
        return cls(kind, word & ((1 << _ACTOR_NUMBER_BITS) - 1))

    @property
    def word(self) -> int:
        """The engine's word."""
        return self.kind << _ACTOR_NUMBER_BITS | self.number

    def __str__(self) -> str:
        name = self.kind.name.lower()
        return name if self == SYSTEM else f"{name}:{self.number:014x}"


SYSTEM = Actor(ActorKind.SYSTEM)
OPERATORS = "deployment"
