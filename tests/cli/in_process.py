"""The program in this process: the command line's own edge, without a second of starting an interpreter."""

from __future__ import annotations

import contextlib
import io
import subprocess
from pathlib import Path

from treadle.cli import main


def called(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What the program says and ends with. Not for commands that load a project's modules, start processes or serve."""
    out, err = io.StringIO(), io.StringIO()
    words = [str(argument) for argument in arguments]
    code: object = 0
    with contextlib.chdir(cwd or Path.cwd()), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())
