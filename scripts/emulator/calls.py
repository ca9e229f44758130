"""Which calls the emulator is asked to allow, and by whom: what policies are compared with.

MiniStack decides on each request by its IAM action and resource. This notes both, with what else a
policy's conditions see, each kind of call once. A kind has no ids: the rows of all tenants are
``t*``, the objects of a folder are one. Callers are the functions, known by their roles, and
processes that name themselves in ``AWS_SDK_UA_APP_ID``; what others do is not noted.
"""

import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator  # type: ignore[import-untyped]

from scripts.emulator.front import Application, Receive, Scope, Send

Json = dict[str, Any]
Context = dict[str, list[str]]

_ROLE = re.compile(r":assumed-role/\S*?-(\w+)Role\b")
_APPLICATION = re.compile(r"\bapp/(\S+)")
# What partition keys begin with (bursa.kernel.keys), and what stands for all such keys.
_KINDS_OF_KEYS = (
    (re.compile(r"t\d+@"), "t*@*"),
    (re.compile(r"t\d+"), "t*"),
    (re.compile(r"(host#|issuer#|shard#\d+#|\d+#)"), r"\1*"),
)
_TENANTS = re.compile(r"-tenant-t\d+-")
_FILE = re.compile(r"(:::[^/]+/(?:documents|exports|archive/audit)/)t\d+/.*")
_JOB = re.compile(r"(?<=:job-)[0-9a-f]{32}$")
# A role may write this one, and no other of its folder.
_OWN_KIND = "/rescreening.json"
_LIST_VERSION = re.compile(r"(:::[^/]+/sanctions/[^/]+/)[0-9a-f]{64}/.*")
_ALIAS = re.compile(r"(:alias/\w[\w-]*?-)t\d+-")
_PARTITION = re.compile(r"#?\w+ = (:\w+)")
_NAME = re.compile(r"(?<![.:#\w])(?:#\w+|[A-Za-z_]\w*)")
# Of DynamoDB's expressions: clauses, operators and functions.
# What a member of a transaction is allowed as.
_OF_TRANSACTIONS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_WORDS = frozenset(
    [
        "add",
        "and",
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "between",
        "contains",
        "delete",
        "if_not_exists",
        "in",
        "list_append",
        "not",
        "or",
        "remove",
        "set",
        "size",
    ]
)


class Calls:
    """Notes each kind of call in a file, one line of JSON a kind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[str] = set()

    def note(self, caller: str, action: str, resource: str, context: Context) -> None:
        """Note a call unless one of its kind is known."""
        call = {"caller": caller, "action": action, "resource": resource, "context": context}
        line = json.dumps(call, sort_keys=True)
        if line not in self._known:
            self._known.add(line)
            with self._path.open("a") as file:
                file.write(f"{line}\n")


@dataclass(slots=True)
class _Arrived:
    """A request on its way to a decision."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def noting(application: Application, calls: Calls) -> Application:
    """Return an application that notes MiniStack's decisions, whichever way they go."""
    decide = iam_evaluator.enforce
    arrived: ContextVar[_Arrived] = ContextVar("arrived")

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope.get("headers", ())
        arrived.set(
            _Arrived({name.lower().decode(): value.decode("latin-1") for name, value in headers})
        )
        await application(scope, receive, send)

    def enforce(key: str, action: str, service: str, region: str, **named: Any) -> Any:  # noqa: ANN401
        request = arrived.get(_Arrived())
        # MiniStack drops it when the signature is checked, and may then decide once more.
        signed = iam_evaluator._signed_request.get()  # noqa: SLF001 - it offers no other
        if signed is not None:
            request.body = signed.body
        caller = _caller(key, request.headers)
        if caller:
            resource = named.get("resource_arn", "*")
            context = _context(action, resource, request, named.get("service_context") or {})
            calls.note(caller, action, kind_of_resource(resource), context)
        return decide(key, action, service, region, **named)

    iam_evaluator.enforce = enforce
    return serve


def _caller(key: str, headers: dict[str, str]) -> str:
    principal: str = getattr(iam_evaluator.resolve_credential(key), "principal_arn", "")
    found = _ROLE.search(principal) or _APPLICATION.search(headers.get("user-agent", ""))
    return found[1] if found else ""


def kind_of_resource(arn: str) -> str:
    """Return an ARN of all objects of an object's folder, of all connections, of all tenants."""
    if arn.endswith(_OWN_KIND):
        return arn
    # Of tenants' files and lists' versions there is one kind, and of their keys by aliases.
    of_many = _LIST_VERSION.sub(r"\1*", _FILE.sub(r"\1t*/*", arn))
    if of_many != arn:
        return of_many
    arn = _JOB.sub("*", _ALIAS.sub(r"\1t*-", arn))
    if arn.startswith("arn:aws:s3:::") or "/@connections/" in arn:
        folder, slash, _ = arn.rpartition("/")
        return f"{folder}/*" if slash else arn
    return _TENANTS.sub("-tenant-t*-", arn)


def kind_of_key(key: str) -> str:
    """Return what stands for a partition key in a policy: ``t*`` for ``t1#2``."""
    for pattern, kind in _KINDS_OF_KEYS:
        found = pattern.match(key)
        if found:
            return found.expand(kind)
    return key


def _context(action: str, resource: str, request: _Arrived, known: Json) -> Context:
    service = action.partition(":")[0]
    if service == "dynamodb":
        table = resource.rpartition(":table/")[2].partition("/")[0]
        return rows_context(json.loads(request.body or b"{}"), table, action)
    if service == "kms":
        given = json.loads(request.body).get("EncryptionContext", {})
        return {
            f"kms:EncryptionContext:{name}": [kind_of_key(given[name])]
            for name in ("purpose", "tenant")
            if name in given
        }
    if action == "s3:ListBucket":
        folder, slash, _ = str(known.get("s3:prefix", "")).rpartition("/")
        return {"s3:prefix": [folder + slash]} if slash else {}
    if action == "s3:PutObject" and "if-none-match" in request.headers:
        return {"s3:if-none-match": [request.headers["if-none-match"]]}
    return {}


def rows_context(body: Json, table: str, action: str) -> Context:
    """Return what conditions of DynamoDB see of a request's part for one table and action."""
    requests = list(_requests(body, table, action))
    context: Context = {
        "dynamodb:LeadingKeys": sorted(
            {kind_of_key(key) for one in requests for key in _keys(one)}
        ),
        "dynamodb:Attributes": sorted({name for one in requests for name in _attributes(one)}),
    }
    if "ReturnValues" in body:
        context["dynamodb:ReturnValues"] = [body["ReturnValues"]]
    if any("ProjectionExpression" in one for one in requests):
        context["dynamodb:Select"] = ["SPECIFIC_ATTRIBUTES"]
    return {name: values for name, values in context.items() if values}


def _requests(body: Json, table: str, action: str) -> Iterator[Json]:
    """Yield each request for one table that a body holds; of a transaction, those of the action."""
    if "TransactItems" in body:
        for item in body["TransactItems"]:
            for member, one in item.items():
                if one["TableName"] == table and _OF_TRANSACTIONS[member] == action:
                    yield one
    elif "RequestItems" not in body:
        yield body
    elif isinstance(asked := body["RequestItems"][table], list):
        for write in asked:
            yield from write.values()
    else:
        yield from (asked | {"Key": key} for key in asked["Keys"])


def _keys(request: Json) -> Iterator[str]:
    for row in (request.get("Key"), request.get("Item")):
        if row:
            yield row["pk"]["S"]
    found = _PARTITION.search(request.get("KeyConditionExpression", ""))
    if found:
        yield request["ExpressionAttributeValues"][found[1]]["S"]


def _attributes(request: Json) -> Iterator[str]:
    """Yield the attributes that a request names: of its key, its row and its expressions."""
    yield from request.get("Key", ())
    yield from request.get("Item", ())
    names = request.get("ExpressionAttributeNames", {})
    for part, expression in request.items():
        if part.endswith("Expression"):
            for name in _NAME.findall(expression):
                if name.lower() not in _WORDS:
                    yield names.get(name, name)
