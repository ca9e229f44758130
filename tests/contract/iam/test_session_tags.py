"""That a session's tag can hold a role to one tenant's rows, by a simulator of IAM.

No role is held in this way; docs/adr/0074 says why. What is shown here is that the keys of the
tables allow it, so that it can be done when it is wanted, and what a pattern must look like.
"""

import json

import pytest

from tests.contract.iam.simulator import HOME, _run
from tests.contract.rendering import ACCOUNT, REGION
from tests.contract.templates import ROOT, Json

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/bursa-OrdersTable"
OWN = "${aws:PrincipalTag/tenant}"
# A tenant's own row, its accounts, and everything under either. Without the separators t1 would
# also be the tenants t10 to t19.
PATTERNS = [OWN, f"{OWN}-*", f"{OWN}#*"]
ALLOWED, REFUSED = "Allowed", "ImplicitlyDenied"

ROWS = {
    "its own row": (ALLOWED, "t1", ["t1"]),
    "its account": (ALLOWED, "t1", ["t1-12"]),
    "its account's open orders": (ALLOWED, "t1", ["t1-12#open"]),
    "its markets and accounts in one request": (ALLOWED, "t1", ["t1#BTC-USDT", "t1-1"]),
    "another tenant's row": (REFUSED, "t1", ["t2"]),
    "another tenant's account": (REFUSED, "t1", ["t2-1"]),
    "a tenant whose number begins alike": (REFUSED, "t1", ["t12"]),
    "an account of one that begins alike": (REFUSED, "t1", ["t12-1"]),
    "another tenant's among its own": (REFUSED, "t1", ["t1-1", "t2-1"]),
    "a shard's": (REFUSED, "t1", ["shard#0"]),
    "a session without a tag": (REFUSED, None, ["t1"]),
    "nobody's, without a tag": (REFUSED, None, ["-1"]),
}


def policy(patterns: list[str]) -> Json:
    condition = {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": patterns},
        # For all of none is true.
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": TABLE, "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [allow]}


def decisions(patterns: list[str]) -> list[str]:
    """Return what IAM decides on a read of each of the rows."""
    requests = [
        {
            "role": "Tenant",
            "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/bursa-TenantRole/t1",
            "action": "dynamodb:Query",
            "resource": TABLE,
            "policy": None,
            "context": {"dynamodb:LeadingKeys": keys}
            | ({} if tag is None else {"aws:PrincipalTag/tenant": tag}),
        }
        for _, tag, keys in ROWS.values()
    ]
    told = {
        "identity": {"Tenant": [policy(patterns)]},
        "policies": {},
        "account": ACCOUNT,
        "requests": requests,
    }
    installed = _run([str(ROOT / "scripts" / "iam" / "install.sh")], "")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    command = [str(HOME / "node"), str(ROOT / "scripts" / "iam" / "simulate.cjs")]
    done = _run(command, json.dumps(told))
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.xdist_group("iam")
def test_a_session_reads_the_rows_of_its_tag_only() -> None:
    decided = dict(zip(ROWS, decisions(PATTERNS), strict=True))
    assert decided == {name: expected for name, (expected, *_) in ROWS.items()}


@pytest.mark.xdist_group("iam")
def test_a_prefix_alone_would_let_a_tenant_read_others() -> None:
    decided = dict(zip(ROWS, decisions([f"{OWN}*"]), strict=True))
    assert decided["an account of one that begins alike"] == ALLOWED
