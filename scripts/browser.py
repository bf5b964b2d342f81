"""Debian's Chromium without a window, over its debugging protocol on a pair of pipes: no port is opened, nothing else is needed."""

import base64
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import zlib


class Browser:
    """One page in a browser of its own; what goes wrong in the page is collected in `faults`, what it asks for in `requests`."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="wg-lite-browser.")
        to_read, self.to = os.pipe()
        self.from_, from_write = os.pipe()

        def arrange():
            # Through higher numbers: one of the two may be 3 or 4 already.
            a, b = os.dup2(to_read, 100), os.dup2(from_write, 101)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--user-data-dir=" + self.directory, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=arrange, close_fds=False,
            # A group of its own, and whatever it leaves stands in its directory.
            start_new_session=True, env={**os.environ, "TMPDIR": self.directory})
        os.close(to_read)
        os.close(from_write)
        self.number, self.bytes, self.faults, self.requests, self.loaded = 0, b"", [], [], False
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.ask(domain + ".enable")

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # Its children end a moment later, and may still write.
        for _ in range(50):
            shutil.rmtree(self.directory, ignore_errors=True)
            if not os.path.exists(self.directory):
                break
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _next(self, limit):
        while b"\0" not in self.bytes:
            ready, _, _ = select.select([self.from_], [], [], max(0, limit - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser doesn't answer")
            chunk = os.read(self.from_, 1 << 20)
            if not chunk:
                raise EOFError("the browser has gone")
            self.bytes += chunk
        message, self.bytes = self.bytes.split(b"\0", 1)
        message = json.loads(message)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, said):
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.faults.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.faults.append("console: " + " ".join(str(each.get("value")) for each in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.faults.append("log: %s %s" % (said["entry"]["text"], said["entry"].get("url", "")))
        elif method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        limit = time.monotonic() + 60
        while True:
            answer = self._next(limit)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]["message"]))
                return answer["result"]

    def open(self, url):
        self.loaded = False
        self.ask("Page.navigate", url=url)
        limit = time.monotonic() + 60
        while not self.loaded:
            self._next(limit)

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def look(self, width=1280, height=900, dark=False, calm=False):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"}])

    def press(self, key, code=None, text=None):
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39, "ArrowLeft": 37, "End": 35}
        extra = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, windowsVirtualKeyCode=codes[key], **extra)

    def picture(self, path, whole=True, clip=None):
        more = {"clip": clip} if clip else {}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **more)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))


def shrink(path):
    """Writes a screenshot again with a palette of 256 colours: a third of its size."""
    with open(path, "rb") as file:
        data = file.read()
    at, pieces = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
        elif kind == b"IDAT":
            pieces += data[at + 8:at + 8 + length]
        at += length + 12
    size = {2: 3, 6: 4}[colour]
    raw, step, rows, before = zlib.decompress(pieces), width * size, [], bytes(width * size)
    for row in range(height):
        kind, line = raw[row * (step + 1)], bytearray(raw[row * (step + 1) + 1:(row + 1) * (step + 1)])
        for i in range(step):
            left, up, corner = (line[i - size] if i >= size else 0), before[i], (before[i - size] if i >= size else 0)
            if kind == 1:
                line[i] = (line[i] + left) & 255
            elif kind == 2:
                line[i] = (line[i] + up) & 255
            elif kind == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
                line[i] = (line[i] + near) & 255
        before = bytes(line)
        rows.append([before[i:i + 3] for i in range(0, step, size)])
    uses = {}
    for row in rows:
        for pixel in row:
            uses[pixel] = uses.get(pixel, 0) + 1
    palette = sorted(uses, key=lambda pixel: -uses[pixel])[:256]
    places = {pixel: index for index, pixel in enumerate(palette)}
    for pixel in uses:
        if pixel not in places:
            places[pixel] = min(range(len(palette)), key=lambda i: sum((a - b) ** 2 for a, b in zip(pixel, palette[i])))
    packed = zlib.compress(b"".join(b"\0" + bytes(places[pixel] for pixel in row) for row in rows), 9)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
                   + chunk(b"PLTE", b"".join(palette)) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
