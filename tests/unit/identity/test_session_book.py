"""What is noted of sessions and devices: bounded, and enough to see who is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.identity.session_book import (
    DEVICE_KEPT_MS,
    DEVICES_MAX,
    NEW_DEVICES_MAX,
    NEW_DEVICES_WINDOW_MS,
    SEEN_EVERY_MS,
    SESSION_KEPT_MS,
    SESSIONS_MAX,
    USER_AGENT_LENGTH_MAX,
    SessionBook,
    Sighting,
    device_digest,
    read_book,
    write_book,
)

NOW_MS = 1_795_291_200_000
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NEWER_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
PHONE = "BrandApp/7 (Android 15; Pixel)"
HOME, NEXT_DOOR, ABROAD = "198.51.100.7", "198.51.7.200", "203.0.113.9"


def seen(
    session: str = "s1",
    *,
    user_agent: str = FIREFOX,
    address: str = HOME,
    at_ms: int = NOW_MS,
) -> Sighting:
    return Sighting(session, at_ms // 1_000 - 60, user_agent, address, at_ms)


def test_a_session_is_noted_with_what_is_known_of_it() -> None:
    book = SessionBook().noted(seen(at_ms=NOW_MS))
    assert book.sessions == (("s1", NOW_MS // 1_000 - 60, NOW_MS, FIREFOX, HOME),)
    again = book.noted(seen(address=ABROAD, at_ms=NOW_MS + SEEN_EVERY_MS))
    assert again.sessions[0].address == ABROAD
    assert len(again.sessions) == 1
    assert (book.version, again.version) == (1, 2)


@pytest.mark.parametrize(
    ("later_ms", "is_noted"), [(0, True), (SEEN_EVERY_MS - 1, True), (SEEN_EVERY_MS, False)]
)
def test_it_is_written_once_in_some_minutes(later_ms: int, *, is_noted: bool) -> None:
    book = SessionBook().noted(seen())
    assert book.has_noted(seen(at_ms=NOW_MS + later_ms)) is is_noted
    assert not book.has_noted(seen("s2"))


DEVICES = {
    "the same again": (FIREFOX, HOME, False),
    "an update of it": (NEWER_FIREFOX, HOME, False),
    "a neighbour's address": (FIREFOX, NEXT_DOOR, False),
    "another network": (FIREFOX, ABROAD, True),
    "another program": (PHONE, HOME, True),
    "none said": ("", HOME, True),
    "no address": (FIREFOX, "", True),
    "IPv6": (FIREFOX, "2001:db8::1", True),
}


@pytest.mark.parametrize(("user_agent", "address", "is_new"), DEVICES.values(), ids=DEVICES)
def test_which_device_is_new(user_agent: str, address: str, *, is_new: bool) -> None:
    first = seen()
    assert not SessionBook().is_new_device(first)
    book = SessionBook().noted(first)
    other = seen("s2", user_agent=user_agent, address=address, at_ms=NOW_MS + 1)
    assert book.is_new_device(other) is is_new
    assert not book.noted(other).is_new_device(other)


def test_ipv6_counts_by_its_network() -> None:
    assert device_digest(PHONE, "2001:db8::1") == device_digest(PHONE, "2001:db8:9::1")
    assert device_digest(PHONE, "2001:db8::1") != device_digest(PHONE, "2001:db9::1")


def test_a_device_is_known_for_half_a_year_and_who_comes_back_later_is_told() -> None:
    book = SessionBook().noted(seen())
    assert not book.is_new_device(seen("s2", at_ms=NOW_MS + DEVICE_KEPT_MS - 1))
    assert book.is_new_device(seen("s2", at_ms=NOW_MS + DEVICE_KEPT_MS))


def test_who_makes_devices_up_is_told_of_a_few_a_day() -> None:
    book = SessionBook().noted(seen(user_agent="first"))
    told = 0
    for number in range(40):
        sighting = seen(f"s{number}", user_agent="x" * (number + 1), at_ms=NOW_MS + 1 + number)
        told += book.is_new_device(sighting)
        book = book.noted(sighting)
    assert told == NEW_DEVICES_MAX - 1  # the user's first one is among those of the day
    late = seen("late", user_agent="y", at_ms=NOW_MS + 50 + NEW_DEVICES_WINDOW_MS)
    assert book.is_new_device(late)


def test_a_full_book_loses_who_was_seen_least_lately_and_says_so() -> None:
    book = SessionBook()
    for number in range(SESSIONS_MAX):
        book = book.noted(seen(f"s{number}", at_ms=NOW_MS + number))
    assert book.is_complete(NOW_MS)
    book = book.noted(seen("s0", at_ms=NOW_MS + 1_000))  # it is used, so it stays
    book = book.noted(seen("one more", at_ms=NOW_MS + 2_000))
    assert len(book.sessions) == SESSIONS_MAX
    assert book.find("s0") is not None
    assert book.find("s1") is None
    assert not book.is_complete(NOW_MS + 2_000)
    assert book.is_complete(NOW_MS + 2_001 + SESSION_KEPT_MS)
    assert book.noted(seen("s1", at_ms=NOW_MS + 3_000)).find("s1") is not None


def test_what_nothing_can_renew_any_more_goes() -> None:
    book = SessionBook().noted(seen("old"))
    assert book.noted(seen("new", at_ms=NOW_MS + SESSION_KEPT_MS)).find("old") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", "[[],[]]", "[[[1]],[],0]", '[["ab"],[],0]', "[1,2,3]"]
)
def test_a_damaged_book_is_an_empty_one(text: str) -> None:
    assert read_book(text, 7) == SessionBook(version=7)


TEXTS = st.text(max_size=300)
SIGHTINGS = st.builds(
    Sighting,
    session=st.integers(0, 80).map(str),
    signed_in_at=st.integers(1, 2**33),
    user_agent=TEXTS,
    address=st.one_of(TEXTS, st.ip_addresses().map(str)),
    at_ms=st.integers(NOW_MS, NOW_MS + 2 * SESSION_KEPT_MS),
)


@given(st.lists(SIGHTINGS, max_size=120))
def test_whatever_is_seen_it_is_bounded_and_comes_back_as_it_was(seen: list[Sighting]) -> None:
    book = SessionBook()
    for sighting in seen:
        book.is_new_device(sighting)
        book = book.noted(sighting)
        assert book.find(sighting.session) is not None
    assert len(book.sessions) <= SESSIONS_MAX
    assert len({one.id for one in book.sessions}) == len(book.sessions)
    assert len(book.devices) <= DEVICES_MAX
    assert all(len(one.user_agent) <= USER_AGENT_LENGTH_MAX for one in book.sessions)
    assert all(one.user_agent.isascii() for one in book.sessions)
    assert len(write_book(book)) < 20_000
    assert read_book(write_book(book), book.version) == book
