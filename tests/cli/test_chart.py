"""The picture of `--bench --svg`: what can be read from it as XML."""

import importlib
import xml.etree.ElementTree as ET

import pytest

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def chart(pysock):
    return importlib.import_module(f"{pysock.__name__}._cli.chart")


def parsed(svg):
    """Return the root; nothing in the picture runs, or is fetched from elsewhere."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "style", "rect", "text", "line"),
    }
    assert "url(" not in svg and "@import" not in svg and "@font-face" not in svg
    assert "href" not in svg and svg.count("://") == 1  # the namespace
    assert "@media (prefers-color-scheme: dark)" in root.find(f"{SVG}style").text
    return root


def bars(root):
    """Return the class, the left end and the right end of each bar."""
    return [
        (bar.get("class"), float(bar.get("x")), float(bar.get("x")) + float(bar.get("width")))
        for bar in root.iter(f"{SVG}rect")
        if bar.get("class") != "page"
    ]


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def test_a_win_is_right_of_one_and_a_loss_left(chart):
    root = parsed(
        chart.draw(
            [
                chart.Bar("won", 4.0, "8 us, 2 us"),
                chart.Bar("lost", 0.5),
                chart.Bar("even", 1.02),
                chart.Bar("twice as much", 16.0, floor=2.0),
                chart.Bar("of another", 4.0, other=True),
                chart.Bar("not here", None, "not installed"),
            ],
            "a title",
            ["a line", "word " * 40],
        )
    )
    (one,) = (
        float(line.get("x1")) for line in root.iter(f"{SVG}line") if line.get("class") == "one"
    )
    won, lost, even, twice, other = bars(root)
    assert [each[0] for each in (won, lost, even, twice, other)] == [
        *("win", "loss", "even", "win", "other")
    ]
    near = 0.2  # places are written with one digit
    assert won[1] == lost[2] == pytest.approx(one, abs=near)
    # The scale is logarithmic: a half is as far away as two, and 16 twice as far as 4.
    assert won[2] - one == pytest.approx(2 * (one - lost[1]), abs=near)
    assert twice[2] - one == pytest.approx(2 * (won[2] - one), abs=near)
    assert other[1:] == won[1:]
    (floor,) = (line for line in root.iter(f"{SVG}line") if line.get("class") == "floor")
    assert float(floor.get("x1")) - one == pytest.approx(one - lost[1], abs=near)
    said = texts(root)
    assert {"won", "4.00", "8 us, 2 us", "lost", "0.50", "1.02", "16", "not installed"} <= set(said)
    assert root.find(f"{SVG}title").text == "a title" and "a line" in said
    assert max(map(len, said)) <= chart.SUBTITLE


@pytest.mark.parametrize(
    "ratios", [[], [1.0], [None], [1e-4, 1e6], [0.02], [1367.0, 0.99], [0.0999, 9.95]]
)
def test_every_bar_is_within_the_page(chart, ratios):
    root = parsed(chart.draw([chart.Bar("row", ratio) for ratio in ratios], "title", []))
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width <= 600  # shown 400 pixels wide, a text of 13 has 8 at least
    assert float(root.get("font-size")) * 400 / width >= 8
    assert len(bars(root)) == sum(ratio is not None for ratio in ratios)
    for _, left, right in bars(root):
        assert 0 <= left < right <= width
    for element in root.iter(f"{SVG}text"):
        assert 0 <= float(element.get("x")) <= width and 0 <= float(element.get("y")) <= height
    ticks = [
        element for element in root.iter(f"{SVG}text") if element.get("text-anchor") == "middle"
    ]
    places = sorted({float(tick.get("x")) for tick in ticks})
    assert all(right - left > 20 for left, right in zip(places, places[1:], strict=False))


def test_text_is_escaped(chart):
    title = "<script>&\"'\x00\x1b[1m\ud800"
    root = parsed(chart.draw([chart.Bar(title, 2.0, title)], title, [title]))
    expected = title.translate(dict.fromkeys([0, 0x1B, 0xD800], "\ufffd"))
    assert texts(root).count(expected) == 4 and root.find(f"{SVG}title").text == expected
