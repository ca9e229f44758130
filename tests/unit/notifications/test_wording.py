"""Texts: every kind in every language, with the same facts, and nothing that a fact could add."""

from string import Template

import pytest

from bursa.compliance.case_changes import VisibleState
from bursa.identity.security_events import SecurityEventKind
from bursa.notifications.notices import FEE_TIER, KYC, SECURITY, TRANSFER
from bursa.notifications.wording import KINDS, LANGUAGES, language_of, text_of

NOON_MS = 1_795_291_200_000
FACTS = {
    SECURITY: {"time", "help", "address", "about"},
    KYC: {"time", "help", "level", "renew_by", "level_until"},
    TRANSFER: {"time", "help", "amount", "asset", "account", "to"},
    FEE_TIER: {"time", "help", "tier", "before", "volume", "currency", "day"},
}


def test_whatever_happens_has_a_text() -> None:
    silent = VisibleState.NOTHING_SENT
    expected = {f"{SECURITY}.{kind}" for kind in SecurityEventKind}
    expected |= {f"{KYC}.{state}" for state in VisibleState if state is not silent}
    expected |= {f"{TRANSFER}.{what}" for what in ("credited", "debited", "moved")}
    assert expected | {f"{FEE_TIER}.changed"} == KINDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_all_of_it_with_facts_that_there_are(language: str) -> None:
    texts = LANGUAGES[language]
    assert texts.keys() == KINDS
    for kind, (title, body) in texts.items():
        assert 0 < len(title) <= 60
        assert "$" not in title
        names = set(Template(body).get_identifiers())
        assert names <= FACTS[kind.partition(".")[0]], kind
        assert names == set(Template(LANGUAGES["en"][kind][1]).get_identifiers()), kind


def test_a_text_has_its_facts_and_its_time() -> None:
    facts = {"address": "198.51.100.7", "about": "t1-2.0123"}
    text = text_of("security.api_key_made", "en", NOON_MS, facts, "https://help.example")
    assert text is not None
    assert text.title == "A new API key"
    assert "The API key t1-2.0123 was made on 2026-11-21 20:00 UTC" in text.body
    assert "198.51.100.7" in text.body
    assert text.body.endswith("https://help.example")


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        ("", "-"),
        ("a\r\nBcc: all@example.com", "aBcc: all@example.com"),
        ("x" * 500, "x" * 100),
        ("${help} $$ ${", "${help} $$ ${"),
        ("\u202egnp", "gnp"),
    ],
)
def test_a_fact_stays_one_line_of_the_text(fact: str, shown: str) -> None:
    facts = {"address": fact, "about": "k"}
    text = text_of("security.api_key_revoked", "en", NOON_MS, facts, "h")
    assert text is not None
    assert f"by a request from {shown}. If" in text.body
    assert "\n" not in text.body


def test_a_kind_of_a_later_version_has_none() -> None:
    assert text_of("security.teleported", "en", NOON_MS, {}, "h") is None


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ((), "en"),
        (("",), "en"),
        (("id",), "id"),
        (("id-ID", "en"), "id"),
        (("", "id"), "id"),
        (("de", "id-Latn-ID"), "id"),
        (("de", "fr"), "en"),
        (("en-GB", "id"), "en"),
    ],
)
def test_the_first_language_that_there_are_texts_in(wanted: tuple[str, ...], language: str) -> None:
    assert language_of(*wanted) == language
