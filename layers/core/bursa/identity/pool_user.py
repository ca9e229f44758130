"""A user as its pool knows it."""

from typing import NamedTuple


class PoolUser(NamedTuple):
    """A user of a pool.

    Attributes
    ----------
    subject
        Its stable id in the pool.
    is_claimed
        Whether somebody may know its password: it was given one, or has signed up by itself. A
        user that an administrator has just created is not claimed.

    """

    subject: str
    is_claimed: bool


class PoolAddress(NamedTuple):
    """A user's e-mail address, and whether the user has shown that it reads what is sent there."""

    email: str
    is_verified: bool
