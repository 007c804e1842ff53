"""Pictures that cannot be read: all of them are named at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from training.errors import BadInput
from training.pictures import check_picture
from training.whole_file import replace_text

MOST_NAMED = 5


def unreadable_among(files: Iterable[Path]) -> dict[Path, str]:
    """Each file that is no readable picture, with the reason."""
    found: dict[Path, str] = {}
    for file in files:
        try:
            check_picture(file)
        except BadInput as error:
            found[file] = reason_of(file, error)
    return found


def refuse_unreadable(files: Iterable[Path]) -> None:
    """Raise BadInput that names all of the files that cannot be read, if there are any."""
    if found := unreadable_among(files):
        raise refusal(found, "`python -m training audit FOLDER` lists all that is wrong there")


def reason_of(file: Path, error: BadInput) -> str:
    """Why it cannot be read, without the path that stands before that."""
    return str(error).removeprefix(f"{file}: ").replace(f" {str(file)!r}", "")


def refusal(unreadable: Mapping[Path, str], remedy: str, list_file: Path | None = None) -> BadInput:
    """One line that names them: all of them, or the first and the file that lists all.

    Without `list_file` the number of the others is told.
    """
    count = len(unreadable)
    most = MOST_NAMED if list_file is not None or count > 4 * MOST_NAMED else count
    named = [f"{file}: {reason}" for file, reason in list(unreadable.items())[:most]]
    if count == 1:
        ((file, reason),) = unreadable.items()
        return BadInput(f"{file}: {reason}; {remedy}")
    rest = ""
    if most < count:
        rest = f", and {count - most} more"
        if list_file is not None:
            lines = [
                f"{in_one_line(file)}\t{in_one_line(reason)}\n"
                for file, reason in unreadable.items()
            ]
            list_file.parent.mkdir(parents=True, exist_ok=True)
            replace_text(list_file, "".join(lines))
            rest += f", all in {list_file}"
    return BadInput(f"{count} pictures are not readable: {', '.join(named)}{rest}; {remedy}")


def in_one_line(text: object) -> str:
    """As one line of UTF-8, whatever the names in it are made of."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
