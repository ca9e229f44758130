"""While the table of notices is away: who reads is told so, and what happens is told afterwards."""

import pytest

from tests.doubles.exchange import Exchange
from tests.doubles.tables import create_tables
from tests.unit.conftest import started
from tests.unit.notifications.test_notice_routes import send
from tests.unit.notifications.test_notify import Place


@pytest.fixture
def place(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(exchange, monkeypatch)


def test_reading_is_refused_and_telling_is_made_up_for(place: Place) -> None:
    api = started("identity_api.app")
    place.dynamodb.delete_table(TableName="notices")
    for response in (send(api), send(api, "POST", {"until_ms": 1})):
        assert (response.status, response.body["code"]) == (503, "notices_unavailable")
    assert place.approve() == ["0"]
    assert place.outbox.mails == []

    create_tables(place.dynamodb, ["notices"])
    assert place.approve() == []
    assert len(place.rows()) == len(place.outbox.mails) == 1
    assert send(api).status == 200
