"""A command that reads data does not wait for pandas, and pandas is still there for who asks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
Path(sys.argv[1], "pandas.py").write_text("raise AssertionError('pandas was imported')")
sys.path.insert(0, sys.argv[1])
sys.argv = ["treadle", "stats", sys.argv[2]]
from treadle.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
assert "pandas" not in sys.modules
try:
    import pandas
except AssertionError:
    print("still there")
"""


def test_a_command_does_not_load_pandas_and_does_not_hide_it(tmp_path: Path):
    data = tmp_path / "rides.csv"
    data.write_text("fare,city\n5.0,Ulm\n7.5,Bonn\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "still there"
