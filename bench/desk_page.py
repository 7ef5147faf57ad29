"""How smoothly the desk's page draws: pictures a second, script a picture, memory.

    python -m bench.desk_page ADDRESS [--seconds 30] [--pace 20] [--size 1780x1080]

ADDRESS is what `aggressor desk` printed. A headless Chromium without a GPU opens it with every pane
of the first layout, catches up, and is watched: intervals between pictures, milliseconds of script
and of all of the main thread's work for one (processor time of the thread, so that other work on
the machine does not count), the JavaScript heap after a collection at every tenth of the time, how
long the first picture took from the request, and, where the desk is live, how long a signal took
from the arrival of the event that made it known to the picture in which it stands.
"""

import shutil
import time
from typing import Any

import numpy as np
from cyclopts import App
from playwright.sync_api import Page, sync_playwright

app = App(help=__doc__)
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
_FIRST = "Boolean(window.desk && desk.pane.heat.pictures && desk.store.lanes[0]?.heat.stop)"
_WATCH = """() => {
  window.late = [];
  const lane = desk.store.lanes[0];
  let seen = lane.signals.length;
  const picture = () => {
    const now = performance.timeOrigin + performance.now();
    for (; seen < lane.signals.length; seen++) window.late.push(now - lane.signals[seen].known_ms);
    requestAnimationFrame(picture);
  };
  if (desk.store.hello.mode === "live") requestAnimationFrame(picture);
}"""
_CAUGHT_UP = "Boolean(desk.store.lanes[0]?.live)"


def _until(page: Page, expression: str, seconds: float) -> float:
    """Return the seconds until an expression holds."""
    start = time.perf_counter()
    while not page.evaluate(expression):
        if time.perf_counter() - start > seconds:
            raise TimeoutError(expression)
        page.wait_for_timeout(20)
    return time.perf_counter() - start


def _metrics(session: Any) -> dict[str, float]:
    told = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in told}


def _collected(session: Any) -> dict[str, float]:
    """Return what Chromium tells behind a collection of garbage."""
    session.send("HeapProfiler.collectGarbage")
    return _metrics(session)


@app.default
def main(address: str, seconds: float = 30, pace: float = 1, size: str = "1780x1080") -> None:
    """Measure the page at an address."""
    width, height = (int(part) for part in size.split("x"))
    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True, args=list(ARGUMENTS)
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        start = time.perf_counter()
        page.goto(address)
        _until(page, _FIRST, 120)
        first = time.perf_counter() - start
        caught = first + _until(page, _CAUGHT_UP, 300)
        if pace != 1:
            page.evaluate(f"desk.desk.command('pace', {{ speed: {pace} }})")
        page.wait_for_timeout(2000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate("(desk.page.pictures = 0)")
        page.evaluate(_WATCH)
        before, began = _collected(session), time.perf_counter()
        heaps = [before["JSHeapUsedSize"]]
        gaps: list[float] = []
        scripts: list[float] = []
        taken = 0
        while time.perf_counter() - began < seconds:
            page.wait_for_timeout(4000)
            n, gap, script = page.evaluate(
                "[desk.page.pictures, [...desk.page.gaps], [...desk.page.script]]"
            )
            for k in range(max(taken, n - len(gap)), n):
                gaps.append(gap[k % len(gap)])
                scripts.append(script[k % len(script)])
            taken = n
            if time.perf_counter() - began > seconds * len(heaps) / 10:
                heaps.append(_collected(session)["JSHeapUsedSize"])
        lasted = time.perf_counter() - began
        after = _collected(session)
        late = page.evaluate("window.late")
        browser.close()
    drawn = max(1, taken)
    print(f"first picture            {first:8.2f} s, all of the history {caught:.2f} s")
    print(f"pictures a second        {drawn / lasted:8.1f} over {lasted:.0f} s at pace {pace}")
    print("between pictures, ms     " + _quantiles(gaps))
    print("script by the clock, ms  " + _quantiles(scripts))
    for name in ("ScriptDuration", "TaskDuration"):
        spent = 1000 * (after[name] - before[name]) / drawn
        print(f"{name:<16} ms     {spent:8.2f} of the thread's own time a picture")
    told = " ".join(f"{one / 1e6:.1f}" for one in (*heaps, after["JSHeapUsedSize"]))
    print(f"heap by tenths, MB       {told}")
    if late:
        print(f"signal on screen, ms     {_quantiles(late)}, of {len(late)}")


def _quantiles(values: list[float]) -> str:
    p50, p99 = np.percentile(values, (50, 99))
    return f"{p50:8.1f} median, {p99:.1f} at 99 %, {max(values):.1f} most"


if __name__ == "__main__":
    app()
