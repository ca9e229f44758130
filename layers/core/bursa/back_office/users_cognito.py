"""Users of tenants' pools, one at a time, as a back office sees them."""

from functools import cached_property
from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.back_office.users import PoolEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_YES = "true"


class BackOfficePools:
    """The user pools of a deployment's tenants; each method raises ``user_pool_unavailable``.

    Parameters
    ----------
    open_client
        Called at the first use.

    """

    def __init__(self, open_client: "Callable[[], CognitoIdentityProviderClient]") -> None:
        self._open_client = open_client

    def find(self, issuer: str, name: str) -> PoolEntry | None:
        """Return the user with an e-mail address or a subject; None when there is none."""
        pool = _pool(issuer)
        with _calling():
            try:
                found = self._client.admin_get_user(UserPoolId=pool, Username=name)
            except self._client.exceptions.UserNotFoundException:
                return None
            groups = self._client.admin_list_groups_for_user(
                UserPoolId=pool, Username=found["Username"]
            )
        attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
        return PoolEntry(
            subject=attributes["sub"],
            email=attributes.get("email", ""),
            is_email_verified=attributes.get("email_verified") == _YES,
            state=found["UserStatus"],
            is_enabled=found["Enabled"],
            created_at_ms=int(found["UserCreateDate"].timestamp() * 1_000),
            groups=frozenset(one["GroupName"] for one in groups["Groups"]),
        )

    def set_groups(self, issuer: str, subject: str, leave: "Sequence[str]", join: str) -> None:
        """Take a user out of groups, and put it into one unless that is empty; safe to repeat."""
        pool = _pool(issuer)
        with _calling():
            for group in leave:
                self._client.admin_remove_user_from_group(
                    UserPoolId=pool, Username=subject, GroupName=group
                )
            if join:
                self._client.admin_add_user_to_group(
                    UserPoolId=pool, Username=subject, GroupName=join
                )

    def end_sessions(self, issuer: str, subject: str) -> None:
        """Revoke a user's refresh tokens."""
        with _calling():
            self._client.admin_user_global_sign_out(UserPoolId=_pool(issuer), Username=subject)

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()


def _pool(issuer: str) -> str:
    """Return the id of the pool that an issuer is the URL of."""
    return issuer.rpartition("/")[2]


def _calling() -> "AbstractContextManager[None]":
    return unavailable("user_pool_unavailable", "Send the same request again in a moment.")
