"""A tenant's users in its Cognito user pool."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from bursa.identity.pool_user import PoolUser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef

# Only an administrator's user is in this state, until its first password is its own.
_UNCLAIMED = "FORCE_CHANGE_PASSWORD"


class CognitoUserPool:
    """One user pool, as its administrator sees it."""

    def __init__(self, client: "CognitoIdentityProviderClient", pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id

    def add_user(self, email: str, *, is_invited: bool = False) -> PoolUser:
        """Create a user, or find it.

        A new one that is invited gets a mail with a password that is good once, and for a day. Else
        no mail is sent, so the caller must have checked the address.
        """
        mail: dict[str, Any] = {"MessageAction": "SUPPRESS"}
        if is_invited:
            mail = {"DesiredDeliveryMediums": ["EMAIL"]}
        try:
            created = self._client.admin_create_user(
                UserPoolId=self._pool_id,
                Username=email,
                **mail,
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
            )["User"]
            return PoolUser(_subject(created["Attributes"]), is_claimed=False)
        except self._client.exceptions.UsernameExistsException:
            found = self._client.admin_get_user(UserPoolId=self._pool_id, Username=email)
            is_claimed = found["UserStatus"] != _UNCLAIMED
            return PoolUser(_subject(found["UserAttributes"]), is_claimed=is_claimed)

    def invite_again(self, email: str) -> None:
        """Send an invited user a new mail, because the first is a day old or was lost."""
        self._client.admin_create_user(
            UserPoolId=self._pool_id,
            Username=email,
            MessageAction="RESEND",
            DesiredDeliveryMediums=["EMAIL"],
        )

    def find_user(self, email: str) -> PoolUser | None:
        """Return the user with an address; None when there is none."""
        try:
            found = self._client.admin_get_user(UserPoolId=self._pool_id, Username=email)
        except self._client.exceptions.UserNotFoundException:
            return None
        is_claimed = found["UserStatus"] != _UNCLAIMED
        return PoolUser(_subject(found["UserAttributes"]), is_claimed=is_claimed)

    def set_password(self, email: str, password: str) -> None:
        """Let a user sign in with this password from now on."""
        self._client.admin_set_user_password(
            UserPoolId=self._pool_id, Username=email, Password=password, Permanent=True
        )

    def join(self, email: str, group: str) -> bool:
        """Put a user into a group; return False when the pool has no such group."""
        try:
            self._client.admin_add_user_to_group(
                UserPoolId=self._pool_id, Username=email, GroupName=group
            )
        except self._client.exceptions.ResourceNotFoundException:
            return False
        return True

    def end_sessions(self, email: str) -> None:
        """Revoke a user's refresh tokens."""
        self._client.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=email)

    def set_enabled(self, email: str, *, is_enabled: bool) -> None:
        """Let a user sign in, or no longer."""
        if is_enabled:
            self._client.admin_enable_user(UserPoolId=self._pool_id, Username=email)
        else:
            self._client.admin_disable_user(UserPoolId=self._pool_id, Username=email)


class RefreshTokens:
    """Refresh tokens, of whatever pool issued the access token that asks for their end.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.
    on_failure
        Told why the pool did not revoke them.

    """

    def __init__(
        self,
        open_client: "Callable[[], CognitoIdentityProviderClient]",
        on_failure: Callable[[str], None],
    ) -> None:
        self._open_client = open_client
        self._on_failure = on_failure

    def revoke(self, token: str) -> bool:
        """Revoke the refresh tokens of an access token's user; return whether it was done."""
        try:
            self._client.global_sign_out(AccessToken=token)
        except (ClientError, BotoCoreError) as error:
            self._on_failure(f"{type(error).__name__}: {error}")
            return False
        return True

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()


def _subject(attributes: "Iterable[AttributeTypeTypeDef]") -> str:
    return next(attribute["Value"] for attribute in attributes if attribute["Name"] == "sub")
