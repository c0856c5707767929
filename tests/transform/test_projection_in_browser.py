"""The page of a projection in a real browser: what a person does with it, done by events."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from treadle.transform.projection import project

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)"),
]

RANDOM = np.random.default_rng(0)
GROUP = RANDOM.integers(0, 3, 300)
TABLE = pa.table(
    {
        "group": pa.array([None if i == 7 else "abc"[g] for i, g in enumerate(GROUP)]),
        "x": GROUP * 5 + RANDOM.normal(size=300),
        "y": RANDOM.normal(size=300),
        "z": RANDOM.normal(size=300),
        "name": [f"row number {i}" for i in range(300)],
    }
)


@pytest.fixture(scope="module")
def page() -> str:
    return project(TABLE, columns=["x", "y", "z"], color="group", methods=["pca", "tsne"]).page("three groups")


def dom(folder: Path, page: str, fragment: str = "", script: str = "") -> str:
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,720"]
    command += [
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=4000",
        "--dump-dom",
        f"{file.as_uri()}#{fragment}",
    ]
    ran = subprocess.run(command, capture_output=True, timeout=120)
    found = ran.stdout.decode()
    assert "</html>" in found, ran.stderr.decode()[-2000:]
    return re.sub(r'<script id="data".*?</script>', "", found, flags=re.DOTALL)


def told(found: str) -> Any:
    match = re.search(r'data-told="([^"]*)"', found)
    assert match, "the page's script stopped before the end"
    return json.loads(unescape(match[1]))


def test_an_address_opens_what_it_names(page: str, tmp_path: Path) -> None:
    found = dom(tmp_path, page, "method=tsne&find=group=b&row=7")
    assert "300 rows, 3 columns" in found
    assert f"{(GROUP == 1).sum() - (GROUP[7] == 1)} of 300" in found
    assert re.search(r'aria-pressed="true">t-SNE<', found)
    assert "<h2>Row 7</h2>" in found
    assert "<th>group</th><td>missing</td>" in found
    assert "<th>name</th><td>row number 7</td>" in found


def test_a_plain_page_shows_the_first_projection_in_its_colours(page: str, tmp_path: Path) -> None:
    found = dom(tmp_path, page)
    assert re.search(r'aria-pressed="true">PCA<', found)
    legend = re.findall(r"<span>([^<]+)</span><small>([0-9]+)</small>", found)
    expected = {name: int((i == GROUP).sum() - (GROUP[7] == i)) for i, name in enumerate("abc")} | {"missing": 1}
    assert {name: int(number) for name, number in legend} == expected


ACTIONS = """
const told = {}, box = canvas.getBoundingClientRect();
const event = (kind, x, y, more) => canvas.dispatchEvent(new (kind === "wheel" ? WheelEvent : PointerEvent)(kind,
  { clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true, pointerId: 1, ...more }));
const lit = () => { const p = pen.getImageData(0, 0, canvas.width, canvas.height).data; let n = 0;
  for (let i = 3; i < p.length; i += 4) n += p[i] > 0; return n; };
draw();
told.drawn = lit();
const [x, y] = place(at[12]);
event("pointermove", x, y);
told.tip = tip.innerText; told.hidden = tip.hidden;
event("pointerdown", x, y); event("pointerup", x, y);
told.row = byId("row").innerText;
const before = place(at[12]);
event("wheel", x, y, { deltaY: -400 });
told.zoom = view.zoom; told.stays = Math.hypot(place(at[12])[0] - before[0], place(at[12])[1] - before[1]);
event("pointerdown", 10, 10); event("pointermove", 60, 40); event("pointerup", 60, 40);
told.moved = [place(at[12])[0] - before[0], place(at[12])[1] - before[1]];
byId("find").value = "row number 1"; byId("find").dispatchEvent(new Event("input"));
told.found = byId("found").textContent;
byId("color").value = "2"; byId("color").dispatchEvent(new Event("change"));
told.scale = document.querySelectorAll(".scale").length;
byId("methods").children[1].click();
told.hash = location.hash;
byId("reset").click();
told.after = [view.zoom, byId("found").textContent];
byId("color").value = "0"; byId("color").dispatchEvent(new Event("change"));
byId("legend").querySelector("button").click();
told.group = byId("found").textContent;
document.body.dataset.told = JSON.stringify(told);
"""


def test_hover_click_zoom_drag_find_colour_and_switch(page: str, tmp_path: Path) -> None:
    found = told(dom(tmp_path, page, "", ACTIONS))
    assert found["drawn"] > 2000  # pixels: the points are really there
    assert found["hidden"] is False
    assert "group" in found["tip"]
    assert found["row"].startswith("Row ")
    assert found["zoom"] > 1.5
    assert found["stays"] < 0.5  # what is under the pointer stays there
    assert found["moved"] == pytest.approx([50, 30], abs=1)
    assert found["found"] == "111 of 300"
    assert found["scale"] == 1
    assert "method=tsne" in found["hash"]
    assert found["after"] == [1, ""]
    counts = [int((i == GROUP).sum() - (GROUP[7] == i)) for i in range(3)]
    assert found["group"] == f"{max(counts)} of 300"
