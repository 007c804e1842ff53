"""What was measured, gathered from the files that hold it: a report, and the model's card.

sources       which command wrote a file, told by what is in it, and that command line
material      the ONNX file and the figures on it, checked to be of one model
*_text        a heading's text, from one file; words has figures in words, and tables
document      sections as Markdown, and as a page
card          the model card
write_report  the command
"""

from __future__ import annotations
