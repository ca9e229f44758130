"""The description of the Binance dialect (OpenAPI 3.1), made from its endpoints and its errors.

What a success is, in full, is what Binance documents; here it is whether it is a list or an object.
Only the script that writes the document imports this module.
"""

import inspect
from typing import Any, Final

from bursa.dialects.binance.account_routes import AccountRoutes
from bursa.dialects.binance.calls import Endpoint, Endpoints
from bursa.dialects.binance.market_routes import MarketRoutes
from bursa.dialects.binance.order_list_routes import OrderListRoutes
from bursa.dialects.binance.order_lists import ORDER_NAMES
from bursa.dialects.binance.trading_routes import TradingRoutes
from bursa.dialects.binance.wallet_routes import WalletRoutes
from bursa.trading.use_cases import TradingUseCases

Json = dict[str, Any]

CODES: Final = {
    -1000: "Not known here, or a fault of the exchange (HTTP 500)",
    -1001: "There in a moment: ask again after Retry-After seconds; of a change, nothing was done",
    -1002: "The account's level does not allow it",
    -1003: "Too many requests; 418 for whoever goes on nevertheless",
    -1007: "Whether it was taken is not known: ask for the order",
    -1008: "Not taken, the exchange is busy: send it again",
    -1013: "Outside of a filter of the symbol, which the text names",
    -1014: "No such combination for an order",
    -1015: "Too many orders",
    -1020: "Not offered",
    -1021: "The timestamp is outside of recvWindow, or was used before with the same parameters",
    -1022: "The signature is wrong",
    -1100: "A parameter has another form than the text says",
    -1101: "Too many parameters, or one twice",
    -1102: "A parameter is missing",
    -1104: "A parameter that the endpoint does not know",
    -1105: "A parameter is empty",
    -1106: "A parameter that has no meaning here",
    -1111: "More decimals than the symbol has",
    -1115: "No such timeInForce",
    -1116: "No such type",
    -1117: "No such side",
    -1120: "No such interval, or it is not offered",
    -1121: "No such symbol",
    -1122: "No such symbolStatus",
    -1127: "Too long a time between startTime and endTime",
    -1128: "No such combination of parameters",
    -1130: "A parameter has a value that there is none of",
    -1131: "recvWindow is too long",
    -1139: "No such type of ticker",
    -1194: "No such unit of time",
    -2010: "The order is not taken, for the reason in the text",
    -2011: "No such open order, or list",
    -2013: "No such order, or list",
    -2014: "No key has this form",
    -2015: "No such key, or it may not do this, or not from this address",
    -2021: "One half of a cancel-replace failed",
    -2022: "Both halves of a cancel-replace failed",
    -2038: "The order can't be amended so, as one of a list",
}
_STATUSES: Final = {
    "400": "Refused; code and msg say why",
    "404": "Not known here",
    "503": "-1001: ask again after Retry-After seconds",
}
_OF_AN_ACCOUNT: Final = {
    "401": "The key, the signature or what it may do",
    "418": "Too many requests, after many 429",
    "429": "Too many requests, or the exchange is busy",
}
_OF_A_CHANGE: Final = {"504": "-1007: whether it was taken is not known"}
_OF_CANCEL_REPLACE: Final = {"409": "-2021: one half failed; data has either"}
_CANCEL_REPLACE: Final = "/api/v3/order/cancelReplace"
_ERROR: Final = "#/components/schemas/Error"
_KEY: Final = "api_key"
_TEXT: Final[Json] = {"type": "string"}
_DECIMAL: Final = {"type": "string", "pattern": r"^[0-9]{1,20}(\.[0-9]{1,20})?$"}
_FLAG: Final = {"type": "boolean"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_SCHEMAS: Final[dict[str, Json]] = {
    **dict.fromkeys(
        ("price", "quantity", "quoteOrderQty", "stopPrice", "icebergQty", "newQty"), _DECIMAL
    ),
    **dict.fromkeys(
        ("stopLimitPrice", "workingPrice", "workingQuantity", "pendingQuantity"), _DECIMAL
    ),
    **dict.fromkeys(
        (
            "orderId",
            "orderListId",
            "cancelOrderId",
            "fromId",
            "startTime",
            "endTime",
            "trailingDelta",
        ),
        _WHOLE,
    ),
    "limit": {"type": "integer", "minimum": 1},
    "side": {"enum": ["BUY", "SELL"]},
    "timeInForce": {"enum": ["GTC", "IOC", "FOK"]},
    "newOrderRespType": {"enum": ["ACK", "RESULT", "FULL"]},
    "cancelReplaceMode": {"enum": ["STOP_ON_FAILURE", "ALLOW_FAILURE"]},
    **dict.fromkeys(("omitZeroBalances", "showPermissionSets", "computeCommissionRates"), _FLAG),
}
_SIGNED: Final[dict[str, tuple[Json, bool]]] = {
    "timestamp": ({"type": "integer", "minimum": 0}, True),
    "recvWindow": ({"type": "integer", "minimum": 1, "maximum": 60_000}, False),
    "signature": (_TEXT, True),
}
_NOT_CALLED: Any = None  # listing endpoints calls nothing


def endpoints() -> Endpoints:
    """Return all endpoints, of which none can be called."""
    use_cases = TradingUseCases(*[_NOT_CALLED] * len(TradingUseCases._fields))
    routes = (
        MarketRoutes(*[_NOT_CALLED] * 5),
        TradingRoutes(use_cases, *[_NOT_CALLED] * 5),
        OrderListRoutes(use_cases, *[_NOT_CALLED] * 6),
        AccountRoutes(use_cases, *[_NOT_CALLED] * 3),
        WalletRoutes(use_cases, *[_NOT_CALLED] * 2),
    )
    return {name: one for part in routes for name, one in part.endpoints().items()}


def binance_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    paths: Json = {}
    for (method, path), endpoint in endpoints().items():
        paths.setdefault(path, {})[method.lower()] = _describe(method, path, endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bursa, as Binance Spot's REST API",
            "version": version,
            "description": (
                "Shapes of successes are those of Binance's documentation. Parameters are sent in "
                "the query, or in a form where the method is not GET; the signature is over both "
                "as they were sent. X-MBX-TIME-UNIT takes MICROSECOND. See docs/clients.md."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": _error()},
            "securitySchemes": {_KEY: {"type": "apiKey", "in": "header", "name": "X-MBX-APIKEY"}},
        },
    }


def _error() -> Json:
    listed = "; ".join(f"{code}: {meaning}" for code, meaning in CODES.items())
    return {
        "type": "object",
        "required": ["code", "msg"],
        "properties": {
            "code": {"type": "integer", "enum": list(CODES), "description": listed},
            "msg": {"type": "string", "minLength": 1},
            "data": {"type": "object", "description": "Of a cancel-replace, either half"},
            "order": {
                "type": "string",
                "enum": [*ORDER_NAMES],
                "description": "Of a list, the order that it is about, where that is known",
            },
        },
        "additionalProperties": False,
    }


def _describe(method: str, path: str, endpoint: Endpoint) -> Json:
    statuses = dict(_STATUSES)
    if endpoint.scope is not None:
        statuses |= _OF_AN_ACCOUNT
    if endpoint.changes:
        statuses |= _OF_A_CHANGE
    if path == _CANCEL_REPLACE:
        statuses |= _OF_CANCEL_REPLACE
    parameters = [
        _parameter(name, _SCHEMAS.get(name, _TEXT), required=False)
        for name in sorted(endpoint.takes)
    ]
    if endpoint.scope is not None:
        parameters += [
            _parameter(name, schema, required=required)
            for name, (schema, required) in _SIGNED.items()
        ]
    described: Json = {
        "operationId": f"{method.lower()}{path.replace('/', '_')}",
        "summary": _summary(path, endpoint),
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": {"type": ["object", "array"]}}},
            },
            **{
                status: {
                    "description": meaning,
                    "content": {"application/json": {"schema": {"$ref": _ERROR}}},
                }
                for status, meaning in sorted(statuses.items())
            },
        },
        "security": [] if endpoint.scope is None else [{_KEY: []}],
    }
    return described | ({"parameters": parameters} if parameters else {})


def _parameter(name: str, schema: Json, *, required: bool) -> Json:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _summary(path: str, endpoint: Endpoint) -> str:
    documented = inspect.getdoc(endpoint.run) or path
    return documented.splitlines()[0].removeprefix("Return ").rstrip(".").capitalize()
