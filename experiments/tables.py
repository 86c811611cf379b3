"""Tables for the terminal."""

from collections.abc import Sequence
from typing import Any


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> None:
    """Print a table; None is shown as a dash. Lines are wrapped only on a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from songs.plain_text import plain

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        numeric = all(row[number] is None or isinstance(row[number], int) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("-" if value is None else plain(str(value))) for value in row))
    console.print(table)
    console.print(Text(caption))


def significant(value: float) -> str:
    """Return a number with at least four significant digits, with an exponent only if it is tiny."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
