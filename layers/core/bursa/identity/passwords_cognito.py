"""Passwords in Cognito, by the user's own access token, which is the permission."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.identity.passwords import PasswordOutcome
from bursa.kernel.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_OUTCOMES: Final = {
    "InvalidPasswordException": PasswordOutcome.TOO_WEAK,
    "InvalidParameterException": PasswordOutcome.TOO_WEAK,
    "PasswordHistoryPolicyViolationException": PasswordOutcome.USED_BEFORE,
    "LimitExceededException": PasswordOutcome.TOO_MANY,
    "TooManyRequestsException": PasswordOutcome.TOO_MANY,
}


class CognitoPasswords:
    """The passwords.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.

    """

    def __init__(self, open_client: "Callable[[], CognitoIdentityProviderClient]") -> None:
        self._open_client = open_client

    def change(self, token: str, old: str, new: str) -> PasswordOutcome:
        """Change a password.

        Raises
        ------
        Unauthenticated
            ``token_expired``: the pool has ended the token before us.
        Unavailable
            ``user_pool_unavailable``

        """
        with unavailable("user_pool_unavailable", "Send the same request again in a moment."):
            try:
                self._client.change_password(
                    AccessToken=token, PreviousPassword=old, ProposedPassword=new
                )
            except ClientError as error:
                return _outcome(error)
        return PasswordOutcome.CHANGED

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()


def _outcome(error: ClientError) -> PasswordOutcome:
    """Return what a refusal means; one name stands for a wrong password and an ended token."""
    code = error.response["Error"]["Code"]
    if code == "NotAuthorizedException":
        if "token" in error.response["Error"]["Message"].lower():
            raise Unauthenticated("token_expired", "Sign in again.") from error
        return PasswordOutcome.WRONG
    if code not in _OUTCOMES:
        raise error
    return _OUTCOMES[code]
