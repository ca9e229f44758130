"""Compile the fast engine: ``python -m engine.build [--into FOLDER] [--machine NAME]``.

The modules of ``engine.core`` are joined into one, ``engine._core``, so that the C compiler sees
and inlines all of it; the integers of ``wire.layout`` and ``engine.core.records`` become C
constants in its ``.pxd``. Needs Cython and a C compiler. Without them the engine runs interpreted,
with the same results. What is generated stays in ``build/`` and is never committed.
"""

import argparse
import ast
import functools
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType

from engine.core import records
from engine.digest import KEYS
from wire import layout

PACKAGE = Path(__file__).parent
# In the order of their dependence; ``records`` becomes constants.
MODULES = (
    "store",
    "index",
    "ids",
    "heap",
    "emit",
    "ledger",
    "book",
    "liquidity",
    "melds",
    "trailing",
    "registry",
    "orders",
    "digest",
    "reference_price",
    "breaker",
    "collar",
    "stops",
    "settlement",
    "matching",
    "execution",
    "auction",
    "price_checks",
    "order_checks",
    "accounts",
    "room",
    "place",
    "lists",
    "definitions",
    "cancels",
    "changes",
    "countdowns",
    "funds",
    "clock",
    "prefetch",
    "dispatch",
    "checkpoint",
    "restoration",
    "audit",
    "engine",
)
DIRECTIVES = {
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "infer_types": True,
    "overflowcheck": False,  # but where money is computed: engine.core.ledger
}
C_FLAGS = (
    "-O3",
    "-fno-tree-vectorize",
    "-fPIC",
    "-shared",
    "-fwrapv",
    "-fno-plt",
    "-DNDEBUG",
    "-fno-jump-tables",
    # Functions marked inline are always inlined; left to itself, GCC calls the largest.
    "-DCYTHON_INLINE=inline __attribute__((always_inline))",
    "-Wno-unused-function",
)


# These make GCC compute a record's addresses one by one and keep them in memory, where an
# instruction names them for nothing: 5 % fewer instructions without. Clang does not know them.
GCC_FLAGS = ("-fno-tree-slsr", "-fno-tree-pre")


class BuildError(Exception):
    """The engine could not be compiled; it will run interpreted."""


def joined_source() -> str:
    """Return the modules as one, without the imports of each other and of constants.

    Raises
    ------
    BuildError
        Two modules define the same name: one would win compiled, but not interpreted.
    """
    parts = []
    module_of: dict[str, str] = {}
    for name in MODULES:
        source = (PACKAGE / "core" / f"{name}.py").read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            for defined in names_defined(node):
                other = module_of.setdefault(defined, name)
                if other != name:
                    raise BuildError(f"{defined} is defined in {other} and in {name}: rename one")
            kept = statement_kept(node)
            if kept is not None:
                end = node.end_lineno or node.lineno
                lines[node.lineno - 1 : end] = [kept] + [""] * (end - node.lineno)
        parts.append(f"# --- {name} ---\n" + "\n".join(lines))
    return "import cython\n\n" + "\n".join(parts) + "\n"


def names_defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def statement_kept(node: ast.stmt) -> str | None:
    """Return what stays of a statement that the joined module needs changed, None for others."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ""  # a docstring
    if isinstance(node, ast.Import) and node.names[0].name == "cython":
        return ""
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    if module.startswith("engine.core."):
        return ""
    if isinstance(node, ast.ImportFrom) and module == "wire.layout":
        # Its integers are C constants; its tables are read when an engine is made.
        tables = [alias.name for alias in node.names if alias.name not in constants()]
        return f"from wire.layout import {', '.join(tables)}" if tables else ""
    return None


@functools.cache
def constants() -> dict[str, int]:
    """Return every integer of the layout and of the records, by name.

    Raises
    ------
    BuildError
        Both define the same name.
    """
    twice = set(integers(layout)) & set(integers(records))
    if twice:
        raise BuildError(f"{', '.join(sorted(twice))}: defined in the layout and in the records")
    return integers(layout) | integers(records)


def integers(module: ModuleType) -> dict[str, int]:
    """Return the integers that a module names."""
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, int)
    }


def helpers() -> str:
    """Return in C what Cython has no words for."""
    products = " +\n        ".join(
        f"(unsigned long long)words[{index}] * {key}ULL" for index, key in enumerate(KEYS)
    )
    return f"""
    /* The empty assembly keeps GCC from dropping functions that "only" prefetch. */
    #define BURSA_PREFETCH(address) \\
        do {{ __builtin_prefetch(address); __asm__ volatile(""); }} while (0)
    #define BURSA_HIGHEST_BIT(bits) (63 - __builtin_clzll(bits))
    /* Cython can't name a field's address; nothing else refers to the field's bytes yet. */
    #define BURSA_SHORTEN(store, size) \\
        _PyBytes_Resize(&((struct __pyx_obj_6engine_5_core_Store *)(store))->output, size)
    /* A block of the digest, with its keys as constants in the instructions. */
    static inline unsigned long long bursa_sum_of_block(const long *words)
    {{
        return {products};
    }}
"""


def declarations() -> str:
    """Return the ``.pxd`` that makes the constants known to Cython as C constants."""
    macros, declared = [], []
    for name, value in constants().items():
        unsigned = value >> 63 > 0
        macros.append(f"    #define BURSA_{name} ({value}{'ULL' if unsigned else 'LL'})")
        kind = "unsigned long long" if unsigned else "long long"
        declared.append(f'    {kind} {name} "BURSA_{name}"')
    return "\n".join(
        [
            "cdef extern from *:",
            '    """',
            *macros,
            helpers(),
            '    """',
            *declared,
            '    void prefetch "BURSA_PREFETCH"(long long *address) noexcept',
            '    long long highest_bit "BURSA_HIGHEST_BIT"(long long bits) noexcept',
            '    object new_bytes "PyBytes_FromStringAndSize"(char *text, Py_ssize_t size)',
            '    char *text_of "PyBytes_AS_STRING"(object text) noexcept',
            '    int shorten "BURSA_SHORTEN"(object store, Py_ssize_t size) except -1',
            '    unsigned long long sum_of_block "bursa_sum_of_block"(const long *words) noexcept',
            "",
        ],
    )


def translate(folder: Path, *, annotate: bool) -> Path:
    """Write the joined module into a folder and turn it into C; return the C file.

    Raises
    ------
    BuildError
        Cython is not installed or does not accept the source.
    """
    package = folder / "engine"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "_core.py").write_text(joined_source(), encoding="utf-8")
    (package / "_core.pxd").write_text(declarations(), encoding="utf-8")
    command = [sys.executable, "-m", "cython", "-3", "--module-name", "engine._core", "-I", "."]
    for name, value in DIRECTIVES.items():
        command += ["-X", f"{name}={value}"]
    if annotate:
        command.append("--annotate")
    command.append("engine/_core.py")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"Cython is not installed or rejects the source:\n{done.stderr}")
    return package / "_core.c"


def compile_c(source: Path, target: Path) -> None:
    """Compile a C file into an extension.

    Raises
    ------
    BuildError
        There is no C compiler, or it fails.
    """
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    if shutil.which(compiler[0]) is None:
        raise BuildError(f"no C compiler: {compiler[0]} was not found")
    extra = [*flags_of(compiler), *shlex.split(os.environ.get("CFLAGS", ""))]
    include = sysconfig.get_paths()["include"]
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        # Moved into place whole, so that a process that runs the old one keeps running it.
        made = Path(scratch) / target.name
        command = [*compiler, *C_FLAGS, *extra, f"-I{include}", str(source), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise BuildError(f"{shlex.join(command)} failed:\n{done.stderr}")
        made.replace(target)


def flags_of(compiler: list[str]) -> tuple[str, ...]:
    """Return the flags that a compiler knows beside those that all know."""
    command = [*compiler, "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return GCC_FLAGS if "Free Software Foundation" in said else ()


def build(into: Path, *, annotate: bool = False, machine: str = "") -> Path:
    """Compile the engine into a package folder and return the extension's path.

    ``machine``, such as ``aarch64``, is another one than this; the compiler in the variable ``CC``
    must be for it. What the headers of Python say is the same on all 64-bit machines.

    Raises
    ------
    BuildError
        Cython or the C compiler is missing, or fails.
    """
    generated = PACKAGE.parent / "build" / "engine-core"
    source = translate(generated, annotate=annotate)
    into.mkdir(parents=True, exist_ok=True)
    suffix: str = sysconfig.get_config_var("EXT_SUFFIX")
    if machine:
        suffix = suffix.replace(platform.machine(), machine)
    target = into / f"_core{suffix}"
    compile_c(source, target)
    return target


def main() -> int:
    """Build from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Compile the fast engine.")
    parser.add_argument("--into", type=Path, default=PACKAGE, help="package folder to put it in")
    parser.add_argument("--machine", default="", help="compile for it, with the compiler in CC")
    parser.add_argument("--annotate", action="store_true", help="write Cython's HTML annotation")
    arguments = parser.parse_args()
    try:
        target = build(arguments.into, annotate=arguments.annotate, machine=arguments.machine)
    except BuildError as error:
        sys.stderr.write(f"engine not compiled, it will run interpreted: {error}\n")
        return 1
    sys.stdout.write(f"engine compiled: {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
