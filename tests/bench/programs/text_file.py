"""A text file of BYTES bytes, of which ``cat`` shows a copy for each line read: ``text_file.py BYTES``.

``END n`` shows that the n-th copy is through.
"""

import os
import subprocess
import sys
import tempfile
import termios

size = int(sys.argv[1])
mode = termios.tcgetattr(0)
mode[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
with tempfile.TemporaryFile(buffering=1 << 20) as text:
    written = number = 0
    while written < size:
        number += 1
        written += text.write(b"%09d a line of ordinary text that fills most of the width\n" % number)
    text.flush()
    os.write(1, b"READY\n")
    for number, _line in enumerate(sys.stdin, 1):
        text.seek(0)
        subprocess.run(["cat"], stdin=text, check=True)
        os.write(1, b"\nEND %d\n" % number)
