"""Preferences: what may be kept, whose they are, and who is asked for them."""

import json
from types import ModuleType
from typing import Any

import pytest

from bursa.kernel.identifiers import AccountId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import ALICE, BOB, Exchange, read_event
from tests.unit.conftest import Context, Response, as_documented, response_of, started

PATH = "/me/preferences"
DEFAULTS = {"language": None, "time_zone": "UTC", "mails_about": ["transfers"]}


@pytest.fixture
def api(exchange: Exchange) -> ModuleType:
    del exchange  # opened before the function starts
    return started("identity_api.app")


def send(
    api: ModuleType,
    method: str = "GET",
    body: object = None,
    user: str = "alice",
    account: AccountId = ALICE,
) -> Response:
    event = read_event("me") | {"httpMethod": method, "path": PATH, "resource": PATH}
    event["requestContext"]["authorizer"] |= {
        "user": user,
        "account": str(account),
        "tenant": str(account.tenant),
    }
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    return as_documented(method, PATH, response_of(api.handler(event, Context())))


def test_who_has_said_nothing_has_the_defaults(api: ModuleType) -> None:
    assert send(api) == (200, DEFAULTS, send(api).headers)


def test_what_was_put_is_what_is_returned(api: ModuleType) -> None:
    wanted = {"language": "pt-BR", "time_zone": "America/Sao_Paulo", "mails_about": ["news"]}
    for _ in range(2):
        assert send(api, "PUT", wanted).body == wanted
    assert send(api).body == wanted


def test_what_is_left_out_has_its_default_again(api: ModuleType) -> None:
    send(api, "PUT", {"language": "de", "mails_about": []})
    assert send(api).body == {"language": "de", "time_zone": "UTC", "mails_about": []}
    assert send(api, "PUT", {}).body == DEFAULTS
    assert send(api).body == DEFAULTS


def test_they_are_the_users_own(api: ModuleType, exchange: Exchange) -> None:
    other_tenant = AccountId.parse("t2-1")
    profile = TenantProfile(other_tenant.tenant, 0, "other", "https://pool", frozenset({"web"}))
    DirectoryTable(exchange._dynamodb, "directory").add_tenant(profile)
    send(api, "PUT", {"language": "de"})
    for user, account in (("bob", BOB), ("bob", ALICE), ("alice", other_tenant)):
        assert send(api, user=user, account=account).body == DEFAULTS
    # The same person for another of its accounts.
    assert send(api, account=BOB).body["language"] == "de"


REFUSED: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "invalid_json"),
    "a field of nothing": ({"theme": "dark"}, "unknown_field"),
    "a language in words": ({"language": "German"}, "invalid_language"),
    "a language with a separator": ({"language": "de#t2"}, "invalid_language"),
    "a long language": ({"language": "d" * 10_000}, "invalid_language"),
    "no time zone": ({"time_zone": ""}, "invalid_time_zone"),
    "an offset": ({"time_zone": "+02:00"}, "invalid_time_zone"),
    "a path": ({"time_zone": "../../etc/passwd"}, "invalid_time_zone"),
    "a long time zone": ({"time_zone": "A" * 41}, "invalid_time_zone"),
    "a line break": ({"time_zone": "UTC\n"}, "invalid_time_zone"),
    "mails about nothing that is": ({"mails_about": ["security"]}, "invalid_mails_about"),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_preference_is_refused_and_changes_nothing(
    api: ModuleType, body: Any, code: str
) -> None:
    send(api, "PUT", {"language": "de"})
    refused = send(api, "PUT", body)
    assert (refused.status, refused.body["code"]) == (400, code)
    assert send(api).body["language"] == "de"


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_zones_have_many_names(api: ModuleType, zone: str) -> None:
    assert send(api, "PUT", {"time_zone": zone}).body["time_zone"] == zone
