"""Headless Chromium, in which pages that authmilter writes are looked at. With AUTHMILTER_PICTURES=FOLDER pictures of them
stay there."""

import base64
import json
import os
import pathlib

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
DESK, TELEPHONE = 1280, 390

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.ui import Select
except ImportError:
    webdriver = By = Keys = Select = None


def why_not():
    if webdriver is None:
        return "python3-selenium is not installed (contrib/packages/install browser)"
    for program in (BROWSER, DRIVER):
        if not pathlib.Path(program).exists():
            return f"{program} is not installed (contrib/packages/install browser)"
    return ""


class Browser:
    """One window of a size of its own."""

    def __init__(self, folder, width, script=True, media=()):
        options = Options()
        options.binary_location = BROWSER
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en",
                         f"--user-data-dir={folder}", f"--window-size={width},900"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.width = width
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
        if not script:
            self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        if media:
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dict(media))

    def open(self, page):
        self.url = page.as_uri()
        self.driver.get(self.url)
        return self

    def by_id(self, name):
        return self.driver.find_element(By.ID, name)

    def text(self, name):
        return self.by_id(name).text

    def numbers(self, name):
        """Of a list of tiles: what stands below each name."""
        return {tile.find_element(By.TAG_NAME, "dt").text: tile.find_element(By.TAG_NAME, "dd").text
                for tile in self.by_id(name).find_elements(By.TAG_NAME, "div")}

    def rows(self, table):
        return [[cell.text for cell in row.find_elements(By.XPATH, "./*")]
                for row in self.by_id(table).find_elements(By.CSS_SELECTOR, "tbody tr")]

    def run(self, script):
        return self.driver.execute_script(script)

    def requests(self):
        """What the page asked for, wherever that is; a new window has something of its own before."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent" and message["params"]["documentURL"] == self.url]

    def picture(self, name):
        height = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": self.width, "height": height, "scale": 1}})
        picture = base64.b64decode(data["data"])
        if folder := os.environ.get("AUTHMILTER_PICTURES"):
            pathlib.Path(folder, f"{name}.png").write_bytes(picture)
        return picture

    def document(self, name):
        """On paper, as PDF."""
        data = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69})
        document = base64.b64decode(data["data"])
        if folder := os.environ.get("AUTHMILTER_PICTURES"):
            pathlib.Path(folder, f"{name}.pdf").write_bytes(document)
        return document
