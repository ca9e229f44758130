"""Every key in every table, and nowhere else; those of objects are in `object_keys`.

A partition key begins with the tenant, so that one tenant's rows can be granted, exported or
deleted by prefix. Two kinds of row belong to no tenant: the journal and the projection's progress
belong to a shard, and the directory's issuer and host rows find the tenant of a token's issuer or
of a request's host.

    table       partition key               sort key                what
    journal     <shard>#<segment>           first sequence (N)      record
    journal     <shard>#part#<batch id>     number of the part (N)  part of a large record
    replies     <tenant>#<message id>                               reply to one message
    tickets     <tenant>#<digest>                                   whom a one-use ticket stands for
    nonces      <account>#<digest>                                  a signed request that came
    identity    <account>                   key#<name>              an API key
    identity    <account>                   keys                    how many keys it has
    identity    <owner>                     withdrawal-pause        until when, and why
    identity    <tenant>#<subject>          second-factor           a user's authenticator
    identity    <tenant>#<subject>          preferences             how a user wants to be met
    identity    <tenant>#<subject>          sessions                its sessions and devices
    identity    <tenant>#<subject>          identity#<provider>     another provider's sign-in of it
    identity    <tenant>#<subject>          event#<time>#<random>   what happened to its security
    notices     <owner>                     notice#<time>-<digest>  what a user was told
    notices     <owner>                     told#<digest>           that it was, and by mail
    notices     <owner>                     mails#<day>#<kind>      which of a kind were mailed
    notices     <owner>                     read                    up to when it has read
    notices     <owner>                     mailed-to               where its last mail went
    directory   issuer#<issuer>             tenant                  tenant of a token's issuer
    directory   host#<name>                 tenant                  tenant of a host name
    directory   <tenant>                    profile                 the tenant's own settings
    directory   <tenant>                    branding                how it looks to its users
    directory   <tenant>                    counter#<name>          next account index …
    directory   <tenant>                    user#<subject>          account of a signed-in user
    directory   <tenant>                    sub-accounts#<index>    a user's sub-accounts
    directory   <tenant>                    fee-schedule            from which volume on which tier
    directory   <tenant>                    fee-run                 how far today's run is
    directory   <tenant>                    fees#<index>            what a user traded, by day
    directory   <tenant>                    asset#<asset>           the engine's number of it
    directory   <tenant>                    market#<market>         the engine's number of it
    directory   <tenant>                    request#<name>          a request that must happen once
    directory   deployment                  counter#<name>          next tenant, asset, market
    directory   deployment                  name#<name>             tenant that goes by a name
    orders      <account>                   order#<order id>        an order's whole state
    orders      <account>                   client#<client id>      order id of a client order id
    orders      <account>#open              order#<order id>        that an order may be open
    fills       <account>                   <seq>#<trade id>#<role>  one side of a trade
    fills       <account>#transfers         <seq>                   money that moved otherwise
    balances    <account>                   <asset>                 available and held
    balances    <owner>#traded              <day>#<asset>           what it traded on a day
    balances    <account>#settings          settings                its fee tier and state
    markets     <tenant>                    asset#<asset>           asset definition
    markets     <tenant>                    market#<market>         market definition and state
    markets     <tenant>                    fees#<tier>             maker and taker fee of a tier
    markets     <tenant>#<market>           book                    best levels, ticker, last day
    markets     <tenant>#<market>           book#base#<seq>#<side>#<page>  all levels at a sequence
    markets     <tenant>#<market>           book#change#<seq>       levels changed since
    markets     <tenant>#<market>#closing   <day>                   the last price of a day
    trades      <tenant>#<market>           <trade id>              public trade
    trades      <tenant>#<market>#<interval>  <start>               what traded in an interval
    progress    shard#<shard>               projection name         how far a projection has got
    progress    shard#<shard>               read-models-schema      which rows there are
    progress    shard#<shard>               facts                   up to where facts are on the bus
    progress    shard#<shard>               lease                   which worker leads the shard
    progress    shard#<shard>               asset#<number>          asset by the engine's number
    progress    shard#<shard>               market#<number>         market by the engine's number
    budgets     <account> or <tenant>       <budget>                how much of it is used
    budgets     <visitor>                   <budget>                what its connections sent
    budgets     <owner>                     sent#<window>           what it sent, for its level
    compliance  <tenant>#<subject>          case                    what is known of a user
    compliance  <tenant>#<subject>          personal                personal data, sealed
    compliance  <tenant>#<subject>          access#<time>#<random>  who read or wrote it
    compliance  <tenant>#<subject>          wait#<attempt>          what waits for a report
    user keys   <tenant>#<subject>          user-key                what it is sealed with
    audit       <tenant>#entries            number                  an entry of its audit log
    audit       <tenant>#<shelf>            name                    what was written with one
    connections <owner>#connections         <connection id>         a connection, and to what
    connections <visitor>#connections       <connection id>         same, in visitors' own table
    connections <tenant>#connection-counts  half hour               connections begun in it
    connections <tenant>#subscriptions      <channel>#<connection>  a subscription
    connections <tenant>#announced#<row>    number                  what was announced, for a minute
    connections shard#<shard>#<row>         announcements           how often tenants subscribed

Indexes, whose keys are attributes of the row:

    orders-by-state     <account>#<status>           order#<order id>  its closed orders by status
    orders-by-market    <account>#<market>#<status>  order#<order id>  those of a market
    fills-by-market     <account>#<market>           as in the table   its fills in a market
    cases-by-state      <tenant>#<state>             time (N)          its cases, the oldest first
    cases-by-due        <tenant>#due                 time (N)          cases that time changes
"""

from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.visitors import Holder

ORDER_ID_DIGITS = 19
SEQUENCE_DIGITS = 19
DAY_DIGITS = 7

ORDER_PREFIX = "order#"
CLIENT_PREFIX = "client#"
ASSET_PREFIX = "asset#"
MARKET_PREFIX = "market#"
FEES_PREFIX = "fees#"
CONNECTIONS = "connections"
SUBSCRIPTIONS = "subscriptions"
ANNOUNCEMENTS = "announcements"
READ_MODELS = "read-models"
READ_MODELS_SCHEMA = "read-models-schema"
FACTS = "facts"
ORDERS_BY_STATE = "orders-by-state"
ORDERS_BY_MARKET = "orders-by-market"
FILLS_BY_MARKET = "fills-by-market"
ACCOUNT_STATE = "account_state"
MARKET_STATE = "market_state"
MARKET_ACCOUNT = "market_account"
BOOK = "book"
BOOK_PARTS_PREFIX = "book#"
BOOK_PAGE_DIGITS = 6
BOOK_CELL_DIGITS = 3
PROFILE = "profile"
FEE_SCHEDULE = "fee-schedule"
FEE_RUN = "fee-run"
SETTINGS = "settings"
BRANDING = "branding"
USER_PREFIX = "user#"
SUB_ACCOUNTS_PREFIX = "sub-accounts#"
TENANT = "tenant"
LEASE = "lease"
DEPLOYMENT = "deployment"
PART = "part"
API_KEY_PREFIX = "key#"
API_KEY_COUNT = "keys"
WITHDRAWAL_PAUSE = "withdrawal-pause"
SECOND_FACTOR = "second-factor"
PREFERENCES = "preferences"
SESSIONS = "sessions"
IDENTITY_PREFIX = "identity#"
SENT = "sent"
SECURITY_EVENT_PREFIX = "event#"
NOTICE_PREFIX, TOLD_PREFIX, NOTICES_READ = "notice#", "told#", "read"
MAILED_TO = "mailed-to"
TIME_MS_DIGITS = 15
CASE = "case"
PERSONAL_DATA = "personal"
PERSONAL_DATA_CHANGES = "personal-changes"
ACCESS_PREFIX = "access#"
USER_KEY = "user-key"
CASES_BY_STATE = "cases-by-state"
CASES_BY_DUE = "cases-by-due"


def journal_partition(shard: int, segment: int) -> str:
    """Key of a segment of a shard's journal."""
    return f"{shard}#{segment}"


def journal_parts(shard: int, batch_id: bytes) -> str:
    """Partition of the parts of a record that is too large for one item."""
    return f"{shard}#{PART}#{batch_id.hex()}"


def is_journal_part(partition: str) -> bool:
    """Return whether a partition is of a large record's parts, not of records."""
    return f"#{PART}#" in partition


def reply(tenant: TenantId, message_id: str) -> str:
    """Key of the reply to one message."""
    return f"{tenant}#{message_id}"


def ticket(tenant: TenantId, digest: str) -> str:
    """Key of a one-use ticket."""
    return f"{tenant}#{digest}"


def signed_request(account_id: AccountId, digest: str) -> str:
    """Key of a signed request that came."""
    return f"{account_id}#{digest}"


def api_key(name: str) -> str:
    """Sort key of an API key in its account's records."""
    return f"{API_KEY_PREFIX}{name}"


def user_records(tenant: TenantId, subject: str) -> str:
    """Partition of what is known of a user beside its account."""
    return f"{tenant}#{subject}"


def security_event(at_ms: int, suffix: str) -> str:
    """Sort key of a security event; zero-padded so that keys sort by time."""
    return f"{SECURITY_EVENT_PREFIX}{at_ms:0{TIME_MS_DIGITS}d}#{suffix}"


def mails_of(day_number: int, kind: str) -> str:
    """Sort key of the mails of a kind on a day, beside a user's notices."""
    return f"mails#{day(day_number)}#{kind}"


def linked_identity(provider: str) -> str:
    """Sort key of a provider's sign-in in its user's records."""
    return f"{IDENTITY_PREFIX}{provider}"


def issuer(url: str) -> str:
    """Key that leads from a token's issuer to its tenant."""
    return f"issuer#{url}"


def host(name: str) -> str:
    """Key that leads from a host name to its tenant; host names have no case."""
    return f"host#{name.lower()}"


def user(subject: str) -> str:
    """Sort key of a signed-in user in the tenant's directory."""
    return f"{USER_PREFIX}{subject}"


def sub_accounts(owner: AccountId) -> str:
    """Sort key of the sub-accounts of a main account, in the tenant's directory."""
    return f"{SUB_ACCOUNTS_PREFIX}{owner.index}"


def fees_of_user(owner: AccountId) -> str:
    """Sort key of what a main account and its sub-accounts have traded, in the directory."""
    return f"{FEES_PREFIX}{owner.index}"


def access_record(at_ms: int, name: str) -> str:
    """Sort key of a line in the record of a user's personal data; later ones come later."""
    return f"{ACCESS_PREFIX}{at_ms:0{TIME_MS_DIGITS}d}#{name}"


def compliance_of(tenant: TenantId, subject: str) -> str:
    """Partition of what compliance knows of a user."""
    return f"{tenant}#{subject}"


def wait(attempt: int) -> str:
    """Sort key of what waits for the report about an attempt."""
    return f"wait#{attempt}"


def cases_in(tenant: TenantId, state: str) -> str:
    """Partition of a tenant's cases of one state, in the index."""
    return f"{tenant}#{state}"


def cases_due(tenant: TenantId) -> str:
    """Partition of a tenant's cases that time will change, in the index."""
    return f"{tenant}#due"


def tenant_name(name: str) -> str:
    """Sort key of a tenant's name, which only one tenant has."""
    return f"name#{name}"


def counter(name: str) -> str:
    """Sort key of a counter."""
    return f"counter#{name}"


def request(name: str) -> str:
    """Sort key of the record of a request that must happen once."""
    return f"request#{name}"


def order(order_id: int) -> str:
    """Sort key of an order; zero-padded so that keys sort by age."""
    return f"{ORDER_PREFIX}{order_id:0{ORDER_ID_DIGITS}d}"


def open_orders(account_text: str) -> str:
    """Partition of what names an account's open orders."""
    return f"{account_text}#open"


def transfers(account_text: str) -> str:
    """Partition of the transfers of an account."""
    return f"{account_text}#transfers"


def transfer(sequence: int) -> str:
    """Sort key of a transfer; zero-padded so that keys sort by age."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}"


def traded(owner_text: str) -> str:
    """Partition of what a user's accounts have traded, under its main account."""
    return f"{owner_text}#traded"


def day(number: int) -> str:
    """Sort key of a day, or the beginning of one; zero-padded so that keys sort by age."""
    return f"{number:0{DAY_DIGITS}d}"


def traded_asset(day_number: int, asset_symbol: str) -> str:
    """Sort key of what was traded for an asset on a day."""
    return f"{day(day_number)}#{asset_symbol}"


def closing_prices(tenant: TenantId, symbol: str) -> str:
    """Partition of the last prices of a market's days."""
    return f"{market_data(tenant, symbol)}#closing"


def account_settings(account_text: str) -> str:
    """Partition of the settings of an account."""
    return f"{account_text}#{SETTINGS}"


def account_state(account_text: str, status: str) -> str:
    """Partition of an account's closed orders of one status, in the index."""
    return f"{account_text}#{status}"


def market_state(account_text: str, symbol: str, status: str) -> str:
    """Partition of what an account has closed with one status in a market, in the index."""
    return f"{account_text}#{symbol}#{status}"


def account_market(account_text: str, symbol: str) -> str:
    """Partition of an account's fills in a market, in the index."""
    return f"{account_text}#{symbol}"


def client_order(client_order_id: str) -> str:
    """Sort key that leads from a client order id to its order."""
    return f"{CLIENT_PREFIX}{client_order_id}"


def fill(trade_id: int, sequence: int, role: str) -> str:
    """Sort key of a fill; zero-padded so that keys sort by age.

    The role keeps the two sides apart when an account trades with itself.
    """
    return f"{sequence:0{SEQUENCE_DIGITS}d}#{trade_id:0{ORDER_ID_DIGITS}d}#{role}"


def fills_at(sequence: int) -> str:
    """Beginning of the sort keys of an account's fills at one sequence."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}#"


def trade(trade_id: int) -> str:
    """Sort key of a public trade."""
    return f"{trade_id:0{ORDER_ID_DIGITS}d}"


def candles(tenant: TenantId, symbol: str, interval: str) -> str:
    """Partition of a market's candles of an interval."""
    return f"{tenant}#{symbol}#{interval}"


def candle(start_ms: int) -> str:
    """Sort key of a candle; zero-padded so that keys sort by time."""
    return f"{start_ms:0{TIME_MS_DIGITS}d}"


def asset(symbol: str) -> str:
    """Sort key of an asset definition."""
    return f"{ASSET_PREFIX}{symbol}"


def market(symbol: str) -> str:
    """Sort key of a market definition."""
    return f"{MARKET_PREFIX}{symbol}"


def fees(tier: int) -> str:
    """Sort key of a fee tier."""
    return f"{FEES_PREFIX}{tier}"


def numbered_asset(number: int) -> str:
    """Sort key of an asset by the engine's number, in the shard's partition."""
    return f"{ASSET_PREFIX}{number}"


def numbered_market(number: int) -> str:
    """Sort key of a market by the engine's number, in the shard's partition."""
    return f"{MARKET_PREFIX}{number}"


def market_data(tenant: TenantId, symbol: str) -> str:
    """Partition of a market's book and trades."""
    return f"{tenant}#{symbol}"


def book_base(zone: str) -> str:
    """Beginning of the sort keys of all bases of a book's zone."""
    return f"{BOOK_PARTS_PREFIX}base#{zone}#"


def book_page(zone: str, sequence: int, side: str, edge: int, page: int) -> str:
    """Sort key of a page of a base, which is of one zone."""
    base = f"{book_base(zone)}{sequence:0{SEQUENCE_DIGITS}d}"
    return f"{base}#{side}#{edge}#{page:0{BOOK_PAGE_DIGITS}d}"


def book_change(zone: str, ring: int, cell: int) -> str:
    """Sort key of a cell in a zone's ring of change rows."""
    return f"{BOOK_PARTS_PREFIX}change#{zone}#{ring}#{cell:0{BOOK_CELL_DIGITS}d}"


def book_part(sort: str) -> tuple[str, str, int] | None:
    """Read from the sort key of a book's part its kind and zone, and its sequence or ring.

    None for one of an earlier form.
    """
    _, kind, zone, number, *_ = [*sort.split("#"), "", "", ""]
    if kind not in ("base", "change") or not number.isdecimal() or zone.isdecimal():
        return None
    return kind, zone, int(number)


def progress(shard: int) -> str:
    """Partition of what follows a shard's journal."""
    return f"shard#{shard}"


def announcements(shard: int, row: int) -> str:
    """Partition of one of the rows that say how often a shard's tenants have subscribed."""
    return f"{progress(shard)}#{row}"


def announced(tenant: TenantId, row: int) -> str:
    """Partition of what a tenant's connections announced and counted in a row."""
    return f"{tenant}#announced#{row}"


def announcement(number: int) -> str:
    """Sort key of an announcement; zero-padded so that keys sort by number."""
    return f"{number:0{SEQUENCE_DIGITS}d}"


def audit_entry(number: int) -> str:
    """Sort key of an entry; zero-padded so that keys sort by number."""
    return f"{number:0{SEQUENCE_DIGITS}d}"


def audit_notes(tenant: TenantId, shelf: str) -> str:
    """Partition of a tenant's entries, or of what was written with them, by what it is."""
    return f"{tenant}#{shelf}"


def seen(budget: str, window: int) -> str:
    """Sort key of what was seen of an account in a window (`bursa.intake.sightings`)."""
    return f"seen#{budget}#{window}"


def named(period: int) -> str:
    """Sort key of a tenant's accounts that are named in a period."""
    return f"named#{period}"


def connections(holder: Holder) -> str:
    """Partition of all WebSocket connections of an owner, whichever of its accounts they are for.

    So they share one bound, and end together with the owner's sessions. Also those of a visitor.
    """
    return f"{holder.owner}#{CONNECTIONS}"


def connection_counts(tenant: TenantId) -> str:
    """Partition of the numbers of a tenant's connections."""
    return f"{tenant}#connection-counts"


def subscriptions(tenant: TenantId) -> str:
    """Partition of all subscriptions of a tenant."""
    return f"{tenant}#{SUBSCRIPTIONS}"


def subscription(channel: str, connection_id: str) -> str:
    """Sort key of a subscription, by channel."""
    return f"{channel}#{connection_id}"


def account(account_id: AccountId) -> str:
    """Partition of one account's rows."""
    return str(account_id)
