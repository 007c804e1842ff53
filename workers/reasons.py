"""What ONNX Runtime, OpenVINO and torch complain of, without what they wrap around it.

ONNX Runtime puts an error code, a path of its own source and a C++ signature before the cause, and
the cause of a file that is too new behind four sentences; torch puts it at the end of a traceback.
"""

from __future__ import annotations

import re

from line.plain_text import plain

LONGEST = 200
"""Characters: a reason follows a path or a name."""
NOT_ENOUGH_MEMORY = "there is not enough memory"
GPU_IS_FULL = (
    "the GPU has not enough memory left: run fewer workers, or end what else is in its memory"
)
DAMAGED = "not a model that ONNX Runtime can load: it is damaged or cut off, or no ONNX file"

_CODE = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
_PLACE = re.compile(r"\S*\.(?:cc|cpp|cu|h|hpp):\d+ ")
_NODE = re.compile(r"Non-zero status code returned while running (\S+) node\. Name:'(.*?)' ")
_ASSERTED = re.compile(r"^.{0,500}? was false\. ", re.DOTALL)
_IR = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
_OPSET = re.compile(r"Opset (\d+) is under development")
_NEWEST_OPSET = re.compile(r"official support for domain (\S+) is till opset (\d+)")
_UNKNOWN_OPERATORS = (
    re.compile(r"Fatal error: (?P<domain>\S*?):(?P<name>\w+)\(-?\d+\) is not a registered"),
    re.compile(r'In Node, \(".*?", (?P<name>\w+), "(?P<domain>[^"]+)", -?\d+\).*No opset import'),
    re.compile(r"No Op registered for (?P<name>\w+) with domain_version of (?P<opset>\d+)"),
)
_NOT_IMPLEMENTED = re.compile(r"Could not find an implementation for (\w+)\((\d+)\) node")

_NO_RULE = re.compile(r"No conversion rule found for operations: (\S+)")
_NO_ONNX = ("Error during import of ONNX model", "Unable to read the model")
_NO_GPU_MEMORY = ("out of memory", "ALLOC_FAILED", "cudaErrorMemoryAllocation")


def loading_reason(error: Exception) -> str:
    """Why ONNX Runtime cannot load a file: goes on from the file's name."""
    text = str(error)
    if "protobuf parsing failed" in text or "No graph was found" in text:
        return DAMAGED
    if found := _IR.search(text):
        return (
            f"has ONNX IR version {found[1]}, and the newest that the installed ONNX Runtime takes "
            f"is {found[2]}: export it for an older version, or install a newer onnxruntime"
        )
    if (found := _OPSET.search(text)) and (newest := _NEWEST_OPSET.search(text)):
        domain = "" if newest[1] == "ai.onnx" else f" of {newest[1]}"
        return (
            f"has opset {found[1]}{domain}, and the newest that the installed ONNX Runtime takes "
            f"is {newest[2]}: export it for an older opset, or install a newer onnxruntime"
        )
    for pattern in _UNKNOWN_OPERATORS:
        if found := pattern.search(text):
            return f"uses the operator {_operator(found)}, which ONNX Runtime does not know"
    if found := _NOT_IMPLEMENTED.search(text):
        return f"uses {found[1]} of opset {found[2]} in a way that this engine does not know"
    return f"not a model that ONNX Runtime can load: {running_reason(error)}"


def running_reason(error: Exception) -> str:
    """Why a graph of ONNX Runtime fails on a picture."""
    if any(words in str(error) for words in _NO_GPU_MEMORY):
        return GPU_IS_FULL
    if _wants_memory(error):
        return NOT_ENOUGH_MEMORY
    text = _CODE.sub("", str(error).strip())
    text = _NODE.sub(_node, text)
    text = _without_place(text)
    for words in ("Error in execution: ", "This is an invalid model. "):
        text = text.removeprefix(words)
    text = text.strip()
    return plain(text or repr(error), LONGEST)


def openvino_reason(error: Exception) -> str:
    """What OpenVINO says of a file or a picture, without the places in its source."""
    if _wants_memory(error):
        return NOT_ENOUGH_MEMORY
    text = str(error)
    if found := _NO_RULE.search(text):
        return f"it does not know the operator {plain(found[1], LONGEST)}"
    if any(words in text for words in _NO_ONNX):
        return "it is damaged or cut off, or no ONNX file"
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from ", "Check '"))]
    return plain(said[0] if said else text.strip() or repr(error), LONGEST)


def torch_reason(error: Exception) -> str:
    """Why torch cannot load or run a program: the cause stands last."""
    if _wants_memory(error):
        return NOT_ENOUGH_MEMORY
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    cause = lines[-1] if lines else repr(error)
    return plain(cause.partition(" This is an internal miniz error")[0], LONGEST)


def _wants_memory(error: Exception) -> bool:
    words = ("bad_alloc", "Failed to allocate memory", "can't allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def _operator(found: re.Match[str]) -> str:
    named = found.groupdict()
    domain, opset = named.get("domain"), named.get("opset")
    of = f" (opset {opset})" if opset else ""
    return plain(f"{domain}.{named['name']}" if domain else f"{named['name']}{of}", LONGEST)


def _node(found: re.Match[str]) -> str:
    """The operator, with the node's name where it has one; the words "Status Message" go too."""
    return f"{found[1]} {found[2]}: ".replace(" : ", ": ")


def _without_place(text: str) -> str:
    """Without file, line and C++ function; what is left is what was said for people."""
    text = text.replace("Status Message: ", "")
    found = _PLACE.search(text)
    if found is None:
        return text
    before, after = text[: found.start()], text[found.end() :]
    return before + _ASSERTED.sub("", _without_function(after), count=1)


def _without_function(text: str) -> str:
    """What follows `void a::b(const C&, int) `, or a plain `Name `."""
    name = re.match(r"[\w:<>~*&, ]*?[\w:>~]\(", text)
    if name is None or "::" not in name[0]:
        return text.partition(" ")[2] or text
    depth = 0
    for place in range(name.end() - 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return text[place + 1 :].removeprefix(" const").lstrip()
    return text
