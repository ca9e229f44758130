"""What the wallets ask of the engine, by the funds queue: each thing once, under a name.

A command's id follows from the deposit or withdrawal, and its time is the one that the record
keeps, so a repeat is the same command and the engine does it once. A hold has an id of its own as
well: what the engine no longer remembers as a command, it still knows by the hold.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from bursa.intake.once import AskedAt, CommandBuilder, OnceIntake, Submitter
from bursa.intake.submission import CommandHeader
from bursa.kernel.errors import Refused
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, CommandId, TenantId
from wire import codec
from wire import layout as w

KIND: Final = "wallet"
_ACTOR: Final = "wallets"
COMMAND_TOO_OLD: Final = w.REASON_NAMES[w.REASON_COMMAND_TOO_OLD]
_UNKNOWN_HOLD: Final = w.REASON_NAMES[w.REASON_UNKNOWN_HOLD]


class Asked(NamedTuple):
    """Under which name something is asked, and when it was first: a repeat has the same."""

    name: str
    at_ms: int


class LedgerAsset(NamedTuple):
    """An asset by the engine's number, and the tenant's."""

    tenant: TenantId
    number: int


class Ledger(Protocol):
    """The engine as the wallets need it. Each method raises `Refused` with the engine's reason.

    All of them raise `Unavailable` when it is not known whether it was done. What was asked for so
    long ago that the engine can't say is looked up in the account's statement: either it is there,
    or it never will be, which is `Refused` ``command_too_old``.
    """

    def credit(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """Credit an account with ledger units."""

    def debit(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """Debit an account."""

    def freeze(self, account: AccountId, asked: Asked) -> None:
        """Freeze an account: it trades and withdraws no more, and its orders are closed."""

    def hold(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """Hold an amount, under an id that follows from the name."""

    def release(self, account: AccountId, asset: int, hold: Asked, now_ms: int) -> None:
        """Release all of a hold, if it is still there."""

    def capture(self, account: AccountId, asset: int, hold: Asked, now_ms: int) -> None:
        """Pay out all of a hold, if it is still there."""

    def move_held(
        self, account: AccountId, receiver: AccountId, asset: int, hold: Asked, units: int
    ) -> None:
        """Release a hold and at once transfer an amount; refused, the hold is released at most."""


class Statements(Protocol):
    """What moved between accounts, by the read models."""

    def has_transfer(self, account: AccountId, reference: CommandId, since_ms: int) -> bool:
        """Return whether a transfer with a reference is in an account's statement since a time.

        Raises `Unavailable`: the read models do not have all that was decided until now.
        """


def hold_number(account: AccountId, name: str) -> int:
    """Return the engine's id of a hold: a positive word that follows from its name."""
    return CommandId.from_parts(account, KIND, name).high & ((1 << 63) - 1) or 1


class EngineLedger:
    """The engine of a tenant's shard, behind its funds queue."""

    def __init__(self, intake: Submitter, statements: Statements) -> None:
        self._intake = intake
        self._statements = statements

    def credit(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """See `Ledger`."""
        reference = CommandId.from_parts(account, KIND, asked.name)
        command = _funds(w.COMMAND_CREDIT, account, asset, units, reference)
        self._move(account, asked, reference, [command])

    def debit(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """See `Ledger`."""
        reference = CommandId.from_parts(account, KIND, asked.name)
        command = _funds(w.COMMAND_DEBIT, account, asset, units, reference)
        self._move(account, asked, reference, [command])

    def freeze(self, account: AccountId, asked: Asked) -> None:
        """See `Ledger`."""

        def build(header: CommandHeader) -> bytes:
            kept = w.SETTING_KEPT
            body = (kept, kept, w.ACCOUNT_STATE_FROZEN)
            return codec.encode(w.COMMAND_SET_ACCOUNT, account.number, *body, **header.words())

        self._submit(account, asked, [build])

    def hold(self, account: AccountId, asset: int, units: int, asked: Asked) -> None:
        """See `Ledger`."""
        number = hold_number(account, asked.name)
        self._submit(
            account,
            Asked(f"{asked.name}/hold", asked.at_ms),
            [_about_hold(w.COMMAND_HOLD, account, asset, units, number)],
        )

    def release(self, account: AccountId, asset: int, hold: Asked, now_ms: int) -> None:
        """See `Ledger`."""
        self._end(w.COMMAND_RELEASE, account, asset, hold, now_ms)

    def capture(self, account: AccountId, asset: int, hold: Asked, now_ms: int) -> None:
        """See `Ledger`."""
        self._end(w.COMMAND_CAPTURE, account, asset, hold, now_ms)

    def move_held(
        self, account: AccountId, receiver: AccountId, asset: int, hold: Asked, units: int
    ) -> None:
        """See `Ledger`. Both commands are one message, so nothing comes between them."""
        number = hold_number(account, hold.name)
        reference = CommandId.from_parts(account, KIND, hold.name)

        def transfer(header: CommandHeader) -> bytes:
            return codec.encode_funds(
                w.COMMAND_TRANSFER,
                account.number,
                asset,
                units,
                to_account=receiver.number,
                reference=(reference.high, reference.low),
                **header.words(),
            )

        commands = [_about_hold(w.COMMAND_RELEASE, account, asset, 0, number), transfer]
        self._move(account, Asked(f"{hold.name}/move", hold.at_ms), reference, commands)

    def _end(self, kind: int, account: AccountId, asset: int, hold: Asked, now_ms: int) -> None:
        """Have a hold ended; that it is gone means that it was, as the record allows one way."""
        number = hold_number(account, hold.name)
        name = f"{hold.name}/{w.COMMAND_NAMES[kind]}"
        command = [_about_hold(kind, account, asset, 0, number)]
        try:
            try:
                self._submit(account, Asked(name, hold.at_ms), command)
            except Refused as error:
                if error.code != COMMAND_TOO_OLD:
                    raise
                # The engine has forgotten the command, not the hold: ask anew.
                self._submit(account, Asked(f"{name}/{now_ms}", now_ms), command)
        except Refused as error:
            if error.code != _UNKNOWN_HOLD:
                raise

    def _submit(self, account: AccountId, asked: Asked, commands: Sequence[CommandBuilder]) -> None:
        actor = Actor.named(ActorKind.OPERATOR, str(account.tenant), _ACTOR)
        once = OnceIntake(self._intake, AskedAt(asked.at_ms), actor)
        once.submit_once(account, KIND, asked.name, commands)

    def _move(
        self, account: AccountId, asked: Asked, reference: CommandId, commands: list[CommandBuilder]
    ) -> None:
        """Have commands carried out of which the last is a transfer with a reference."""
        try:
            self._submit(account, asked, commands)
        except Refused as error:
            if error.code != COMMAND_TOO_OLD:
                raise
            if not self._statements.has_transfer(account, reference, asked.at_ms):
                raise


def _funds(
    kind: int, account: AccountId, asset: int, units: int, reference: CommandId
) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        return codec.encode_funds(
            kind,
            account.number,
            asset,
            units,
            reference=(reference.high, reference.low),
            **header.words(),
        )

    return build


def _about_hold(
    kind: int, account: AccountId, asset: int, units: int, number: int
) -> CommandBuilder:
    def build(header: CommandHeader) -> bytes:
        return codec.encode_funds(
            kind, account.number, asset, units, hold_id=number, **header.words()
        )

    return build
