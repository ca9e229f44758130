"""One request's way: endpoint, parameters, who has signed, what it costs, and what became of it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Ready
from bursa.dialects.binance.errors import (
    NOT_FOUND,
    NOT_SUPPORTED,
    BinanceError,
    error_of,
)
from bursa.dialects.binance.market_presentation import CANDLE_CLOSED, CANDLE_FIELDS
from bursa.dialects.binance.parameters import Parameters
from bursa.dialects.binance.rates import Budgets, Refusals, usage_headers
from bursa.dialects.binance.sign_in import BinanceSignIn, SentRequest
from bursa.dialects.binance.signatures import SIGNED_NAMES
from bursa.identity.principal import Principal, Scope
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import BursaError, TooManyRequests
from bursa.kernel.identifiers import TenantId
from bursa.tenants.ports import TenantResolver

_OK: Final = 200
_PATHS: Final = ("/api/v3/", "/sapi/v1/")
_SIGNED: Final = frozenset(SIGNED_NAMES)
_TIME_UNIT: Final = "x-mbx-time-unit"
_TIME_UNITS: Final = {"MILLISECOND": 1, "MICROSECOND": 1_000}
# The fields that are times, wherever they are.
_TIMES: Final = frozenset(
    {
        "time",
        "updateTime",
        "transactTime",
        "transactionTime",
        "workingTime",
        "serverTime",
        "closeTime",
        "openTime",
    }
    | {"T", "insertTime", "applyTime"}
)


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    text: str
    headers: Mapping[str, str]


class BinanceApi:
    """All endpoints, for all tenants."""

    def __init__(
        self,
        endpoints: Endpoints,
        tenants: TenantResolver,
        sign_in: BinanceSignIn,
        budgets: Budgets,
        clock: WallClock,
    ) -> None:
        self._endpoints = endpoints
        self._tenants = tenants
        self._sign_in = sign_in
        self._budgets = budgets
        self._clock = clock
        self._refusals = Refusals()

    def respond(self, request: SentRequest) -> Reply:
        """Return the response to a request, whatever it is; only faults of ours are raised."""
        caller: Principal | None = None
        endpoint = self._endpoints.get((request.method, request.path))
        asked = self._budgets.asked
        try:
            if endpoint is None:
                raise _not_there(request.path)
            unit = _time_unit(request)
            parameters = Parameters.read(request.query, request.body)
            tenant = self._tenants.resolve(request.host, request.tenant)
            if endpoint.scope is not None:
                caller = self._caller(endpoint, request, parameters, tenant, endpoint.scope)
            parameters.require_known(endpoint.takes | _SIGNED if endpoint.scope else endpoint.takes)
            call = Call(tenant, parameters, self._clock.now_ms(), caller)
            text, status = _written(endpoint.run(call), unit), _OK
            headers: dict[str, str] = {}
        except (BinanceError, BursaError) as fault:
            known = self._error(fault, caller, endpoint, asked)
            text, status = _text(known.body), known.status
            retry = known.retry_after_s
            headers = {} if retry is None else {"Retry-After": str(retry)}
        if caller is not None and endpoint is not None:
            headers |= usage_headers(self._budgets, caller.account, places=endpoint.places)
        return Reply(status, text, headers)

    def _caller(
        self,
        endpoint: Endpoint,
        request: SentRequest,
        parameters: Parameters,
        tenant: TenantId,
        scope: Scope,
    ) -> Principal:
        """Return who has signed, and charge it for what it reads."""
        caller = self._sign_in(request, parameters, tenant, scope, counts_once=endpoint.changes)
        self._budgets.know(caller.account, caller.own_limits)
        try:
            self._charge(endpoint, caller)
        except TooManyRequests as refusal:
            now_ms = self._clock.now_ms()
            raise self._refusals.write(caller.account, refusal, now_ms) from None
        return caller

    def _charge(self, endpoint: Endpoint, caller: Principal) -> None:
        if endpoint.reads:
            self._budgets.require(caller.account, (Charge(Budget.READS, endpoint.reads),))
        if endpoint.places:
            # Before anything is read for who sends what is refused for its form, again and again.
            state = self._budgets.state(caller.account, Budget.FAULTS)
            if not state.remaining:
                raise TooManyRequests(
                    "too_many_faults", "Stop sending what is refused for its form.", state=state
                )

    def _error(
        self,
        fault: BinanceError | BursaError,
        caller: Principal | None,
        endpoint: Endpoint | None,
        asked: int,
    ) -> BinanceError:
        if isinstance(fault, TooManyRequests):
            if caller is None:
                # Of the key itself, which has a rate of its own.
                return BinanceError(
                    -1003, "Too many requests queued.", 429, retry_after_s=fault.retry_after_s
                )
            return self._refusals.write(caller.account, fault, self._clock.now_ms())
        places = endpoint is not None and endpoint.places
        if caller is not None and places and self._budgets.asked == asked:
            with suppress(TooManyRequests):
                self._budgets.require(caller.account, (Charge(Budget.FAULTS, 1),))
        return fault if isinstance(fault, BinanceError) else error_of(fault)


def _not_there(path: str) -> BinanceError:
    known = path.startswith(_PATHS)
    return BinanceError(NOT_SUPPORTED.code, NOT_SUPPORTED.msg, 400 if known else NOT_FOUND)


def _time_unit(request: SentRequest) -> int:
    sent = request.headers.get(_TIME_UNIT)
    if sent is None:
        return 1
    unit = _TIME_UNITS.get(sent.upper())
    if unit is None:
        raise BinanceError(
            -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
        )
    return unit


def _written(body: object, unit: int) -> str:
    if unit == 1:
        return body.text if isinstance(body, Ready) else _text(body)
    plain = json.loads(body.text) if isinstance(body, Ready) else body
    return _text(_in_unit(plain, unit))


def _in_unit(body: Any, unit: int) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(body, dict):
        return {
            name: value * unit
            if name in _TIMES and isinstance(value, int) and value > 0
            else _in_unit(value, unit)
            for name, value in body.items()
        }
    if not isinstance(body, list):
        return body
    if len(body) == CANDLE_FIELDS and isinstance(body[0], int):
        opened, *figures, closed = body[: CANDLE_CLOSED + 1]
        return [opened * unit, *figures, (closed + 1) * unit - 1, *body[CANDLE_CLOSED + 1 :]]
    return [_in_unit(one, unit) for one in body]


def _text(body: object) -> str:
    return json.dumps(body, separators=(",", ":"))
