"""What comes from the bus, the stream and the queue: what it tells, and what is nothing of ours."""

from typing import Any

import pytest

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.notifications.happenings import UnknownHappening, happening_in, security_envelopes
from bursa.notifications.notices import notice_of

NOON_MS = 1_795_291_200_000
KYC = {
    "source": "bursa.kyc",
    "time": "2026-11-21T20:00:00Z",
    "detail": {"id": "t1.5c1d.7", "tenant": "t1", "user": "5c1d", "state": "approved", "level": 1},
}
TIER = {
    "source": "bursa.fees",
    "time": "2026-11-21T20:00:00Z",
    "detail": {
        "id": "t1-2/1/2/3",
        "tenant": "t1",
        "account": "t1-2",
        "tier": 3,
        "before": 2,
        "volume": "1000000",
        "currency": "USDT",
        "day": "2026-11-20",
    },
}
TRANSFER: dict[str, Any] = {
    "source": "bursa.exchange",
    "detail-type": "transfer.made",
    "time": "2026-11-21T20:00:00Z",
    "detail": {
        "version": 1,
        "id": "transfer.made/t1-2/abc/0",
        "tenant": "t1",
        "at_ms": NOON_MS,
        "account": "t1-2",
        "kind": "credit",
        "direction": "in",
        "asset": "BTC",
        "amount": "0.5",
        "reference": "0" * 32,
        "counter_account": None,
    },
}
ROW: dict[str, Any] = {
    "pk": {"S": "t1#5c1d"},
    "sk": {"S": "event#001795291200000#0a0b0c0d"},
    "kind": {"S": "api_key_made"},
    "account": {"S": f"t1-{3 << 24 | 2}"},
    "user": {"S": "5c1d"},
    "at_ms": {"N": str(NOON_MS)},
    "address": {"S": "198.51.100.7"},
    "about": {"S": "t1-2.0123"},
    "expires_at": {"N": "1"},
}


def stream(*rows: dict[str, Any], name: str = "INSERT") -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventName": name,
                "dynamodb": {
                    "SequenceNumber": str(number),
                    "Keys": {"pk": row["pk"], "sk": row["sk"]},
                    "NewImage": row,
                },
            }
            for number, row in enumerate(rows)
        ]
    }


def test_identity_checks_and_fee_tiers_are_told() -> None:
    told = happening_in(KYC)
    assert (told.tenant, told.account, told.user) == (TenantId(1), None, "5c1d")
    assert (told.kind, told.at_ms, told.facts) == ("kyc.approved", NOON_MS, {"level": "1"})
    told = happening_in(TIER)
    assert (told.account, told.user, told.kind) == (AccountId.parse("t1-2"), "", "fee_tier.changed")
    assert told.facts["volume"] == "1000000"


def test_a_renewal_that_is_due_names_the_last_days() -> None:
    """A document that is good until midnight is good on the day before."""
    days = {"renew_by_ms": NOON_MS // 86_400_000 * 86_400_000, "level_ends_at_ms": NOON_MS}
    detail: Any = KYC["detail"]
    told = happening_in(KYC | {"detail": detail | days | {"state": "renewal_due"}})
    assert told.kind == "kyc.renewal_due"
    assert told.facts == {"level": "1", "renew_by": "2026-11-20", "level_until": "2026-11-21"}


def transfer(**detail: Any) -> dict[str, Any]:
    return TRANSFER | {"detail": TRANSFER["detail"] | detail}


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ({}, "transfer.credited"),
        ({"kind": "debit", "direction": "out"}, "transfer.debited"),
        ({"kind": "capture", "direction": "out"}, "transfer.debited"),
    ],
)
def test_money_that_came_or_left_is_told(detail: dict[str, Any], kind: str) -> None:
    told = happening_in(transfer(**detail))
    assert (told.account, told.user, told.kind) == (AccountId.parse("t1-2"), "", kind)
    assert told.at_ms == NOON_MS
    assert told.facts == {"asset": "BTC", "amount": "0.5", "account": "t1-2", "to": ""}


def test_both_sides_of_a_transfer_tell_the_same() -> None:
    own, sub = "t1-2", f"t1-{1 << 24 | 2}"
    sides = (
        {"account": own, "counter_account": sub, "direction": "out"},
        {"account": sub, "counter_account": own, "direction": "in"},
    )
    first, second = (
        happening_in(transfer(**side, kind="transfer", id=f"transfer.made/{side['account']}/abc/0"))
        for side in sides
    )
    assert (
        first.facts == second.facts == {"asset": "BTC", "amount": "0.5", "account": own, "to": sub}
    )
    assert (first.id, first.kind) == (second.id, "transfer.moved")
    notices = [notice_of(one, one.account, NOON_MS) for one in (first, second) if one.account]
    assert notices[0] == notices[1]


def test_a_security_event_of_a_sub_account_is_the_users() -> None:
    ((identifier, envelope),) = security_envelopes(stream(ROW))
    assert identifier == "0"
    told = happening_in(envelope)
    assert told.account is not None
    notice = notice_of(told, told.account, NOON_MS + 9)
    assert notice.told_at_ms == NOON_MS + 9
    assert notice.account == AccountId.parse("t1-2")
    assert (notice.kind, notice.at_ms) == ("security.api_key_made", NOON_MS)
    assert notice.facts == {"address": "198.51.100.7", "about": "t1-2.0123"}


@pytest.mark.parametrize(
    "batch",
    [
        stream(ROW | {"sk": {"S": "second-factor"}}),
        stream(ROW, name="MODIFY"),
        stream(ROW, name="REMOVE"),
        stream(),
    ],
    ids=["another row", "changed", "removed", "nothing"],
)
def test_other_changes_of_the_table_are_passed_over(batch: dict[str, Any]) -> None:
    assert list(security_envelopes(batch)) == []


def test_the_same_has_one_name_and_another_has_another() -> None:
    later = KYC | {"time": "2026-11-21T20:00:09Z"}
    account = AccountId.parse("t1-2")
    first, again = (notice_of(happening_in(one), account, NOON_MS).id for one in (KYC, later))
    assert first.partition("-")[2] == again.partition("-")[2]
    other = KYC | {"detail": KYC["detail"] | {"id": "t1.5c1d.8"}}  # type: ignore[operator]
    assert notice_of(happening_in(other), account, NOON_MS).id != first


@pytest.mark.parametrize("name", ["at_ms", "user", "account", "kind"])
def test_an_event_that_lacks_something_holds_up_no_other(name: str) -> None:
    """It is handed on to the queue, where it fails alone; the stream would come as a whole."""
    lacking = {key: value for key, value in ROW.items() if key != name}
    first, second = (envelope for _, envelope in security_envelopes(stream(lacking, ROW)))
    with pytest.raises(UnknownHappening):
        happening_in(first)
    assert happening_in(second).kind == "security.api_key_made"


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        [],
        "kyc",
        {"source": "aws.s3", "detail": {}},
        {"source": "bursa.kyc"},
        KYC | {"time": "yesterday"},
        KYC | {"detail": {"id": "1", "tenant": "t0", "user": "a", "state": "approved", "level": 1}},
        KYC | {"detail": {"id": "1", "tenant": "t1", "user": "a", "state": "approved"}},
        TIER | {"detail": {"account": "t1"}},
        TRANSFER | {"detail-type": "order.done"},
        TRANSFER | {"detail": TRANSFER["detail"] | {"kind": "fee"}},
        TRANSFER | {"detail": TRANSFER["detail"] | {"id": "1"}},
        {"source": "bursa.security", "detail": {"account": "t1-2", "id": "x"}},
    ],
    ids=str,
)
def test_what_is_nothing_of_ours_is_said_to_be(envelope: Any) -> None:
    with pytest.raises(UnknownHappening):
        happening_in(envelope)
