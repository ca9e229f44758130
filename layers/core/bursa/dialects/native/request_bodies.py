"""Reading request bodies: from hostile text to a request, or to one error that says what to do.

Of what the client sent only names of fields are echoed back, shortened, so that an error can be
logged and shown anywhere.
"""

from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from bursa.dialects.native.json_text import read_json
from bursa.kernel.errors import InvalidInput, TooLarge
from bursa.trading.commands import OPERATIONS_MAX

BODY_BYTES_MAX = 32 * 1024
# Names of unknown fields are the client's own words; no more of them is repeated than this.
_FIELD_LENGTH_MAX = 64

_Request = TypeVar("_Request", bound=BaseModel)


def read_body(text: str | None, model: type[_Request]) -> _Request:
    """Read a JSON body.

    Raises
    ------
    TooLarge
        ``body_too_large``.
    InvalidInput
        ``missing_body``, ``invalid_json``, ``duplicate_key``, ``body_not_an_object``, or about a
        field: ``missing_field``, ``unknown_field``, ``not_a_string``, ``wrong_type``,
        ``invalid_<field>``, ``no_operations``, ``too_many_operations``.

    """
    if not text:
        raise InvalidInput("missing_body", "Send a JSON object as the request's body.")
    # Surrogates without a partner can't be encoded; JSON's reader refuses them later.
    if len(text.encode(errors="replace")) > BODY_BYTES_MAX:
        raise TooLarge("body_too_large", f"Send a body of at most {BODY_BYTES_MAX} bytes.")
    return read_model(read_json(text, "body"), model)


def read_model(plain: object, model: type[_Request]) -> _Request:
    """Read plain values; raises as `read_body` does about a field."""
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        _raise_first(error)


def _raise_first(error: ValidationError) -> NoReturn:
    fault = error.errors(include_url=False, include_context=True, include_input=False)[0]
    path, name = _field_path(fault["loc"])
    code, detail = _explain(fault["type"], name, fault.get("ctx", {}))
    raise InvalidInput(code, detail, field=path) from None


def _field_path(location: tuple[int | str, ...]) -> tuple[str, str]:
    """Write ``("operations", 3, "place", "price")`` as ``operations[3].price``, and its end."""
    path, name = "", ""
    skip_tag = False
    for position, part in enumerate(location, start=1):
        if isinstance(part, int):
            path += f"[{part}]"
            skip_tag = True
        elif skip_tag and position < len(location):
            skip_tag = False  # the kind of operation, which is no field
        else:
            name = part[:_FIELD_LENGTH_MAX]
            path += f".{name}" if path else name
    return path, name


def _explain(fault: str, name: str, context: dict[str, Any]) -> tuple[str, str]:
    if fault == "string_pattern_mismatch":
        return f"invalid_{name}", _PATTERN_DETAILS[name]
    code, detail = _EXPLANATIONS.get(fault, _WRONG_TYPE)
    return (
        code.format(name=name),
        detail.format(name=name, most=OPERATIONS_MAX, **context),
    )


# By pydantic's type of error.
_EXPLANATIONS = {
    "missing": ("missing_field", "Send the field {name}."),
    "extra_forbidden": ("unknown_field", "Leave out fields that this request does not know."),
    "string_type": ("not_a_string", 'Send {name} as a JSON string, in quotes: "12.50".'),
    "literal_error": ("invalid_{name}", "Send {name} as one of {expected}."),
    "greater_than_equal": ("invalid_{name}", "Send {name} as {ge} or more."),
    "less_than_equal": ("invalid_{name}", "Send {name} as {le} or less."),
    "too_short": ("no_operations", "Send at least one operation."),
    "too_long": ("too_many_operations", "Send at most {most} operations in one batch."),
    "union_tag_not_found": (
        "missing_field",
        'Give every operation the field op: "place" or "cancel".',
    ),
    "union_tag_invalid": ("invalid_op", 'Send op as "place" or "cancel".'),
}
_WRONG_TYPE = ("wrong_type", "Send {name} as the type that the documentation gives.")
_PATTERN_DETAILS = {
    "client_order_id": "Send client_order_id as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
    "order_id": "Send order_id as we gave it: 32 characters.",
}
