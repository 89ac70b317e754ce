"""Leaves a known screen behind: ``history.py LINES`` or ``history.py full``.

``LINES`` numbered lines, every fifth in colour, and a prompt; or a full-screen program
that drew its frame once and then only what changed.  ``measures/attach.py`` knows what
either screen has to look like.
"""

import os
import sys
import time

out = os.fdopen(1, "wb", 65536)
if sys.argv[1] == "full":
    out.write(b"\033[?1049h\033[2J\033[H\033[7m known header \033[0m\033[24;1Hknown footer")
    for number in range(6000):
        out.write(b"\033[%d;5Hrow %d value %06d" % (3 + number % 20, number % 20, number))
        if not number % 2:
            out.flush()
            time.sleep(0.0001)
    out.write(b"\033[12;40HREADY")
else:
    count = int(sys.argv[1])
    for number in range(count):
        colour = b"\033[3%dm" % (number % 7) if not number % 5 else b""
        out.write(b"%s%06d a line of ordinary text that fills most of a row\033[0m\n" % (colour, number))
    out.write(b"READY")
out.flush()
while True:
    time.sleep(3600)
