"""What users are told on the running exchange: in their account and by mail, as it happens."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from scripts.client import Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.newcomers import apply, sign_up, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

# A stream, a queue and a cold start, each polled by the emulator in its own time.
TOLD_S = 60.0


def within(read: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + TOLD_S
    while not wanted(found := read()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.5)
    return found


def mails_to(exchange: Deployment, address: str) -> list[Json]:
    """Return what MiniStack keeps of the mails to an address."""
    headers = {"Authorization": f"Bearer {exchange.secret_access_key}"}
    url = f"{exchange.endpoint_url}/_ministack/ses/messages"
    answer = requests.get(url, headers=headers, timeout=10)
    answer.raise_for_status()
    by_account = answer.json()["messages"]
    return [one for mails in by_account.values() for one in mails if address in one["To"]]


def test_what_happens_to_an_account_is_told_once_in_the_users_language(
    exchange: Deployment,
) -> None:
    user = Client(exchange, sign_up(exchange))
    other = Client(exchange, sign_up(exchange))
    user.call("GET", "/me")
    user.call("PUT", "/me/preferences", json={"language": "id"})
    codes = Codes(user.call("POST", "/second-factor")["secret"])
    user.call("POST", "/second-factor/confirm", json={"code": codes()})

    def kinds() -> list[str]:
        return [one["kind"] for one in user.call("GET", "/notices")["items"]]

    added = "security.second_factor_added"
    within(kinds, lambda found: added in found)
    notices = user.call("GET", "/notices")
    (notice,) = [one for one in notices["items"] if one["kind"] == added]
    assert notice["title"] == "Faktor kedua Anda aktif"
    assert not notice["is_read"]
    assert kinds().count(added) == 1
    mails = within(
        lambda: [
            one for one in mails_to(exchange, user.user.email) if one["Subject"] == notice["title"]
        ],
        bool,
    )
    assert len(mails) == 1
    assert notice["text"] in mails[0]["BodyText"]
    assert mails[0]["Source"].endswith("<no-reply@bursa.example>")

    user.call("POST", "/notices/read", json={"until_ms": notice["told_at_ms"]})
    again = user.call("GET", "/notices")
    assert again["read_until_ms"] == notice["told_at_ms"]
    assert next(one for one in again["items"] if one["kind"] == added)["is_read"]
    other.call("GET", "/me")
    assert added not in [one["kind"] for one in other.call("GET", "/notices")["items"]]


def test_what_becomes_of_an_identity_check_is_told(exchange: Deployment) -> None:
    user = Client(exchange, sign_up(exchange))
    user.call("GET", "/me")
    apply(user, 1)
    wait_for(user, "approved")

    def kinds() -> list[str]:
        return [one["kind"] for one in user.call("GET", "/notices")["items"]]

    found = within(kinds, lambda kinds: "kyc.approved" in kinds)
    assert found.count("kyc.approved") == 1
