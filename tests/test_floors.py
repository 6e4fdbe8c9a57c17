"""A module imports only from its own floor or those below it."""

import ast
from pathlib import Path

import srnet

PACKAGE = Path(srnet.__file__).parent
FLOORS = [
    {"errors", "files", "losses", "machine", "masks", "paper"},
    {
        "pairs",
        "official",
        "formats",
        "tasks",
        "statistics",
        "hub",
        "encoding",
        "word_vectors",
        "bias",
        "pocket",
        "models",
    },
    {"snapshots", "training", "mask_training", "magnitude", "masked", "pruning", "evaluation"},
    {
        "experiments",
        "inputs",
        "environment",
        "plms",
        "work",
        "records",
        "store",
        "results",
        "lengths",
        "costs",
        "calibration",
        "schedule",
        "estimate",
        "compute",
        "agenda",
        "executor",
    },
    {"profiles", "settings", "runs", "study", "figures", "claims", "deviations", "bias_sweep", "summary"},
    {"commands", "book", "book_index", "notebook", "__main__"},
]
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "srnet":
            found |= {f"srnet.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            found.add(str(node.module))
    return {name.split(".")[1] for name in found if name.startswith("srnet.")}


def test_every_module_has_a_floor_and_imports_nothing_from_above() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]
    assert len(files) > 15
    for path in files:
        module = path.relative_to(PACKAGE).with_suffix("").parts[0]
        above = {name for name in imports(path) if FLOOR[name] > FLOOR[module]}
        assert not above, f"{path.relative_to(PACKAGE)} (floor {FLOOR[module]}) imports {above}"
