"""Sends back each byte it gets, and from the first on prints so many lines of 80 characters a second."""

import os
import select
import sys
import time
import tty

PACE = 0.02
tty.setraw(0)
each = max(1, int(float(sys.argv[1]) * PACE))
os.write(1, b"READY\r\n")
os.write(1, os.read(0, 1))
number, due = 0, time.monotonic() + PACE
while True:
    if select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
        data = os.read(0, 4096)
        if not data:
            break
        os.write(1, data)
    if time.monotonic() >= due:
        due = time.monotonic() + PACE
        lines = []
        for _line in range(each):
            number += 1
            lines.append(b"%8d %s\r\n" % (number, b"neighbour " * 7))
        os.write(1, b"".join(lines))
