"""Whatever is added, `make test-containers` calls it too."""

from tests.containers.test_functions import CALLS, EVENTS, HANDLERS


def test_every_function_and_every_event_is_called() -> None:
    assert {function for function, _ in CALLS} == set(HANDLERS)
    assert {name for _, name in CALLS} == {path.stem for path in EVENTS.glob("*.json")}
