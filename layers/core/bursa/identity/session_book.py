"""Which sessions a user has, and which devices it is known to use: one small book for each user.

It is a note for people. Whether a session goes on is decided by the directory's row of the user,
and what is written here can neither end a session nor keep one alive. So it may be bounded: when it
is full, the session that was seen least lately makes room and is listed again as soon as it is
used; the book says that one is missing.
"""

import json
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

SESSIONS_MAX: Final = 50
DEVICES_MAX: Final = 50
# Longer than a user pool renews a session's tokens (tenants/blueprints/identity.yaml).
SESSION_KEPT_MS: Final = 8 * 86_400_000
DEVICE_KEPT_MS: Final = 180 * 86_400_000
# How old `seen_at_ms` may become before it is written again.
SEEN_EVERY_MS: Final = 300_000
# So many of a day are told; more are somebody who makes them up, and tell nothing new.
NEW_DEVICES_MAX: Final = 10
NEW_DEVICES_WINDOW_MS: Final = 86_400_000
USER_AGENT_LENGTH_MAX: Final = 120

_ADDRESS_LENGTH_MAX: Final = 45
_DIGEST_LENGTH: Final = 16
_VERSION: Final = re.compile(r"[0-9][0-9._]*")
_NETWORK_BITS: Final = {4: 16, 6: 32}


class Sighting(NamedTuple):
    """A session that was just used: from what, where, and when, UTC."""

    session: str
    signed_in_at: int
    user_agent: str
    address: str
    at_ms: int


class Session(NamedTuple):
    """A session: when it began (seconds), was seen last (ms, coarse), from what and where."""

    id: str
    signed_in_at: int
    seen_at_ms: int
    user_agent: str
    address: str


class Device(NamedTuple):
    """A device, by a digest of what is known of it, and when it was seen first and last."""

    digest: str
    first_at_ms: int
    seen_at_ms: int


@dataclass(frozen=True, slots=True)
class SessionBook:
    """A user's sessions and devices.

    Attributes
    ----------
    version
        How often it was written; 0 for one that has never been.
    missing_since_ms
        When a session last had to make room; 0 for never.

    """

    sessions: tuple[Session, ...] = ()
    devices: tuple[Device, ...] = ()
    version: int = 0
    missing_since_ms: int = 0

    def find(self, session: str) -> Session | None:
        """Return a session; None for one that is not there."""
        return next((one for one in self.sessions if one.id == session), None)

    def is_complete(self, now_ms: int) -> bool:
        """Return whether no session is missing that may still be renewed."""
        return not self.missing_since_ms or now_ms - self.missing_since_ms > SESSION_KEPT_MS

    def has_noted(self, sighting: Sighting) -> bool:
        """Return whether there is nothing to write: the session was seen just before."""
        known = self.find(sighting.session)
        return known is not None and sighting.at_ms - known.seen_at_ms < SEEN_EVERY_MS

    def is_new_device(self, sighting: Sighting) -> bool:
        """Return whether its user is to be told: another device than all of before.

        A user's very first one is no news.
        """
        digest, at_ms = device_digest(sighting.user_agent, sighting.address), sighting.at_ms
        if not self.version or any(one.digest == digest for one in self._devices(at_ms)):
            return False
        lately = [one for one in self.devices if at_ms - one.first_at_ms < NEW_DEVICES_WINDOW_MS]
        return len(lately) < NEW_DEVICES_MAX

    def noted(self, sighting: Sighting) -> "SessionBook":
        """Return the book with a session that was just used."""
        at_ms = sighting.at_ms
        agent = bounded_agent(sighting.user_agent)
        address = sighting.address[:_ADDRESS_LENGTH_MAX]
        seen = Session(sighting.session, sighting.signed_in_at, at_ms, agent, address)
        others = (
            one
            for one in self.sessions
            if one.id != seen.id and at_ms - one.seen_at_ms < SESSION_KEPT_MS
        )
        sessions = [seen, *sorted(others, key=lambda one: one.seen_at_ms, reverse=True)]
        digest = device_digest(sighting.user_agent, sighting.address)
        known = {one.digest: one for one in self._devices(at_ms)}
        first_at_ms = known[digest].first_at_ms if digest in known else at_ms
        known[digest] = Device(digest, first_at_ms, at_ms)
        devices = sorted(known.values(), key=lambda one: one.seen_at_ms, reverse=True)
        return replace(
            self,
            sessions=tuple(sessions[:SESSIONS_MAX]),
            devices=tuple(devices[:DEVICES_MAX]),
            version=self.version + 1,
            missing_since_ms=at_ms if len(sessions) > SESSIONS_MAX else self.missing_since_ms,
        )

    def _devices(self, at_ms: int) -> list[Device]:
        return [one for one in self.devices if at_ms - one.seen_at_ms < DEVICE_KEPT_MS]


def bounded_agent(text: str) -> str:
    """Return a User-Agent as it is kept: cut, and without what is not printable ASCII."""
    printable = "".join(one for one in text if " " <= one <= "~")
    return printable[:USER_AGENT_LENGTH_MAX]


def device_digest(user_agent: str, address: str) -> str:
    """Return what a device is known by: its kind, and roughly where it is.

    The kind is the User-Agent without versions, which change with each update; where it is, the
    network of its address with 16 bits (32 of IPv6), because addresses change by the day.
    """
    kind = _VERSION.sub("", bounded_agent(user_agent))
    try:
        source = ip_address(address)
        network = str(ip_network((source, _NETWORK_BITS[source.version]), strict=False))
    except ValueError:
        network = ""
    return sha256(f"{kind}\n{network}".encode()).hexdigest()[:_DIGEST_LENGTH]


def write_book(book: SessionBook) -> str:
    """Return a book as it is stored; its version stands beside it."""
    content = [book.sessions, book.devices, book.missing_since_ms]
    return json.dumps(content, separators=(",", ":"))


def read_book(text: str, version: int) -> SessionBook:
    """Return a book as it was stored; an empty one for what can't be read.

    A damaged note must lock nobody out.
    """
    try:
        sessions, devices, missing_since_ms = json.loads(text)
        return SessionBook(
            tuple(Session(*one) for one in sessions),
            tuple(Device(*one) for one in devices),
            version,
            missing_since_ms,
        )
    except (ValueError, TypeError):
        return SessionBook(version=version)
