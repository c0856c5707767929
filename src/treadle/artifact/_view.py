"""What an artifact looks like in a notebook: a plain card, unless somebody has said how to show its type."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from treadle.artifact import Artifact

A = TypeVar("A", bound="Artifact")
_MOST_FILES = 20
_views: dict[type[Any], Callable[[Any], str]] = {}


def show_with(kind: type[A], view: Callable[[A], str]) -> None:
    """Say how artifacts of a type, and of types made of it, are shown in notebooks.

    A type of your own may as well define ``_repr_html_``.

    Args:
        kind: The artifact type.
        view: Gives the HTML that stands below the artifact's name and digest.
    """
    _views[kind] = view


def view_of(artifact: Artifact) -> str:
    """An artifact as HTML: type, digest, properties, and what its view shows; its files where it has none.

    What cannot be shown is told in place of it: looking at something never fails.
    """
    view = next((_views[kind] for kind in type(artifact).__mro__ if kind in _views), _files)
    try:
        shown = view(artifact)
    except Exception as error:
        shown = f"<p>It cannot be shown: {escape(type(error).__name__)}: {escape(str(error))}</p>{_files(artifact)}"
    facts = ", ".join(f"{name} {_short(value)}" for name, value in artifact.properties.items())
    about = f"<code>{escape(artifact.digest[:19])}</code> <small>{escape(facts)}</small>"
    return f'<div class="treadle-artifact"><p><b>{escape(artifact.type_name)}</b> {about}</p>{shown}</div>'


def _files(artifact: Artifact) -> str:
    files = sorted(path for path in artifact.path.rglob("*") if path.is_file()) if artifact.path.is_dir() else []
    rows = [
        f"<li><code>{escape(path.relative_to(artifact.path).as_posix())}</code> {path.stat().st_size:,} bytes</li>"
        for path in files[:_MOST_FILES]
    ]
    more = f"<li>and {len(files) - _MOST_FILES:,} more</li>" if len(files) > _MOST_FILES else ""
    return f"<ul>{''.join(rows)}{more}</ul>" if files else "<p>It is empty.</p>"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
