"""A child that says something unreadable on its leash, then that it has ignored two messages."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    (fd,) = (argument.partition("=")[2] for argument in sys.argv if argument.startswith("--leash"))
    os.write(int(fd), b'{"kind": \n{"kind": "beat", "malformed": 2}\n')
