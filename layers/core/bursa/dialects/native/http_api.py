"""What every REST function shares: the resolver, success and error responses, request parts.

API Gateway calls with the path after the stage: the stage is named ``v1``, so that the public path
of ``/orders`` is ``/v1/orders`` on AWS and locally alike.
"""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bursa.dialects.native.cross_origin import add_headers, preflight_headers, response_headers
from bursa.dialects.native.json_text import write_json
from bursa.dialects.native.parameters import RequestHeaders, require_parameters
from bursa.dialects.native.problems import PROBLEM_JSON, problem, rate_headers, status_of
from bursa.dialects.native.public_responses import KeptResponse
from bursa.dialects.native.responses import PendingResponse
from bursa.identity.api_keys import ApiKey
from bursa.identity.gateway import authorized_principal, listed_origins, signing_key
from bursa.identity.principal import Principal, acting_for
from bursa.identity.signatures import HEADERS as SIGNATURE_HEADERS
from bursa.identity.signatures import SentRequest
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import (
    BursaError,
    InternalError,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import RateState
from bursa.tenants.account_limits import AccountLimits

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
_BASE_PATH = "/v1"
_OK = 200
_ACCEPTED = 202
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_SERVER_FAULT = 500
# What a response is has been said, and it came by TLS and shall again (RFC 6797).
_SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


class RateBudgets(Protocol):
    """The budgets of accounts; see `bursa.intake.budgets.Budgets`."""

    def know(self, account: AccountId, own: AccountLimits) -> None:
        """Note which limits of its own an account has."""

    @property
    def asked(self) -> int:
        """How often a charge was asked for so far."""

    def require(self, account: AccountId, charges: tuple[Charge, ...]) -> None:
        """Charge a request; raises `TooManyRequests`."""

    def state(self, account: AccountId, budget: Budget) -> RateState:
        """Return what an account has left of a budget."""


class SignedRequests(Protocol):
    """Verifies signed requests; see `bursa.identity.signed_requests.SignedRequests`."""

    def __call__(self, key: ApiKey, request: SentRequest) -> Principal:
        """Return the principal that a request proves, once."""


class PublicOrigins(Protocol):
    """Which pages may use a host name; see `bursa.tenants.origins.HostOrigins`."""

    def lists(self, host: str, named: str | None, origin: str) -> bool:
        """Return whether the tenant of a public request lists this origin."""

    def lets_ask(self, host: str, origin: str) -> bool:
        """Return whether a page of this origin may send a request there; for a preflight."""


_ONE_FAULT = (Charge(Budget.FAULTS, 1),)
_ONE_SESSION = (Charge(Budget.SESSIONS, 1),)
# By the method: what a request is charged to. What a batch has is charged by intake, command by
# command.
_BUDGETS = {"GET": Budget.READS, "DELETE": Budget.CANCELS}


# Headers that say what a request means; others may be repeated as HTTP has it.
_ONCE = frozenset({"idempotency-key", "prefer", "x-account", "x-tenant", *SIGNATURE_HEADERS})
_TAKEN = "query_parameters"
_WITH_ORDERS = frozenset({"POST", "PATCH"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_PORT = re.compile(r":\d+$")
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def takes(*names: str) -> Callable[[_Handler], _Handler]:
    """Declare the query parameters of a route's function; it gets no others."""

    def declare(handler: _Handler) -> _Handler:
        setattr(handler, _TAKEN, names)
        return handler

    return declare


def taken_parameters(handler: Callable[..., Any]) -> tuple[str, ...]:
    """Return the query parameters that a route's function has declared."""
    names: tuple[str, ...] = getattr(handler, _TAKEN, ())
    return names


class RestApi(APIGatewayRestResolver):
    """Routes of one function; every exception becomes a problem.

    A request is refused unless its route knows all of it: query parameters are those that the
    route's function `takes`, each once; only POST, PUT and PATCH have a body; a path has no empty
    part.

    Parameters
    ----------
    budgets
        Charged for signed-in requests that read; commands are charged by intake.
    signed_requests
        Verifies those that name an API key; without it none is let in.
    origins
        Of public requests, and of preflights. A signed-in request's are those of the caller's own
        tenant, which come with the authorizer's verdict.
    preflights
        Of preflights alone, where all other requests are signed in.

    """

    def __init__(
        self,
        logger: Logger,
        metrics: Metrics,
        clock: WallClock,
        budgets: RateBudgets | None = None,
        signed_requests: SignedRequests | None = None,
        *,
        origins: PublicOrigins | None = None,
        preflights: PublicOrigins | None = None,
    ) -> None:
        # Behind a domain name of its own the path begins with what that maps to the stage.
        super().__init__(strip_prefixes=[_BASE_PATH])
        self._budgets = budgets
        self._caller: AccountId | None = None
        self._signed_requests = signed_requests
        self._origins = origins
        self._preflights = preflights or origins
        self._verified: Principal | None = None
        self._clock = clock
        self._logger_of_faults = logger
        self._metrics = metrics
        self.exception_handler(BursaError)(self._error)
        self.exception_handler(NotFoundError)(self._unknown_route)
        self.exception_handler(Exception)(self._fault)
        self.use(middlewares=[self._require_form])

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Return the response to one request."""
        self._metrics.add_metric("Requests", MetricUnit.Count, 1)
        if event["httpMethod"] == "OPTIONS":
            return self._preflight(event)
        response = self._respond_to(event, context)
        origin = _header(event, "origin")
        is_listed = origin is not None and self._lists(event, origin)
        add_headers(response, response_headers(origin) if origin and is_listed else {})
        return response

    def _preflight(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return what a page may send; nothing to one of an origin that is not listed."""
        origin = _header(event, "origin")
        may_ask = (
            origin is not None
            and self._preflights is not None
            and self._preflights.lets_ask(_host(event), origin)
        )
        response = {"statusCode": _NO_CONTENT, "body": "", "isBase64Encoded": False}
        headers = preflight_headers(origin) if origin and may_ask else {}
        add_headers(response, {"Cache-Control": "no-store", **headers, **_SECURITY_HEADERS})
        return response

    def _lists(self, event: dict[str, Any], origin: str) -> bool:
        if self._origins is None:
            context = event["requestContext"].get("authorizer") or {}
            return origin in listed_origins(context)
        return self._origins.lists(_host(event), _header(event, "x-tenant"), origin)

    def _respond_to(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        self._caller = self._verified = None
        if self._budgets is None or not _places(event):
            return self.resolve(event, context)
        asked = self._budgets.asked
        response = self.resolve(event, context)
        if self._caller is not None and self._budgets.asked == asked:
            # Intake was not asked: refused for its form.
            with suppress(TooManyRequests):
                self._budgets.require(self._caller, _ONE_FAULT)
        return response

    def address(self) -> str:
        """Return where the request came from, as the gateway saw it; no header is believed."""
        context = self.current_event.raw_event.get("requestContext") or {}
        return str((context.get("identity") or {}).get("sourceIp") or "")

    def iam_principal(self) -> str:
        """Return the ARN of who signed the request, where the gateway asks IAM.

        Raises `Unauthenticated` ``unauthenticated`` where it did not.
        """
        context = self.current_event.raw_event.get("requestContext") or {}
        arn = (context.get("identity") or {}).get("userArn")
        if not isinstance(arn, str) or not arn:
            raise Unauthenticated("unauthenticated", "Sign the request as docs/onboarding.md says.")
        return arn

    def body_text(self) -> str | None:
        """Return the request's body as text; raises `InvalidInput` ``invalid_json``."""
        event = self.current_event
        if not event.is_base64_encoded or event.body is None:
            return event.body
        try:
            return base64.b64decode(event.body, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidInput("invalid_json", "Send a body that is JSON in UTF-8.") from None

    def body_bytes(self) -> bytes:
        """Return the request's body as it was sent, for whoever verifies a signature over it."""
        return _body_bytes(self.current_event.raw_event)

    def header_values(self) -> dict[str, str]:
        """Return all headers, their names in lower case."""
        given = self.current_event.raw_event.get("headers") or {}
        return {name.lower(): str(value) for name, value in given.items()}

    def refuse_body(self) -> None:
        """Raise `InvalidInput` ``body_not_allowed`` when the request has a body."""
        if self.current_event.body:
            raise InvalidInput("body_not_allowed", "Send no body with this request.")

    def query(self, name: str) -> str | None:
        """Return a query parameter."""
        return (self.current_event.query_string_parameters or {}).get(name)

    def header(self, name: str) -> str | None:
        """Return a request header; their names have no case."""
        return self.current_event.headers.get(name.lower())

    def host(self) -> str:
        """Return the host name that the gateway took the request at."""
        return _host(self.current_event.raw_event)

    def headers(self) -> RequestHeaders:
        """Return what the request's headers ask for; their names have no case."""
        headers = self.current_event.headers
        return RequestHeaders(headers.get("idempotency-key"), headers.get("prefer"))

    def account(self, reads: int = 1) -> AccountId:
        """Return the account of a caller who reads so much, and charge it.

        Raises what `principal` raises, and `TooManyRequests` ``too_many_reads``.
        """
        account = self.principal().account
        if self._budgets is not None:
            self._budgets.require(account, (Charge(Budget.READS, reads),))
        return account

    def principal(self) -> Principal:
        """Return the caller: whose token the authorizer has verified, or who has signed.

        Every route finds its caller here and nowhere else.

        Raises
        ------
        Unauthenticated
            ``token_expired``: the gateway has kept a verdict for longer than its token lives.
            ``unauthenticated``: the route was called without an authorizer. What
            `bursa.identity.signed_requests` refuses.
        NotAllowed
            What that refuses.
        NotFound
            ``unknown_account``: X-Account names none of the caller's.
        InvalidInput
            ``account_of_key``: it is sent with an API key.
        TooManyRequests
            ``too_many_faults``, ``too_many_requests_of_key``

        """
        if self._verified is None:
            self._verified = acting_for(self._verify(), self.header("x-account"))
        self._caller = self._verified.account
        if self._budgets is not None:
            self._budgets.know(self._caller, self._verified.own_limits)
        self._refuse_faults(self._verified.account)
        return self._verified

    def _verify(self) -> Principal:
        context = self.current_event.raw_event["requestContext"].get("authorizer") or {}
        key = signing_key(context)
        if key is None or self._signed_requests is None:
            principal = authorized_principal(context)
            if principal.expires_at * 1_000 <= self._clock.now_ms():
                raise Unauthenticated("token_expired", "Sign in again.")
            return principal
        principal = self._signed_requests(key, self._sent_request())
        self._metrics.add_metric("SignedRequests", MetricUnit.Count, 1)
        return principal

    def _sent_request(self) -> SentRequest:
        """Return what a signature covers. The raw event has it without what Powertools adds."""
        event: dict[str, Any] = self.current_event.raw_event
        context = event["requestContext"]
        return SentRequest(
            method=event["httpMethod"],
            path=event["path"],
            query={
                name: tuple(values)
                for name, values in _given(event, "QueryStringParameters").items()
            },
            headers={name.lower(): text for name, text in (event.get("headers") or {}).items()},
            body=_body_bytes(event),
            address=self.address(),
            # The gateway's own time, so that a slow start of ours makes no request late.
            arrived_at_ms=int(context.get("requestTimeEpoch") or self._clock.now_ms()),
            request_id=self.request_id() or "",
        )

    def leaver(self) -> Principal:
        """Return a caller who ends its sessions, and charge it; raises as `account` does."""
        principal = self.principal()
        if self._budgets is not None:
            self._budgets.require(principal.account, _ONE_SESSION)
        return principal

    def _refuse_faults(self, account: AccountId) -> None:
        """Refuse orders of an account that has sent too many that are refused for their form.

        Before anything is read for them. What cancels is never refused by this.
        """
        if self._budgets is None or not _places(self.current_event.raw_event):
            return
        state = self._budgets.state(account, Budget.FAULTS)
        if not state.remaining:
            detail = "Stop sending what is refused for its form."
            raise TooManyRequests("too_many_faults", detail, state=state)

    def respond(self, body: object, status: int = _OK) -> Response[str]:
        """Return a response in JSON; what is pending gets a 202 and where to look."""
        if isinstance(body, PendingResponse):
            location = {} if body.location is None else {"Location": body.location}
            return _response(_ACCEPTED, JSON, body.body, self._rate_headers() | location)
        return _response(status, JSON, body, self._rate_headers())

    def respond_csv(self, text: str, name: str) -> Response[str]:
        """Return a table in CSV, which a browser saves under a name."""
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
            **_SECURITY_HEADERS,
            **self._rate_headers(),
        }
        return Response(_OK, CSV, text, headers=headers)

    def respond_public(self, kept: KeptResponse) -> Response[str]:
        """Return what anyone may read and keep; 304 without a body to who has it already."""
        headers = {
            "Cache-Control": f"public, max-age={kept.max_age_s}",
            "ETag": kept.etag,
            "Vary": "X-Tenant",
            **_SECURITY_HEADERS,
        }
        known = {etag.strip() for etag in (self.header("If-None-Match") or "").split(",")}
        if kept.etag in known:
            return Response(_NOT_MODIFIED, headers=headers)
        return Response(_OK, JSON, kept.text, headers=headers)

    def _rate_headers(self) -> dict[str, str]:
        if self._budgets is None or self._caller is None:
            return {}
        budget = _BUDGETS.get(self.current_event.http_method.upper(), Budget.COMMANDS)
        return rate_headers(self._budgets.state(self._caller, budget))

    def _require_form(
        self, app: APIGatewayRestResolver, next_middleware: Callable[..., Response[str]]
    ) -> Response[str]:
        """Refuse what the route does not know; stands before every route there is."""
        route = app.context["_route"]
        if route in self._static_routes or route in self._dynamic_routes:
            event: dict[str, Any] = app.current_event.raw_event
            if event["path"].endswith("/"):
                # Powertools would take it for the route without: a cancel without an id for a
                # cancel of all.
                raise _unknown_route()
            require_parameters(_given(event, "QueryStringParameters"), taken_parameters(route.func))
            for name, values in _given(event, "Headers").items():
                if name.lower() in _ONCE and len(values) != 1:
                    raise InvalidInput("repeated_header", f"Send {name} only once.", field=name)
            if event.get("body") and route.method not in _WITH_BODY:
                raise InvalidInput("body_not_allowed", f"Send no body with {route.method}.")
        return next_middleware(app)

    def _error(self, error: BursaError) -> Response[str]:
        if status_of(error) >= _SERVER_FAULT:
            self._logger_of_faults.warning("%s", error.code, exc_info=error)
        return self._problem(error)

    def _unknown_route(self, _error: NotFoundError) -> Response[str]:
        return self._problem(_unknown_route())

    def _fault(self, error: Exception) -> Response[str]:
        self._logger_of_faults.error("unexpected", exc_info=error)
        return self._problem(
            InternalError("internal_error", "Report the request_id: a fault of ours.")
        )

    def _problem(self, error: BursaError) -> Response[str]:
        name = "RequestsFailed" if status_of(error) >= _SERVER_FAULT else "RequestsRefused"
        self._metrics.add_metric(name, MetricUnit.Count, 1)
        self._metrics.add_metadata("code", error.code)
        response = problem(error, self.request_id())
        headers = {**self._rate_headers(), **response.headers}
        return _response(response.body["status"], PROBLEM_JSON, response.body, headers)

    def request_id(self) -> str | None:
        """Return the gateway's name of the request."""
        context = self.current_event.raw_event.get("requestContext") or {}
        request_id = context.get("requestId")
        return request_id if isinstance(request_id, str) else None


def _unknown_route() -> NotFound:
    return NotFound("unknown_route", "See GET /v1/openapi.json for the routes.")


def _given(event: Mapping[str, Any], part: str) -> Mapping[str, Collection[str]]:
    """Return names and all values of a part of the event, which has it in two forms."""
    single = {name: [value] for name, value in (event.get(_lower(part)) or {}).items()}
    return single | (event.get(f"multiValue{part}") or {})


def _header(event: Mapping[str, Any], name: str) -> str | None:
    """Return a header of the raw event, whose names are in the client's case."""
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for known, value in headers.items() if known.lower() == name), None)


def _host(event: Mapping[str, Any]) -> str:
    context = event.get("requestContext") or {}
    # A header may name a port, which is not the tenant's.
    return _PORT.sub("", context.get("domainName") or _header(event, "host") or "")


def _body_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the body as it was sent; half a surrogate pair is kept apart from everything else."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise InvalidInput("invalid_json", "Send a body that is JSON in UTF-8.") from None
    return str(body).encode(errors="surrogatepass")


def _lower(part: str) -> str:
    return part[0].lower() + part[1:]


def _places(event: Mapping[str, Any]) -> bool:
    return event.get("httpMethod") in _WITH_ORDERS and "/order" in event.get("path", "")


def _response(
    status: int, content_type: str, body: object, headers: Mapping[str, str]
) -> Response[str]:
    sent = {"Cache-Control": "no-store", **headers, **_SECURITY_HEADERS}
    return Response(status, content_type, write_json(body), headers=sent)
