"""The words contract: every number that crosses the engine's boundary, named once.

Commands go in and events come out as little-endian signed 64-bit words. A command is always
``COMMAND_LENGTH`` words; an event's length follows from its kind (``EVENT_LENGTH``), which stands
in the top bits of its first word, above small numbers of the event (``EVENT_KIND_SHIFT``). The
events of a command start with its ``EVENT_RESULT``; all events up to the next result belong to
it and so to its sequence. A balance or a level is emitted once a command, with its final value,
where the command touches it first; a level that it empties and makes again is emitted again.

This module holds plain integers only: it must import in microseconds, and the build turns every
integer in it into a C constant. It must never import anything.

Units: prices are ticks, quantities are lots, amounts are ledger units of an asset, times are UTC
milliseconds, fees and collars are parts per million (ppm).

Numbers: an account number is ``tenant << ACCOUNT_TENANT_SHIFT | index``; index 0 is the tenant's
fee account. Asset, market and tenant numbers are small, positive and unique in the shard.
"""

# --- bounds ---------------------------------------------------------------------------------------
# Chosen so that no product or sum the engine forms can leave 63 bits: see engine/README.md.

WORD_BYTES = 8
WORD_MAX = (1 << 63) - 1
AMOUNT_MAX = (1 << 62) - 1  # total supply of an asset, and the value of one order
PRICE_MAX = (1 << 40) - 1  # ticks
QUANTITY_MAX = (1 << 48) - 1  # lots
TIME_MS_MAX = (1 << 46) - 1  # the year 4199
TIMEOUT_MS_MAX = 7 * 24 * 3600 * 1000  # cancel_all_after
INTAKE_AHEAD_MS_MAX = 300_000  # how far a command's time may be ahead of the engine's
# How long ids are remembered if there is room; what comes again after that is refused as too old.
ID_MEMORY_MS = 2 * 3600 * 1000
IDS_FORGOTTEN_MAX = 1_000  # old ones, by one ADVANCE_TIME
REJECTIONS_SHARE_SHIFT = 5  # an account's rejections may fill 1/32 of the memory in that time
TENANT_MAX = (1 << 16) - 1
ASSET_MAX = (1 << 16) - 1
MARKET_MAX = (1 << 16) - 1
ACCOUNT_INDEX_MAX = (1 << 32) - 1
ACCOUNT_TENANT_SHIFT = 32
FEE_ACCOUNT_INDEX = 0
OWNER_INDEX_MAX = (1 << 24) - 1  # the bits of an index that accounts of one owner have in common
TIER_MAX = 15
TENANT_LIMIT_MAX = 1 << 28  # of any limit of a tenant; also more orders than fit
SCALE_MAX = 18
PPM = 1_000_000
WINDOW_VALUE_BITS = 61  # of what a window of the reference price has traded, before it halves
WINDOW_QUANTITY_BITS = 20  # of its quantity at least, so that halving changes no millionth
FEE_PPM_MAX = 100_000
COLLAR_PPM_MAX = 4_000_000
AUCTION_MS_DEFAULT = 2 * 60 * 1000
AUCTION_MS_MAX = 24 * 3600 * 1000
AUCTION_RANDOM_MS_MAX = 30_000  # it ends at random within so long, or half of its time
AUCTION_PAUSE_FACTOR = 10  # an auction that the breaker started counts for so many auctions' time
AUCTIONS_COUNTED_MAX = 3  # as many may; one for nothing counts as all of them
MEASURED_MAX = 1_000  # levels, and orders of a level, that an order is measured against at most
PASSED_OVER_MAX = 100  # stops that the collar stops are passed over for one that may trade
TRAILS_STATED_MAX = 4  # moved triggers that a new confirmed price has stated, of each side
ICEBERG_SLICES_MAX = 1_000  # quantity / display quantity: bounds the trades of one command

# --- commands: 16 words ---------------------------------------------------------------------------
# Words that a kind does not name must be 0.

COMMAND_LENGTH = 16
COMMAND_BYTES = 128

HEADER_KIND = 0
HEADER_ID_HIGH = 1  # the command id, 128 bits; 0,0 = no id: not remembered, not checked
HEADER_ID_LOW = 2
HEADER_TIME_MS = 3  # intake time; of a command with an id not far ahead of the engine's
HEADER_ACTOR = 4  # who asked: the actor's kind above ACTOR_KIND_SHIFT, its number below; 0 = none
HEADER_ACCOUNT = 5  # 0 for commands about no account; of a market's, one of its tenant, or 0
HEADER_LENGTH = 6

# Kinds of actors. The engine checks the form only: who asked is in the journal.
ACTOR_SYSTEM = 0  # the worker itself, and tools
ACTOR_USER = 1
ACTOR_API_KEY = 2
ACTOR_OPERATOR = 3
ACTOR_KIND_SHIFT = 56
ACTOR_BITS = 58

COMMAND_PLACE = 1
COMMAND_CANCEL = 2
COMMAND_CANCEL_ALL = 3
COMMAND_AMEND = 4
COMMAND_REPLACE = 5
COMMAND_CANCEL_ALL_AFTER = 6
COMMAND_CREDIT = 7
COMMAND_DEBIT = 8
COMMAND_HOLD = 9
COMMAND_RELEASE = 10
COMMAND_CAPTURE = 11
COMMAND_TRANSFER = 12
COMMAND_DEFINE_ASSET = 13
COMMAND_DEFINE_MARKET = 14
COMMAND_SET_MARKET_LIMITS = 15
COMMAND_SET_MARKET_STATE = 16
COMMAND_SET_FEE_TIER = 17
COMMAND_SET_ACCOUNT = 18
COMMAND_ADVANCE_TIME = 19  # the only command that moves engine time; it never goes back
COMMAND_EPOCH = 20
COMMAND_REJECT = 21
COMMAND_SET_TENANT_LIMITS = 22
COMMAND_STAGE = 23  # an order of a list, decided with the PLACE_LIST that follows at once
COMMAND_PLACE_LIST = 24  # the last order of a list; both have the words of a PLACE
COMMAND_KIND_LAST = 24

PLACE_MARKET = 6
PLACE_FLAGS = 7  # packed: see "flags" below; the status and close-reason bits are 0
PLACE_PRICE = 8  # limit price; 0 for a market order; optional worst price of a stop-market
PLACE_QUANTITY = 9  # 0 when a market buy is by quote amount
# The conditions are last, in the order in which their events and a checkpoint's orders have them.
PLACE_CONDITIONS = 10  # the first of PLACE_CONDITIONS_COUNT words
PLACE_TRIGGER_PRICE = 10  # stops and take-profits; of a trailing stop, where it begins to trail
PLACE_DISPLAY_QUANTITY = 11  # iceberg, else 0
PLACE_EXPIRE_MS = 12  # TIF_GTD, else 0
PLACE_QUOTE_AMOUNT = 13  # market buy by quote amount, else 0
PLACE_TRAIL = 14  # trailing stops: ticks, or TRAIL_PPM | parts per million of the price; else 0
PLACE_LIMIT_OFFSET = 15  # trailing stop-limit without a price: ticks from trigger to limit, else 0
PLACE_CONDITIONS_COUNT = 6
TRAIL_PPM = 1 << 40  # above all ticks, so that a trail in ppm is told by it
TRAIL_PPM_MAX = PPM - 1

STAGED_MAX = 2  # of a list: two exits before their entry; a pair has one before the other

CANCEL_ORDER_ID = 6  # 0 = named by the command id that placed it
CANCEL_TARGET_HIGH = 7
CANCEL_TARGET_LOW = 8
CANCEL_LIST = 9  # 1 = the whole list of that id, which is its last order's

CANCEL_ALL_MARKET = 6  # 0 = every market
CANCEL_ALL_SIDE = 7  # 0 = both

# AMEND keeps the order's id; REPLACE closes it and opens a new one under its own sequence.
CHANGE_ORDER_ID = 6  # 0 = named by the command id that placed it
CHANGE_TARGET_HIGH = 7
CHANGE_TARGET_LOW = 8
# In a change, 0 leaves a word as it is; a REPLACE then takes over what remains.
CHANGE_PRICE = 9
CHANGE_QUANTITY = 10  # AMEND: the new total, what is filled included; REPLACE: the new order's
CHANGE_TRIGGER_PRICE = 11  # only while the stop is pending
CHANGE_DISPLAY_QUANTITY = 12  # only for icebergs
CHANGE_TRAIL = 13  # only while the trailing stop is pending

CANCEL_ALL_AFTER_TIMEOUT_MS = 6  # from engine time; 0 disarms

FUNDS_ASSET = 6  # CREDIT, DEBIT, HOLD, RELEASE, CAPTURE, TRANSFER
FUNDS_AMOUNT = 7  # > 0; RELEASE and CAPTURE take 0 for all that is left of the hold
FUNDS_HOLD_ID = 8  # HOLD, RELEASE, CAPTURE: > 0, chosen by the caller, unique per account
FUNDS_TO_ACCOUNT = 8  # TRANSFER: an account of the same tenant
# CREDIT, DEBIT, CAPTURE, TRANSFER: the name in the caller's books, such as a deposit's; 0,0 = none
FUNDS_REFERENCE_HIGH = 9
FUNDS_REFERENCE_LOW = 10

DEFINE_ASSET_ASSET = 6
DEFINE_ASSET_TENANT = 7
DEFINE_ASSET_SCALE = 8  # decimal places of the ledger unit
DEFINE_ASSET_SYMBOL_HIGH = 9  # up to 16 ASCII characters, see codec.pack_symbol
DEFINE_ASSET_SYMBOL_LOW = 10

DEFINE_MARKET_MARKET = 6
DEFINE_MARKET_TENANT = 7
DEFINE_MARKET_BASE = 8
DEFINE_MARKET_QUOTE = 9
DEFINE_MARKET_LOT_UNITS = 10  # base units in one lot
DEFINE_MARKET_TICK_UNITS = 11  # quote units for one lot at a price of one tick: tick x lot
DEFINE_MARKET_STATE = 12  # the first state
DEFINE_MARKET_SYMBOL_HIGH = 13
DEFINE_MARKET_SYMBOL_LOW = 14

LIMITS_MARKET = 6
LIMITS_MIN_NOTIONAL = 7  # quote units; 0 = none
LIMITS_MAX_QUANTITY = 8  # lots; 0 = the engine's own bound
LIMITS_MAX_PRICE = 9  # ticks; 0 = the engine's own bound
LIMITS_COLLAR_PPM = 10  # limit orders: buys above / sells below reference by more are rejected
LIMITS_MARKET_COLLAR_PPM = 11  # market orders trade no further than this from the reference
LIMITS_BREAKER_PPM = 12  # a trade further than this from the reference starts an auction instead
LIMITS_REFERENCE_INTERVAL_MS = 13  # the reference is averaged over so long at least
LIMITS_LEAST_VALUE = 14  # quote units: less moves no reference, triggers no stop, halts nothing
LIMITS_AUCTION_MS = 15  # how long an auction that the breaker starts lasts at most; 0 = default

SET_STATE_MARKET = 6
SET_STATE_STATE = 7
SET_STATE_REFERENCE_PRICE = 8  # ticks; 0 = as it is

FEE_TIER_TENANT = 6
FEE_TIER_TIER = 7
FEE_TIER_MAKER_PPM = 8  # negative = rebate
FEE_TIER_TAKER_PPM = 9

# What the accounts of a tenant may take up; 0 = as much as there is.
TENANT_LIMITS_TENANT = 6
TENANT_LIMITS_ORDERS_PER_MARKET = 7  # open orders and stops of an account in one market
TENANT_LIMITS_ORDERS = 8  # open orders and stops of all its accounts
TENANT_LIMITS_HOLDS = 9  # holds of an account

SET_ACCOUNT_TIER = 6
SET_ACCOUNT_STP_GROUP = 7  # 0 = none
SET_ACCOUNT_STATE = 8
# In the place of a setting: what the account has, so that who sets one undoes no other.
SETTING_KEPT = -1

EPOCH_EPOCH = 6
EPOCH_WORKER_HIGH = 7
EPOCH_WORKER_LOW = 8

REJECT_REASON = 6  # a reason of this module; anything else becomes malformed_command

# --- flags: what an order is, its status and why it closed, in one packed word --------------------

SIDE_SHIFT = 0
SIDE_MASK = 3
TYPE_SHIFT = 2
TYPE_MASK = 15
TIF_SHIFT = 6
TIF_MASK = 7
POST_ONLY_SHIFT = 9
STP_SHIFT = 10
STP_MASK = 7
STP_BY_GROUP_SHIFT = 13
TRIGGERED_SHIFT = 14  # set by the engine when a stop has triggered
TOOK_SHIFT = 15  # set by the engine: its last trade was as a taker, at a taker's fee
FLAGS_BITS = 14  # what a PLACE command may set
STATUS_SHIFT = 16
STATUS_MASK = 15
CLOSE_SHIFT = 20
CLOSE_MASK = 31
FLAGS_WORD_BITS = 25

SIDE_BOTH = 0
SIDE_BUY = 1
SIDE_SELL = 2

TYPE_LIMIT = 1
TYPE_MARKET = 2
TYPE_STOP_LIMIT = 3
TYPE_STOP_MARKET = 4
TYPE_TAKE_PROFIT_LIMIT = 5
TYPE_TAKE_PROFIT_MARKET = 6
TYPE_TRAILING_STOP_LIMIT = 7
TYPE_TRAILING_STOP_MARKET = 8
TYPE_LAST = 8
# Sets of types have a bit for each.
TAKE_PROFIT_TYPES = 1 << TYPE_TAKE_PROFIT_LIMIT | 1 << TYPE_TAKE_PROFIT_MARKET
TRAILING_TYPES = 1 << TYPE_TRAILING_STOP_LIMIT | 1 << TYPE_TRAILING_STOP_MARKET
STOP_TYPES = (  # wait for a trigger
    1 << TYPE_STOP_LIMIT | 1 << TYPE_STOP_MARKET | TAKE_PROFIT_TYPES | TRAILING_TYPES
)
MARKETABLE_TYPES = (  # never rest, need no price
    1 << TYPE_MARKET
    | 1 << TYPE_STOP_MARKET
    | 1 << TYPE_TAKE_PROFIT_MARKET
    | 1 << TYPE_TRAILING_STOP_MARKET
)
STOP_MARKET_TYPES = STOP_TYPES & MARKETABLE_TYPES  # a buy's price follows its trigger price

TIF_GTC = 1
TIF_IOC = 2
TIF_FOK = 3
TIF_GTD = 4

STP_NONE = 0
STP_CANCEL_TAKER = 1
STP_CANCEL_MAKER = 2
STP_CANCEL_BOTH = 3
STP_DECREMENT = 4

STATUS_OPEN = 1
STATUS_PARTIALLY_FILLED = 2
STATUS_PENDING_TRIGGER = 3
STATUS_FILLED = 4
STATUS_CANCELLED = 5
STATUS_EXPIRED = 6
STATUS_PENDING_ENTRY = 7  # an exit that waits for the entry of its list; nothing is held for it

CLOSE_NONE = 0
CLOSE_FILLED = 1
CLOSE_CANCELLED_BY_USER = 2  # cancel or cancel all
CLOSE_COUNTDOWN_ELAPSED = 3  # cancel_all_after ran out
CLOSE_UNFILLED_REMAINDER = 4  # what an IOC or market order could not fill at once
CLOSE_FILL_OR_KILL_UNFILLED = 5
CLOSE_SELF_TRADE_PREVENTION = 6
CLOSE_REPLACED = 7
CLOSE_EXPIRED = 8
CLOSE_PRICE_PROTECTION = 9  # the rest was beyond the collar or the breaker, and may not wait
CLOSE_POST_ONLY_WOULD_CROSS = 11  # a triggered post-only stop-limit would have taken
CLOSE_ACCOUNT_FROZEN = 12
CLOSE_ONE_CANCELS_OTHER = 13  # the other order of its list has traded or triggered
CLOSE_EXIT_TOO_SMALL = 14  # what its entry was filled, and its account can pay, is no order's worth

# --- other enumerations ---------------------------------------------------------------------------

STATE_OPEN = 1
STATE_POST_ONLY = 2
STATE_CANCEL_ONLY = 3
STATE_HALTED = 4
STATE_AUCTION = 5
TRADING_STATES = 1 << STATE_OPEN | 1 << STATE_POST_ONLY  # a bit for each: no crossed book

ACCOUNT_STATE_ACTIVE = 0
ACCOUNT_STATE_FROZEN = 1  # its orders are closed; may not place, hold, debit or transfer out

# --- reasons --------------------------------------------------------------------------------------
# The number is the precedence: of several reasons that apply, the smallest is given.
REASON_ACCEPTED = 0
REASON_MALFORMED_COMMAND = 1
REASON_DUPLICATE_COMMAND = 2
REASON_COMMAND_TOO_OLD = 3
REASON_COMMAND_FROM_FUTURE = 4
REASON_UNKNOWN_TENANT = 5
REASON_UNKNOWN_ACCOUNT = 6
REASON_UNKNOWN_ASSET = 7
REASON_UNKNOWN_MARKET = 8
REASON_WRONG_TENANT = 9
REASON_UNKNOWN_ORDER = 10
REASON_UNKNOWN_HOLD = 11
REASON_ALREADY_DEFINED = 12
REASON_HOLD_EXISTS = 13
REASON_ACCOUNT_FROZEN = 14
REASON_INVALID_SETTING = 15
REASON_FEES_BELOW_REBATE = 16
REASON_MARKET_HALTED = 17
REASON_MARKET_CANCEL_ONLY = 18
REASON_MARKET_POST_ONLY = 19
REASON_MARKET_IN_AUCTION = 20
REASON_INVALID_SIDE = 21
REASON_INVALID_ORDER_TYPE = 22
REASON_INVALID_TIME_IN_FORCE = 23
REASON_INVALID_SELF_TRADE_PREVENTION = 24
REASON_INVALID_POST_ONLY = 25
REASON_INVALID_TRIGGER_PRICE = 26
REASON_INVALID_EXPIRE_TIME = 27
REASON_INVALID_QUOTE_AMOUNT = 28
REASON_PRICE_OUT_OF_RANGE = 29
REASON_QUANTITY_OUT_OF_RANGE = 30
REASON_INVALID_DISPLAY_QUANTITY = 31
REASON_AMOUNT_OUT_OF_RANGE = 32
REASON_NOTHING_TO_CHANGE = 33
REASON_NOTIONAL_TOO_SMALL = 34
REASON_NOTIONAL_TOO_LARGE = 35
REASON_PRICE_OUTSIDE_COLLAR = 36
REASON_POST_ONLY_WOULD_CROSS = 37
REASON_INSUFFICIENT_BALANCE = 38
REASON_SUPPLY_LIMIT = 39
REASON_TOO_MANY_ORDERS = 40
REASON_TOO_MANY_HOLDS = 41
REASON_CAPACITY_EXHAUSTED = 42
REASON_INTERNAL_ERROR = 43
REASON_INVALID_LIST = 44
REASON_LIST_WOULD_EXECUTE = 45
REASON_ORDER_IN_LIST = 46
REASON_LAST = 46

# --- events ---------------------------------------------------------------------------------------

EVENT_RESULT = 1
EVENT_ORDER = 2
EVENT_ORDER_CONDITIONS = 3
EVENT_TRADE = 4
EVENT_BALANCE = 5
EVENT_LEVEL = 6
EVENT_MARKET = 7
EVENT_MARKET_DEFINITION = 8
EVENT_MARKET_LIMITS = 9
EVENT_ASSET = 10
EVENT_ACCOUNT = 11
EVENT_FEE_TIER = 12
EVENT_HOLD = 13
EVENT_COUNTDOWN = 14
EVENT_EPOCH = 15
EVENT_TRANSFER = 16
EVENT_TENANT_LIMITS = 17
EVENT_ORDER_TRAIL = 18
EVENT_ORDER_LIST = 19
EVENT_KIND_LAST = 19

# Word 0: the kind in bits 58 to 62, so the word is never negative; in the bits below it what the
# kind's comment says, otherwise 0.
EVENT_KIND_SHIFT = 58
EVENT_MARKET_SHIFT = 32  # ORDER, TRADE: the market is above 32 low bits
EVENT_LOW_MASK = (1 << 32) - 1

# Word 0: engine time when the command was decided, reason, the command's kind (0 for what is none).
# What the order placed or changed was filled is the sum of the trades in which it is the taker.
RESULT_COMMAND_MASK = 63
RESULT_REASON_SHIFT = 6
RESULT_REASON_MASK = 63
RESULT_TIME_SHIFT = 12
RESULT_SEQUENCE = 1
RESULT_ID_HIGH = 2
RESULT_ID_LOW = 3
RESULT_ACCOUNT = 4
# The order placed or meant; for CANCEL_ALL how many it closed; for duplicate_command the order of
# the original, or minus the reason why the original was rejected.
RESULT_SUBJECT = 5
RESULT_INTAKE_MS = 6  # the command's own time
RESULT_LENGTH = 7

# Word 0: the market, the flags in the low bits.
ORDER_ID = 1
ORDER_ACCOUNT = 2
ORDER_ID_HIGH = 3  # of the command that placed it
ORDER_ID_LOW = 4
ORDER_PRICE = 5
ORDER_QUANTITY = 6  # 0 while a market buy by quote amount
ORDER_REMAINING = 7  # lots open, or lots unfilled when it closed
ORDER_FILLED_QUOTE = 8
ORDER_LENGTH = 9

# Follows the first EVENT_ORDER of an order, and again after an amendment, when any is not 0. A
# trailing stop's trigger price is stated anew as it moves (docs/adr).
CONDITIONS_ORDER_ID = 1
CONDITIONS_COUNT = 4  # a PLACE command's first
CONDITIONS_FIRST = 2  # in its order
CONDITIONS_LENGTH = CONDITIONS_FIRST + CONDITIONS_COUNT

# Follows the conditions of a trailing stop.
TRAIL_ORDER_ID = 1
TRAIL_FIRST = 2  # the trail, the limit offset, the activation price
TRAIL_COUNT = 3
TRAIL_LENGTH = TRAIL_FIRST + TRAIL_COUNT
# Follows the first EVENT_ORDER of an order that belongs to a list, after its conditions.
ORDER_LIST_ORDER_ID = 1
ORDER_LIST_LIST_ID = 2  # the id of the list's last order
ORDER_LIST_LENGTH = 3

# Word 0: the market, the taker's side in the low bits.
TRADE_ID = 1  # dense in the shard, from 1
TRADE_PRICE = 2
TRADE_QUANTITY = 3
TRADE_QUOTE_AMOUNT = 4
TRADE_MAKER_ORDER = 5
TRADE_TAKER_ORDER = 6
TRADE_MAKER_ACCOUNT = 7
TRADE_TAKER_ACCOUNT = 8
TRADE_MAKER_FEE = 9  # >= 0: in the asset the maker receives; < 0: rebate in the asset it gives
TRADE_TAKER_FEE = 10  # in the asset the taker receives
TRADE_LENGTH = 11

# Word 0: the asset.
BALANCE_ACCOUNT = 1
BALANCE_AVAILABLE = 2
BALANCE_HELD = 3
BALANCE_LENGTH = 4

# Word 0: all that names the level: market, side, price.
LEVEL_MARKET_SHIFT = 42
LEVEL_SIDE_SHIFT = 40  # the price, up to PRICE_MAX, is below
LEVEL_QUANTITY = 1  # displayed lots; 0 = gone
LEVEL_LENGTH = 2

MARKET_NUMBER = 1
MARKET_STATE = 2
MARKET_LAST_PRICE = 3
MARKET_REFERENCE_PRICE = 4
MARKET_INDICATIVE_PRICE = 5  # 0 unless an auction would trade
MARKET_INDICATIVE_QUANTITY = 6
MARKET_LENGTH = 7

# Definitions echo the command's own words in the command's order; so do accounts, fee tiers and
# epochs. Their words, and a hold's, are the fields of their classes in ``wire.events``, in order.
DEFINITION_LENGTH = 10
MARKET_LIMITS_LENGTH = 11
ASSET_LENGTH = 6
ACCOUNT_LENGTH = 5
FEE_TIER_LENGTH = 5
HOLD_LENGTH = 5
EPOCH_LENGTH = 4
TENANT_LIMITS_LENGTH = 5

# Money that moves other than by a trade. Word 0: the transfer's kind above 32 low bits, the asset
# in them. Fees of trades are in the trades.
TRANSFER_KIND_SHIFT = 32
TRANSFER_KIND_MASK = 255
TRANSFER_ACCOUNT = 1  # whose available balance, or hold, it concerns
TRANSFER_COUNTER_ACCOUNT = 2  # TRANSFER and FEE: who receives it; 0 = outside the exchange
TRANSFER_AMOUNT = 3  # > 0, ledger units
TRANSFER_REFERENCE_HIGH = 4
TRANSFER_REFERENCE_LOW = 5
TRANSFER_LENGTH = 6

TRANSFER_KIND_CREDIT = 1  # from outside into the account
TRANSFER_KIND_DEBIT = 2  # out of the account, to outside
TRANSFER_KIND_CAPTURE = 3  # out of one of its holds, to outside
TRANSFER_KIND_TRANSFER = 4  # to another account of the tenant
TRANSFER_KIND_FEE = 5  # to the tenant's fee account

COUNTDOWN_ACCOUNT = 1
COUNTDOWN_DEADLINE_MS = 2  # 0 = disarmed
COUNTDOWN_LENGTH = 3

# --- tables: the core copies the first, the others are for people and decoders --------------------

# How many of its words a command of each kind may use; the others must be 0. No kind is 0.
COMMAND_WORDS_USED = (
    0,
    PLACE_CONDITIONS + PLACE_CONDITIONS_COUNT,
    CANCEL_LIST + 1,
    CANCEL_ALL_SIDE + 1,
    CHANGE_TRAIL + 1,  # AMEND
    CHANGE_TRAIL + 1,  # REPLACE
    CANCEL_ALL_AFTER_TIMEOUT_MS + 1,
    FUNDS_REFERENCE_LOW + 1,  # CREDIT
    FUNDS_REFERENCE_LOW + 1,  # DEBIT
    FUNDS_HOLD_ID + 1,  # HOLD
    FUNDS_HOLD_ID + 1,  # RELEASE
    FUNDS_REFERENCE_LOW + 1,  # CAPTURE
    FUNDS_REFERENCE_LOW + 1,  # TRANSFER
    DEFINE_ASSET_SYMBOL_LOW + 1,
    DEFINE_MARKET_SYMBOL_LOW + 1,
    LIMITS_AUCTION_MS + 1,
    SET_STATE_REFERENCE_PRICE + 1,
    FEE_TIER_TAKER_PPM + 1,
    SET_ACCOUNT_STATE + 1,
    HEADER_LENGTH,  # ADVANCE_TIME
    EPOCH_WORKER_LOW + 1,
    REJECT_REASON + 1,
    TENANT_LIMITS_HOLDS + 1,
    PLACE_CONDITIONS + PLACE_CONDITIONS_COUNT,  # STAGE
    PLACE_CONDITIONS + PLACE_CONDITIONS_COUNT,  # PLACE_LIST
)

EVENT_LENGTH = (
    0, RESULT_LENGTH, ORDER_LENGTH, CONDITIONS_LENGTH, TRADE_LENGTH,
    BALANCE_LENGTH, LEVEL_LENGTH, MARKET_LENGTH, DEFINITION_LENGTH, MARKET_LIMITS_LENGTH,
    ASSET_LENGTH, ACCOUNT_LENGTH, FEE_TIER_LENGTH, HOLD_LENGTH, COUNTDOWN_LENGTH,
    EPOCH_LENGTH, TRANSFER_LENGTH, TENANT_LIMITS_LENGTH, TRAIL_LENGTH, ORDER_LIST_LENGTH,
)  # fmt: skip


def _names(prefix: str) -> dict[int, str]:
    """Return value -> snake_case name of every constant of a prefix but of sizes and bounds."""
    not_names = ("_LENGTH", "_BYTES", "_LAST", "_SHIFT", "_MASK", "_BITS")
    return {
        value: name[len(prefix) :].lower()
        for name, value in globals().items()
        if name.startswith(prefix) and isinstance(value, int) and not name.endswith(not_names)
    }


COMMAND_NAMES = _names("COMMAND_")
REASON_NAMES = _names("REASON_")
STATUS_NAMES = _names("STATUS_")
CLOSE_NAMES = _names("CLOSE_")
TYPE_NAMES = _names("TYPE_")
TIF_NAMES = _names("TIF_")
STP_NAMES = _names("STP_")
TRANSFER_KIND_NAMES = _names("TRANSFER_KIND_")
ACTOR_NAMES = _names("ACTOR_")
SIDE_NAMES = {SIDE_BUY: "buy", SIDE_SELL: "sell"}
MARKET_STATE_NAMES = {
    STATE_OPEN: "open",
    STATE_POST_ONLY: "post_only",
    STATE_CANCEL_ONLY: "cancel_only",
    STATE_HALTED: "halted",
    STATE_AUCTION: "auction",
}
ACCOUNT_STATE_NAMES = {ACCOUNT_STATE_ACTIVE: "active", ACCOUNT_STATE_FROZEN: "frozen"}


def types_in(types: int) -> tuple[int, ...]:
    """Return the order types that a set of them has."""
    return tuple(order_type for order_type in TYPE_NAMES if types >> order_type & 1)


def account_number(tenant: int, index: int) -> int:
    """Return the account number of a tenant's account; index 0 is its fee account."""
    return tenant << ACCOUNT_TENANT_SHIFT | index


def account_tenant(account: int) -> int:
    """Return the tenant of an account number."""
    return account >> ACCOUNT_TENANT_SHIFT


def account_index(account: int) -> int:
    """Return the index of an account within its tenant."""
    return account & ACCOUNT_INDEX_MAX


def pack_flags(
    side: int,
    order_type: int = TYPE_LIMIT,
    time_in_force: int = TIF_GTC,
    *,
    post_only: bool = False,
    stp: int = STP_NONE,
    stp_by_group: bool = False,
) -> int:
    """Return the flags word of a PLACE command."""
    return (
        side << SIDE_SHIFT
        | order_type << TYPE_SHIFT
        | time_in_force << TIF_SHIFT
        | post_only << POST_ONLY_SHIFT
        | stp << STP_SHIFT
        | stp_by_group << STP_BY_GROUP_SHIFT
    )


def flags_side(flags: int) -> int:
    """Return the side in a flags word."""
    return flags >> SIDE_SHIFT & SIDE_MASK


def flags_type(flags: int) -> int:
    """Return the order type in a flags word."""
    return flags >> TYPE_SHIFT & TYPE_MASK


def flags_trigger_side(flags: int) -> int:
    """Return SIDE_BUY where a rise triggers the order, SIDE_SELL where a fall does.

    A stop follows the price, a take-profit waits for a better one: it triggers with the stops of
    the other side.
    """
    side = flags_side(flags)
    is_take_profit = TAKE_PROFIT_TYPES >> flags_type(flags) & 1
    return SIDE_BUY + SIDE_SELL - side if is_take_profit else side


def flags_time_in_force(flags: int) -> int:
    """Return the time in force in a flags word."""
    return flags >> TIF_SHIFT & TIF_MASK


def flags_post_only(flags: int) -> bool:
    """Return whether the order may only rest."""
    return bool(flags >> POST_ONLY_SHIFT & 1)


def flags_stp(flags: int) -> int:
    """Return the self-trade prevention mode in a flags word."""
    return flags >> STP_SHIFT & STP_MASK


def flags_stp_by_group(flags: int) -> bool:
    """Return whether self-trade prevention spans the account's group."""
    return bool(flags >> STP_BY_GROUP_SHIFT & 1)


def flags_triggered(flags: int) -> bool:
    """Return whether a stop order has triggered."""
    return bool(flags >> TRIGGERED_SHIFT & 1)


def flags_took(flags: int) -> bool:
    """Return whether an order's last trade was as a taker."""
    return bool(flags >> TOOK_SHIFT & 1)


def flags_status(flags: int) -> int:
    """Return the status in an order's flags word."""
    return flags >> STATUS_SHIFT & STATUS_MASK


def flags_close_reason(flags: int) -> int:
    """Return why the order closed, CLOSE_NONE while it is open."""
    return flags >> CLOSE_SHIFT & CLOSE_MASK
