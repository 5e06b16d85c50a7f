"""What `make bench` leaves becomes the tables and the pictures, and the README stays short."""

import json
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
SVG = "{http://www.w3.org/2000/svg}"
sys.path.append(str(BENCHMARKS))
import headlines  # noqa: E402

TITLES = [title for rows in headlines.HEADLINES.values() for title in rows.values()]
TEXTS = [text for rows in headlines.HEADLINES.values() for text in rows]


def operation(title, ratio, **variants):
    named = {"stdlib": {"ns": 600.0}, **{name: {"ns": ns} for name, ns in variants.items()}}
    share = named["C"]["ns"] * ratio / 600 if "C" in named else None
    return {"title": title, "ratio": ratio, "floor": None, "share_of_c": share, "variants": named}


@pytest.fixture
def results(tmp_path):
    """A run of which each row of a server is 3 times as fast, and each other one twice."""
    of_loops = {"asyncio": [60.0, 90.0], "pysock": [20.0, 30.0], "uvloop": [30.0, 45.0]}
    of_loops["C"] = [10.0, 15.0]
    loops = {name: of_loops for name in sorted(listed_loops())}
    rows = [operation(title, 2.0, C=150.0) for title in TITLES if title not in loops]
    rows.append(operation("a loss", 0.5))
    rows.append(operation("beside another", 1.0, uvloop=400.0))
    run = {
        "machine_info": {
            **{"python_implementation": "CPython", "python_version": "3.11.7", "cpus": 2},
            **{"system": "Linux", "release": "6.1.0-1"},
        },
        "commit_info": {"id": "0123456789abcdef"},
        "pysock": {"backend": "c"},
        "benchmarks": [{"extra_info": row} for row in rows],
    }
    scaling = {
        loop: {str(10**power): cost + power for power in range(5)}
        for loop, cost in (("asyncio", 40.0), ("pysock", 10.0), ("uvloop", 11.0))
    }
    folder = tmp_path / "results"
    folder.mkdir()
    tls = {"HTTP over TLS": {**of_loops, "aiofastnet": [16.0, 24.0]}}
    for name, content in (("latest", run), ("loops", loops), ("tls", tls), ("scaling", scaling)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def listed_loops():
    code = "import json, loops; print(json.dumps(list(loops.ROWS)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, stdout=subprocess.PIPE, check=True
    )
    return set(json.loads(done.stdout))


def run(program, *arguments):
    command = [sys.executable, BENCHMARKS / program, *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


def test_tables(results, tmp_path):
    pages = ("README.md", "docs/rows.md", "docs/guide/asyncio.md", "docs/guide/tls.md")
    for page in pages:
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    run("tables.py", results, tmp_path)
    readme, rows, asyncio, tls = ((tmp_path / page).read_text() for page in pages)
    assert f"| {TEXTS[0]} | **3.00** | 2.00 | 6.00 |\n" in readme
    assert f"| {TEXTS[-1]} | **2.00** |  | 4.00 |\n" in readme
    measured = (
        "Measured by `make bench` at commit `0123456`: CPython 3.11.7, Linux 6.1.0, 2 cores.\n"
    )
    assert measured in readme and measured in rows
    assert "| a loss | 0.50 (slower) |  |\n" in rows and "| a loss | 0.50 |\n" in rows
    assert "| beside another: uvloop there | 1.50 | |\n" in rows
    assert f"| {TITLES[0]} | 75.0 |  | 25.0 | 37.5 | 12.5 | 0.67 |\n" in asyncio
    assert "| HTTP over TLS | 75.0 |  | 25.0 | 37.5 | 20.0 | 0.67 | **1.25** |\n" in tls
    # Between the marks nothing is left of what was there, and outside of them nothing is changed.
    for page, text in zip(pages, (readme, rows, asyncio, tls), strict=True):
        outside = r"(?s)(<!-- (\w+) table -->\n).*?(<!-- end of the \2 table -->)"
        before = (ROOT / page).read_text()
        assert re.sub(outside, r"\1\3", text) == re.sub(outside, r"\1\3", before)


def test_a_headline_that_was_not_measured_is_an_error(results):
    loops = json.loads((results / "loops.json").read_text())
    del loops[TITLES[0]]
    (results / "loops.json").write_text(json.dumps(loops))
    with pytest.raises(KeyError, match=re.escape(TITLES[0])):
        headlines.Results(results).headlines()


def test_pictures(results, tmp_path):
    run("picture.py", results, tmp_path)
    picture, scaling = (
        ElementTree.parse(tmp_path / name).getroot() for name in ("picture.svg", "scaling.svg")
    )
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    order = [text for text in texts if text in TEXTS or text in headlines.HEADLINES]
    expected = []
    for group, rows in headlines.HEADLINES.items():
        expected += [group, *rows]
    assert order == expected
    bars = [one.get("class") for one in picture.iter(f"{SVG}rect") if one.get("class") != "page"]
    assert bars.count("win") == len(TEXTS) and bars.count("other") == texts.count("uvloop 2.00") > 5
    assert "CPython 3.11.7, Linux 6.1.0, 2 cores." in " ".join(texts)
    lines = [path.get("class") for path in scaling.iter(f"{SVG}path")]
    assert sorted(lines) == ["even curve", "other curve", "win curve"]
    shown = [element.text for element in scaling.iter(f"{SVG}text")]
    assert {"1", "10", "100", "1,000", "10,000", "asyncio", "pysock", "uvloop"} <= set(shown)
    # More CPU is higher, and more connections are further to the right.
    circles = [one for one in scaling.iter(f"{SVG}circle") if one.get("r") == "3.5"]
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in circles if c.get("class") == "win"]
    assert len(points) == 5 and points == sorted(points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text()
    table = text.partition("<!-- headline table -->\n")[2].partition("<!-- end")[0]
    rows = [line for line in table.splitlines() if re.match(r"\| [^*|\s]", line)]
    assert len(text.splitlines()) <= 150
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == TEXTS and len(rows) <= 12
