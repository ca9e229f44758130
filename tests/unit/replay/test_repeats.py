"""A request is repeated under its own name until it is decided, and a run goes on where it was."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from scripts.client import ApiError, ToolError
from scripts.replay.log import ReplayLog
from scripts.replay.repeats import PATIENCE_S, Repeats


class Exchange:
    """Answers with what it is given, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []
        self.slept: list[float] = []
        self.said: list[str] = []
        self.now = 0.0

    def send(
        self, method: str, path: str, *, json: Any = None, headers: dict[str, str]
    ) -> requests.Response:
        self.keys.append(headers["Idempotency-Key"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return response(*answer)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def post(self) -> Any:
        repeats = Repeats(self, self.said.append, self.sleep, lambda: self.now)
        return repeats.post("/orders/batch", {}, "run-7")


def response(status: int, body: Any, retry_after: str = "") -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    if retry_after:
        made.headers["Retry-After"] = retry_after
    return made


DECIDED: Any = (200, {"results": []})
PASSING = {
    "not decided yet": (202, {"idempotency_key": "run-7"}),
    "too much": (429, {"code": "too_many_requests"}),
    "queue slow": (503, {"code": "queue_slow"}),
    "gateway": (504, "<html>"),
    "function": (502, {"message": "Internal server error"}),
    "no connection": requests.ConnectionError(),
    "no answer": requests.ReadTimeout(),
    "half an answer": (200, '{"resul'),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_for(answer: Any) -> None:
    exchange = Exchange(answer, answer, DECIDED)
    assert exchange.post() == {"results": []}
    assert exchange.keys == ["run-7"] * 3
    assert exchange.slept == [0.2, 0.4]
    assert exchange.said[-1] == ""
    assert all(exchange.said[:-1])


def test_the_exchange_says_how_long_to_wait() -> None:
    exchange = Exchange((429, {"code": "too_many_requests"}, "7"), DECIDED)
    exchange.post()
    assert exchange.slept == [7.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_what_is_refused_for_good_is_not_repeated(status: int) -> None:
    exchange = Exchange((status, {"code": "no", "detail": "never"}))
    with pytest.raises(ApiError):
        exchange.post()
    assert len(exchange.keys) == 1


def test_patience_ends_with_a_way_to_go_on() -> None:
    exchange = Exchange((503, {"code": "queue_slow"}))
    with pytest.raises(ToolError, match=r"503 queue_slow.*The same command goes on"):
        exchange.post()
    assert PATIENCE_S < exchange.now < PATIENCE_S + 10


def log_of(folder: Path) -> ReplayLog:
    return ReplayLog.of(folder, file="orders.csv", market="BTC-USDT")


def test_a_run_goes_on_after_the_last_whole_line(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    assert not log.resume()
    log.begin("abc")
    for number in range(3):
        log.add({"n": number})
    log.close()
    log.path.write_bytes(log.path.read_bytes()[:-3])

    again = log_of(tmp_path)
    assert again.resume()
    assert (again.run, again.decided) == ("abc", [{"n": 0}, {"n": 1}])
    again.add({"n": 2})
    again.close()
    third = log_of(tmp_path)
    assert third.resume()
    assert third.decided == [{"n": 0}, {"n": 1}, {"n": 2}]
    third.finish()
    assert not log_of(tmp_path).resume()


def test_another_file_or_market_is_another_replay(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.begin("abc")
    log.add({"n": 0})
    log.close()
    assert not ReplayLog.of(tmp_path, file="orders.csv", market="ETH-USDT").resume()


def test_a_run_that_decided_nothing_is_a_new_one(tmp_path: Path) -> None:
    log = log_of(tmp_path)
    log.begin("abc")
    assert not log_of(tmp_path).resume()
