"""What the tools' client does with responses that ask for something."""

from typing import Any

import pytest
import requests

from scripts.client import ApiError, Client, DemoUser, Deployment

DEPLOYMENT = Deployment("http://exchange.test/v1", "", "eu-west-1", None, "", ())
NOT_YET = (404, {"code": "not_known_yet", "detail": "Ask again."})
FOUND: tuple[int, dict[str, Any]] = (200, {"items": []})


class Answers:
    """Responses one after the other, the last one for ever; counts the requests."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self._answers = answers
        self.requests = 0

    def request(self, method: str, url: str, **_: Any) -> requests.Response:
        status, body = self._answers[min(self.requests, len(self._answers) - 1)]
        self.requests += 1
        response = requests.Response()
        response.status_code = status
        response.json = lambda **_: body  # type: ignore[method-assign]
        return response


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("scripts.client.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        "scripts.client.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds)
    )


def client_of(answers: Answers) -> Client:
    made = Client.__new__(Client)
    made.deployment, made.user = DEPLOYMENT, DemoUser("a@b.test", "secret", "a")
    made.session = answers  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("times", [0, 1, 20])
def test_a_read_is_sent_again_while_it_is_not_known_yet(times: int) -> None:
    answers = Answers(*[NOT_YET] * times, FOUND)
    assert client_of(answers).call("GET", "/orders") == {"items": []}
    assert answers.requests == times + 1


@pytest.mark.parametrize(
    ("method", "answer", "requests_sent"),
    [
        ("GET", (404, {"code": "unknown_order", "detail": ""}), {1}),
        ("DELETE", NOT_YET, {1}),
        # Ten seconds of fifths; their sum is a little more or less than that.
        ("GET", NOT_YET, {51, 52}),
    ],
    ids=["another refusal", "not a read", "for ever"],
)
def test_a_refusal_is_raised(
    method: str, answer: tuple[int, dict[str, Any]], requests_sent: set[int]
) -> None:
    answers = Answers(answer)
    with pytest.raises(ApiError) as raised:
        client_of(answers).call(method, "/orders")
    assert raised.value.code == answer[1]["code"]
    assert answers.requests in requests_sent
