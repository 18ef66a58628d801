"""Write docs/report.png: the HTML report of the example flows, in a real browser: `python -m tools.make_screenshot`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# One order is larger than the flow of a charge takes: what a reader comes for is a failure.
FAILING = """
def test_large_order(kestra):
    _, orders = kestra.deploy_folder("04_orders")
    todays = [{"id": "A-1", "amount": 40}, {"id": "A-2", "amount": 1600}, {"id": "A-3", "amount": 160}]
    assert orders.run({"orders": todays, "failures_before_stock_answers": 1}).state == "SUCCESS"
"""
SIZE = "1200,1180"


def main() -> None:
    """Run the example flows' tests and one that fails, and take the picture."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is installed.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        examples = shutil.copytree(ROOT / "example_flows", folder / "example_flows")
        (examples / "test_06_large_orders.py").write_text(FAILING, encoding="utf-8")
        shutil.copy(ROOT / "conftest.py", folder)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "example_flows", "-q", "--kestra-html=report.html"]
        subprocess.run(command, cwd=folder, check=False)
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars")
        quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")
        page = (folder / "report.html").as_uri()
        waits = "--virtual-time-budget=5000"
        place = (f"--user-data-dir={folder / 'browser'}", f"--window-size={SIZE}", f"--screenshot={PICTURE}")
        subprocess.run([browser, *options, *quiet, waits, *place, page], check=True, timeout=120)


if __name__ == "__main__":
    main()
