"""Cases that have changed, as the compliance table's stream brings them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bursa.compliance.cases import Case
from bursa.compliance.cases_dynamodb import case_from
from bursa.kernel import keys


class CaseChanged(NamedTuple):
    """One change; ``identifier`` is what the stream calls it. There is no case before the first."""

    identifier: str
    before: Case | None
    after: Case


def changed_cases(event: Mapping[str, Any]) -> Iterator[CaseChanged]:
    """Yield the changes of cases in a batch, in their order; other rows are passed over."""
    for record in event["Records"]:
        change = record["dynamodb"]
        if change["Keys"]["sk"]["S"] != keys.CASE or "NewImage" not in change:
            continue
        before = _case(change["OldImage"]) if "OldImage" in change else None
        yield CaseChanged(change["SequenceNumber"], before, _case(change["NewImage"]))


def _case(image: Mapping[str, Any]) -> Case:
    body = json.loads(image["body"]["S"])
    return case_from(image["pk"]["S"], int(image["version"]["N"]), body)
