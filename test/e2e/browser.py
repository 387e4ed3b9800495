"""A browser without a window, told what to do by Chromium's DevTools protocol."""
import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LIMIT = 90


class Browser:
    """One page. What it asks for and what its console says is kept."""

    def __init__(self, folder):
        down, out = os.pipe()
        back, up = os.pipe()
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
                for fd in (down, up)]
        self._out, self._back = out, back
        self._numbers, self._bytes = itertools.count(1), b""
        self.session = None
        self.requests, self.console = [], []
        # The protocol is on descriptors 3 and 4; all others are closed.
        self.proc = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run",
             "--disable-breakpad", "--no-default-browser-check",
             "--remote-debugging-pipe", f"--user-data-dir={folder}/chromium",
             "about:blank"],
            close_fds=False, preexec_fn=lambda: [
                os.dup2(fd, place) for place, fd in enumerate(ends, 3)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        for fd in down, up, *ends:
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in "Page", "Network", "Runtime", "Log":
            self.call(f"{domain}.enable")

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
            self.proc.wait(LIMIT)
        finally:
            self.proc.kill()
            self.proc.wait()
            os.close(self._out)
            os.close(self._back)

    def call(self, method, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self):
        end = time.monotonic() + LIMIT
        while b"\0" not in self._bytes:
            ready = select.select([self._back], [], [],
                                  max(0, end - time.monotonic()))[0]
            assert ready, "the browser does not answer"
            data = os.read(self._back, 1 << 16)
            assert data, "the browser has ended"
            self._bytes += data
        text, self._bytes = self._bytes.split(b"\0", 1)
        message = json.loads(text)
        self._note(message.get("method"), message.get("params"))
        return message

    def _note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.console.append(json.dumps(params))

    def go(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState == 'complete' &&"
                   f" location.href.startsWith({json.dumps(url)})")

    def value(self, script):
        answer = self.call("Runtime.evaluate", expression=script,
                           returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script):
        end = time.monotonic() + LIMIT
        while not self.value(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def look(self, width=1280, height=900, dark=False, script=True):
        """As whom the page is looked at."""
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme",
             "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def picture(self, path):
        """All of the page, into a file."""
        data = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
