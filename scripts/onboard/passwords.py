"""What new users sign in with: an invitation on AWS, a generated password on one machine."""

import secrets
import string
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

_PASSWORD_CHARACTERS = 20


class Invitations:
    """Nobody but the user ever knows the password: the pool sends one that is good once."""

    def of(self, email: str) -> None:
        """Return None."""
        del email


@dataclass(frozen=True, slots=True)
class GeneratedPasswords:
    """Passwords for play, kept in a file of their owner's.

    Parameters
    ----------
    known
        By e-mail address; new ones are added.
    keep
        Called with all of them before a new one is used, so that none is lost.

    """

    known: MutableMapping[str, str]
    keep: Callable[[Mapping[str, str]], None]

    def of(self, email: str) -> str:
        """Return the password of a user, which is a new one when there is none."""
        if email not in self.known:
            self.known[email] = generated()
            self.keep(self.known)
        return self.known[email]


def generated() -> str:
    """Return a password that every pool of ours accepts: small, large, digit, and long."""
    characters = string.ascii_letters + string.digits
    drawn = "".join(secrets.choice(characters) for _ in range(_PASSWORD_CHARACTERS - 3))
    return "".join(
        (secrets.choice(string.ascii_lowercase), secrets.choice(string.ascii_uppercase),
         secrets.choice(string.digits), drawn)
    )  # fmt: skip
