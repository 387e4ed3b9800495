"""The status page, as somebody sees it in a browser."""
import contextlib

import pytest

import browser
import harness
from browser import Browser

pytestmark = pytest.mark.skipif(
    browser.CHROMIUM is None or not harness.has_status(),
    reason="needs chromium and libevent")
STATUS = 'address = "127.0.0.1" port = 0 serve = status'
WEB = 'address = "127.0.0.1" port = 0'

# Of each piece of text that is to be seen the contrast with what is behind it.
CONTRAST = """(() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = parts(colour).map((x) => (x /= 255) <= 0.03928 ?
            x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (e) => {
        for (; e !== null; e = e.parentElement) {
            const p = parts(getComputedStyle(e).backgroundColor);
            if (p.length === 3 || p[3] === 1)
                return getComputedStyle(e).backgroundColor;
        }
        return "rgb(255, 255, 255)";
    };
    const bad = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (walk.currentNode.data.trim() === "" || !e.checkVisibility() ||
            ["SCRIPT", "STYLE", "NOSCRIPT"].includes(e.tagName))
            continue;
        const a = light(getComputedStyle(e).color), b = light(behind(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5)
            bad.push([walk.currentNode.data, ratio]);
    }
    return bad;
})()"""

# What a table says of a row, by the names of its columns.
ROW = """(() => {
    const table = document.querySelector("#live-%s table");
    const names = [...table.tHead.rows[0].cells].map((c) => c.textContent);
    return [...table.tBodies[0].rows].map((row) => Object.fromEntries(
        [...row.cells].map((c, i) => [names[i],
            c.querySelector("data")?.value ?? c.textContent])));
})()"""

# What is missing of a page that is read aloud, or used without a mouse.
MISSING = """[
    ...[...document.querySelectorAll("table")].filter((t) =>
        !t.caption || t.querySelector("thead th:not([scope=col])") ||
        [...t.tBodies[0].rows].some((r) =>
            !r.querySelector("th[scope=row]"))).map((t) => "table"),
    ...[...document.querySelectorAll("svg")].filter((s) =>
        !s.getAttribute("aria-label") && !s.ariaHidden).map((s) => "svg"),
    ...[...document.querySelectorAll("a[href^='#']")].filter((a) =>
        !document.querySelector(a.getAttribute("href"))).map((a) => a.href),
    ...[...document.querySelectorAll(".scroll")].filter((e) =>
        e.tabIndex !== 0).map((e) => "scroll"),
    ...(document.querySelectorAll("h1").length === 1 ? [] : ["h1"]),
    ...(document.documentElement.lang === "en" ? [] : ["lang"]),
]"""


@pytest.fixture
def tab(box):
    seen = Browser(box.dir)
    yield seen
    seen.close()


def here(d):
    return f"http://127.0.0.1:{d.port('status')}/"


def shows(tab, view, column, value):
    tab.until(f"{ROW % view}.some((r) => r[{column!r}] === {value!r})")


def check_numbers(tab, d):
    """Those of the page are those of spawnctl."""
    told = d.show("listeners")[0]
    row = next(r for r in tab.value(ROW % "listeners")
               if r["name"] == told["name"])
    for name in "accepted", "denied", "limited":
        assert row[name] == str(told[name])
    for row, told in zip(tab.value(ROW % "remotes"), d.show("remotes")):
        assert row["state"].endswith(told["state"])
        for name in "name", "active", "sessions", "failed":
            assert row[name] == str(told[name])
    assert {r["pid"] for r in tab.value(ROW % "workers")} == \
        {str(w["pid"]) for w in d.workers()}


def check_looks(tab, d):
    """Light, dark and on a phone."""
    for size in {}, {"dark": True}, {"width": 390, "height": 844}:
        tab.look(**size)
        tab.go(here(d))
        assert tab.value(CONTRAST) == []
        assert tab.value(MISSING) == []
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    tab.look()


def test_the_page_in_a_browser(daemon, echo, tab):
    """What it shows is true, stays true while it is open, and is all its own;
    what a file says is no markup."""
    d = daemon(remotes=[echo, f'address = "127.0.0.1" port = '
                        f'{harness.free_port()} state = disabled'],
               listen={"web": WEB, "status": STATUS})
    d.ctl("reload")
    d.write(extra='relay "<img src=x onerror=alert(1)>" { }')
    assert d.ctl("reload", check=False).returncode != 0
    tab.go(here(d))
    assert "last reload has failed" in tab.value("document.body.innerText")
    assert not tab.value("document.querySelector('img')")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            c = stack.enter_context(d.connect())
            c.sendall(b"x")
            assert c.recv(1) == b"x"
        d.wait_sessions(3, 30)
        shows(tab, "remotes", "active", "3")
        check_numbers(tab, d)
        check_looks(tab, d)
        tab.look(script=False)
        tab.go(here(d))
        assert "3 sessions" in tab.value("document.title")
    assert tab.console == []
    assert {url for url in tab.requests
            if not url.startswith((here(d), "data:", "about:"))} == set()
