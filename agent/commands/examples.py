"""The examples that `--help` shows, by command."""

from __future__ import annotations

import click

_EXAMPLES = {
    "solve": (
        "captcha-agent solve http://localhost:8000/signup/tiles --report report/",
        "captcha-agent solve http://localhost:8000/signup/canvas --headed -v",
        "captcha-agent solve https://qa.example.com/join --allow qa.example.com",
    ),
    "find": (
        "captcha-agent find http://localhost:8000/signup/modal --draw found.png",
        "captcha-agent find http://localhost:8000/signup/corner > widget.yaml",
    ),
    "demo": (
        "captcha-agent demo",
        "captcha-agent demo -n 25 --kind tiles --kind canvas --json",
    ),
    "site": ("captcha-agent site --port 8000",),
    "score": (
        'captcha-agent score *.png --instruction "Select all images with a bus"',
        'captcha-agent score a.png --grid 4x4 --instruction "Squares with a bus"',
        "captcha-agent score *.png --reference sample.png --json",
    ),
    "replay": (
        "captcha-agent replay report/",
        "captcha-agent replay report/ --policy strict --json",
    ),
    "split": ("captcha-agent split screenshot.png --draw grid.png",),
    "doctor": (
        "captcha-agent doctor",
        "captcha-agent doctor --model vit-b-32 --browser firefox",
    ),
    "audit": (
        "captcha-agent audit http://localhost:8000/signup/tiles -n 50",
        "captcha-agent audit http://localhost:8000/signup/tiles --json > audit.json",
    ),
    "calibrate": (
        "captcha-agent calibrate tiles/ --name ours",
        "captcha-agent solve http://localhost:8000/signup/tiles --model ours",
    ),
    "completion": (
        'eval "$(captcha-agent completion bash)"',
        'eval "$(captcha-agent completion zsh)"',
        "captcha-agent completion fish | source",
    ),
    "policy list": ("captcha-agent policy list",),
    "policy show": ("captcha-agent policy show default > my.yaml",),
    "policy check": ("captcha-agent policy check my.yaml",),
    "policy schema": ("captcha-agent policy schema > policy.schema.json",),
    "models list": ("captcha-agent models list",),
    "models prepare": (
        "captcha-agent models prepare vit-b-32",
        "captcha-agent models prepare ViT-B-32:laion2b_s34b_b79k",
        "captcha-agent models prepare ViT-B-32:mine.safetensors --name mine",
    ),
    "models show": ("captcha-agent models show vit-b-32",),
    "models remove": ("captcha-agent models remove vit-b-32",),
}


def add_to(root: click.Group) -> None:
    """Give each command below `root` its examples, as the last part of its help."""
    for path, lines in _EXAMPLES.items():
        command: click.Command = root
        for name in path.split():
            assert isinstance(command, click.Group)
            command = command.commands[name]
        command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
