"""Transfers between the accounts of one user.

Both accounts are checked here, so that a user is told what is wrong; and by the worker, which
believes nobody (`worker.message_check`): whose an account is, its number says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bursa.intake.submission import Intake, Pending, Submission, SubmitOptions
from bursa.kernel.errors import InternalError, InvalidInput, NotFound
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Asset
from bursa.kernel.pages import Page
from bursa.read_models.transfer_rows import TransferRow
from wire import codec
from wire import layout as w


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """An amount of an asset from one account to another, in ledger units."""

    sender: AccountId
    receiver: AccountId
    asset: Asset
    amount: int


@dataclass(frozen=True, slots=True)
class TransferMade:
    """The engine has carried it out.

    Attributes
    ----------
    reference
        Names it, in 32 hexadecimal digits, for both accounts.
    time_ms
        When it was decided, UTC; what a list must reflect to show it.

    """

    request: TransferRequest
    reference: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class TransferRejected:
    """Nothing was moved; ``reason`` is a REASON_ of `wire.layout`."""

    reason: int


class Assets(Protocol):
    """A tenant's assets."""

    def asset(self, tenant: TenantId, symbol: str) -> Asset | None:
        """Return an asset; None for none."""


class TransferReader(Protocol):
    """What came into accounts and went out of them."""

    def newest(self, account: AccountId, *, before: str | None, limit: int) -> Page[TransferRow]:
        """Return transfers, newest first."""


class Transfers:
    """Transfers between a user's accounts.

    Parameters
    ----------
    require_open
        Raises `NotFound` for a sub-account that is not open.

    """

    def __init__(self, intake: Intake, require_open: Callable[[AccountId], None]) -> None:
        self._intake = intake
        self._require_open = require_open

    def __call__(
        self, request: TransferRequest, options: SubmitOptions
    ) -> TransferMade | TransferRejected | Pending:
        """Transfer, and wait for what the engine makes of it; the same key is one transfer.

        Raises
        ------
        InvalidInput
            ``same_account``
        NotFound
            ``unknown_account``: the receiving account is not open.
        Conflict
            ``idempotency_key_reused``
        TooManyRequests, Unavailable
            See `Intake.submit`.

        """
        if request.sender.owner != request.receiver.owner:
            raise InternalError("internal_error", "Report the request_id: two owners' accounts.")
        if request.sender == request.receiver:
            raise InvalidInput("same_account", "Send to as another account than from.", field="to")
        identity = self._intake.identify(request.sender.owner, options)
        command_id = identity.command_id(request.sender, 0)
        name = identity.message_id
        command = codec.encode_funds(
            w.COMMAND_TRANSFER,
            request.sender.number,
            request.asset.number,
            request.amount,
            to_account=request.receiver.number,
            reference=(name.high, name.low),
            **self._intake.header(command_id, options).words(),
        )
        submission = Submission(request.sender, identity, [command])
        entry = self._intake.admit(submission, looks=0 if options.request_key is None else 1)
        outcomes = self._intake.first_outcomes(submission, options)
        if not outcomes:
            self._require_open(request.receiver)
            found = self._intake.submit(submission, options, entry=entry)
            if isinstance(found, Pending):
                return found
            outcomes = found
        (result,) = (outcome.result for outcome in outcomes)
        if result.reason != w.REASON_ACCEPTED:
            return TransferRejected(result.reason)
        return TransferMade(request, name.hex(), result.time_ms)


def named_asset(assets: Assets, tenant: TenantId, symbol: str) -> Asset:
    """Return the asset that a request names; raises `NotFound` ``unknown_asset``."""
    found = assets.asset(tenant, symbol)
    if found is None:
        raise NotFound("unknown_asset", "Choose one of the exchange's assets.", field="asset")
    return found
