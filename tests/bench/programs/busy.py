"""A neighbour at work, after the first line it reads: a line of 80 characters, twenty times a second."""

import os
import time

os.write(1, b"READY\n")
os.read(0, 1)
number = 0
while True:
    number += 1
    os.write(1, b"%8d %s\n" % (number, b"neighbour " * 7))
    time.sleep(0.05)
