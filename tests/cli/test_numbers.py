"""No option of any command takes NaN: no comparison finds it, so a limit of NaN would let everything through."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from treadle.cli._main import _treadle


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{above}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")


def test_nan_is_refused() -> None:
    found = set()
    for name, command in commands(_treadle):
        for option in command.params:
            if isinstance(option.type, click.types.FloatParamType):
                found.add(name)
                for written in ("nan", "-NaN"):
                    with pytest.raises(click.BadParameter, match="not a number"):
                        option.type.convert(written, option, None)
    assert found >= {"coverage", "drift", "gc", "loop", "serve", "skew"}
