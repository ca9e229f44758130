"""What to tell a person about something stored or sent by another version of this software."""


def other_schema(what: str, found: int, own: int) -> str:
    """Return the sentence that refuses a schema, older or newer, and names the next step."""
    if found > own:
        step = "a newer version wrote it, so install that one"
    else:
        step = (
            "an older version wrote it, so start that one, or on a developer's machine begin anew "
            "with `make reset`"
        )
    return f"{what} has the schema {found}, and this version reads {own} only: {step}."
