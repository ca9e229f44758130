"""The people of a back office in tests, and what they ask for and approve."""

from typing import Any

from bursa.back_office.roles import Role
from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import TENANT
from tests.unit.back_office.office import Office
from tests.unit.conftest import Response

ALICE, EVE, OLGA = "alice@demo.example", "eve@demo.example", "olga@other.example"
BOB, FINN, CLEO = "bob@demo.example", "finn@demo.example", "cleo@demo.example"
ROLES = {ALICE: Role.OWNER, BOB: Role.OWNER, FINN: Role.FINANCE, CLEO: Role.COMPLIANCE}
CREDIT = {"asset": "USDT", "amount": "12.5", "reason": "A refund"}


def ask(office: Office, who: str, path: str, body: Any, key: str = "") -> Response:
    return office.send(who, "POST", path, body, role=ROLES[who], key=key)


def user_path(office: Office, word: str, who: str = EVE) -> str:
    return f"/admin/users/{office.people[TENANT, who]}/{word}"


def proposed(office: Office, who: str = ALICE, key: str = "") -> dict[str, Any]:
    response = ask(office, who, user_path(office, "credit"), CREDIT, key)
    assert (response.status, response.body["state"]) == (200, "proposed"), response
    proposal: dict[str, Any] = response.body["proposal"]
    return proposal


def approve(
    office: Office, who: str, proposal: dict[str, Any], digest: str = "", code: str = ""
) -> Response:
    path = f"/admin/proposals/{proposal['proposal_id']}/approve"
    body = {"digest": digest or proposal["digest"], "reason": "Seen the ticket"}
    body["code"] = code or office.code()
    return ask(office, who, path, body)


def balance(office: Office) -> int:
    """Return what eve has of USDT, in ledger units, as the engine has it."""
    account = eves_account(office)
    row = office.exchange._dynamodb.get_item(
        TableName="balances", Key={"pk": {"S": str(account)}, "sk": {"S": "USDT"}}
    ).get("Item")
    return int(row["available"]["N"]) if row else 0


def eves_account(office: Office) -> AccountId:
    found = office.send(ALICE, "GET", "/admin/users", query={"email": EVE}).body["items"][0]
    return AccountId.parse(found["account"])
