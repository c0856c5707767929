"""Statements and rows of PostgreSQL in the manner of SQLite's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from treadle.metadata._texts import bound


class _Row(tuple[Any, ...]):
    """A row that is asked by number or by name, as SQLite's."""

    names: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names[key] if isinstance(key, str) else key)


class Cursor:
    """Statements with ``?``, as SQLite takes them."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        self._cursor.execute(sql.replace("%", "%%").replace("?", "%s"), bound(parameters))
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> Cursor:
        for row in rows:
            self.execute(sql, row)
        return self

    def fetchall(self) -> list[Any]:
        kind = self._kind()
        return [kind(row) for row in self._cursor.fetchall()]

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else self._kind()(row)

    def _kind(self) -> type[_Row]:
        names = {column.name: number for number, column in enumerate(self._cursor.description)}
        return type("Row", (_Row,), {"names": names})
