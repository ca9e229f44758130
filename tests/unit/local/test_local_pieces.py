from pathlib import Path

import pytest

from scripts.local import demo
from scripts.local.demo import with_hint
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.follow import readable
from scripts.local.processes import Process
from scripts.local.progress import last_line
from scripts.local.register import Register, only_one
from scripts.local.worker import shards, variables_of_shard


def test_the_stacks_outputs_become_the_workers_variables() -> None:
    outputs = {
        "Shards": "0,12",
        "CommandQueueUrlPrefix": "q-",
        "FundsQueueUrlPrefix": "f-",
        "TransfersQueueUrlPrefix": "t-",
        "CheckpointBucket": "b",
        "MetricNamespace": "Bursa/s",
    }
    own = [variables_of_shard(outputs, shard) for shard in shards(outputs)]
    assert [(one["SHARD"], one["COMMAND_QUEUE_URL"], one["FUNDS_QUEUE_URL"]) for one in own] == [
        ("0", "q-0.fifo", "f-0.fifo"),
        ("12", "q-12.fifo", "f-12.fifo"),
    ]
    assert {one["CHECKPOINT_BUCKET"] for one in own} == {"b"}
    assert {one["POWERTOOLS_METRICS_NAMESPACE"] for one in own} == {"Bursa/s"}


def test_children_see_this_exchange_and_no_real_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    local = LocalEnvironment(Path("/root"), tmp_path, 4600)
    environment = local.child_environment()
    assert environment["AWS_SECRET_ACCESS_KEY"] == local.keys.secret_access_key
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4600"
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert "AWS_PROFILE" not in environment
    assert "AWS_SESSION_TOKEN" not in environment


def test_a_register_remembers_the_newest_of_a_name(tmp_path: Path) -> None:
    register = Register(tmp_path)
    assert register.all() == []
    register.add(Process("worker", 1, "10"))
    register.add(Process("ministack", 2, "20"))
    register.add(Process("worker", 3, "30"))
    assert register.all() == [Process("ministack", 2, "20"), Process("worker", 3, "30")]
    assert register.running("worker") is None
    register.clear()
    assert register.all() == []


def test_a_damaged_register_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text("[{")
    assert Register(tmp_path).all() == []


def test_only_one_command_acts_at_a_time(tmp_path: Path) -> None:
    with (
        only_one(tmp_path / "lock", "starting"),
        pytest.raises(LocalError, match="Another command is starting"),
        only_one(tmp_path / "lock", "starting"),
    ):
        pytest.fail("two held the lock")
    with only_one(tmp_path / "lock", "starting"):
        pass


LINES = {
    "plain": ("worker", "ready", "worker     ready"),
    "structured": (
        "worker",
        '{"time_ms": 0, "level": "INFO", "message": "Leading", "epoch": 2, "shard": "0"}',
        "worker     Leading epoch=2",
    ),
    "of a function": (
        "ministack",
        '{"level": "ERROR", "message": "no", "service": "projector", "why": "x"}',
        "projector  no why=x",
    ),
    "json that is no object": ("worker", "[1]", "worker     [1]"),
}


@pytest.mark.parametrize(("name", "line", "shown"), LINES.values(), ids=LINES)
def test_a_log_line_is_shown_with_who_and_what(name: str, line: str, shown: str) -> None:
    text = readable(name, line).plain
    assert text.partition(" ")[2] == shown


LAST_LINES = {
    "the last": ("one\ntwo\n", "two"),
    "but no rule": ("one\n-----\n\n", "one"),
    "a message": ('one\n{"message": "Alive"}\n', "Alive"),
    "no metrics": ('one\n{"_aws": {}}\n', "one"),
    "half a line of json": ('one\n{"mess', "one"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("text", "said"), LAST_LINES.values(), ids=LAST_LINES)
def test_the_last_line_that_says_something(tmp_path: Path, text: str, said: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    assert last_line(log) == said
    assert last_line(tmp_path / "none") == ""


def test_a_journal_that_cannot_be_read_names_the_next_step() -> None:
    journal = "worker: The journal of shard 0 is broken: Record 1 has the schema 1."
    assert with_hint(journal).startswith(journal)
    assert "`make reset`" in with_hint(journal)
    assert with_hint("worker: no such table") == "worker: no such table"


TENANTS = {
    "tenants": [
        {"id": "t1", "name": "demo", "users": [{"email": "alice@demo.x"}, {"email": "bob@demo.x"}]},
        {"id": "t2", "name": "aurora", "users": [{"email": "carol@a.x"}, {"email": "bob@a.x"}]},
    ]
}


@pytest.mark.parametrize(
    ("tenant", "wanted", "found"),
    [
        ("", "", ("t1", "alice@demo.x")),
        ("", "bob", ("t1", "bob@demo.x")),
        ("", "carol", ("t2", "carol@a.x")),
        ("aurora", "", ("t2", "carol@a.x")),
        ("t2", "bob", ("t2", "bob@a.x")),
    ],
)
def test_a_user_is_found_by_its_name_and_its_tenant(
    tenant: str, wanted: str, found: tuple[str, str]
) -> None:
    of, user = demo.find_user(TENANTS, tenant, wanted)
    assert (of["id"], user["email"]) == found


@pytest.mark.parametrize(("tenant", "wanted"), [("demo", "carol"), ("t3", ""), ("", "zoe")])
def test_who_is_nobody_is_told_who_there_is(tenant: str, wanted: str) -> None:
    with pytest.raises(LocalError, match="TENANT=aurora with AS=carol or bob"):
        demo.find_user(TENANTS, tenant, wanted)
