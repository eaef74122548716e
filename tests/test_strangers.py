"""A stranger's results folder and study file: read as data, refused in one sentence, never run."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import time
from pathlib import Path

import pytest

from benchmarks.faultrows import attacks, strangers
from suite.errors import RecordError, StudyError
from suite.foreign import FREE, MOST_LINE, lines_of, opened, parsed, text_of, unpacked
from suite.forms import check_outcome
from suite.studyfiles import read as read_study
from suite.words import shown, slug

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folders of all attacks, and what a guarded process said of them."""
    home = tmp_path_factory.mktemp("strangers") / "home"
    folders = strangers.planted(home)
    return home, folders, strangers.read(home, folders)


def test_there_are_attacks_enough():
    """At least 25 files."""
    assert len(attacks.INERT) + len(attacks.REFUSED) >= 25


@pytest.mark.xdist_group("browser")
def test_no_attack_has_an_effect(home):
    """Nothing is run, fetched, unpickled, or written elsewhere; refusals are one sentence."""
    assert list(strangers.faults(*home)) == []


@pytest.mark.xdist_group("browser")
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed on this machine")
def test_no_script_runs_in_a_browser(home):
    """The report with hostile names: shown as they are, nothing run, nothing asked for."""
    from playwright.sync_api import sync_playwright

    asked, titles = [], []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=BROWSER, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: titles.append(dialog.message))
        page.goto((home[1]["names"] / "report.html").as_uri())
        titles.append(page.title())
        text = page.inner_text("body")
        browser.close()
    assert attacks.SCRIPT in text
    assert attacks.FORMULA in text
    assert "{{7*7}}" in text
    assert "broken" not in titles
    assert all(url.startswith("file:") or url.startswith("data:") for url in asked)


# Reading.


def test_a_file_is_read_where_it_is_plain_and_inside(tmp_path):
    """A link inside the folder is one; a link out of it, a folder and a pipe are not."""
    folder = tmp_path / "é"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "inside").symlink_to("a")
    (tmp_path / "b").write_text("b")
    (folder / "outside").symlink_to(tmp_path / "b")
    assert text_of(folder / "a", folder) == text_of(folder / "inside", folder) == "a"
    with pytest.raises(RecordError, match="a link to"):
        text_of(folder / "outside", folder)
    with pytest.raises(RecordError, match="plain file"):
        opened(folder, folder)
    with pytest.raises(RecordError, match="at most 0 bytes"):
        text_of(folder / "a", folder, 0)


@pytest.mark.parametrize(
    "text", ["NaN", "[-Infinity]", "[" * 100_000, '"\\ud800"', '{"\\uDfff":1}', "1" * 5000, "", "{"]
)
def test_json_is_what_can_be_written_again(text):
    """Everything else is a ValueError."""
    with pytest.raises(ValueError):
        parsed(text)
    assert parsed('"\\ud83d\\ude00"') == "\U0001f600"


def test_unpacking_stops_at_a_bomb_and_at_a_cut():
    """What is sound comes out whole, of several parts, too."""
    text = b"".join(b"%d\n" % number for number in range(100_000))
    packed = gzip.compress(text)
    assert unpacked(io.BytesIO(packed * 2)).read() == text * 2
    with pytest.raises(EOFError):
        unpacked(io.BytesIO(packed[:-20])).read()
    bomb = gzip.compress(b"\0" * (1 << 20)) * (FREE // (1 << 20) + 2)
    with pytest.raises(ValueError, match="unpack to more"):
        unpacked(io.BytesIO(bomb)).read()


def test_a_line_has_an_end():
    """A longer one is refused before it is read to its end."""
    assert list(lines_of(io.BytesIO(b"a\nb"))) == [b"a\n", b"b"]
    with pytest.raises(ValueError, match="a line of more"):
        list(lines_of(io.BytesIO(b"x" * (MOST_LINE + 2))))


def test_an_outcome_has_its_form():
    """What `encode` writes has; checking takes microseconds."""
    content = json.loads(attacks.encode(attacks.outcome(attacks.PLAIN, "a", 1)).partition(" ")[2])
    started = time.perf_counter()
    for _ in range(1000):
        check_outcome(content)
    assert time.perf_counter() - started < 1.0
    health = {"layers": ["a"], **dict.fromkeys(("gradient", "weight", "update", "dead"), "AAAA")}
    for change in ({"health": health}, {"health": {**health, "saturated": "AA=="}}, {"seed": True}):
        with pytest.raises((ValueError, KeyError)):
            check_outcome({**content, **change})


def test_names():
    """What moves a cursor or turns text around is none; a file's name is safe, and its own."""
    assert shown("=HYPERLINK(<é>)") == "=HYPERLINK(<é>)"
    for name in ("\x1b[2J", "a\nb", "\u202ea", "\ud800", "x" * 1001):
        with pytest.raises(ValueError):
            shown(name)
    names = ["churn", "../../x", "/x", "x", "x" * 500, "..", "", "CON/x"]
    slugs = [slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all("/" not in own and not own.startswith(".") and len(own) < 100 for own in slugs)


# Study files.

LEVELS = ", ".join(map(str, range(1000)))
STUDIES = {
    "10^9 trials": (
        f"a = [{LEVELS}]\nb = [{LEVELS}]\nc = [{LEVELS}]\n",
        "at most 1,000,000 trials a task. Received: study 'mine' with 3,000,000,000.",
    ),
    "10^60 trials": ("".join(f"f{i} = [{LEVELS}]\n" for i in range(20)), "with 10^60"),
    "a hundred thousand factors": (
        "".join(f"f{i} = [1]\n" for i in range(20_000)),
        "at most 100 entries",
    ),
    "too large": ("#" * (1 << 20), "at most 262,144 bytes"),
    "a long name": (f'"{"x" * 100_000}" = [1]\n', "at most 1,000 characters"),
    "a misspelt long level": (f'optimizer = ["{"adm" * 300}"]\n', "optimizer level"),
    "deep": ("a = " + "[" * 50_000, "Received"),
    "a control character": ('a = ["\\u001b[2J"]\n', "control characters"),
    "dotted": ("a" + ".a" * 60_000 + " = 1\n", "Received"),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_strangers_study_is_bounded(tmp_path, name):
    """Refused in one sentence within seconds, before anything is built."""
    text, clue = STUDIES[name]
    path = tmp_path / "mine.toml"
    path.write_text(f'question = "?"\nseeds = 3\n[factors]\n{text}')
    started = time.perf_counter()
    with pytest.raises(StudyError) as caught:
        read_study(path)
    assert time.perf_counter() - started < 10
    assert clue in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_a_search_of_too_many_trainings_is_refused(tmp_path):
    """Repeats times budgets, the yardstick's too."""
    path = tmp_path / "mine.toml"
    path.write_text('kind = "search"\nquestion = "?"\ntrials = 10000\nrepeats = 10000\n')
    with pytest.raises(StudyError, match=r"Received: study 'mine' with 700,1\d\d,\d\d\d"):
        read_study(path)


@pytest.mark.parametrize("name", [".", "pipe"])
def test_a_study_is_a_plain_file(tmp_path, name):
    """A folder or a pipe is refused at once."""
    import os

    path = tmp_path / f"{name}.toml"
    if name == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(StudyError, match=r"plain file|readable"):
        read_study(path)


def test_the_report_of_hostile_names_has_safe_files(home):
    """Tables and figures are named by what every file system takes."""
    folder: Path = home[1]["names"]
    for path in [*(folder / "tables").iterdir(), *(folder / "figures").iterdir()]:
        assert path.name.isascii()
        assert not set("<>='/\\|") & set(path.name)
