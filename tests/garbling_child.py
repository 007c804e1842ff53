"""A child that says what cannot be read and what is not fit, then that it ignored two messages."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    (fd,) = (
        argument.partition("=")[2] for argument in sys.argv if argument.startswith("--channel")
    )
    os.write(int(fd), b'{"kind": \n{"kind": "stats"}\n{"kind": "beat", "malformed": 2}\n')
