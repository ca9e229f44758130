"""What holds keys and passwords is its owner's alone, whatever umask and rights it meets."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local import private
from scripts.local.environment import LocalEnvironment, LocalError
from scripts.local.keys import Keys
from scripts.local.processes import Process, start, stop
from scripts.local.register import Register


@pytest.fixture(params=[0o000, 0o022], ids=["no umask", "the usual umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_private_also_when_it_was_not(tmp_path: Path, umask: None) -> None:
    path = tmp_path / "outputs.json"
    private.write(path, "one")
    assert (rights(path), path.read_text()) == (0o600, "one")
    path.chmod(0o666)
    private.write(path, "two")
    assert (rights(path), path.read_text()) == (0o600, "two")


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("untouched")
    (tmp_path / "outputs.new").symlink_to(tmp_path / "elsewhere")
    private.write(tmp_path / "outputs.json", "one")
    assert (tmp_path / "elsewhere").read_text() == "untouched"


def test_keys_are_random_and_stay(tmp_path: Path, umask: None) -> None:
    keys = Keys.of(tmp_path / "home")
    assert Keys.of(tmp_path / "home") == keys
    assert Keys.of(tmp_path / "other").secret_access_key != keys.secret_access_key
    assert len(keys.secret_access_key) >= 40
    assert rights(tmp_path / "home" / "keys.json") == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["keys.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"access_key_id": "only"}'])
def test_keys_that_cannot_be_read_are_made_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    assert Keys.of(tmp_path) == Keys.of(tmp_path)


def test_a_home_is_closed_to_others_with_all_that_is_in_it(
    tmp_path: Path, umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "state" / "pool").mkdir(parents=True)
    (home / "state" / "pool" / "key.pem").write_text("secret")
    (home / "logs" / "worker.log").write_text("secret")
    (home / "outputs.json").write_text("{}")
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (home / "state" / "link").symlink_to(outside)
    monkeypatch.setenv("BURSA_HOME", str(home))
    monkeypatch.setenv("BURSA_PORT", "4600")
    local = LocalEnvironment.read()
    Register(home).add(Process("worker", 1, "10"))
    assert local.keys
    found = {path.name: rights(path) for path in home.rglob("*") if not path.is_symlink()}
    folders = {path.name for path in home.rglob("*") if path.is_dir()}
    assert {"keys.json", "processes.json", "key.pem", "worker.log", "outputs.json"} <= set(found)
    assert found == {name: 0o700 if name in folders else 0o600 for name in found}
    assert (rights(home), rights(outside)) == (0o700, 0o644)


def test_what_a_process_writes_is_private(tmp_path: Path, umask: None) -> None:
    log = tmp_path / "logs" / "log"
    log.parent.mkdir()
    log.touch()
    log.chmod(0o666)
    process = start(
        "test", ["/bin/sh", "-c", "echo > made"], log=log, environment={}, folder=tmp_path
    )
    while not (tmp_path / "made").exists():
        pass
    stop(process, 5)
    assert (rights(log), rights(tmp_path / "made")) == (0o600, 0o600)


def test_a_folder_with_other_things_in_it_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "letter.txt").touch()
    tmp_path.chmod(0o755)
    monkeypatch.setenv("BURSA_HOME", str(tmp_path))
    with pytest.raises(LocalError, match="holds other things"):
        LocalEnvironment.read()
    assert rights(tmp_path) == 0o755


@pytest.mark.parametrize(
    ("origins", "sentence"),
    [
        ("http://demo.localhost:5173", ""),
        ("http://demo.localhost:5173,https://web.example", ""),
        ("", ""),
        ("demo.localhost:5173", "is not an origin"),
        ("http://demo.localhost:5173/", "is not an origin"),
        ("*", "is not an origin"),
        ("null", "is not an origin"),
    ],
)
def test_origins_are_given_as_browsers_send_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origins: str, sentence: str
) -> None:
    monkeypatch.setenv("BURSA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BURSA_ORIGINS", origins)
    if sentence:
        with pytest.raises(LocalError, match=sentence):
            LocalEnvironment.read()
    else:
        assert ",".join(LocalEnvironment.read().origins) == origins
