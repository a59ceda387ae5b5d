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
    "waiting": {"agent.errors"},
    "failures": {"agent.data"},
    "gate": {"agent.errors", "agent.scope", "agent.vendors", "agent.waiting", "playwright"},
    "tables": {"yaml"},
    "words": {"agent.tables"},
    "ocr": {"agent.data", "agent.errors", "numpy", "PIL", "rapidocr"},
    "grids": {"agent.data"},
    "buttons": {"agent.data", "agent.grids", "agent.words"},
    "marks": {"agent.data", "agent.grids"},
    "matching": {"agent.data"},
    "recognizer": {"agent.data", "agent.finder", "agent.grids", "agent.matching",
                   "agent.unsupported", "agent.words"},
    "unsupported": {"agent.data", "agent.grids", "agent.instruction", "agent.tables",
                    "agent.words"},
    "vendors": {"agent.data", "agent.tables"},
    "yaml_file": {"agent.errors", "yaml"},
    "widget_file": {"agent.errors", "agent.yaml_file", "pydantic", "yaml"},
    "snapshot": {"agent.data"},
    "changes": {"agent.data", "numpy"},
    "painted": {"agent.data", "agent.grids"},
    "progress": {"agent.data", "agent.painted", "agent.policy"},
    "reading": {"agent.buttons", "agent.changes", "agent.data", "agent.errors", "agent.instruction",
                "agent.matching", "agent.painted",
                "agent.progress", "agent.recognizer", "agent.segmenter", "agent.vendors",
                "agent.verifier"},
    "answering": {"agent.buttons", "agent.changes", "agent.clicking", "agent.data", "agent.decider",
                  "agent.hearing", "agent.progress", "agent.reading", "agent.recognizer",
                  "agent.verifier"},
    "clicking": {"agent.changes", "agent.data", "agent.grids", "agent.matching", "agent.progress",
                 "agent.reading", "agent.recognizer", "agent.verifier"},
    "hearing": {"agent.buttons", "agent.changes", "agent.data", "agent.progress",
                "agent.reading", "agent.recognizer", "agent.verifier"},
    "clickthrough": {"agent.data", "agent.progress", "agent.reading", "agent.vendors"},
    "concepts": {"agent.tables"},
    "audit": {"agent.data", "agent.measures"},
    "labelled": {"agent.concepts", "agent.errors", "agent.instruction", "numpy"},
    "measures": {"numpy"},
    "calibrate": {"agent.measures", "agent.models", "agent.scorer", "numpy"},
    "remote": {"agent.errors", "agent.redaction", "playwright"},
    "browser": {"agent.errors", "agent.policy", "agent.remote", "agent.waiting", "playwright"},
    "instruction": {"agent.data", "agent.english", "agent.errors", "agent.language",
                    "agent.pictographs", "agent.sentence"},
    "pictographs": {"agent.concepts"},
    "phrases": {"agent.concepts", "agent.tables", "agent.words"},
    "english": {"agent.concepts", "agent.data", "agent.phrases"},
    "sentence": {"agent.concepts", "agent.data", "agent.errors", "agent.language", "agent.lexicon"},
    "language": {"agent.lexicon", "agent.tables"},
    "lexicon": {"agent.errors", "agent.tables", "agent.yaml_file"},
    "asking": {"agent.concepts", "agent.data", "agent.errors", "agent.grids",
               "agent.instruction", "agent.words"},
    "finder": {"agent.asking", "agent.buttons", "agent.data", "agent.grids", "agent.instruction",
               "agent.marks"},
    "verifier": {"agent.data", "agent.errors", "agent.finder", "agent.grids",
                 "agent.instruction", "agent.matching", "agent.recognizer", "agent.words"},
    "segmenter": {"agent.data", "agent.segmenter", "numpy", "PIL"},
    "decider": {"agent.data", "numpy"},
    "policy_file": {"agent.errors", "agent.places", "agent.yaml_file", "yaml"},
    "policy": {"agent.data", "agent.errors", "agent.policy_file", "agent.yaml_file", "pydantic",
               "yaml"},
    "scorer": {"agent.concepts", "agent.data", "agent.decider", "agent.detection", "agent.errors",
               "agent.instruction", "agent.models", "agent.squares", "numpy", "PIL"},
    "detection": {"agent.concepts", "agent.models", "agent.squares", "numpy", "PIL"},
    "squares": {"agent.data", "numpy"},
    "reacting": {"agent.data", "agent.policy", "agent.progress", "agent.reading",
                 "agent.recognizer", "agent.verifier"},
    "flow": {"agent.answering", "agent.clickthrough", "agent.data", "agent.finder",
             "agent.matching", "agent.policy", "agent.progress", "agent.reacting", "agent.reading",
             "agent.recognizer", "agent.verifier"},
    "driver": {"agent.data", "agent.errors", "agent.failures", "agent.gate", "agent.pending",
               "agent.pictures", "agent.redaction", "agent.scope", "agent.snapshot",
               "agent.vendors", "agent.waiting", "agent.widget_file", "numpy", "PIL", "playwright"},
    "runner": {"agent.data", "agent.driver", "agent.errors", "agent.flow", "agent.ocr",
               "agent.overlay", "agent.policy", "agent.progress", "agent.scope", "agent.scorer",
               "agent.stepping", "agent.verifier", "agent.waiting", "agent.widget_file", "PIL"},
    "overlay": {"agent.data", "agent.driver", "agent.errors", "agent.waiting", "playwright"},
    "stepping": {"agent.data"},
    "report": {"agent.data", "agent.errors", "agent.pictures", "agent.redaction", "agent.report",
               "jinja2", "msgspec", "numpy", "PIL", "rich", "yaml"},
    "replay": {"agent.data", "agent.decider", "agent.policy", "agent.progress", "agent.reading",
               "agent.report"},
    "answers": {"agent.data", "agent.errors", "numpy"},
    "testing": {"agent.answers", "agent.data", "agent.errors", "agent.policy", "agent.redaction",
                "agent.report", "agent.runner", "agent.scorer", "playwright", "pytest"},
    "pytest_plugin": {"agent.testing", "allure", "pytest", "pytest_html"},
}  # fmt: skip


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_import_rules(module: str) -> None:
    """Each module imports only what the design allows it."""
    source = ROOT / "agent" / module
    files = sorted(source.glob("*.py")) if source.is_dir() else [source.with_suffix(".py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    imported = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
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

    Each kind gets two challenges of which one must be solved: what is tested is not the model.
    """
    command = [sys.executable, "-c", BLOCKED, "demo", "-n", "2", "--policy", "ci", "--json"]
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


def test_scoring_is_light() -> None:
    """A score needs neither Playwright nor pydantic: they take as long to import as the rest."""
    code = (
        "import sys; from PIL import Image; import agent, agent.commands.score\n"
        "tile = Image.new('RGB', (64, 64), 'red')\n"
        "agent.load_scorer('lite').score([tile, tile], 'Select all images with a bus')\n"
        "print({'playwright', 'pydantic', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
