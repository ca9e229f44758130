"""The routes about sub-accounts and transfers between them.

They are for users who have signed in: no API key opens an account. One with the scope `transfer`
moves what its owner has between the owner's accounts, and nothing to anybody else.
"""

from bursa.accounts.sub_accounts import SubAccount, SubAccounts, own_account
from bursa.accounts.transfers import (
    Assets,
    TransferReader,
    TransferRejected,
    TransferRequest,
    Transfers,
    named_asset,
)
from bursa.dialects.native import sub_account_bodies as bodies
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.parameters import ListParameters, RequestHeaders, read_number
from bursa.dialects.native.refusals import refusal
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.responses import PendingOrder, PendingResponse
from bursa.dialects.native.submit_options import read_options
from bursa.identity.principal import Principal, Scope
from bursa.identity.second_factor import require_token
from bursa.intake.submission import Pending
from bursa.kernel.amounts import format_units, parse_decimal, parse_units
from bursa.kernel.errors import InternalError, NotAllowed
from bursa.kernel.identifiers import AccountId
from bursa.read_models.transfer_rows import TransferRow

LIMIT_DEFAULT = 100
LIMIT_MAX = 500


class SubAccountRoutes:
    """What `functions/sub_accounts` serves."""

    def __init__(
        self,
        sub_accounts: SubAccounts,
        transfers: Transfers,
        listed: TransferReader,
        assets: Assets,
        cursors: Cursors,
    ) -> None:
        self._sub_accounts = sub_accounts
        self._transfers = transfers
        self._listed = listed
        self._assets = assets
        self._cursors = cursors

    def all(self, principal: Principal) -> bodies.SubAccountList:
        """Return the caller's sub-accounts; raises `NotAllowed` ``token_required``."""
        require_token(principal)
        return bodies.SubAccountList(
            main_account=str(principal.account.owner),
            items=[_present(one) for one in self._sub_accounts.all(principal.account)],
            next_cursor=None,
        )

    def open(
        self, principal: Principal, body: str | None, headers: RequestHeaders
    ) -> bodies.SubAccount:
        """Open a sub-account; raises as `SubAccounts.open` does."""
        require_token(principal)
        label = read_body(body, bodies.SubAccountRequest).label
        key = read_options(headers, principal.actor).request_key
        return _present(self._sub_accounts.open(principal.account, label, key))

    def rename(self, principal: Principal, name: str, body: str | None) -> bodies.SubAccount:
        """Set another label of a sub-account; raises as `SubAccounts.rename` does."""
        require_token(principal)
        label = read_body(body, bodies.SubAccountRequest).label
        return _present(self._sub_accounts.rename(principal.account, name, label))

    def close(self, principal: Principal, name: str) -> bodies.SubAccount:
        """Close a sub-account; raises as `SubAccounts.close` does."""
        require_token(principal)
        return _present(self._sub_accounts.close(principal.account, name))

    def transfer(
        self, principal: Principal, body: str | None, headers: RequestHeaders
    ) -> bodies.Transfer | PendingResponse:
        """Transfer between the caller's accounts.

        Raises
        ------
        NotAllowed
            ``transfer_not_allowed``: an API key that may not.
        InvalidInput
            About a field; ``same_account``.
        NotFound
            ``unknown_account``, ``unknown_asset``.
        BursaError
            What the engine rejected it for; what `Transfers` raises.

        """
        _require_transfer(principal)
        wanted = read_body(body, bodies.TransferRequest)
        sender = own_account(principal.account, wanted.sender)
        receiver = own_account(principal.account, wanted.receiver)
        parse_decimal(wanted.amount, "amount")
        asset = named_asset(self._assets, principal.tenant, wanted.asset)
        units = parse_units(wanted.amount, asset.scale, "amount")
        made = self._transfers(
            TransferRequest(sender, receiver, asset, units),
            read_options(headers, principal.actor),
        )
        if isinstance(made, Pending):
            return _pending(made)
        if isinstance(made, TransferRejected):
            raise refusal(made.reason)
        return bodies.Transfer(
            account=str(sender),
            kind="transfer",
            direction="out",
            asset=asset.symbol,
            amount=format_units(units, asset.scale),
            counter_account=str(receiver),
            reference=made.reference,
            time_ms=made.time_ms,
            sequence=made.time_ms,
        )

    def transfers(self, principal: Principal, parameters: ListParameters) -> bodies.TransferPage:
        """Return a page of the account's transfers, newest first.

        Raises `InvalidInput` ``invalid_limit``, ``invalid_cursor``.
        """
        require_token(principal)
        scope = ("transfers", principal.account)
        limit = read_number(parameters.limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        before = self._cursors.read(parameters.cursor, *scope)
        page = self._listed.newest(principal.account, before=before, limit=limit)
        return bodies.TransferPage(
            items=[self._row(principal.account, row) for row in page.items],
            next_cursor=self._cursors.write(page.next_position, *scope),
        )

    def _row(self, account: AccountId, row: TransferRow) -> bodies.Transfer:
        asset = self._assets.asset(account.tenant, row.asset)
        if asset is None:
            raise InternalError(
                "missing_asset", "Report the request_id: an asset's data is missing."
            )
        # Who else was there is the exchange's own business.
        other = row.counter_account
        is_own = other is not None and AccountId.parse(other).owner == account.owner
        return bodies.Transfer(
            account=row.account,
            kind=row.kind,
            direction="in" if row.direction == "in" else "out",
            asset=row.asset,
            amount=format_units(row.amount, asset.scale),
            counter_account=other if is_own else None,
            reference=row.reference,
            time_ms=row.time_ms,
            sequence=row.time_ms,
        )


def _present(one: SubAccount) -> bodies.SubAccount:
    return bodies.SubAccount(
        account=str(one.account),
        label=one.label,
        state="open" if one.is_open else "closed",
        opened_at_ms=one.opened_at_ms,
        closed_at_ms=one.closed_at_ms or None,
    )


def _require_transfer(principal: Principal) -> None:
    """Return for a user who has signed in, and for a main account's key that may transfer.

    The gateway lets no other key in, and no other has the scope; who moves money looks itself.
    """
    is_main = principal.account == principal.account.owner
    if principal.key and not (is_main and Scope.TRANSFER in principal.scopes):
        raise NotAllowed("transfer_not_allowed", "Make a key with the scope transfer.")


def _pending(pending: Pending) -> PendingResponse:
    body = PendingOrder(
        status="pending",
        detail="Repeat this request with the header Idempotency-Key to get its response; "
        "it is never carried out twice.",
    )
    if pending.request_key is not None:
        body["idempotency_key"] = pending.request_key
    return PendingResponse(body, None)
