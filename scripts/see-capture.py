"""Checks a capture of both sides with tshark: every datagram that it decrypts must hold exactly the packet that the capture has beside it.

    see-capture.py FILE [--keylog FILE] [--nothing]

--keylog gives the keys from outside; --nothing expects that nothing can be decrypted. Prints what was compared; status 1 if anything differs.
"""

import argparse
import re
import subprocess
import sys

arguments = argparse.ArgumentParser()
arguments.add_argument("file")
arguments.add_argument("--keylog")
arguments.add_argument("--nothing", action="store_true")
arguments = arguments.parse_args()

tshark = ["timeout", "60", "tshark", "-n", "-r", arguments.file, "-o", "wg.dissect_packet:TRUE"]
if arguments.keylog:
    tshark += ["-o", f"wg.keylog_file:{arguments.keylog}"]


def run(*more):
    result = subprocess.run(tshark + list(more), capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"tshark: {result.stderr}")
    return result.stdout


fields = ["frame.number", "frame.interface_id", "frame.packet_id", "frame.packet_flags_direction", "wg.type"]
frames = {}
for line in run("-T", "fields", "-E", "separator=|", *[word for field in fields for word in ("-e", field)]).splitlines():
    number, interface, identity, direction, kind = line.split("|")
    frames[int(number)] = {"side": int(interface), "identity": identity, "direction": direction, "kind": kind}

# tshark -x writes each frame's bytes, and behind them those of each data source that it made, the decrypted ones among them.
sources = {}
for number in frames:
    sources[number] = []
number, current = 0, None
for line in run("-P", "-x").splitlines():
    summary = re.match(r"^ *(\d+) +\d+\.\d+ ", line)
    if summary and not re.match(r"^[0-9a-f]{4}  ", line):
        number, current = int(summary[1]), bytearray()
        sources[number] = [current]
        continue
    label = re.match(r"^(.+) \((\d+) bytes\):$", line)
    if label:
        if label[1] == "Frame":
            continue
        current = bytearray()
        sources[number].append(current)
        continue
    dump = re.match(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ){1,16})", line)
    if dump and current is not None:
        current += bytes.fromhex(dump[1])


def whole(packet):
    """The packet without WireGuard's padding."""
    if packet[0] >> 4 == 4:
        return bytes(packet[: int.from_bytes(packet[2:4], "big")])
    return bytes(packet[: 40 + int.from_bytes(packet[4:6], "big")])


inner = {frame["identity"]: bytes(sources[number][0]) for number, frame in frames.items() if frame["side"] == 0 and frame["identity"]}
compared, wrong, closed, ways = 0, 0, 0, set()
for number, frame in frames.items():
    if frame["side"] != 1 or not frame["kind"].startswith("4") or frame["identity"] not in inner:
        continue
    opened = [source for source in sources[number][1:] if len(source) >= 20 and source[0] >> 4 in (4, 6)]
    if not opened:
        closed += 1
        continue
    compared += 1
    ways.add({1: "in", 2: "out"}.get(int(frame["direction"], 16), "?"))
    if whole(opened[0]) != inner[frame["identity"]]:
        wrong += 1
        print(f"frame {number}: what was decrypted is not what the capture has inside")

print(f"{compared} datagrams decrypted ({' and '.join(sorted(ways)) or 'none'}), {closed} could not be, {wrong} differ")
if arguments.nothing:
    sys.exit(1 if compared else 0)
sys.exit(1 if wrong or not compared or "?" in ways else 0)
