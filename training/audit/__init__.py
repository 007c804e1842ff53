"""What is wrong with a folder of pictures, before a network learns it.

Files that cannot be read, pictures that are there twice (and under two labels, or in two splits),
labels that look wrong, classes with few pictures. The findings go to the screen, to `audit.json`,
`audit.csv` and `audit.html`, and into a list of pictures that `train --exclude` leaves out.
"""

from __future__ import annotations
