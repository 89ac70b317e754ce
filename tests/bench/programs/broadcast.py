"""Writes one megabyte and ``END n`` for each line it reads."""

import os
import sys
import termios

mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
block = b"".join(b"%06d a line of ordinary text that fills most of the width\n" % n for n in range(16000))
block = block[:1000000]
os.write(1, b"READY\n")
for number, _line in enumerate(sys.stdin, 1):
    left = block
    while left:
        left = left[os.write(1, left) :]
    os.write(1, b"\nEND %d\n" % number)
