from __future__ import annotations

from pathlib import Path

import pytest

from treadle.errors import ServingError
from treadle.serving import ServerProcess


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServingError) as caught:
        ServerProcess(tmp_path)
    assert "There is no servable in the folder." in str(caught.value)


def test_sealing_without_a_log_is_refused(servables: Path) -> None:
    with ServerProcess(servables / "1") as server, pytest.raises(ServingError, match="no request log"):
        server.seal()


def test_stopping_twice_is_free(servables: Path) -> None:
    with ServerProcess(servables / "1") as server:
        assert server.stop() == 0
        assert server.stop() == 0
        assert server.messages().startswith("Serving servables0 (version 1) at http://")
