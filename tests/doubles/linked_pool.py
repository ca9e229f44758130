"""A Cognito user pool as far as providers' identities and passwords go.

Links are found by the person's id at the provider, as Cognito documents; a profile is made for
whom no link is found, which must never happen.
"""

from dataclasses import dataclass, field
from typing import Any, NoReturn

from botocore.exceptions import ClientError

Json = dict[str, Any]


@dataclass
class PoolUser:
    """A user of the pool's own."""

    name: str
    email: str
    status: str = "CONFIRMED"
    verified: bool = True
    enabled: bool = True
    phrase: str = "the owner's"
    factors: list[str] = field(default_factory=list)


class _Exceptions:
    UserNotFoundException = type("UserNotFoundException", (ClientError,), {})
    UsernameExistsException = type("UsernameExistsException", (ClientError,), {})


class LinkedPool:
    """Has the methods of a Cognito client."""

    exceptions = _Exceptions

    def __init__(self, *users: PoolUser, providers: tuple[str, ...] = ("Google",)) -> None:
        self.users = {user.email: user for user in users}
        self.providers = providers
        self.links: dict[tuple[str, str], str] = {}
        self.signed_out: list[str] = []
        self.faults: list[str] = []
        self.before_link: Any = lambda: None

    def _fail(self, name: str, message: str = "", *, kind: Any = ClientError) -> NoReturn:
        raise kind({"Error": {"Code": name, "Message": message}}, "call")

    def _user(self, name: str) -> PoolUser:
        for user in self.users.values():
            if name.lower() in {user.name, user.email}:
                return user
        kind = self.exceptions.UserNotFoundException
        return self._fail("UserNotFoundException", kind=kind)

    def get_user(self, **_: Any) -> None:
        self._fail("NotAuthorizedException")

    def list_identity_providers(self, **_: Any) -> Json:
        return {"Providers": [{"ProviderName": name} for name in self.providers]}

    def admin_get_user(self, *, Username: str, **_: Any) -> Json:  # noqa: N803 - as AWS names it
        user = self._user(Username)
        known = {"sub": user.name, "email": user.email, "email_verified": str(user.verified)}
        return {
            "Username": user.name,
            "UserStatus": user.status,
            "Enabled": user.enabled,
            "UserMFASettingList": user.factors,
            "UserAttributes": [
                {"Name": name, "Value": value.lower()} for name, value in known.items()
            ],
        }

    def admin_create_user(self, *, Username: str, **more: Any) -> None:  # noqa: N803
        assert more["MessageAction"] == "SUPPRESS"
        if Username in self.users:
            kind = self.exceptions.UsernameExistsException
            self._fail("UsernameExistsException", kind=kind)
        name = f"user-{len(self.users)}"
        self.users[Username] = PoolUser(name, Username, "FORCE_CHANGE_PASSWORD")

    def admin_set_user_password(self, *, Username: str, Password: str, **_: Any) -> None:  # noqa: N803
        user = self._user(Username)
        user.phrase, user.status = Password, "CONFIRMED"

    def admin_update_user_attributes(self, *, Username: str, **_: Any) -> None:  # noqa: N803
        self._user(Username).verified = True

    def admin_link_provider_for_user(self, **sent: Any) -> None:
        self.before_link()
        if self.faults:
            self._fail(self.faults.pop())
        user, source = sent["DestinationUser"], sent["SourceUser"]
        assert user["ProviderName"] == "Cognito"
        assert source["ProviderAttributeName"] == "Cognito_Subject"
        key = (source["ProviderName"], source["ProviderAttributeValue"])
        name = self._user(user["ProviderAttributeValue"]).name
        if self.links.setdefault(key, name) != name:
            self._fail("InvalidParameterException", "linked to another user")

    def admin_disable_provider_for_user(self, **sent: Any) -> None:
        user = sent["User"]
        key = (user["ProviderName"], user["ProviderAttributeValue"])
        if self.links.pop(key, None) is None:
            self._fail("ResourceNotFoundException")

    def change_password(self, **sent: str) -> None:
        if self.faults:
            name, _, message = self.faults.pop().partition(":")
            self._fail(name, message)
        (user,) = self.users.values()
        if sent["PreviousPassword"] != user.phrase:
            self._fail("NotAuthorizedException", "Incorrect username or password.")
        user.phrase = sent["ProposedPassword"]

    def global_sign_out(self, **sent: str) -> None:
        self.signed_out.append(sent["AccessToken"])
