"""What docs/operations.md says to do: for each alarm that the templates have, and for no other."""

import re

from tests.contract.templates import ROOT, everywhere

PAGE = (ROOT / "docs" / "operations.md").read_text()


def listed() -> list[str]:
    section = PAGE.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_there_is_something_to_do_for_each_alarm() -> None:
    alarms = {name.partition(":")[2] for name in everywhere("AWS::CloudWatch::Alarm")}
    assert len(alarms) > 20
    assert set(listed()) == alarms
    assert len(listed()) == len(set(listed()))


def test_the_page_has_what_an_operator_looks_for() -> None:
    for heading in ("Daily", "Weekly", "Alarms", "Upgrade", "Rollback", "Break-glass"):
        assert f"\n## {heading}\n" in PAGE
