"""The user pool's side of a second factor, by the user's own access token.

Such calls need no permission of ours: the token is the permission.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.kernel.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_AGAIN = "Send the same request again in a moment."
_WRONG = frozenset(
    {"CodeMismatchException", "EnableSoftwareTokenMFAException", "ExpiredCodeException"}
)


@contextmanager
def _of_the_pool() -> Iterator[None]:
    """Raise `Unauthenticated` ``token_expired`` where the pool has ended the token before us."""
    with unavailable("user_pool_unavailable", _AGAIN):
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotAuthorizedException":
                raise Unauthenticated("token_expired", "Sign in again.") from error
            raise


class CognitoAuthenticators:
    """Authenticators in Cognito; each method also raises `Unauthenticated` ``token_expired``.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.

    """

    def __init__(self, open_client: "Callable[[], CognitoIdentityProviderClient]") -> None:
        self._open_client = open_client

    def associate(self, token: str) -> str:
        """Return a new secret in base 32; raises `Unavailable` ``user_pool_unavailable``."""
        with _of_the_pool():
            return self._client.associate_software_token(AccessToken=token)["SecretCode"]

    def verify(self, token: str, code: str) -> bool:
        """Hand the pool a first code; return whether it was right."""
        with _of_the_pool():
            try:
                response = self._client.verify_software_token(AccessToken=token, UserCode=code)
            except ClientError as error:
                if error.response["Error"]["Code"] in _WRONG:
                    return False
                raise
        return response["Status"] == "SUCCESS"

    def prefer(self, token: str, *, is_on: bool) -> None:
        """Ask for a code at each sign-in from now on, or no longer."""
        with _of_the_pool():
            self._client.set_user_mfa_preference(
                AccessToken=token,
                SoftwareTokenMfaSettings={"Enabled": is_on, "PreferredMfa": is_on},
            )

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()
