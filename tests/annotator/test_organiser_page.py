"""The organiser's page in Debian's chromium."""

import httpx
import pytest
from selenium.webdriver.common.by import By

from browsers import close_tabs, open_tab

pytestmark = pytest.mark.browser


@pytest.fixture
def tab(browser, tmp_path):
    yield open_tab(browser, tmp_path, 400, 800)
    close_tabs(browser)


def test_organising(start_server, tab, tools, tmp_path, monkeypatch):
    monkeypatch.setenv("AFFECTMAP_PASSWORD", "a long password")
    server = start_server("--ratings", str(tmp_path / "labels"), "--rater", "<b>Ada</b>")

    def text(identity):
        return tab.find_element(By.ID, identity).text

    def press(label):
        # At once: the table is drawn anew now and then.
        tab.execute_script("document.querySelector(`[aria-label='${arguments[0]}']`).click()", label)

    tab.get(f"{server.url}/organiser")
    tab.find_element(By.ID, "password").send_keys("not the password\n")
    tools.until(lambda: "This is not the password." in tab.page_source)
    assert "SEVERE" not in {entry["level"] for entry in tab.get_log("browser") if "401" not in entry["message"]}
    tab.find_element(By.ID, "password").send_keys("a long password\n")
    tools.until(lambda: "<b>Ada</b> (not begun)" in text("raters"), Exception)
    tab.find_element(By.ID, "name").send_keys("Bob\n")
    tools.until(lambda: text("status") == "Bob is added; copy the link from the table.")
    tools.until(lambda: "Bob (not begun)" in text("raters"), Exception)
    press("Pause Bob")
    tools.until(lambda: text("status") == "Bob: paused.")
    tools.until(lambda: "Bob (paused)" in text("raters"), Exception)
    press("Resume Bob")
    tools.until(lambda: text("status") == "Bob: resumed.")
    press("Copy the link of Bob")
    tools.until(lambda: "Bob's link" in text("status"))
    state = httpx.get(f"{server.url}/api/{server.link}/next").json()
    httpx.post(f"{server.url}/api/{server.link}/ratings", json=tools.rating(state["item"]["id"]))
    tab.find_element(By.ID, "scan").click()
    tools.until(lambda: "1 of 13" in text("raters"), Exception)
    assert text("recordings") == "12 to rate, 1 passed over."
    assert len(tab.find_elements(By.CSS_SELECTOR, "#exports a")) == 3
    assert tab.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    tab.find_element(By.ID, "leave").click()
    tools.until(lambda: tab.find_elements(By.ID, "password"))
    assert [entry for entry in tab.get_log("browser") if entry["level"] == "SEVERE"] == []
