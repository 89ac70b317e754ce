"""What a user may do to harm the machine or the neighbours: Python programs for a console.

Each goes on until it is ended or can do no more; it first prints ``BEGUN``, once the harm is under way,
unless it floods its terminal.
"""

from __future__ import annotations

_FORK = """
import os, time
def more(work):
    count = 0
    try:
        while True:
            if os.fork() == 0:
                work()
            count += 1
    except OSError:
        pass
    return count
"""

_FILL = """
import os, time
def until_full(step):
    number = 0
    try:
        while True:
            step(number)
            number += 1
    except (OSError, MemoryError) as error:
        return number, error
"""

PROCESSES = {
    "as many processes as there may be": _FORK
    + "more(lambda: time.sleep(10_000)); print('BEGUN', flush=True); time.sleep(10_000)",
    "a storm of short processes": """
import os
print('BEGUN', flush=True)
while True:
    try:
        if os.fork() == 0:
            os._exit(0)
        os.waitpid(-1, os.WNOHANG)
    except (OSError, ChildProcessError):
        pass
""",
    "every core": """
import os
for _ in range(8):
    if os.fork() == 0:
        while True:
            pass
print('BEGUN', flush=True)
while True:
    pass
""",
    "threads": """
import threading, time
try:
    while True:
        threading.Thread(target=time.sleep, args=(10_000,), daemon=True).start()
except RuntimeError:
    print('BEGUN', flush=True)
    time.sleep(10_000)
""",
    "memory of many processes": _FORK
    + """
def eat():
    held = []
    while True:
        held.append(os.urandom(1 << 20))
for _ in range(6):
    if os.fork() == 0:
        while True:
            if os.fork() == 0:
                try:
                    eat()
                except MemoryError:
                    os._exit(0)
            try:
                os.wait()
            except ChildProcessError:
                pass
time.sleep(0.5)
print('BEGUN', flush=True)
time.sleep(10_000)
""",
    "signals for the agent": """
import os, signal
print('BEGUN', flush=True)
while True:
    for number in signal.valid_signals():
        try:
            os.kill(1, number)
        except OSError:
            pass
""",
}

DISK = {
    "a full home": _FILL
    + """
def write(number):
    with open(f'big{number}', 'wb') as file:
        for _ in range(40):
            file.write(bytes(1 << 20))
print(until_full(write), 'BEGUN', flush=True)
time.sleep(10_000)
""",
    "a home full of files": _FILL
    + """
os.mkdir('many')
def make(number):
    os.close(os.open(f'many/{number}', os.O_CREAT | os.O_WRONLY))
print(until_full(make), 'BEGUN', flush=True)
time.sleep(10_000)
""",
    "folders in folders": _FILL
    + """
def down(number):
    if number > 3000:
        raise OSError('deep enough')
    os.mkdir('d')
    os.chdir('d')
print(until_full(down), 'BEGUN', flush=True)
time.sleep(10_000)
""",
    "a full /tmp and /dev/shm": _FILL
    + """
for folder in ('/tmp', '/dev/shm'):
    def write(number):
        with open(f'{folder}/{number}', 'wb') as file:
            file.write(bytes(1 << 20))
    until_full(write)
print('BEGUN', flush=True)
time.sleep(10_000)
""",
    "a disk that never rests": """
import os
fd = os.open('busy', os.O_CREAT | os.O_WRONLY)
print('BEGUN', flush=True)
while True:
    try:
        os.pwrite(fd, os.urandom(4096), 0)
        os.fsync(fd)
    except OSError:
        pass
""",
}

TERMINAL = {
    "output without end": "while True: print('y' * 70)",
    "repeated characters": "while True: print('x\\x1b[100000b', end='')",
    "titles and bells": "while True: print('\\x1b]2;' + 't' * 4000 + '\\x07\\x07\\x1b[5n\\x1b[c', end='')",
    "clipboards": "while True: print('\\x1b]52;c;' + 'QUJD' * 20000 + '\\x07', end='')",
    "two screens by turns": "while True: print('\\x1b[?1049h\\x1b[2J\\x1b[?1049l' + '\\u4e16' * 100)",
    "noise": "import os\nwhile True: os.write(1, os.urandom(4096))",
    "sequences without an end": "while True: print('\\x1bP' + '\\x1b[' + '1;' * 20000, end='')",
}

KERNEL = {
    "terminals": """
import os, time
held = []
try:
    while len(held) < 4000:
        held.append(os.openpty())
except OSError:
    pass
print('BEGUN', flush=True)
time.sleep(10_000)
""",
    "open files, pipes and sockets": """
import os, socket, time
held = []
try:
    while True:
        held += [os.pipe(), socket.socketpair(), os.eventfd(0)]
except OSError:
    pass
print('BEGUN', flush=True)
time.sleep(10_000)
""",
    "packets to itself": """
import socket
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(('127.0.0.1', 0))
print('BEGUN', flush=True)
while True:
    here.sendto(bytes(60_000), here.getsockname())
""",
    "questions for people": """
import os, socket, time
path = os.environ['TERMHUB_SOCKET']
held = []
print('BEGUN', flush=True)
while True:
    try:
        one = socket.socket(socket.AF_UNIX)
        one.connect(path)
        one.sendall(b'{"op": "share", "role": "owner"}\\n' * 50)
        held.append(one)
    except OSError:
        held.clear()
""",
    "programs started without pause": """
import subprocess
print('BEGUN', flush=True)
while True:
    try:
        subprocess.run(['/bin/true'])
    except OSError:
        pass
""",
}

ABUSES = {**PROCESSES, **DISK, **TERMINAL, **KERNEL}
