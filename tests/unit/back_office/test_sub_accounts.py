"""A user's sub-accounts in the back office: they are the user's, whatever is asked of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import NOON_MS, TENANT
from tests.doubles.shard import USDT
from tests.unit.back_office.office import Office, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CREDIT,
    EVE,
    FINN,
    ROLES,
    approve,
    ask,
    eves_account,
    user_path,
)
from tests.unit.conftest import Response
from wire import codec
from wire import layout as w

WHOLE: dict[str, str | list[str]] = {"from_ms": "0", "to_ms": str(NOON_MS + 9 * 86_400_000)}


@pytest.fixture
def office() -> Iterator[Office]:
    with furnished() as found:
        yield found


@contextmanager
def furnished() -> Iterator[Office]:
    """Open one where one person may move 100 USDT alone; eve has 500 in the sub-account at 1."""
    with opened_office() as found:
        for who in (BOB, FINN):
            found.add(who, ROLES[who])
        four_eyes = {"amount": "100", "reason": "x"}
        asked = ask(found, ALICE, "/admin/four-eyes/USDT", four_eyes)
        approve(found, BOB, asked.body["proposal"])
        main = eves_account(found)
        seats = {
            seat: SubAccount(main.sub_account(seat), f"bot {seat}", NOON_MS, closed_at_ms)
            for seat, closed_at_ms in ((1, 0), (2, NOON_MS))
        }
        table = SubAccountsTable(found.exchange._dynamodb, "directory")
        assert table.replace(main, SubAccountList(seats, 0))
        body = CREDIT | {"amount": "500"}
        approve(found, BOB, ask(found, ALICE, user_path(found, "credit"), body).body["proposal"])
        kind, units = w.COMMAND_TRANSFER, 500 * 10**10
        to_account = main.sub_account(1).number
        move = codec.encode_funds(kind, main.number, USDT, units, to_account=to_account)
        found.exchange.commit([move])
        # The sums of the credit are of yesterday by now.
        found.exchange.time_ms += 86_400_001
        yield found


def first(office: Office) -> AccountId:
    return eves_account(office).sub_account(1)


def debit(office: Office, who: str, amount: str, account: object) -> Response:
    body = CREDIT | {"amount": amount, "account": account}
    return ask(office, who, user_path(office, "debit"), body)


def statement(office: Office, account: str, who: str = EVE) -> Response:
    path = f"/admin/users/{office.people[TENANT, who]}/statement"
    return office.send(ALICE, "GET", path, query=WHOLE | {"account": account})


def test_a_sub_account_is_debited_and_its_statement_says_so(office: Office) -> None:
    done = debit(office, FINN, "40", str(first(office)))
    assert (done.status, done.body["state"]) == (200, "done"), done
    assert done.body["after"]["account"] == str(first(office))
    (usdt,) = statement(office, str(first(office))).body["assets"]
    assert usdt["closing"] == "460"
    assert [(one["kind"], one["amount"]) for one in usdt["movements"]] == [
        ("transfer", "500"),
        ("debit", "-40"),
    ]
    entry = office.entries()[-1]
    assert entry["asked"]["account"] == str(first(office))


def test_what_is_debited_from_any_of_a_users_accounts_is_one_sum(office: Office) -> None:
    assert debit(office, FINN, "60", str(first(office))).body["state"] == "done"
    # Of another person, and another account, but of the same user.
    assert debit(office, ALICE, "60", None).body["state"] == "proposed"
    assert debit(office, ALICE, "60", str(first(office))).body["state"] == "proposed"


def test_an_approved_debit_is_of_the_account_that_was_proposed(office: Office) -> None:
    asked = debit(office, FINN, "300", str(first(office)))
    assert approve(office, BOB, asked.body["proposal"]).status == 200
    (usdt,) = statement(office, str(first(office))).body["assets"]
    assert usdt["closing"] == "200"
