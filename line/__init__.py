"""The line: what all of its processes share.

Pydantic would look through every installed package for plugins each time a process starts.
"""

import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
