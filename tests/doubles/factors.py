"""A second factor that takes any code, for tests of what is behind it."""

from bursa.identity.principal import Principal
from bursa.identity.second_factor import Enrolment


class AnyCode:
    """Has the methods of `bursa.identity.second_factor.SecondFactor`."""

    def __init__(self, *_: object) -> None:
        """Take what the real one is given."""

    def begin(self, principal: Principal, token: str, issuer_name: str) -> Enrolment:
        """Return a secret."""
        return Enrolment("SECRET", "otpauth://totp/x")

    def confirm(self, principal: Principal, token: str, code: str, address: str) -> int:
        """Return since when."""
        return 1

    def require(self, principal: Principal, code: str) -> None:
        """Ask for nothing."""

    def since_ms(self, principal: Principal) -> int:
        """Return since when it is required: not at all."""
        return 0

    def remove(self, principal: Principal, token: str, code: str, address: str) -> None:
        """Remove nothing."""
