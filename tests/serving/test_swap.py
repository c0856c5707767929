"""A new champion takes over while requests come: none fails, none is answered by a mixture."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from pathlib import Path
from typing import Any

from client import Client, wait_until
from layout import lay_out, promote, push

from treadle.servable import Servable
from treadle.serving import ServerProcess

Row = dict[str, Any]


class Callers:
    """Clients that keep their connections and send without pause; each answer must be one version's, whole."""

    def __init__(self, client: Client, rides: list[Row], servables: Path) -> None:
        self.rows = rides[:5]
        self.expected = {v: Servable.load(servables / str(v)).predict_rows(self.rows).tolist() for v in (1, 2, 3)}
        self.failures: list[object] = []
        self.answered: dict[int, int] = {}
        self._client = client
        self._going = True
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(6)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going = False
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(*self._client.address, timeout=30)
        body = json.dumps({"instances": self.rows})
        try:
            while self._going:
                connection.request("POST", "/v1/models/taxi:predict", body)
                response = connection.getresponse()
                answer = json.loads(response.read())
                with self._lock:
                    version = answer.get("model_version")
                    if response.status != 200 or answer["predictions"] != self.expected[version]:
                        self.failures.append((response.status, answer))
                    self.answered[version] = self.answered.get(version, 0) + 1
        except Exception as error:
            self.failures.append(error)
        finally:
            connection.close()


def test_swaps_under_load_fail_no_request(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1], champion=1)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        with Callers(client, rides, servables) as callers:
            for version in (2, 3, 1, 2, 3, 1, 2):
                if not (tmp_path / "taxi" / str(version)).exists():
                    push(servables, tmp_path, version)
                promote(tmp_path, version)
                before = callers.answered.get(version, 0)
                wait_until(lambda before=before, v=version: callers.answered.get(v, 0) > before + 20)  # type: ignore[misc]
        assert callers.failures == []
        assert callers.answered.keys() == {1, 2, 3}


def test_the_old_version_is_released(servables: Path, tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1, 2], champion=1)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        promote(tmp_path, 2)
        wait_until(lambda: client.get("/readyz").json["models"][0]["champion"] == 2)
        metrics = client.get("/metrics").data
        assert b'version="2"' in metrics
        assert b"treadle_model_info{" in metrics
        assert metrics.count(b"treadle_model_info{") == 1


def test_a_bad_version_never_takes_traffic(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1, 2, 3], champion=1)
    model = tmp_path / "taxi" / "2" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-10])
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        with Callers(client, rides, servables) as callers:
            promote(tmp_path, 2)

            def refused() -> bool:
                states = {s["version"]: s for s in client.get("/v1/models/taxi").json["model_version_status"]}
                return bool(states["2"]["state"] == "END" and "sha256" in states["2"]["status"]["error_message"])

            wait_until(refused)
            assert client.get("/readyz").status == 200  # the old one answers
            assert client.post({"instances": rides[:1]}, "/v1/models/taxi/versions/2:predict").status == 503
            promote(tmp_path, 3)
            wait_until(lambda: callers.answered.get(3, 0) > 0)
        assert callers.failures == []
        assert 2 not in callers.answered
        assert b'treadle_model_loads_total{model="taxi",outcome="refused"} 1.0' in client.get("/metrics").data


def test_a_bad_version_that_is_mended_takes_over(servables: Path, tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1, 2], champion=1)
    (tmp_path / "taxi" / "2" / "model.onnx").unlink()
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        promote(tmp_path, 2)
        wait_until(lambda: b'"END"' in client.get("/v1/models/taxi").data)
        shutil.copy(servables / "2" / "model.onnx", tmp_path / "taxi" / "2" / "model.onnx")
        wait_until(lambda: client.get("/readyz").json["models"][0]["champion"] == 2)
        assert b'"END"' not in client.get("/v1/models/taxi").data


def test_an_alias_without_a_number_changes_nothing(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1, 2], champion=1)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        for line in ("", "two", "-1", "0", "1\n2", "x" * 100_000, "../2"):
            promote(tmp_path, line)
            wait_until(lambda: "problem" in client.get("/v1/models/taxi").json)
            assert client.post({"instances": rides[:1]}).json["model_version"] == 1
            assert client.get("/readyz").status == 200
            promote(tmp_path, 1)
            wait_until(lambda: "problem" not in client.get("/v1/models/taxi").json)


def test_an_alias_to_a_version_that_is_not_there_changes_nothing(
    servables: Path, rides: list[Row], tmp_path: Path
) -> None:
    lay_out(servables, tmp_path, [1], champion=1)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        promote(tmp_path, 9)
        wait_until(lambda: b'"END"' in client.get("/v1/models/taxi").data)
        assert client.post({"instances": rides[:1]}).json["model_version"] == 1
        push(servables, tmp_path, 9, of=3)
        wait_until(lambda: client.post({"instances": rides[:1]}).json["model_version"] == 9)


def test_what_is_loaded_answers_also_when_the_folder_is_gone(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path / "models", [1], champion=1)
    with ServerProcess(tmp_path / "models") as server:
        client = Client(server)
        (tmp_path / "models").rename(tmp_path / "elsewhere")
        wait_until(lambda: client.get("/v1/models/taxi/versions/1").status == 200)
        assert client.post({"instances": rides[:1]}).status == 200
        assert client.post({"instances": rides[:1]}, "/v1/models/taxi/versions/7:predict").status == 404


def test_a_model_that_appears_is_served(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1], champion=1)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        lay_out(servables, tmp_path, [2], champion=2, name="bus")
        wait_until(lambda: client.post({"instances": rides[:1]}, "/v1/models/bus:predict").status == 200)


def test_without_an_alias_only_versions_are_served(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    lay_out(servables, tmp_path, [1], champion=None)
    with ServerProcess(tmp_path) as server:
        client = Client(server)
        assert server.models == {"taxi": None}
        assert client.get("/readyz").status == 503
        reply = client.post({"instances": rides[:1]})
        assert (reply.status, reply.json["code"]) == (404, "SERVING_MODEL_NOT_FOUND")
        assert client.post({"instances": rides[:1]}, "/v1/models/taxi/versions/1:predict").status == 200
        promote(tmp_path, 1)
        wait_until(lambda: client.post({"instances": rides[:1]}).status == 200)
        assert client.get("/readyz").status == 200


def test_one_servable_is_served_under_its_folders_name(servables: Path, rides: list[Row], tmp_path: Path) -> None:
    shutil.copytree(servables / "1", tmp_path / "rides")
    with ServerProcess(tmp_path / "rides") as server:
        assert server.models == {"rides": 0}
        client = Client(server)
        low = client.post({"instances": rides[:1]}, "/v1/models/rides:predict").json
        assert low["model_version"] == 0
        shutil.copytree(servables / "3", tmp_path / "new")
        (tmp_path / "rides").rename(tmp_path / "old")
        (tmp_path / "new").rename(tmp_path / "rides")  # replaced in place: taken into service too

        def answer() -> float:
            return float(client.post({"instances": rides[:1]}, "/v1/models/rides:predict").json["predictions"][0])

        wait_until(lambda: answer() > low["predictions"][0])
