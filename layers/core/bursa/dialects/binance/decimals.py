"""Numbers as text, with eight decimal places at least, as this wire writes them."""

from bursa.kernel.amounts import format_units

PLACES: int = 8
ZERO = "0.00000000"


def padded(text: str) -> str:
    """Return a decimal with zeros up to the eighth place; one with more places is left as it is."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(PLACES, '0')}"


def rate_text(ppm: int) -> str:
    """Return parts per million as a fraction of one."""
    return padded(format_units(ppm, 6))


def ratio_text(numerator: int, denominator: int, places: int) -> str:
    """Return a quotient to so many places, cut off towards zero; zero where there is none."""
    if not denominator:
        return f"0.{'0' * places}"
    scaled = abs(numerator) * 10**places // abs(denominator)
    negative = (numerator < 0) != (denominator < 0) and scaled
    whole, fraction = divmod(scaled, 10**places)
    return f"{'-' if negative else ''}{whole}.{fraction:0{places}d}"
