"""What was measured, gathered from the files that hold it: a report, and the model's card.

sources     which command wrote a folder, told by what is in it
model       the ONNX file that everything is about
material    both together, checked to be of one model
sections    a heading's text, from one file each
card        the model card;  page  the report as HTML
"""

from __future__ import annotations
