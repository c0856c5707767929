"""The ``treadle`` command: parses, calls a room, prints.

A command lives in ``_<name>.py`` as a click command named ``command`` and has one row in ``COMMANDS``; its
module is imported only when it runs, so ``treadle --help`` stays quick.

Exit codes: 0 ok, 1 the check said no, 2 misuse or error. With ``--json`` the last line on standard output is
one JSON object; everything else goes to standard error.
"""

from treadle.cli._main import main

__all__ = ["main"]
