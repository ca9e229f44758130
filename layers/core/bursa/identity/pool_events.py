"""What a user pool and the account's trail tell of users, from the events that AWS sends.

A pool calls before it makes a profile (PreSignUp) and after a password was reset
(PostConfirmation). A password, a second factor or an address that a user changes at the pool itself
is told by nobody but CloudTrail, which names the user by its subject, through EventBridge, minutes
later.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from bursa.identity.first_sign_in import FirstSignIn
from bursa.identity.security_events import SecurityEventKind
from bursa.kernel.calendar_time import parse_time_ms

_FIRST_SIGN_IN: Final = "PreSignUp_ExternalProvider"
_RESET: Final = "PostConfirmation_ConfirmForgotPassword"
# The calls that CloudTrail is asked for (infra/pool-events.yaml), and what each means.
TRAIL_CALLS: Final[Mapping[str, SecurityEventKind]] = {
    "ChangePassword": SecurityEventKind.PASSWORD_CHANGED,
    "ConfirmForgotPassword": SecurityEventKind.PASSWORD_CHANGED,
    "SetUserMFAPreference": SecurityEventKind.SIGN_IN_FACTOR_CHANGED,
    "SetUserSettings": SecurityEventKind.SIGN_IN_FACTOR_CHANGED,
    "VerifySoftwareToken": SecurityEventKind.SIGN_IN_FACTOR_CHANGED,
    # With the code that was sent there: until then the old address counts.
    "VerifyUserAttribute": SecurityEventKind.EMAIL_CHANGED,
}


class PoolChange(NamedTuple):
    """What a user has changed at its pool.

    ``issuer`` is the pool's URL, empty where the event does not name the pool; ``at_ms`` is UTC, 0
    for now.
    """

    kind: SecurityEventKind
    issuer: str
    subject: str
    at_ms: int
    address: str


def issuer_of(region: str, pool: str) -> str:
    """Return the URL of a user pool, as its tokens name it."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://cognito-idp.{region}.{suffix}/{pool}"


def issuer_in(event: Mapping[str, Any]) -> str:
    """Return the URL of the pool that calls."""
    return issuer_of(event["region"], event["userPoolId"])


def is_first_sign_in(event: Mapping[str, Any]) -> bool:
    """Return whether a pool is about to make a profile of a provider's user."""
    return bool(event.get("triggerSource") == _FIRST_SIGN_IN)


def first_sign_in(event: Mapping[str, Any], providers: Sequence[str]) -> FirstSignIn | None:
    """Return who signs in for the first time; None for a provider that the pool does not have.

    A profile goes by the provider's name, a low line and the person's id there; where names have
    no case, the pool writes the first in lower case.
    """
    prefix, _, subject = str(event["userName"]).partition("_")
    names = {name.lower(): name for name in providers}
    attributes = event["request"]["userAttributes"]
    if prefix.lower() not in names or not subject:
        return None
    return FirstSignIn(
        issuer=issuer_in(event),
        provider=names[prefix.lower()],
        subject=subject,
        email=str(attributes.get("email", "")),
        is_verified=str(attributes.get("email_verified", "")).lower() == "true",
    )


def pool_change(event: Mapping[str, Any]) -> PoolChange | None:
    """Return what a user has changed; None for an event that tells of nothing.

    Raises `ValueError` for an event of CloudTrail that names no user.
    """
    if event.get("triggerSource") == _RESET:
        subject = str(event["request"]["userAttributes"]["sub"])
        return PoolChange(SecurityEventKind.PASSWORD_CHANGED, issuer_in(event), subject, 0, "")
    if event.get("source") == "aws.cognito-idp":
        return _of_trail(event["detail"])
    return None


def _of_trail(detail: Mapping[str, Any]) -> PoolChange | None:
    kind = TRAIL_CALLS.get(str(detail.get("eventName")))
    # What was refused has changed nothing.
    if kind is None or detail.get("errorCode"):
        return None
    asked, more = detail.get("requestParameters") or {}, detail.get("additionalEventData") or {}
    subject = more.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ValueError(f"{detail['eventName']} {detail.get('eventID')} names no user")
    pool = asked.get("userPoolId") or more.get("userPoolId") or ""
    return PoolChange(
        kind,
        issuer_of(str(detail["awsRegion"]), pool) if pool else "",
        subject,
        parse_time_ms(str(detail["eventTime"])) or 0,
        str(detail.get("sourceIPAddress", "")),
    )
