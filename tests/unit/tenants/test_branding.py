"""What a branding may be: applications show it as it is, and lead their users where it says."""

from dataclasses import replace

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.tenants.branding import (
    LEGAL_DOCUMENTS,
    Branding,
    Colours,
    check_branding,
    contrast,
    faults,
    is_https,
)

TERMS = "https://brand.example/terms"

GOOD = {
    "nothing said": Branding(),
    "everything": Branding(
        "Börse Süd",
        "https://cdn.brand.example:8443/logo.svg?v=2",
        "https://help.brand.example",
        Colours("#22c55e", "#04130a", "#0b0f14", "#e5e7eb"),
        ("de", "en", "pt-BR", "zh-Hant-TW", "es-419"),
        {"de": dict.fromkeys(LEGAL_DOCUMENTS, TERMS), "en": {"terms": TERMS}},
    ),
    "a name in another script": Branding("取引所"),
}


@pytest.mark.parametrize("branding", GOOD.values(), ids=GOOD)
def test_good(branding: Branding) -> None:
    check_branding(branding)


BAD = {
    "a long name": (Branding("x" * 61), "display_name"),
    "a name of two lines": (Branding("a\nb"), "display_name"),
    "a name that turns the writing around": (Branding("a\u202eb"), "display_name"),
    "a name with spaces around": (Branding(" a"), "display_name"),
    "http": (Branding(logo_url="http://brand.example/x.png"), "logo_url"),
    "a script": (Branding(logo_url="javascript:alert(1)"), "logo_url"),
    "an image in the text": (Branding(logo_url="data:image/png;base64,AAAA"), "logo_url"),
    "no host": (Branding(support_url="https:///x"), "support_url"),
    "a user": (Branding(support_url="https://brand.example@evil.example"), "support_url"),
    "a quote": (Branding(support_url='https://brand.example/"onerror='), "support_url"),
    "a space": (Branding(support_url="https://brand.example/ x"), "support_url"),
    "a line feed": (Branding(support_url="https://brand.example/\n"), "support_url"),
    "no port": (Branding(support_url="https://brand.example:99999/"), "support_url"),
    "too long": (Branding(support_url="https://b.example/" + "x" * 300), "support_url"),
    "a colour by name": (Branding(colours=Colours(primary="navy")), "colours.primary"),
    "a colour of three": (Branding(colours=Colours(text="#000")), "colours.text"),
    "a colour with more": (Branding(colours=Colours(text="#000000;}")), "colours.text"),
    "text that can't be read": (Branding(colours=Colours(text="#9ca3af")), "colours.text"),
    "a button that can't": (Branding(colours=Colours("#facc15")), "colours.on_primary"),
    "a button that can't be seen": (
        Branding(colours=Colours("#dbeafe", "#111827")),
        "colours.primary",
    ),
    "no language": (Branding(languages=()), "languages"),
    "many languages": (
        Branding(languages=tuple(f"{one}a" for one in "abcdefghijklmnopqrstu")),
        "languages",
    ),
    "a language by name": (Branding(languages=("english",)), "languages.0"),
    "a language in other letters": (Branding(languages=("en", "EN-us")), "languages.1"),
    "a language twice": (Branding(languages=("en", "en")), "languages.1"),
    "a text in no language of its": (Branding(legal={"fr": {}}), "legal.fr"),
    "a text of another kind": (Branding(legal={"en": {"jokes": TERMS}}), "legal.en.jokes"),
    "a text elsewhere": (Branding(legal={"en": {"terms": "/terms"}}), "legal.en.terms"),
    "a text that the first language lacks": (
        Branding(languages=("en", "de"), legal={"de": {"terms": TERMS}}),
        "legal",
    ),
}


@pytest.mark.parametrize(("branding", "field"), BAD.values(), ids=BAD)
def test_bad(branding: Branding, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_branding(branding)
    assert (refused.value.code, refused.value.field) == ("invalid_branding", field)


def test_every_fault_is_found_at_once() -> None:
    wrong = replace(Branding("x" * 61), logo_url="x", languages=("?", "??"), legal={"?": {"x": ""}})
    assert len(list(faults(wrong))) == 5


def test_contrast_is_that_of_the_standard() -> None:
    """Ratios that the standard's own definition gives; white on white is 1, on black 21."""
    assert contrast("#ffffff", "#ffffff") == 1
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


def test_the_default_colours_can_be_read() -> None:
    assert not list(faults(Branding()))
    assert is_https(TERMS)
