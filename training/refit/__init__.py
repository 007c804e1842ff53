"""Fit the last layer of a model file anew, on labelled pictures; the network before it stays.

head         what is added to the model's logits, and how it is found
mirrors      the ways in which a labelled picture is shown
graph        that, into an ONNX file
outcome      what it is worth on pictures left out, in figures and words
refit_model  the command
"""

from __future__ import annotations
