"""Users' e-mail addresses in Cognito, by the user's own access token.

Such calls need no permission of ours: the token is the permission.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.identity.pool_user import PoolAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


class CognitoAddresses:
    """The addresses.

    Parameters
    ----------
    open_client
        Called at the first use, because few starts of a function need it.

    """

    def __init__(self, open_client: "Callable[[], CognitoIdentityProviderClient]") -> None:
        self._open_client = open_client

    def of(self, token: str) -> PoolAddress | None:
        """Return the address of a token's user; None where the pool does not tell this token.

        A token for the scopes of our own API alone is not for the pool's, and one that the pool has
        revoked is for nothing there. Raises `Unavailable` ``user_pool_unavailable``.
        """
        with unavailable("user_pool_unavailable", "Send the same request again in a moment."):
            try:
                found = self._client.get_user(AccessToken=token)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NotAuthorizedException":
                    return None
                raise
        attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
        if "email" not in attributes:
            return None
        return PoolAddress(attributes["email"], attributes.get("email_verified") == "true")

    @cached_property
    def _client(self) -> "CognitoIdentityProviderClient":
        return self._open_client()
