"""The command line: what each wrong input is answered with, and with which exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fixtures.site import Server


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def tiles(tmp_path: Path) -> list[str]:
    random = np.random.default_rng(0)
    paths = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        Image.fromarray(random.integers(0, 255, (60, 60, 3), dtype=np.uint8)).save(path)
        paths.append(str(path))
    return paths


BUS = ("--instruction", "Select all images with a bus")


def test_score_json(tiles: list[str]) -> None:
    """`score --json` prints one object with a tile for each picture, and nothing else."""
    done = run("score", *tiles, *BUS, "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["target"], content["model"]) == ("bus", "lite")
    assert [tile["index"] for tile in content["tiles"]] == [0, 1, 2]
    assert set(content["tiles"][0]) == {"index", "row", "col", "image", "probability", "selected"}
    assert all(0 <= tile["probability"] <= 1 for tile in content["tiles"])


def test_score_fits_80_columns(tiles: list[str]) -> None:
    """No line for people is longer than 80 columns."""
    done = run("score", *tiles, *BUS)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_score_a_grid_and_a_reference(tiles: list[str]) -> None:
    """One picture is cut into a grid; a picture may take the place of the words."""
    done = run("score", tiles[0], "--grid", "2x2", *BUS, "--json")
    places = [(tile["row"], tile["col"]) for tile in json.loads(done.stdout)["tiles"]]
    assert places == [(0, 0), (0, 1), (1, 0), (1, 1)]
    done = run("score", *tiles, "--reference", tiles[1], "--json")
    assert done.returncode == 0, done.stderr
    found = [tile["probability"] for tile in json.loads(done.stdout)["tiles"]]
    assert found[1] == max(found)


def test_score_draws(tiles: list[str], tmp_path: Path) -> None:
    """`--draw` lays tiles out on a sheet, or draws into the one picture; it can fail plainly."""
    drawn = tmp_path / "drawn.png"
    assert run("score", *tiles, *BUS, "--draw", str(drawn)).returncode == 0
    assert Image.open(drawn).size == (408, 408)
    assert run("score", tiles[0], "--grid", "2x2", *BUS, "--draw", str(drawn)).returncode == 0
    assert Image.open(drawn).size == (60, 60)
    done = run("score", *tiles, *BUS, "--draw", str(tmp_path / "no" / "drawn.png"))
    assert done.returncode == 2
    assert "drawn.png: cannot be written: " in done.stderr


def test_score_in_another_language(tiles: list[str]) -> None:
    """An instruction may be in another language; a noun that is unknown there is named."""
    done = run("score", *tiles, "--instruction", "Wählen Sie drei Bilder mit Bussen", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["target"] == "bus"
    assert [tile["selected"] for tile in content["tiles"]] == [True, True, True]
    done = run("score", *tiles, "--instruction", "Wählen Sie alle Bilder mit Waschmaschinen")
    assert done.returncode == 2
    assert done.stderr == (
        "captcha-agent: the instruction 'Wählen Sie alle Bilder mit Waschmaschinen' asks in German for 'Waschmaschinen', "
        "which the lexicon does not know: ask in English, or add it to a YAML file that CAPTCHA_AGENT_NOUNS "
        "names, for instance 'de: {ENGLISH NAME: Waschmaschinen}'\n"
    )


def test_split(tmp_path: Path) -> None:
    """`split` prints rows, columns and boxes, and draws them where asked to."""
    pixels = np.random.default_rng(0).integers(0, 255, (206, 206, 3), dtype=np.uint8)
    pixels[100:106] = pixels[:, 100:106] = 255
    picture, drawn = tmp_path / "grid.png", tmp_path / "drawn.png"
    Image.fromarray(pixels).save(picture)
    done = run("split", str(picture), "--json", "--draw", str(drawn))
    content = json.loads(done.stdout)
    assert (content["rows"], content["cols"]) == (2, 2)
    assert content["boxes"] == [[0, 0, 100, 100], [106, 0, 100, 100], [0, 106, 100, 100],
                                [106, 106, 100, 100]]  # fmt: skip
    assert Image.open(drawn).size == (206, 206)


def test_policy_commands() -> None:
    """Policies are listed, shown with all defaults, and described by a schema."""
    listed = json.loads(run("policy", "list", "--json").stdout)
    assert [policy["name"] for policy in listed["policies"]] == [
        "audit", "ci", "debug", "default", "strict",
    ]  # fmt: skip
    assert max(map(len, run("policy", "list").stdout.splitlines())) <= 80
    assert "attempts: 5" in run("policy", "show", "ci").stdout
    assert json.loads(run("policy", "schema").stdout)["title"] == "Policy"


def test_models_commands(tmp_path: Path) -> None:
    """Packages and presets are listed and shown; a preset's costs are known before it is made."""
    folder = {"CAPTCHA_AGENT_MODELS": str(tmp_path)}
    listed = json.loads(run("models", "list", "--json", **folder).stdout)
    assert [model["name"] for model in listed["models"]] == ["lite"]
    assert {preset["name"] for preset in listed["presets"]} > {"vit-b-32", "siglip-b"}
    assert max(map(len, run("models", "list", **folder).stdout.splitlines())) <= 80
    shown = json.loads(run("models", "show", "vit-b-32", "--json", **folder).stdout)
    assert shown["source"] == "ViT-B-32:datacomp_xl_s13b_b90k"
    assert shown["prepared"] is False
    assert shown["download_mb"] == 605
    assert "embedding_size: 256" in run("models", "show", "lite", **folder).stdout


WITHOUT_OPEN_CLIP = """
import sys
sys.modules["open_clip"] = None
sys.modules["onnx"] = sys
from agent.cli import main
main()
"""


def test_prepare_without_open_clip() -> None:
    """Where the extra is not installed the message says the command that gets it."""
    for command in (["models", "prepare", "vit-b-32"], ["doctor", "--model", "torch:ViT-B-32:x"]):
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_OPEN_CLIP, *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 4
        assert (
            "open_clip is not installed; open_clip models need it: run "
            "pip install 'captcha-agent[clip]'"
        ) in done.stderr + done.stdout


def test_weights_for_research_are_asked_for() -> None:
    """Without a terminal, such weights are taken only with --accept-licence."""
    code = (
        "import sys; sys.modules['open_clip'] = sys.modules['onnx'] = sys;"
        "sys.argv = ['captcha-agent', 'models', 'prepare', 'mobileclip2-s0'];"
        "from agent.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "mobileclip2-s0: MobileCLIP2-S0:dfndr2b as int8, licence: research only; excludes product "
        "development\n"
        "downloads 299 MB, needs about 1588 MB of memory to make; then about 108 MB on disk, 113 MB "
        "of memory to run\n"
        "captcha-agent: model 'mobileclip2-s0': the licence of these weights says: research only; "
        "excludes product development; where that is your case, say so with --accept-licence\n"
    )


def test_options_come_from_the_environment(tiles: list[str]) -> None:
    """What the environment sets counts, for results and for errors."""
    done = run("score", *tiles, *BUS, CAPTCHA_AGENT_JSON="1", CAPTCHA_AGENT_POLICY="ci")
    assert json.loads(done.stdout)["target"] == "bus"
    done = run("score", *tiles, *BUS, CAPTCHA_AGENT_POLICY="nightly", CAPTCHA_AGENT_JSON="1")
    assert done.returncode == 2
    assert json.loads(done.stdout)["status"] == "error"
    done = run("score", *tiles, *BUS, CAPTCHA_AGENT_POLICY="nightly", CAPTCHA_AGENT_JSON="no")
    assert done.stdout == ""


WRONG = [
    (("score", "{tile}", *BUS, "--policy", "nightly"), 2,
     "policy 'nightly' is unknown: use one of audit, ci, debug, default, strict, or the path of a .yaml file"),
    (("score", "{tile}", *BUS, "--model", "/nowhere"), 4,
     "model '/nowhere': no model package there; use 'lite', which comes with captcha-agent, or "
     "the folder of a package; `captcha-agent models list` says which there are and which can be "
     "prepared"),
    (("models", "prepare", "vit-b-23"), 2, "model 'vit-b-23': must be a preset (vit-b-32, "),
    (("models", "prepare", "ViT-B-32:x.bin"), 2, "x.bin: must be a .safetensors file: others may"),
    (("models", "prepare", "vit-b-32", "--name", "lite"), 2,
     "--name lite: that one comes with captcha-agent; take another name"),
    (("models", "prepare", "vit-b-32", "--name", "A B"), 2, "model name 'A B': must be at most 100"),
    (("models", "show", "nothing"), 4, "model 'nothing': no model package there"),
    (("models", "remove", "nothing"), 4, "model 'nothing': no prepared package of that name in"),
    (("models", "remove", "lite"), 2, "model 'lite' comes with captcha-agent and is not removed"),
    (("score", "{text}", *BUS), 2, "text.png: is no picture that can be read (PNG, JPEG, WebP, GIF, BMP)"),
    (("score", "{cut}", *BUS), 2, "cut.png: cannot be read as a picture"),
    (("score", "{huge}", *BUS), 2,
     "huge.png: 8000x6000 pixels are too many, at most 40 million are read; make it smaller first"),
    (("score", "none.png", *BUS), 2, "none.png: cannot be read as a picture: No such file"),
    (("score", "{tile}", "--instruction", "Please verify you are human"), 2,
     "the instruction 'Please verify you are human' names nothing to look for; expected a "
     "sentence such as 'Select all images with a bus'"),
    (("score", "{tile}"), 2, "score: give either --instruction TEXT or --reference IMAGE"),
    (("score", "{tile}", *BUS, "--grid", "4by4"), 2, "--grid 4by4: must be ROWSxCOLUMNS"),
    (("policy", "check", "{policy}"), 2, "retry.atempts: unknown key; did you mean 'attempts'?"),
    (("solve", "https://example.com/"), 3, "the host 'example.com' is outside the allowed scope"),
    (("solve", "http://localhost/", "--allow", "*"), 2, "allow '*': must be a host such as"),
    (("solve", "http://localhost/", "--success", "x"), 2, "must be selector:CSS, text:WORDS or"),
    (("solve", "http://localhost:1/"), 1, "http://localhost:1/: the page could not be opened"),
    (("solve", "http://localhost/", "--executable-path", "/no/browser"), 4,
     "--executable-path /no/browser: no such file"),
    (("solve", "http://localhost/", "--connect", "http://127.0.0.1:1"), 4,
     "--connect http://127.0.0.1:1: no browser answers there (connect ECONNREFUSED 127.0.0.1:1); "
     "start one with `chromium --headless --remote-debugging-port=9222` and name http://HOST:9222, "
     "or with `playwright run-server --port 3000` and name ws://HOST:3000/"),
    (("find", "http://localhost/", "--connect", "ws://127.0.0.1:1/?token=hunter2"), 4,
     "--connect ws://127.0.0.1:1/?token=redacted: no browser answers there ("),
    (("solve", "http://localhost/", "--connect", "localhost:9222"), 2,
     "--connect localhost:9222: must be http://HOST:PORT or ws://HOST:PORT/devtools/… (a Chromium's "
     "debugging port), or ws://HOST:PORT/ (a Playwright server)"),
    (("solve", "http://localhost/", "--connect", "http://localhost:9222", "--browser", "firefox"), 2,
     "--connect http://localhost:9222: only Chromium has a debugging port (got --browser firefox); "
     "for firefox name a Playwright server, such as ws://HOST:3000/"),
    (("audit", "http://localhost/", "--connect", "http://localhost:9222", "--channel", "chrome"), 2,
     "--channel: says how to start a browser, but with --connect none is started; leave one of "
     "them out"),
    (("audit", "https://example.com/"), 3, "the host 'example.com' is outside the allowed scope"),
    (("audit", "http://localhost:1/"), 1, "http://localhost:1/: the page could not be opened"),
    (("demo", "--kind", "sliders"), 2, "--kind sliders: unknown; use one of tiles, picture, canvas, "),
    (("solve", "http://localhost/", "--widget", "none.yaml"), 2, "none.yaml: cannot be read: No such"),
    (("find", "http://localhost/", "--widget", "{widget}"), 2,
     "widget.yaml: tile: unknown key; allowed: instruction, tiles, picture, controls, sample, submit, "
     "reload, skip, opener, rows, cols"),
    (("solve", "http://localhost/", "--step"), 2,
     "--step: waits for keys, so it needs a terminal; leave it out elsewhere"),
    (("solve", "http://localhost/", "--pause-on-failure"), 2,
     "--pause-on-failure: Playwright's inspector needs a visible browser: add --headed"),
    (("replay", "/nowhere"), 2,
     "/nowhere: is no report: expected a folder with outcome.json, as --report writes it"),
    (("replay", "{report}"), 2, "outcome.json: has format none, this captcha-agent reads 1: make the "
     "report anew, or use the version that wrote it"),
    (("find", "https://example.com/"), 3, "the host 'example.com' is outside the allowed scope"),
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    Image.new("RGB", (60, 60)).save(folder / "tile.png")
    Image.effect_noise((60, 60), 50).save(folder / "whole.png")
    (folder / "cut.png").write_bytes((folder / "whole.png").read_bytes()[:900])
    Image.new("1", (8000, 6000)).save(folder / "huge.png")
    (folder / "text.png").write_text("no picture")
    (folder / "widget.yaml").write_text("tile: img\nrows: 0")
    (folder / "policy.yaml").write_text("retry: {atempts: 3}")
    (folder / "report").mkdir()
    (folder / "report" / "outcome.json").write_text("{}")
    return {path.stem: str(path) for path in folder.iterdir()}


@pytest.mark.parametrize(("arguments", "status", "message"), WRONG)
def test_wrong_input(
    arguments: tuple[str, ...], status: int, message: str, files: dict[str, str]
) -> None:
    """Each wrong input has its own message and exit status, and no traceback."""
    done = run(*(argument.format(**files) for argument in arguments))
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert done.stderr.startswith("captcha-agent: ")
    assert "Traceback" not in done.stderr


def test_no_browser(site: Server, tmp_path: Path) -> None:
    """Where no browser is installed the message says the commands that get one."""
    code = (
        "import sys; from agent import browser; browser._installed = lambda: iter(());"
        "sys.argv = ['captcha-agent', 'solve', sys.argv[1]]; from agent.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, site.url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)},
    )
    assert done.returncode == 4
    assert done.stderr == (
        "captcha-agent: no chromium browser found: run `playwright install chromium`, or on Debian "
        "and Ubuntu `apt-get install chromium`, or install Google Chrome; or name one with "
        "--executable-path\n"
    )


class Wayward(BaseHTTPRequestHandler):
    """Pages that lead elsewhere, hold nothing, or fail."""

    def do_GET(self) -> None:
        """Answer by the path."""
        status, body, headers = {
            "/redirect": (302, "", {"Location": "http://shop.invalid/form"}),
            "/script": (200, "<script>location = 'http://shop.invalid/form'</script>", {}),
            "/frame": (200, "<iframe src='http://shop.invalid/form'></iframe>", {}),
            "/plain": (200, "<title>Plain</title><h1>Hello</h1><p>No captcha here.</p>", {}),
        }.get(self.path, (500, "broken", {}))
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def wayward() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wayward)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.e2e
@pytest.mark.parametrize("path", ["/redirect", "/script", "/frame"])
def test_ways_out_of_the_scope(wayward: str, path: str) -> None:
    """A redirect, a script or a frame that leads out of the scope is refused with status 3."""
    done = run("solve", wayward + path, "--json", "--timeout", "20")
    assert done.returncode == 3, done.stderr
    content = json.loads(done.stdout)
    assert content["status"] == "refused"
    assert "the host 'shop.invalid' is outside the allowed scope" in content["reason"]


@pytest.mark.e2e
def test_a_page_without_a_captcha(wayward: str, tmp_path: Path) -> None:
    """A page without a captcha is tried, not solved: status 1, the reason in JSON and report."""
    done = run(
        "solve", wayward + "/plain", "--json", "--timeout", "1", "--report", str(tmp_path / "r")
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["status"] == "unsolved"
    assert (tmp_path / "r" / "index.html").exists()


@pytest.mark.e2e
def test_find(site: Server, wayward: str, tmp_path: Path) -> None:
    """`find` says what is there and why, draws it, and prints a widget file that `solve` takes."""
    url, drawn = f"{site.url}/signup/shadow?seed=1", tmp_path / "found.png"
    done = run("find", url, "--draw", str(drawn))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# widget: 3x3 pictures; instruction ")
    assert Image.open(drawn).width == 1280
    file = tmp_path / "widget.yaml"
    file.write_text(done.stdout)
    again = json.loads(run("find", url, "--widget", str(file), "--json").stdout)
    assert again["found"] == "widget"
    assert again["grid"] == [3, 3]
    assert set(again["widget"]) == {"instruction", "tiles", "submit", "reload"}
    assert again["evidence"][-1] == "tiles as the widget file says"
    done = run("find", wayward + "/plain", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["found"] == "nothing"


@pytest.mark.e2e
def test_a_page_that_fails(wayward: str) -> None:
    """An HTTP error is reported as that."""
    done = run("solve", wayward + "/broken")
    assert done.returncode == 1
    assert "the site answered with HTTP status 500; expected a page with a captcha" in done.stderr
