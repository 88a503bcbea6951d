"""Takes the picture of a report that the README shows: python -m tests.tasks.report.picture REPORT.html PICTURE.png"""

import sys
from pathlib import Path

from tests.tasks.report.test_browser import CHROMIUM, FLAGS, Opened

if __name__ == "__main__":
    from playwright.sync_api import sync_playwright

    report, picture = map(Path, sys.argv[1:3])
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with Opened(browser, report.resolve()) as opened:
            opened.page.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": 1420})
        browser.close()
