"""The dependencies: which Python files each Python file of the tree uses.

They are read from the imports, and from what imports do not show: modules that are named in
strings, commands that are typed, fixtures.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import grimp

_PACKAGES = ("incidents", "tests", "bench", "scripts")

_MODULE = re.compile(rf"""["']((?:{"|".join(_PACKAGES)})(?:\.\w+)*)(\.\{{)?""")
_PROGRAM = re.compile(r"""(?:"-m",|with_name\()\s*"incidents\"""")
_COMMAND = re.compile(r'"([\w-]+)":\s*(?:\(|action\("[\w -]+", )\s*"(incidents\.cli\.\w+):')
_ACTION = re.compile(r'"(?:[\w-]+ )*([\w-]+)": "')
_TYPED = re.compile(r'\(\s*"([\w-]+)"(?:,\s*"([\w-]+)")?')
_OFFERED = re.compile(r"^def (\w+)|^from tests\.\S+ import (.+)", re.MULTILINE)

Texts = Mapping[str, str]
"""The Python files by path."""
Dependencies = Mapping[str, Collection[str]]
"""The files that each file uses directly."""


def read_tree() -> tuple[Texts, Dependencies]:
    """The Python files of the working folder, and what they import when they run."""
    files = (file for package in _PACKAGES for file in sorted(Path(package).rglob("*.py")))
    texts = {str(file): file.read_text(encoding="utf-8") for file in files}
    modules = {module_of(path): path for path in texts}
    graph = grimp.build_graph(*_PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    imports = {
        modules[name]: modules.keys() & graph.find_modules_directly_imported_by(name)
        for name in modules.keys() & graph.modules
    }
    return texts, {path: {modules[name] for name in names} for path, names in imports.items()}


def dependencies(texts: Texts, imports: Dependencies) -> dict[str, set[str]]:
    """The imports, and the uses that imports do not show."""
    modules = {module_of(path): path for path in texts}
    found = {path: {*imports.get(path, ())} for path in texts}
    for path, text in texts.items():
        found[path].update(_named_modules(text, modules))
        if _PROGRAM.search(text):
            found[path].add("incidents/__main__.py")
        # Importing a module runs its package first.
        found[path].update({modules.get(_package(module_of(path)), path)} - {path})
    for path, conftest in _fixtures(texts):
        found[path].add(conftest)
    for path, module in _typed_commands(texts, found):
        found[path].add(modules[module])
    return found


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _package(module: str) -> str:
    return module.rpartition(".")[0]


def _named_modules(text: str, modules: Mapping[str, str]) -> Iterator[str]:
    """Modules in strings: "a.b", "a.b:c", "a.b.C.d", and all right beneath a in f"a.{name}"."""
    for name, open_ended in _MODULE.findall(text):
        if open_ended:
            yield from (path for module, path in modules.items() if _package(module) == name)
        while "." in name and name not in modules:
            name = _package(name)  # noqa: PLW2901 - an attribute is cut off
        if "." in name:
            yield modules[name]


def _fixtures(texts: Texts) -> Iterator[tuple[str, str]]:
    """Pairs of a file of tests and a conftest.py above it that offers a fixture the file names."""
    words = {path: {*re.findall(r"\w+", texts[path])} for path in texts if path[:6] == "tests/"}
    for conftest in (path for path in words if path.endswith("/conftest.py")):
        offered = {*re.findall(r"\w+", str(_OFFERED.findall(texts[conftest])))}
        for path, named in words.items():
            if path != conftest and is_beneath(path, folder_of(conftest)) and offered & named:
                yield path, conftest


def _typed_commands(texts: Texts, found: Dependencies) -> Iterator[tuple[str, str]]:
    """Files that can run the command line, each with the module of a command that it types."""
    targets = defaultdict(set)
    for word, module in (pair for text in texts.values() for pair in _COMMAND.findall(text)):
        targets[word].add(module)
    for word in _ACTION.findall(texts.get("incidents/cli/action_helps.py", "")):
        targets[word].add("incidents.cli.actions")
    for path in distances(found, ["incidents/cli/root.py"]):
        if path.startswith("tests/"):
            typed = {word for pair in _TYPED.findall(texts[path]) for word in pair}
            yield from ((path, module) for word in typed for module in targets.get(word, ()))


def distances(found: Dependencies, sources: Iterable[str]) -> dict[str, int]:
    """The number of uses between a file and the nearest source, for those that use one."""
    users = defaultdict(set)
    for path, used in found.items():
        for other in used:
            users[other].add(path)
    steps = dict.fromkeys(sources, 0)
    queue = list(steps)
    for path in queue:
        for user in users[path] - steps.keys():
            steps[user] = steps[path] + 1
            queue.append(user)
    return steps


def sources(path: str, texts: Texts) -> list[str]:
    """The file, and those that name it in a string; for a page, those that name its folder."""
    if path.endswith(".py") and path not in texts and path.startswith(_PACKAGES):  # it is gone
        package, _, name = module_of(path).rpartition(".")
        gone = re.compile(rf"\b{package}\.{name}\b|from {package} import .*\b{name}\b")
        return [user for user, text in texts.items() if gone.search(text)]
    pure = PurePosixPath(path)
    for named in (pure, *pure.parents[:-1]):
        word = re.compile(rf"""["'/]{re.escape(named.name)}["'/]""")
        # A folder's name says little, except to files beside it.
        beside = "" if named == pure else folder_of(str(named))
        found = [at for at, text in texts.items() if is_beneath(at, beside) and word.search(text)]
        if found or path in texts:
            return [path, *found]
    return []


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def is_beneath(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
