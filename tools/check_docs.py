"""Check the documents: relative links lead somewhere, Python blocks run, commands and rooms that are named exist.

Run it as ``python tools/check_docs.py``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
COMMAND = re.compile(r"^    treadle (\w+)", re.M)


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    problems = []
    documents = sorted(path for path in ROOT.rglob("*.md") if not ({".venv", "build", ".git"} & set(path.parts)))
    for document in documents:
        text = document.read_text(encoding="utf-8")
        name = document.relative_to(ROOT)
        problems += [f"{name}: {target} does not exist" for target in broken_links(document, text)]
        problems += [f"{name}: {problem}" for problem in broken_blocks(text)]
        problems += [f"{name}: there is no command 'treadle {word}'" for word in unknown_commands(text)]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(documents)} documents, {len(problems)} problems")
    return 1 if problems else 0


def broken_links(document: Path, text: str) -> list[str]:
    """Relative links of a document that lead nowhere."""
    targets = (match[1] for match in LINK.finditer(text))
    return [target for target in targets if "://" not in target and not (document.parent / target).exists()]


def broken_blocks(text: str) -> list[str]:
    """Python blocks that do not run, by themselves, in a fresh namespace."""
    problems = []
    for number, match in enumerate(BLOCK.finditer(text), 1):
        try:
            exec(compile(match[1], f"block {number}", "exec"), {"__name__": f"block{number}"})
        except Exception as error:
            problems.append(f"Python block {number} raises {type(error).__name__}: {error}")
    return problems


def unknown_commands(text: str) -> list[str]:
    """Commands of indented examples that the program does not have."""
    from treadle.cli._main import COMMANDS

    return [match[1] for match in COMMAND.finditer(text) if match[1] not in COMMANDS]


if __name__ == "__main__":
    sys.exit(main())
