"""Steps of scenarios about lists of orders: two that cancel each other, an entry with its exits."""

from typing import TYPE_CHECKING

from scripts import scenario_words as words
from scripts.scenario_words import ScenarioError, Step, find_value, require_value
from wire.codec import encode_cancel, encode_list, encode_place

if TYPE_CHECKING:
    from scripts.scenario_exchange import Exchange


def place_list(exchange: "Exchange", step: Step) -> None:
    """Place the orders of a step as a list: exits first, then their entry if there is one.

    What the step itself says holds for each of them that does not say otherwise.
    """
    names, places = [], []
    for order in words.listed_orders(step):
        name = str(require_value(order, words.ID))
        if name in exchange.order_ids:
            raise ScenarioError(f"order {name!r} is there already")
        owner, stated = exchange.account(order), exchange.order_words(order)
        account = exchange.ledger.trader(find_value(order, words.USER), stated["side"])
        market = exchange.ledger.market(find_value(order, words.MARKET))
        exchange.arriving_lots = stated["quantity"]
        command_id = exchange.command_id(owner, name, 0)
        places.append(encode_place(account, market, **stated, command_id=command_id))
        names.append(name)
    list_id = exchange.send(encode_list(*places))
    for order_id, name in enumerate(names, list_id - len(names) + 1):
        exchange.order_ids[name] = order_id
        exchange.names[order_id] = name


def cancel_list(exchange: "Exchange", step: Step) -> None:
    """Cancel the whole list that an order is the last of."""
    list_id = exchange.order_ids.get(str(require_value(step, words.ID)), 0)
    exchange.send(encode_cancel(exchange.account(step), list_id, whole_list=True))
