"""From a folder of pictures to a model that has run on the line, in one command.

steps         what is done, in which order, from which files to which
record        what was done, in pipeline.json, and whether a file or folder is still the same
child         one step as a process, with its log
run_pipeline  all steps in turn, from the first that is not up to date
"""

from __future__ import annotations
