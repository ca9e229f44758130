"""The shapes of the API's responses in JSON.

Amounts are decimal strings, times UTC milliseconds, ids strings. A shape is a TypedDict: no cost
at run time, and the OpenAPI document is generated from it.
"""

from typing import Literal, NamedTuple, NotRequired

from typing_extensions import TypedDict


class Fill(TypedDict):
    """The account's side of a trade."""

    trade_id: str
    order_id: str
    market: str
    side: str
    role: str
    price: str
    quantity: str
    quote_amount: str
    fee: str
    fee_asset: str
    time_ms: int
    sequence: int


class OrderState(TypedDict):
    """An order's current state; a field that does not apply is null."""

    order_id: str
    market: str
    side: str
    type: str
    time_in_force: str
    post_only: bool
    self_trade_prevention: str
    price: str | None
    quantity: str | None
    # A buy by quote amount never rests, so an order that could be cancelled has none.
    quote_amount: str | None
    filled_quantity: str
    remaining_quantity: str
    filled_quote: str
    status: str
    close_reason: str | None
    updated_at_ms: int
    sequence: int


class Order(OrderState):
    """An order with what was known from its beginning."""

    # Of a trailing stop as it was stated last: it may have followed the price since.
    trigger_price: str | None
    trail_amount: str | None
    trail_ppm: int | None
    activation_price: str | None
    limit_offset: str | None
    display_quantity: str | None
    expires_at_ms: int | None
    client_order_id: str | None
    created_at_ms: int
    # The order's list; null for none.
    list_id: str | None


class PlacedOrder(Order):
    """A new order and what it traded at once: the first 1,000 fills, GET /v1/fills has all."""

    fills: list[Fill]


class ReplacedOrder(PlacedOrder):
    """A new order, and which one it came in the place of."""

    replaced_order_id: str


class Countdown(TypedDict):
    """When all your open orders end unless it is renewed; null when it is off."""

    cancels_at_ms: int | None
    sequence: int


class PendingOrder(TypedDict):
    """Accepted for delivery, not decided yet: how to ask again.

    Repeat the same request with the header ``Idempotency-Key: <idempotency_key>``, or with the
    same client_order_id, and you get the response to this one; it is never carried out twice.
    """

    status: Literal["pending"]
    detail: str
    idempotency_key: NotRequired[str]
    client_order_id: NotRequired[str]
    order_id: NotRequired[str]
    location: NotRequired[str]


class PendingResponse(NamedTuple):
    """What a client gets that can't or won't wait.

    ``location`` is where the order will be readable; None when only a repeat can tell.
    """

    body: PendingOrder
    location: str | None


class OperationError(TypedDict):
    """Why one operation of a batch failed; the others are not affected."""

    code: str
    detail: str


class OperationResult(TypedDict):
    """What became of one operation: either an order or an error."""

    index: int
    op: str
    order: NotRequired[ReplacedOrder | PlacedOrder | OrderState]
    error: NotRequired[OperationError]


class BatchResults(TypedDict):
    """One result an operation, in the order they were sent."""

    results: list[OperationResult]


class CancelledOrders(TypedDict):
    """The orders that a cancel of all closed: how many, and up to 1,000 of them, oldest first."""

    cancelled: int
    order_ids: list[str]
    sequence: int


class OrderPage(TypedDict):
    """Orders, newest first."""

    items: list[Order]
    next_cursor: str | None


class FillPage(TypedDict):
    """Fills, newest first."""

    items: list[Fill]
    next_cursor: str | None


class Balance(TypedDict):
    """What the account has of an asset; held is reserved by open orders."""

    asset: str
    available: str
    held: str
    total: str
    updated_at_ms: int
    sequence: int


class BalancePage(TypedDict):
    """All balances; next_cursor is always null."""

    items: list[Balance]
    next_cursor: str | None


class Fees(TypedDict):
    """Fees by default, in parts per million; a negative one is paid to you."""

    maker_ppm: int
    taker_ppm: int


class PriceProtection(TypedDict):
    """How far from its reference price a market trades, in parts per million; 0 for no limit.

    limit_ppm: a limit price on its costly side; market_ppm: where a market order stops;
    breaker_ppm: a trade further away starts an auction, of at most auction_ms.
    """

    limit_ppm: int
    market_ppm: int
    breaker_ppm: int
    auction_ms: int


class MarketDefinition(TypedDict):
    """A market and what it demands of orders."""

    market: str
    base: str
    quote: str
    status: str
    tick_size: str
    lot_size: str
    min_notional: str
    max_price: str
    max_quantity: str
    iceberg_parts_max: int
    fees: Fees
    price_protection: PriceProtection


class Auction(TypedDict):
    """What an auction would trade if it ended now; the price is null where nothing would."""

    indicative_price: str | None
    indicative_quantity: str


class MarketDetail(MarketDefinition):
    """A market, and the auction that it is in, which its status says; null while it is in none."""

    auction: Auction | None


class MarketPage(TypedDict):
    """All markets; next_cursor is always null."""

    items: list[MarketDefinition]
    next_cursor: str | None


class Book(TypedDict):
    """Price levels as [price, quantity], best first, all at one sequence."""

    market: str
    sequence: int
    time_ms: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class PublicTrade(TypedDict):
    """One trade; side is the taker's."""

    trade_id: str
    market: str
    price: str
    quantity: str
    quote_amount: str
    side: str
    time_ms: int
    sequence: int


class TradePage(TypedDict):
    """Public trades, newest first."""

    items: list[PublicTrade]
    next_cursor: str | None


class Ticker(TypedDict):
    """The last trade, the best prices, and the last 24 hours with the hour that has begun."""

    market: str
    last_price: str | None
    last_quantity: str | None
    last_time_ms: int | None
    best_bid: str | None
    best_ask: str | None
    open: str | None
    high: str | None
    low: str | None
    volume: str
    quote_volume: str
    trades: int
    sequence: int
    time_ms: int


class BrandColours(TypedDict):
    """As #rrggbb: of buttons and links, of what is on them, of the page and of its text."""

    primary: str
    on_primary: str
    background: str
    text: str


class SignInPool(TypedDict):
    """The tenant's Amazon Cognito user pool; passwords go by SRP.

    A second factor is asked for by the pool once a user has set one up, and needed for API keys.
    """

    issuer: str
    region: str
    user_pool_id: str
    client_ids: list[str]
    sign_up: Literal["open", "closed"]
    first_factors: list[Literal["password"]]
    second_factors: list[Literal["totp"]]


class AssetDefinition(TypedDict):
    """An asset that some market trades, and the decimal places of its smallest amount."""

    asset: str
    decimals: int


class BudgetRate(TypedDict):
    """So many a second, and so many at once after a pause."""

    per_s: int
    burst: int


class ClientLimits(TypedDict):
    """How much an account may send before it gets 429, and how much of it at once.

    connections and subscriptions are an account's WebSockets and the channels of all of them,
    connection_messages what one of them may send.
    """

    commands: BudgetRate
    cancels: BudgetRate
    reads: BudgetRate
    connections: int
    subscriptions: int
    connection_messages: BudgetRate
    batch_operations: int


class Tenant(TypedDict):
    """What a client needs before it shows anything; markets are defined by GET /v1/markets.

    state: opening, nothing is listed yet; active; cancel_only, a suspension that lets users sign in
    and cancel until sign_in_ends_at_ms; suspended, nobody signs in; closing, for good at
    closes_at_ms. The first language is for who speaks none of them; legal has addresses by language
    and text: terms, privacy, risk, fees, cookies, imprint. Public channels are followed without
    signing in at public_websocket_url, null where the tenant has a host name of its own for them.
    """

    name: str
    display_name: str
    state: Literal["opening", "active", "cancel_only", "suspended", "closing"]
    sign_in_ends_at_ms: int | None
    closes_at_ms: int | None
    logo_url: str | None
    support_url: str | None
    colours: BrandColours
    languages: list[str]
    legal: dict[str, dict[str, str]]
    sign_in: SignInPool
    assets: list[AssetDefinition]
    markets: list[str]
    limits: ClientLimits
    websocket_url: str
    public_websocket_url: str | None


OrdersHealth = Literal["ok", "slow", "down"]
MarketDataHealth = Literal["ok", "behind"]


class HealthComponents(TypedDict):
    """orders: whether they are decided. market_data: whether what is read keeps up with them."""

    orders: OrdersHealth
    market_data: MarketDataHealth


class Health(TypedDict):
    """How the exchange is: status is that of orders or, where they are ok, of market data."""

    status: Literal["ok", "behind", "slow", "down"]
    components: HealthComponents
    version: str


class WebSocketTicket(TypedDict):
    """What a WebSocket is opened with, once and soon: ``wss://<host>/v1?ticket=<ticket>``."""

    ticket: str
    expires_at_ms: int


class Me(TypedDict):
    """Who is signed in. Of an API key, user_id is who made it, and no address is told.

    email is also null where the token is not for the user pool. roles are those of the exchange's
    own staff. level is what the user has shown of who it is; null while the exchange asks nobody.
    A time is null while there is none; withdrawals_paused_by is the security event that paused.
    """

    tenant: str
    account: str
    user_id: str
    email: str | None
    email_verified: bool | None
    signed_in_with: Literal["user_pool", "api_key"]
    key_id: str | None
    scopes: list[Literal["read", "trade", "transfer", "withdraw", "account"]]
    roles: list[str]
    level: int | None
    second_factor_since_ms: int | None
    limits: ClientLimits
    withdrawals_paused_until_ms: int | None
    withdrawals_paused_by: str | None


class UserPreferencesState(TypedDict):
    """What you prefer. What protects your account is told in any case."""

    language: str | None
    time_zone: str
    mails_about: list[Literal["fills", "transfers", "news"]]


class EndedSessions(TypedDict):
    """What became of a user's sessions.

    ``refresh_tokens_revoked`` is whether the user pool has withdrawn its refresh tokens; without
    that, too, no token that they renew is accepted here.
    """

    ended_at_ms: int
    connections_closed: int
    refresh_tokens_revoked: bool
