"""A tenant's users in its Cognito user pool."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef

_UNCONFIRMED = "FORCE_CHANGE_PASSWORD"


class CognitoUserPool:
    """One user pool."""

    def __init__(self, client: "CognitoIdentityProviderClient", pool_id: str) -> None:
        self._client = client
        self._pool_id = pool_id

    def add_user(self, email: str, password: str) -> str:
        """Create a user who may sign in at once, or find it; return the subject of its tokens.

        No mail is sent, so the caller must have checked the address. An existing user who has
        chosen a password keeps it.
        """
        try:
            created = self._client.admin_create_user(
                UserPoolId=self._pool_id,
                Username=email,
                MessageAction="SUPPRESS",
                UserAttributes=[
                    {"Name": "email", "Value": email},
                    {"Name": "email_verified", "Value": "true"},
                ],
            )["User"]
            subject, status = _subject(created["Attributes"]), created["UserStatus"]
        except self._client.exceptions.UsernameExistsException:
            found = self._client.admin_get_user(UserPoolId=self._pool_id, Username=email)
            subject, status = _subject(found["UserAttributes"]), found["UserStatus"]
        if status == _UNCONFIRMED:
            self._client.admin_set_user_password(
                UserPoolId=self._pool_id, Username=email, Password=password, Permanent=True
            )
        return subject


def _subject(attributes: "Iterable[AttributeTypeTypeDef]") -> str:
    return next(attribute["Value"] for attribute in attributes if attribute["Name"] == "sub")
