"""Who may import whom, and what solving never imports."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STANDARD = set(sys.stdlib_module_names) | {"__future__"}

# What a module may import beside the standard library; the README draws the same.
MAY_IMPORT = {
    "data": {"numpy", "agent.report"},
    "errors": set(),
    "redaction": {"agent.data"},
    "scope": {"agent.errors", "agent.redaction", "ada_url"},
    "gate": {"agent.errors", "agent.scope", "playwright"},
    "words": {"yaml"},
    "concepts": {"yaml"},
    "instruction": {"agent.data", "agent.errors", "agent.concepts", "yaml"},
    "finder": {"agent.data", "agent.instruction", "agent.words"},
    "verifier": {"agent.data", "agent.errors", "agent.finder", "agent.words"},
    "segmenter": {"agent.data", "numpy", "PIL"},
    "decider": {"agent.data", "numpy"},
    "policy": {"agent.data", "agent.errors", "agent.places", "pydantic", "yaml"},
    "scorer": {"agent.concepts", "agent.data", "agent.decider", "agent.errors", "agent.instruction",
               "agent.models", "numpy", "PIL"},
    "flow": {"agent.data", "agent.decider", "agent.errors", "agent.finder", "agent.instruction",
             "agent.policy", "agent.segmenter", "agent.verifier", "numpy"},
    "driver": {"agent.data", "agent.errors", "agent.gate", "agent.pictures", "agent.redaction",
               "agent.scope", "numpy", "PIL", "playwright"},
    "runner": {"agent.data", "agent.driver", "agent.flow", "agent.gate", "agent.policy",
               "agent.scope", "agent.scorer", "agent.verifier"},
}  # fmt: skip


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_import_rules(module: str) -> None:
    """Each module imports only what the design allows it."""
    tree = ast.parse((ROOT / "agent" / f"{module}.py").read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "agent":
            imported |= {f"agent.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))
    allowed = MAY_IMPORT[module]
    outside = {
        name
        for name in imported
        if name.split(".")[0] not in STANDARD | allowed
        and name not in allowed
        and ".".join(name.split(".")[:2]) not in allowed
    }
    assert outside == set()


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "open_clip", "timm"):
            raise AssertionError(f"{name} was imported")
sys.meta_path.insert(0, Blocked())
sys.argv = ["captcha-agent", *sys.argv[1:]]
from agent.cli import main
main()
"""


@pytest.mark.e2e
def test_solving_never_imports_torch(tmp_path: Path) -> None:
    """With torch, torchvision, open_clip and timm blocked, captchas are solved all the same.

    Each kind gets three challenges of which one must be solved: what is tested is not the model.
    """
    command = [sys.executable, "-c", BLOCKED, "demo", "-n", "3", "--policy", "ci", "--json"]
    kinds = ["--kind", "tiles", "--kind", "picture"]
    done = subprocess.run(
        [*command, *kinds, "--report", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "was imported" not in done.stderr
    found = json.loads(done.stdout)["kinds"]
    assert [kind["name"] for kind in found] == ["tiles", "picture"]
    assert all(kind["solved"]["hits"] >= 1 for kind in found), done.stderr


def test_import_agent_is_light() -> None:
    """`import agent` alone loads neither Playwright nor ONNX Runtime nor numpy."""
    code = "import sys, agent; print({'playwright', 'onnxruntime', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
