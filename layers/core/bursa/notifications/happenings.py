"""What happened, as it comes from the bus, the identity table's stream, and the queue. Pure.

The queue has both as one message each: what EventBridge puts there, and the same envelope made of a
row of the stream.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bursa.kernel import keys
from bursa.kernel.calendar_time import date_of, day_at, parse_time_ms
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.notifications.notices import FEE_TIER, KYC, SECURITY, TRANSFER, Happening

SECURITY_SOURCE: Final = "bursa.security"

Json = Mapping[str, Any]


class UnknownHappening(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised for a message that is nothing of ours; it would be the next time, too."""


def happening_in(envelope: Json) -> Happening:
    """Return what an envelope tells; raises `UnknownHappening`."""
    try:
        return _READERS[envelope["source"]](envelope)
    except (KeyError, TypeError, ValueError, AttributeError, BursaError) as error:
        raise UnknownHappening(f"{type(error).__name__}: {error}") from error


def security_envelopes(stream: Json) -> Iterator[tuple[str, Json]]:
    """Yield what the queue gets of a batch of the identity table's stream: events, with ids.

    Everything else of the table is passed over, and so is what leaves it.
    """
    for record in stream["Records"]:
        change = record["dynamodb"]
        is_event = change["Keys"]["sk"]["S"].startswith(keys.SECURITY_EVENT_PREFIX)
        if record["eventName"] == "INSERT" and is_event:
            row = change["NewImage"]
            names = ("kind", "account", "user", "address", "about")
            detail = {name: row[name]["S"] for name in names if "S" in row.get(name, {})}
            # What lacks something is handed on, too: the queue holds up no other for it.
            detail |= {"at_ms": row.get("at_ms", {}).get("N"), "id": change["Keys"]["sk"]["S"]}
            yield change["SequenceNumber"], {"source": SECURITY_SOURCE, "detail": detail}


def _security(envelope: Json) -> Happening:
    detail = envelope["detail"]
    account = AccountId.parse(detail["account"])
    return Happening(
        f"{account}/{detail['id']}",
        account.tenant,
        account,
        detail["user"],
        f"{SECURITY}.{detail['kind']}",
        int(detail["at_ms"]),
        {name: str(detail.get(name, "")) for name in ("address", "about")},
    )


def _kyc(envelope: Json) -> Happening:
    detail = envelope["detail"]
    return Happening(
        f"{KYC}/{detail['id']}",
        TenantId.parse(detail["tenant"]),
        None,
        str(detail["user"]),
        f"{KYC}.{detail['state']}",
        _time_ms(envelope),
        {"level": str(int(detail["level"])), **_renewal(detail)},
    )


def _renewal(detail: Json) -> dict[str, str]:
    """Return the days of one that is due, until which something is so; those are the last."""
    names = {"renew_by": "renew_by_ms", "level_until": "level_ends_at_ms"}
    return {
        name: str(date_of(day_at(int(detail[field]) - 1)))
        for name, field in names.items()
        if field in detail
    }


def _fee_tier(envelope: Json) -> Happening:
    detail = envelope["detail"]
    account = AccountId.parse(detail["account"])
    names = ("tier", "before", "volume", "currency", "day")
    return Happening(
        f"{FEE_TIER}/{detail['id']}",
        account.tenant,
        account,
        "",
        f"{FEE_TIER}.changed",
        _time_ms(envelope),
        {name: str(detail[name]) for name in names},
    )


def _transfer(envelope: Json) -> Happening:
    """Return what became of money, the same for both sides of a transfer.

    Both may be one user's; the list that they share then has it once.
    """
    if envelope["detail-type"] != "transfer.made":
        raise ValueError(f"{envelope['detail-type']} is told to nobody.")
    detail = envelope["detail"]
    account, other = detail["account"], detail["counter_account"] or ""
    sides = (account, other) if detail["direction"] == "out" else (other, account)
    _, _, command, number = str(detail["id"]).split("/")
    return Happening(
        f"{TRANSFER}/{command}/{number}/{detail['kind']}",
        AccountId.parse(account).tenant,
        AccountId.parse(account),
        "",
        f"{TRANSFER}.{_TRANSFERS[detail['kind']]}",
        int(detail["at_ms"]),
        {"asset": str(detail["asset"]), "amount": str(detail["amount"])}
        | dict(zip(("account", "to"), sides if other else (account, ""), strict=True)),
    )


def _time_ms(envelope: Json) -> int:
    time_ms = parse_time_ms(envelope["time"])
    if time_ms is None:
        raise ValueError(f"{envelope['time']} is no time.")
    return time_ms


# A hold that is captured leaves the exchange as a debit does.
_TRANSFERS: Final = {
    "credit": "credited",
    "debit": "debited",
    "capture": "debited",
    "transfer": "moved",
}
_READERS: Final[Mapping[str, Callable[[Json], Happening]]] = {
    SECURITY_SOURCE: _security,
    "bursa.kyc": _kyc,
    "bursa.fees": _fee_tier,
    "bursa.exchange": _transfer,
}
