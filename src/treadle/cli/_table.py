"""Tables on the terminal: plain columns, as wide as they need to be, which a pipe can cut and a screen can scroll."""

from __future__ import annotations

from collections.abc import Sequence

import click


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,)) -> None:
    """Print rows of text under headings.

    Args:
        headings: One word per column.
        rows: As many texts per row as there are headings.
        left: The numbers of the columns that are set flush left; the others are numbers.
    """
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    for line, row in enumerate([headings, *rows]):
        cells = [
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        text = "  ".join(cells).rstrip()
        click.echo(click.style(text, bold=True) if line == 0 else text)


def print_line() -> None:
    """An empty line between two tables."""
    click.echo()
