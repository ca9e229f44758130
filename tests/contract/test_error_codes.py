"""Every code of an error is on the page of error codes, with a sentence."""

import re
from collections import Counter

import pytest

from bursa.dialects.native.problems import STATUS
from scripts.error_codes import PAGE, ROOT, codes, page

API = (ROOT / "docs" / "api.md").read_text().partition("\n## Errors\n")[2]
# What the gateway says, and what is told of each line of a batch.
NOT_OURS = {
    *("bad_request", "forbidden", "blocked", "unknown_route", "too_many_requests"),
    "sign_in_unavailable",
}
# In a path or a body, and of an account that asks or is asked for.
TWO_STATUSES = {
    *("unknown_asset", "unknown_market", "unknown_order", "unknown_provider", "unknown_tenant"),
    *("unknown_user", "email_not_verified"),
}


def test_the_page_is_what_the_code_has() -> None:
    assert PAGE.read_text() == page(), "python -m scripts.error_codes"


def test_every_code_has_a_sentence_and_a_known_status() -> None:
    found = codes()
    assert len({code.name for code in found}) > 200
    for code in found:
        assert code.status in STATUS.values()
        assert re.fullmatch(r"[a-z0-9_…]+", code.name), code
        assert len(code.sentence.split()) > 1, code


def test_a_code_means_one_status_but_for_what_engine_and_edge_both_refuse() -> None:
    """The edge finds the form wrong before anything is sent, the engine the order as a whole."""
    counted = Counter(name for name, _ in {(code.name, code.status) for code in codes()})
    twice = {name for name, count in counted.items() if count > 1}
    both = {code.name for code in codes() if code.status == STATUS_OF_THE_ENGINE}
    assert twice <= both | TWO_STATUSES, twice - both


STATUS_OF_THE_ENGINE = 422


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`([a-z][a-z0-9_]+)`", API.partition("\n## ")[0])) - NOT_OURS)
)
def test_a_code_that_the_api_names_exists(name: str) -> None:
    known = {code.name for code in codes()}
    made = [re.escape(one).replace("…", "[a-z0-9_]+") for one in known if "…" in one]
    words = {"code", "detail", "field", "request_id", "client_order_id"}
    assert name in known | words or any(re.fullmatch(one, name) for one in made), name
