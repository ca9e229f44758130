"""What a verified token says."""

from typing import NamedTuple


class Claims(NamedTuple):
    """The claims that matter here, each of its type and bounded.

    Attributes
    ----------
    subject
        The user's stable id in its pool.
    use
        ``access`` for an access token, ``id`` for an id token.
    client_id
        The application that signed the user in; empty for an id token, which names it otherwise.
    scopes
        What the token is for, in the user pool's words.
    groups
        The groups of the pool that the user was in when the token was made.
    signed_in_at, expires_at
        When the user signed in, which refreshing a token does not change, and when the token ends;
        seconds since 1970.
    session
        What names its session, also in tokens that were refreshed.

    """

    subject: str
    use: str
    client_id: str
    scopes: frozenset[str]
    signed_in_at: int
    expires_at: int
    groups: frozenset[str] = frozenset()
    session: str = ""
