"""The page in Debian's headless Chromium, which is kept from the network: what a reader sees and does."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from ellipsoids import BEAT, CENTRE, CHECK, OK, PLACES, REJECTED, volume_of
from matplotlib.image import imread

from custom.viewer import Frame

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(None in (CHROMIUM, DRIVER), reason="Debian's chromium and chromium-driver are not installed"),
]
FLAGS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--window-size=1400,900"),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # WebGL without a GPU
    *("--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"),  # no network
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LOCAL = ("file:", "data:", "blob:", "about:")
LONGEST_WAIT = 90.0
"""Seconds, for a machine without a GPU."""
BLUE, RED, GREEN = (0.25, 0.71, 1.0), (1.0, 0.42, 0.34), (0.55, 0.94, 0.35)
"""Of the chambers and of landmarks."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get("about:blank")  # instead of the browser's own first page
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path) -> Callable:
    """Opens a page, once its pictures are there."""

    def run(page: bytes):
        path = tmp_path / "ct_view.html"
        path.write_bytes(page)
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        WebDriverWait(browser, LONGEST_WAIT).until(
            lambda driver: driver.execute_script("return document.body.dataset.ready || !element('fault').hidden")
        )
        _settle(browser)
        assert browser.find_element(By.ID, "fault").text == ""
        return browser

    return run


def _settle(browser) -> None:
    """Wait for two frames: controls act with the next one."""
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def _picture(browser) -> np.ndarray:
    """What stands in the viewer, (rows, columns, 3) in [0, 1]."""
    return imread(BytesIO(browser.find_element(By.ID, "viewer").screenshot_as_png))[..., :3]


def _share_like(picture: np.ndarray, colour: tuple[float, ...]) -> float:
    """Of the pixels, those of a hue, in light or in shade."""
    bright = picture.max(axis=-1) > 0.25
    unit = picture / np.maximum(np.linalg.norm(picture, axis=-1, keepdims=True), 1e-6)
    return float((bright & (unit @ (np.array(colour) / np.linalg.norm(colour)) > 0.97)).mean())


def _slide(browser, axis: int, place: float) -> None:
    browser.execute_script(
        "const slider = element(arguments[0]); slider.value = arguments[1]; slider.dispatchEvent(new Event('input'))",
        f"slice-{axis}",
        place,
    )
    _settle(browser)


def test_a_sound_case_is_shown_and_nothing_is_asked_of_the_network(make_page, show):
    browser = show(make_page(LA=OK, LV=OK))
    messages = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert messages == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert browser.current_url in asked and not [url for url in asked if not url.startswith(LOCAL)]
    picture = _picture(browser)
    assert picture.std() > 0.1
    assert _share_like(picture, BLUE) > 0.001 and _share_like(picture, RED) > 0.001
    rows, columns = picture.shape[:2]
    surfaces = picture[rows // 2 :, columns // 2 :]
    assert _share_like(surfaces, BLUE) > 0.01 and _share_like(surfaces, RED) > 0.01  # also far from the origin
    for name in PLACES:
        article = browser.find_element(By.ID, f"chamber-{name}")
        assert float(article.get_attribute("data-computed-ml")) == pytest.approx(volume_of(name), rel=1e-5)
        assert f"{volume_of(name):.1f} mL" in article.text and "no alarm" in article.text


def test_planes_scroll_by_sliders_and_wheel_and_tell_place_and_hu(make_page, show):
    browser = show(make_page(LA=OK, LV=OK))
    before, said = _picture(browser), browser.find_element(By.ID, "place").text
    _slide(browser, 2, CENTRE[2] + 20)
    after = _picture(browser)
    assert np.abs(after - before).mean() > 0.005
    assert browser.find_element(By.ID, "place").text != said
    for axis in range(3):
        _slide(browser, axis, CENTRE[axis])
    words = browser.find_element(By.ID, "place").text
    assert words.endswith("10.0 mm right, 20.0 mm back, 850.0 mm head of the scanner's zero")
    assert float(words.split("cross: ")[1].split()[0]) == pytest.approx(200, abs=160)  # the CT is noisy
    viewer = browser.find_element(By.ID, "viewer")
    ActionChains(browser).move_to_element_with_offset(viewer, -200, -100).click().scroll_by_amount(0, 120).perform()
    _settle(browser)
    assert browser.find_element(By.ID, "place").text != words


def test_a_title_tells_which_picture_is_below_it(make_page, show):
    """A click in a picture leaves the place along the reader's line of sight."""
    browser = show(make_page(LA=OK, LV=OK))
    titles = browser.find_elements(By.CLASS_NAME, "title")
    kept = {"From the left side": 0, "From the front": 1, "From below": 2}
    for title in (title for title in titles if title.text in kept):
        for axis in range(3):
            _slide(browser, axis, CENTRE[axis])
        ActionChains(browser).move_to_element_with_offset(title, 20, 50).click().perform()
        _settle(browser)
        words = [part.split() for part in browser.find_element(By.ID, "place").text.split("; ")[1].split(", ")]
        place = [float(far) * (-1 if towards in ("left", "back", "feet") else 1) for far, _, towards, *_ in words]
        moved = [abs(told - own) > 2 for told, own in zip(place, CENTRE, strict=True)]
        assert moved == [axis != kept[title.text] for axis in range(3)]
    assert {*kept} < {title.text for title in titles}


def test_contours_are_exact_cuts(make_page, show):
    browser = show(make_page(LA=OK, LV=OK))
    centre, radii = PLACES["LV"]
    corners = browser.execute_async_script(
        "const [place, done] = arguments; unpack('surface-LV').then((buffer) => "
        "done(contoursOf(surfaceOf(buffer), place, 0.5).corners))",
        [coordinate + 4 for coordinate in centre],
    )
    ribbons = np.array(corners).reshape(-1, 4, 3)
    middles = ribbons.mean(axis=1)
    axes = np.argmin(np.abs(middles - np.add(centre, 4)), axis=1)
    assert np.bincount(axes).min() > 100  # segments in each plane
    np.testing.assert_allclose(middles[np.arange(len(axes)), axes], np.add(centre, 4)[axes], atol=1e-4)
    off = np.abs(np.linalg.norm((middles - centre) / radii, axis=1) - 1) * max(radii)
    assert off.max() < 0.1  # mm, the facets of the ellipsoid


def test_a_chamber_can_be_hidden_and_the_window_set(make_page, show):
    browser = show(make_page(LA=OK, LV=OK))
    before = _picture(browser)
    browser.find_element(By.ID, "show-LV").click()
    _settle(browser)
    hidden = _picture(browser)
    assert _share_like(hidden, RED) < 0.05 * _share_like(before, RED)
    assert _share_like(hidden, BLUE) > 0.9 * _share_like(before, BLUE)
    buttons = browser.find_elements(By.CSS_SELECTOR, "#windows button")
    assert [button.text for button in buttons] == ["Angiography", "Soft tissue", "All"]
    buttons[1].click()
    _settle(browser)
    assert _picture(browser).mean() > hidden.mean() + 0.02
    assert [button.get_attribute("aria-pressed") for button in buttons] == ["false", "true", "false"]


def test_regions_have_colours_and_a_landmark_moves_the_planes(make_page, show):
    browser = show(make_page(LA=OK, LV=OK, anatomy=True))
    before = _picture(browser)
    assert _share_like(before, GREEN) > 0.0005
    browser.find_elements(By.CSS_SELECTOR, "#colours button")[1].click()
    _settle(browser)
    coloured = _picture(browser)
    assert _share_like(coloured, RED) < 0.3 * _share_like(before, RED)  # LV by its regions
    assert _share_like(coloured, BLUE) > 0.6 * _share_like(before, BLUE)  # LA has none
    assert browser.find_element(By.CSS_SELECTOR, "#chamber-LV .regions").is_displayed()
    browser.find_element(By.ID, "landmark-lv_centre").click()
    _settle(browser)
    assert browser.find_element(By.ID, "place").text.endswith(
        "8.0 mm left, 8.0 mm back, 838.0 mm head of the scanner's zero"
    )
    browser.execute_script("element('show-landmarks').click()")
    _settle(browser)
    assert _share_like(_picture(browser), GREEN) < 0.5 * _share_like(before, GREEN)


def test_the_phases_of_a_beat_are_shown(make_page, show):
    browser = show(make_page(LA=OK, LV=OK, beat=BEAT))

    def phase(at: int) -> np.ndarray:
        browser.execute_script(
            "const slider = element('phase'); slider.value = arguments[0]; slider.dispatchEvent(new Event('input'))", at
        )
        _settle(browser)
        return _picture(browser)

    diastole, between, systole = phase(0), phase(1), phase(2)
    assert "LV 50.0 mL (check)" in browser.find_element(By.ID, "phase-told").text
    assert "CT of this phase" in browser.find_element(By.ID, "phase-planes").text
    assert systole.mean() > diastole.mean() + 0.01  # its CT is brighter
    assert _share_like(between, RED) < _share_like(diastole, RED)
    planes = slice(0, between.shape[1] // 2)  # beside the surfaces in 3D
    assert _share_like(between[:, planes], RED) < 0.2 * _share_like(diastole[:, planes], RED)
    unusable = phase(3)
    assert "LV not to be used" in browser.find_element(By.ID, "phase-told").text
    assert _share_like(unusable, RED) < 0.05 * _share_like(diastole, RED)
    assert _share_like(unusable, BLUE) > 0.3 * _share_like(diastole, BLUE)


def test_a_name_that_is_a_script_is_a_name(make_page, show):
    evil = '<script>document.body.dataset.hit = 1</script><img src=x onerror="document.body.dataset.hit = 1">'
    browser = show(make_page(evil, LA=CHECK, warnings=(evil,), forced=(evil,)))
    assert browser.find_element(By.TAG_NAME, "h1").text == evil
    assert browser.execute_script("return document.body.dataset.hit") is None


def test_what_is_not_to_be_used_has_no_number_and_what_was_forced_stays_in_sight(make_page, show):
    browser = show(make_page(LA=CHECK, LV=REJECTED, forced=("grey_levels",)))
    la, lv = (browser.find_element(By.ID, f"chamber-{name}") for name in ("LA", "LV"))
    assert "check" in la.text and "3.0 mL that the network" in la.text
    assert "do not use" in lv.text and "no volume" in lv.text and lv.get_attribute("data-computed-ml") is None
    browser.set_window_size(700, 500)
    try:
        browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
        _settle(browser)
        for words in (".forced", ".use"):
            place = browser.execute_script(
                "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()", words
            )
            assert 0 <= place["top"] < place["bottom"] < 500
        assert "FORCED" in browser.find_element(By.CSS_SELECTOR, ".forced").text
        stamp = browser.find_element(By.CSS_SELECTOR, "#viewer .stamp")
        assert stamp.text == "Left ventricle: not to be used\nFORCED: refused by the program"
    finally:
        browser.set_window_size(1400, 900)


def test_print_has_pictures_and_words(make_page, show):
    browser = show(make_page(LA=CHECK, LV=OK))
    printed = base64.b64decode(browser.print_page())
    assert printed.startswith(b"%PDF")
    shown = imread(
        BytesIO(
            base64.b64decode(
                browser.execute_script("return document.querySelector('#viewer img').src").split("base64,")[1]
            )
        )
    )[..., :3]
    assert shown.std() > 0.1 and _share_like(shown, RED) > 0.003


def test_a_notebook_shows_the_same_in_its_frame(make_page, browser, tmp_path: Path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{Frame(make_page(LA=OK, LV=OK), 800)._repr_html_()}")
    browser.get(path.as_uri())
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    try:
        WebDriverWait(browser, LONGEST_WAIT).until(
            lambda driver: driver.execute_script("return document.body?.dataset.ready || !element('fault').hidden")
        )
        assert browser.find_element(By.ID, "fault").text == ""
        article = browser.find_element(By.ID, "chamber-LV")
        assert float(article.get_attribute("data-computed-ml")) == pytest.approx(volume_of("LV"), rel=1e-5)
        _settle(browser)
        assert _share_like(_picture(browser), RED) > 0.001
    finally:
        browser.switch_to.default_content()


def test_a_damaged_page_says_so(make_page, browser, tmp_path: Path):
    page = make_page(LA=OK, LV=OK).decode()
    start = page.index('id="surface-LA">') + len('id="surface-LA">')
    other = page.index('id="surface-LV">') + len('id="surface-LV">')
    end = page.index("</script>", other)
    path = tmp_path / "ct_view.html"
    path.write_text(page[:start] + page[other:end] + page[page.index("</script>", start) :])  # one for the other
    browser.get(path.as_uri())
    WebDriverWait(browser, LONGEST_WAIT).until(lambda driver: driver.find_element(By.ID, "fault").is_displayed())
    assert "does not have the volume" in browser.find_element(By.ID, "fault").text
