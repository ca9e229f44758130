"""Users of Cognito pools and the providers' identities that sign in as them."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.identity.first_sign_in import PoolProfile, ProfileState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_NATIVE: Final = "Cognito"
# What the pool reads of a provider's token: the person's id there.
_SUBJECT: Final = "Cognito_Subject"
_PROVIDERS_MAX: Final = 60
_STATES: Final = {
    "CONFIRMED": ProfileState.CONFIRMED,
    "FORCE_CHANGE_PASSWORD": ProfileState.INVITED,
    "UNCONFIRMED": ProfileState.UNCONFIRMED,
}
_NOT_LINKED: Final = frozenset({"ResourceNotFoundException", "UserNotFoundException"})


class LinkedPools:
    """The user pools of tenants; each method raises `Unavailable` ``user_pool_unavailable``.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.

    """

    def __init__(self, open_client: "Callable[[], CognitoIdentityProviderClient]") -> None:
        self._open_client = open_client

    def names(self, issuer: str) -> "Sequence[str]":
        """Return the names of a pool's identity providers."""
        with _calling():
            found = self._client.list_identity_providers(
                UserPoolId=_pool(issuer), MaxResults=_PROVIDERS_MAX
            )
        return [one["ProviderName"] for one in found["Providers"]]

    def find(self, issuer: str, email: str) -> PoolProfile | None:
        """Return the pool's own user with an address; None for none."""
        with _calling():
            try:
                found = self._client.admin_get_user(UserPoolId=_pool(issuer), Username=email)
            except self._client.exceptions.UserNotFoundException:
                return None
        attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
        return PoolProfile(
            name=found["Username"],
            subject=attributes["sub"],
            state=_STATES.get(found["UserStatus"], ProfileState.OTHER),
            is_enabled=found["Enabled"],
            is_email_verified=attributes.get("email_verified") == "true",
            has_factor=bool(found.get("UserMFASettingList")),
        )

    def create(self, issuer: str, email: str) -> None:
        """Make a user that is invited, and send it nothing; safe to repeat."""
        with _calling():
            try:
                self._client.admin_create_user(
                    UserPoolId=_pool(issuer),
                    Username=email,
                    MessageAction="SUPPRESS",
                    UserAttributes=[
                        {"Name": "email", "Value": email},
                        {"Name": "email_verified", "Value": "true"},
                    ],
                )
            except self._client.exceptions.UsernameExistsException:
                return

    def confirm(self, issuer: str, name: str, password: str) -> None:
        """Replace whatever password a user has, and say that its address is its own."""
        with _calling():
            # In this order: a password alone would leave a user that nothing confirms.
            self._client.admin_update_user_attributes(
                UserPoolId=_pool(issuer),
                Username=name,
                UserAttributes=[{"Name": "email_verified", "Value": "true"}],
            )
            self._client.admin_set_user_password(
                UserPoolId=_pool(issuer), Username=name, Password=password, Permanent=True
            )

    def link(self, issuer: str, name: str, provider: str, subject: str) -> None:
        """Let a provider's identity sign in as a user; safe to repeat."""
        with _calling():
            try:
                self._client.admin_link_provider_for_user(
                    UserPoolId=_pool(issuer),
                    DestinationUser={"ProviderName": _NATIVE, "ProviderAttributeValue": name},
                    SourceUser={
                        "ProviderName": provider,
                        "ProviderAttributeName": _SUBJECT,
                        "ProviderAttributeValue": subject,
                    },
                )
            except ClientError as error:
                # As Cognito says it of what another attempt has just linked.
                if "already linked to DestinationUser" not in str(error):
                    raise

    def unlink(self, issuer: str, provider: str, subject: str) -> None:
        """Let a provider's identity sign in as nobody; safe to repeat."""
        with _calling():
            try:
                self._client.admin_disable_provider_for_user(
                    UserPoolId=_pool(issuer),
                    User={
                        "ProviderName": provider,
                        "ProviderAttributeName": _SUBJECT,
                        "ProviderAttributeValue": subject,
                    },
                )
            except ClientError as error:
                is_known = error.response["Error"]["Code"] not in _NOT_LINKED
                if is_known and "not linked" not in str(error):
                    raise

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()


def _pool(issuer: str) -> str:
    """Return the id of the pool that an issuer is the URL of."""
    return issuer.rpartition("/")[2]


def _calling() -> "AbstractContextManager[None]":
    return unavailable("user_pool_unavailable", "Send the same request again in a moment.")
