"""Changes its screen as told: ``drawing.py``, which reads commands, one a line.

``cell`` changes one character in the middle of a screen full of text; ``lines COUNT SECONDS``
prints lines, with so much time between two of them.
"""

import os
import sys
import termios
import time

mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
screen = b"".join(b"\033[%d;1H%06d a row of ordinary text that stays as it is" % (y, y) for y in range(1, 23))
os.write(1, b"\033[H\033[2J" + screen + b"\r\nREADY\n")
line = 0
for number, command in enumerate(sys.stdin):
    words = command.split()
    if words[0] == "cell":
        os.write(1, b"\033[12;40H%c" % b"ABCDEFGH"[number % 8])
    else:
        rest = float(words[2])
        lines = [b"\033[999;1H"]
        for _number in range(int(words[1])):
            line += 1
            lines.append(b"\n%06d a line of ordinary text that is new %d" % (line, line * 7919 % 100003))
        if not rest:
            os.write(1, b"".join(lines))
        else:
            for text in lines:
                os.write(1, text)
                time.sleep(rest)
