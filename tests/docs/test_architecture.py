"""The picture of the architecture has the rooms that there are."""

from xml.etree import ElementTree

from support.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
# What stands in a row has one y.
ROWS = {"178": "pysock", "324": "pysock/_compiled", "470": "csrc"}


def test_rooms():
    picture = ElementTree.parse(ROOT / "docs" / "architecture.svg").getroot()
    shown = {y: set() for y in ROWS}
    for text in picture.iter(f"{SVG}text"):
        if text.get("y") in ROWS:
            shown[text.get("y")].add(text.text)
    folders = {
        path.name for path in (ROOT / "pysock" / "_compiled").iterdir() if list(path.glob("*.p*"))
    }
    assert shown["324"] == folders - {"__pycache__"}
    for y in ("178", "470"):
        for name in shown[y]:
            assert list((ROOT / ROWS[y]).glob(f"{name}*")), name
