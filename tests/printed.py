"""Commands, code and links that the pages print.

Conventions: a page is a Markdown file, named by its path from the root of the project. A command is a line of a block
marked `sh`, without its comment, or inline code that begins with the name of a program and has arguments.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "docs/reference/*.md", "*/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
PROGRAMS = ("kuznechik", "python", "torchrun")

_BLOCK = re.compile(r"^```([^`\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """A command of a page."""

    page: str
    text: str
    inline: bool = False

    @property
    def words(self) -> list[str]:
        """The words of it, as a shell would pass them but for its patterns."""
        return shlex.split(self.text, comments=True)

    @property
    def names_a_verb(self) -> bool:
        """Whether it is no whole call, but speaks of a verb or one of its actions."""
        named = re.fullmatch(r"kuznechik( [a-z-]+| [A-Z]+){1,2}", self.text)
        return bool({"...", "ACTION"} & set(self.words) or (self.inline and named))

    @property
    def arguments(self) -> list[str] | None:
        """The arguments of the `kuznechik` command; None for other programs, and where a verb is only named."""
        words = self.words
        if words[0] == "torchrun" and "experiments" in words:
            return words[words.index("experiments") + 1 :]
        return words[1:] if words[0] == "kuznechik" and not self.names_a_verb else None


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [match[2] for match in _BLOCK.finditer(text) if match[1] == language]


def programs(page: str) -> list[str]:
    """Return what a page wants carried out, in its order: lines of a shell, and Python programs as such lines."""
    carried_out = []
    for match in _BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        if match[1] == "sh":
            carried_out += [line for line in match[2].splitlines() if line.strip()]
        elif match[1] == "python" and match[2].startswith(("import ", "from ")):
            carried_out.append(f"python - <<'END'\n{match[2]}END")
    return carried_out


def commands(page: str) -> list[Command]:
    """Return the commands that a page prints, those of its blocks first."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    printed = [Command(page, shown) for line in lines if (shown := line.strip()) and not shown.startswith("#")]
    prose = _BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return printed + [Command(page, code, True) for code in inline if code.startswith(tuple(f"{p} " for p in PROGRAMS))]


def links(page: str) -> list[str]:
    """Return the targets of a page's links and pictures that are no addresses in the network."""
    prose = _BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in target]


def anchors(page: str) -> set[str]:
    """Return the names by which headings of a page are linked, as GitHub makes them."""
    prose = _BLOCK.sub("", (ROOT / page).read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
