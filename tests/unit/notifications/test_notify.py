"""The function that tells users: what they get, once, in which language; what is tried again."""

import json
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

import boto3
import jsonschema
import pytest
from botocore.exceptions import ConnectTimeoutError

from bursa.aws.clients import cognito_client, sqs_client
from bursa.dialects.events.asyncapi import events_document
from bursa.identity.preferences import Preferences
from bursa.identity.preferences_dynamodb import PreferencesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.notifications.mails_ses import SesMails
from bursa.notifications.notices import MAILS_OF_A_KIND_MAX
from bursa.notifications.notifier import Mail
from bursa.notifications.wording import Text
from bursa.tenants.branding import Branding
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import NOON_MS, Exchange, read_event
from tests.unit.conftest import Context, started

if TYPE_CHECKING:
    from types import ModuleType

BRAND = TenantId(2)
NONE_FAILED: dict[str, Any] = {"batchItemFailures": []}
SENDER = "Deployment <no-reply@exchange.example>"


class InTime(Context):
    """A call of the function that has so much time left."""

    left_ms = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


class Outbox:
    """Mails that were sent; it can break."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.breaks = False

    def send(self, mail: Mail) -> bool:
        if self.breaks:
            raise Unavailable("mails_unavailable", "The same comes again.")
        self.mails.append(mail)
        return True


class Bus:
    """EventBridge, in memory; it can be down."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.is_down = self.is_full = False

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        if self.is_down:
            raise ConnectTimeoutError(endpoint_url="https://events.example")
        if self.is_full:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0}


class Place:
    """The function, and a user with a pool of its brand's."""

    def __init__(self, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SENDER_ADDRESS", SENDER)
        self.dynamodb = exchange._dynamodb
        sqs_client().create_queue(QueueName="notices")
        cognito = cognito_client()
        self.pool = cognito.create_user_pool(PoolName="brand", UsernameAttributes=["email"])[
            "UserPool"
        ]["Id"]
        self.user = self.add("alice@brand.example", verified=True)
        self.directory = DirectoryTable(self.dynamodb, "directory")
        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{self.pool}"
        self.directory.add_tenant(TenantProfile(BRAND, 0, "brand", issuer, frozenset({"web"})))
        self.account = self.directory.open_account(BRAND, self.user)
        self.function = started("notify.app")
        self.outbox, self.bus = Outbox(), Bus()
        self.function.services.bus._client = self.bus
        self.function.services.notifier._mails = self.outbox

    def add(self, email: str, *, verified: bool) -> str:
        attributes: Any = [
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": str(verified).lower()},
        ]
        made = cognito_client().admin_create_user(
            UserPoolId=self.pool, Username=email, UserAttributes=attributes
        )["User"]
        return str(made["Username"])

    def prefer(self, language: str) -> None:
        kept = PreferencesTable(IdentityModels("identity"))
        kept.write(BRAND, self.user, Preferences(language))

    def tell(self, *details: dict[str, Any], source: str = "bursa.kyc") -> list[str]:
        batch = read_event("notify-queue")
        (record,) = batch["Records"]
        envelope = json.loads(record["body"]) | {"source": source}
        if source == "bursa.exchange":
            envelope |= {"detail-type": "transfer.made"}
        batch["Records"] = [
            record
            | {
                "messageId": str(number),
                "body": json.dumps(envelope | {"detail": envelope["detail"] | detail}),
            }
            for number, detail in enumerate(details)
        ]
        answer = self.function.handler(batch, InTime())
        return [one["itemIdentifier"] for one in answer["batchItemFailures"]]

    def approve(self, **detail: Any) -> list[str]:
        return self.tell({"id": "c.1", "tenant": str(BRAND), "user": self.user} | detail)

    def rows(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.dynamodb.scan(TableName="notices")["Items"]
        return [one for one in items if one["sk"]["S"].startswith("notice#")]


@pytest.fixture
def place(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(exchange, monkeypatch)


def test_a_user_is_told_by_mail_and_in_the_account(place: Place) -> None:
    assert place.approve(level=2) == []
    (mail,) = place.outbox.mails
    assert (mail.to, mail.brand) == ("alice@brand.example", "brand")
    assert (mail.text.title, "level 2" in mail.text.body) == ("You are verified", True)
    (row,) = place.rows()
    assert (row["pk"]["S"], row["kind"]["S"]) == (str(place.account), "kyc.approved")


def test_what_comes_again_is_told_once(place: Place) -> None:
    for _ in range(3):
        assert place.approve() == []
    assert len(place.outbox.mails) == len(place.rows()) == 1
    assert place.approve(id="c.2") == []
    assert len(place.outbox.mails) == len(place.rows()) == 2


def test_a_user_gets_a_bounded_number_of_mails_of_a_kind_a_day(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody makes happen again and again fills no mailbox, and hides nothing else."""
    now_ms = NOON_MS
    monkeypatch.setattr("bursa.kernel.clock.SystemClock.now_ms", lambda _: now_ms)
    names = [f"c.{number}" for number in range(MAILS_OF_A_KIND_MAX + 5)]
    for name in names:
        assert place.approve(id=name) == []
    assert len(place.outbox.mails) == MAILS_OF_A_KIND_MAX
    assert len(place.rows()) == len(names)
    assert place.approve(id="other", state="rejected") == []
    other = place.add("bob@brand.example", verified=True)
    place.directory.open_account(BRAND, other)
    assert place.approve(id="bobs", user=other) == []
    assert len(place.outbox.mails) == MAILS_OF_A_KIND_MAX + 2
    now_ms += DAY_MS
    assert place.approve(id=names[-1]) == []
    assert len(place.outbox.mails) == MAILS_OF_A_KIND_MAX + 3


def test_a_mail_that_is_tried_again_is_counted_once(place: Place) -> None:
    place.outbox.breaks = True
    for _ in range(MAILS_OF_A_KIND_MAX + 1):
        assert place.approve() == ["0"]
    place.outbox.breaks = False
    for name in ("c.1", "c.2"):
        assert place.approve(id=name) == []
    assert len(place.outbox.mails) == 2


def test_who_had_a_pool_that_is_no_more_gets_no_mail(place: Place) -> None:
    """A tenant that was deleted meanwhile is no fault that a repeat would mend."""
    cognito_client().delete_user_pool(UserPoolId=place.pool)
    assert place.approve() == []
    assert (place.outbox.mails, len(place.rows())) == ([], 1)


def test_a_mail_that_can_not_be_sent_is_tried_again_and_holds_up_no_other(place: Place) -> None:
    other = place.add("bob@brand.example", verified=True)
    place.directory.open_account(BRAND, other)
    place.outbox.breaks = True
    assert place.approve() == ["0"]
    assert len(place.rows()) == 1
    place.outbox.breaks = False
    # Of two in a batch the first is nothing of ours.
    assert place.tell({"tenant": "nobody"}, {"id": "c.3", "tenant": str(BRAND), "user": other}) == [
        "0"
    ]
    assert [mail.to for mail in place.outbox.mails] == ["bob@brand.example"]
    assert place.approve() == []
    assert [mail.to for mail in place.outbox.mails][1:] == ["alice@brand.example"]
    assert len(place.rows()) == 2


def test_what_there_is_no_time_for_is_not_begun(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SES that does not answer keeps a message for long; those behind it come again."""

    def slowly(mail: Mail) -> bool:
        monkeypatch.setattr(InTime, "left_ms", place.function.SPARE_MS - 1)
        place.outbox.mails.append(mail)
        return True

    monkeypatch.setattr(place.outbox, "send", slowly)
    details = [{"id": f"c.{one}", "tenant": str(BRAND), "user": place.user} for one in range(3)]
    assert place.tell(*details) == ["1", "2"]
    assert len(place.outbox.mails) == len(place.rows()) == 1


def test_in_the_language_of_the_user_or_else_the_brands(place: Place) -> None:
    branding = Branding(display_name="Pasar", support_url="https://pasar.example/help")
    brandings = BrandingTable(place.dynamodb, "directory")
    brandings.write(BRAND, Branding(**_fields(branding) | {"languages": ("id", "en")}))
    place.approve(state="rejected")
    place.prefer("en-GB")
    place.approve(id="c.2", state="rejected")
    first, second = place.outbox.mails
    assert (first.brand, first.text.title) == ("Pasar", "Identitas Anda tidak dapat diverifikasi")
    assert second.text.title == "You could not be verified"
    assert second.text.body.endswith("https://pasar.example/help")


def _fields(branding: Branding) -> dict[str, Any]:
    return {name: getattr(branding, name) for name in branding.__dataclass_fields__}


def test_an_address_that_nobody_has_verified_gets_no_mail(place: Place) -> None:
    other = place.add("eve@brand.example", verified=False)
    place.directory.open_account(BRAND, other)
    assert place.approve(user=other) == []
    assert (place.outbox.mails, len(place.rows())) == ([], 1)


@pytest.mark.parametrize("user", ["", "nobody"])
def test_who_has_no_account_is_told_nothing(place: Place, user: str) -> None:
    assert place.approve(user=user) == []
    assert (place.outbox.mails, place.rows()) == ([], [])


def test_a_new_fee_tier_is_in_the_account_and_in_no_mail(place: Place) -> None:
    tier = {"account": str(place.account), "tier": 2, "before": 1, "volume": "5", "id": "x"}
    assert place.tell(tier | {"currency": "USDT", "day": "2026-11-20"}, source="bursa.fees") == []
    (row,) = place.rows()
    assert (row["kind"]["S"], place.outbox.mails) == ("fee_tier.changed", [])


def test_security_events_come_by_the_stream_and_the_queue(place: Place) -> None:
    batch = read_event("notify-stream")
    (record,) = batch["Records"]
    row = record["dynamodb"]["NewImage"]
    row |= {"user": {"S": place.user}, "account": {"S": str(place.account)}}
    assert place.function.handler(batch, InTime()) == {"batchItemFailures": []}
    assert place.outbox.mails == []
    url = sqs_client().get_queue_url(QueueName="notices")["QueueUrl"]
    (message,) = sqs_client().receive_message(QueueUrl=url)["Messages"]
    record = {"messageId": "1", "body": message["Body"], "eventSource": "aws:sqs"}
    for _ in range(2):
        place.function.handler({"Records": [record]}, InTime())
    (mail,) = place.outbox.mails
    assert mail.text.title == "A sign-in from a new device"
    assert "198.51.100.7" in mail.text.body


def test_a_stream_whose_queue_is_away_comes_again(place: Place) -> None:
    url = sqs_client().get_queue_url(QueueName="notices")["QueueUrl"]
    sqs_client().delete_queue(QueueUrl=url)
    batch = read_event("notify-stream")
    number = batch["Records"][0]["dynamodb"]["SequenceNumber"]
    assert place.function.handler(batch, InTime()) == {
        "batchItemFailures": [{"itemIdentifier": number}]
    }


def test_a_security_event_is_on_the_bus_without_where_it_came_from(place: Place) -> None:
    for _ in range(2):
        assert place.function.handler(read_event("notify-stream"), InTime()) == NONE_FAILED
    first, second = place.bus.entries
    assert first == second
    assert (first["Source"], first["DetailType"]) == ("bursa.security", "security.event")
    detail = json.loads(first["Detail"])
    message = events_document("1")["components"]
    jsonschema.validate(
        detail, message["messages"]["security.event"]["payload"] | {"components": message}
    )
    assert detail == {
        "version": 1,
        "id": "security.event/t1-1/event#001795291200000#0a0b0c0d",
        "tenant": "t1",
        "at_ms": NOON_MS,
        "account": "t1-1",
        "user": "4f8b1c1e-demo",
        "kind": "new_device",
    }


@pytest.mark.parametrize("fault", ["is_down", "is_full"])
def test_a_security_event_that_the_bus_did_not_take_comes_again(place: Place, fault: str) -> None:
    setattr(place.bus, fault, True)
    batch = read_event("notify-stream")
    number = batch["Records"][0]["dynamodb"]["SequenceNumber"]
    assert place.function.handler(batch, InTime()) == {
        "batchItemFailures": [{"itemIdentifier": number}]
    }
    setattr(place.bus, fault, False)
    assert place.function.handler(batch, InTime()) == NONE_FAILED
    assert len(place.bus.entries) == 1


def test_what_lacks_something_is_not_put_on_the_bus(place: Place) -> None:
    batch = read_event("notify-stream")
    del batch["Records"][0]["dynamodb"]["NewImage"]["user"]
    assert place.function.handler(batch, InTime()) == NONE_FAILED
    assert place.bus.entries == []


def told_of_money(place: Place, account: str, **detail: Any) -> list[str]:
    named = {"id": f"transfer.made/{account}/abc/0", "account": account, "at_ms": NOON_MS}
    plain = {"direction": "in", "asset": "BTC", "amount": "0.5", "counter_account": None}
    return place.tell(named | plain | detail, source="bursa.exchange")


def test_money_that_came_is_in_the_account_once_and_in_no_mail(place: Place) -> None:
    for _ in range(2):
        assert told_of_money(place, str(place.account), kind="credit") == []
    (row,) = place.rows()
    assert (row["kind"]["S"], place.outbox.mails) == ("transfer.credited", [])


def test_a_transfer_between_accounts_of_one_user_is_told_once(place: Place) -> None:
    own, sub = str(place.account), str(place.account.sub_account(1))
    ways = [(own, sub, "out"), (sub, own, "in")]
    for account, other, way in ways:
        detail = {"kind": "transfer", "direction": way, "counter_account": other}
        assert told_of_money(place, account, **detail) == []
    (row,) = place.rows()
    assert (row["pk"]["S"], row["kind"]["S"]) == (own, "transfer.moved")
    assert json.loads(row["facts"]["S"])["to"] == sub


def test_nobody_is_told_what_the_tenants_own_account_gets(place: Place) -> None:
    assert told_of_money(place, str(BRAND.fee_account), kind="credit") == []
    assert place.rows() == []


def test_a_mail_is_from_the_brand_and_the_deployments_address(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(exchange, monkeypatch)
    mails = boto3.client("sesv2", region_name="us-east-1")
    mails.create_email_identity(EmailIdentity="no-reply@exchange.example")
    function: ModuleType = started("notify.app")
    place.function = function
    sent: list[dict[str, Any]] = []
    client = function.services.notifier._mails._client
    send_email = client.send_email

    def send(**mail: Any) -> Any:
        sent.append(mail)
        return send_email(**mail)

    monkeypatch.setattr(client, "send_email", send)
    assert place.approve() == []
    (mail,) = sent
    assert mail["FromEmailAddress"] == "brand <no-reply@exchange.example>"
    assert mail["Destination"] == {"ToAddresses": ["alice@brand.example"]}
    assert mail["Content"]["Simple"]["Subject"]["Data"] == "You are verified"
    assert mail.keys() == {"FromEmailAddress", "Destination", "Content"}


@pytest.mark.parametrize("name", ["Pasar", 'A "b", c', "Börse", "交易" * 30, "Ä" * 60])
def test_a_brands_name_is_written_as_headers_have_it(name: str) -> None:
    class Client:
        def send_email(self, **mail: Any) -> None:
            self.sender = mail["FromEmailAddress"]

    client = Client()
    mails = SesMails(lambda: client, "no-reply@exchange.example", "", "")
    assert mails.send(Mail("alice@brand.example", name, Text("title", "body")))
    assert client.sender.isascii()
    assert all(len(word) <= 75 for word in client.sender.split())  # RFC 2047, 2
    written, address = parseaddr(client.sender)
    assert str(make_header(decode_header(written))) == name
    assert address == "no-reply@exchange.example"


def test_without_a_sender_the_account_has_it_all_the_same(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(exchange, monkeypatch)
    monkeypatch.setenv("SENDER_ADDRESS", "")
    place.function = started("notify.app")
    assert place.approve() == []
    assert len(place.rows()) == 1


def move(place: Place, email: str) -> None:
    """Change a user's address at the pool, as verified."""
    cognito_client().admin_update_user_attributes(
        UserPoolId=place.pool,
        Username=place.user,
        UserAttributes=[
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": "true"},
        ],
    )


def secure(place: Place, kind: str, name: str) -> list[str]:
    detail = {"id": name, "account": str(place.account), "user": place.user, "kind": kind}
    return place.tell(detail | {"at_ms": "1795291200000"}, source="bursa.security")


OLD, NEW = "alice@brand.example", "thief@other.example"


def test_a_changed_address_is_told_to_the_old_one_too_and_what_follows_to_the_new(
    place: Place,
) -> None:
    assert place.approve() == []
    move(place, NEW)
    assert secure(place, "email_changed", "e.1") == []
    assert [mail.to for mail in place.outbox.mails] == [OLD, OLD, NEW]
    assert {mail.text.title for mail in place.outbox.mails[1:]} == {"Your address was changed"}
    assert secure(place, "api_key_made", "e.2") == []
    assert [mail.to for mail in place.outbox.mails][3:] == [NEW]


def test_an_old_address_that_nobody_has_mailed_is_not_known(place: Place) -> None:
    move(place, NEW)
    assert secure(place, "email_changed", "e.1") == []
    assert [mail.to for mail in place.outbox.mails] == [NEW]


def test_the_old_one_is_told_when_it_is_tried_again(place: Place) -> None:
    place.approve()
    move(place, NEW)
    place.outbox.breaks = True
    assert secure(place, "email_changed", "e.1") == ["0"]
    place.outbox.breaks = False
    assert secure(place, "email_changed", "e.1") == []
    assert [mail.to for mail in place.outbox.mails][1:] == [OLD, NEW]


def test_where_mails_went_is_forgotten_with_the_account(place: Place) -> None:
    place.approve()
    assert OLD in str(place.dynamodb.scan(TableName="notices")["Items"])
    assert secure(place, "account_closed", "e.1") == []
    assert [mail.to for mail in place.outbox.mails] == [OLD, OLD]
    assert OLD not in str(place.dynamodb.scan(TableName="notices")["Items"])
