"""What was measured, gathered from the files that hold it: a report, and the model's card.

sources        which command wrote a file, told by what is in it
model          the ONNX file that everything is about
material       both together, checked to be of one model
commands       the command line that made a file
section, of_*  a heading's text, from one file
document       sections as Markdown, and as a page
card           the model card
"""

from __future__ import annotations
