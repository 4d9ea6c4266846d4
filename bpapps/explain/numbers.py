"""Numbers as a reader wants them; the page's script writes them by the same rules."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Three decimals; whole numbers whole; tiny ones and huge ones as 2.1·10⁻⁶."""
    size = abs(value)
    sign = "−" if value < 0 else ""
    if size == int(size) and size < 10_000:
        return f"{sign}{int(size)}"
    if size < 0.0005 or size >= 10_000:
        mantissa, _, exponent = f"{size:.1e}".partition("e")
        return f"{sign}{mantissa}·10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return f"{sign}{Decimal(size).quantize(Decimal('0.001'), ROUND_HALF_UP)}"


def seconds(value: float) -> str:
    """0.0000257 -> "25.7 µs"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size or unit == "µs":
            return f"{three(value / size)} {unit}"
    raise AssertionError("not reached")


def times(ratio: float) -> str:
    """263.4 -> "263 times"."""
    return f"{three(ratio)} times"


def three(value: float) -> str:
    """Three digits, with commas: 7,810."""
    rounded = float(f"{value:.3g}")
    decimals = 2 if rounded < 10 else 1 if rounded < 100 else 0
    return f"{rounded:,.{decimals}f}"
