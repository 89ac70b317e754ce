"""Writes output as fast as the terminal takes it: ``writer.py KIND BYTES``.

Reads commands, one a line: ``go SECONDS`` waits, writes BYTES and shows ``END n``;
``flood`` writes until Ctrl-C and shows ``STOPPED n``; ``took`` shows how long the last
``go`` needed.  The name of the process says where it is, for one who looks from outside.
"""

import os
import sys
import termios
import time

kind, size = sys.argv[1], int(sys.argv[2])
text = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
if kind == "unicode":
    text = "Grüße мир 世界 日本語 한국어 ελληνικά naïve 終端 ✓ → 🎉 żółć שלום"
words = text.split()
length = 9900 if kind == "long" else 44 if kind == "unicode" else 70
lines, count, value = [], 0, 7
while count < 65000:
    value = value * 1103515245 + 12345 & 0x7FFFFFFF
    line, width, number = f"{value % 1000000:06d}", 6, value
    while width < length:
        number = number * 1103515245 + 12345 & 0x7FFFFFFF
        word = words[(number >> 8) % len(words)]
        width += 1 + len(word)
        if kind == "coloured":
            word = f"\033[{number >> 16 & 1};38;5;{number >> 9 & 255}m{word}\033[0m"
        line += " " + word
    lines.append(line + "\n")
    count += len(lines[-1].encode())
block = "".join(lines).encode()


def name(text: str) -> None:
    """Show a state to the outside."""
    with open("/proc/self/comm", "w") as comm:
        comm.write(text)


mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
number, took = 0, 0.0
name("bench-ready")
os.write(1, b"READY\n")
while True:
    command = sys.stdin.readline().split()
    if not command:
        break
    number += 1
    if command[0] == "go":
        time.sleep(float(command[1]))
        name("bench-busy")
        start, left = time.monotonic(), size
        while left > 0:
            rest = block if left >= len(block) else block[: block.find(b"\n", left - 1) + 1]
            left -= len(rest)
            while rest:
                rest = rest[os.write(1, rest) :]
        termios.tcdrain(1)
        took = time.monotonic() - start
        os.write(1, b"\nEND %d\n" % number)
        name("bench-done")
    elif command[0] == "took":
        os.write(1, b"\nTOOK %.6f TAKEN\n" % took)
    else:
        try:
            while True:
                os.write(1, block)
        except KeyboardInterrupt:
            os.write(1, b"\nSTOPPED %d\n" % number)
