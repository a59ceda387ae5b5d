"""Outcome → JUnit XML: one test case a solve, for whatever shows a pipeline's test results."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

from agent.data import Outcome
from agent.redaction import plain
from agent.report.text import describe


def to_junit(outcome: Outcome, made: datetime) -> bytes:
    """The outcome, redacted already, as a file that JUnit's readers take; times in seconds."""
    failed, seconds = not outcome.solved, f"{outcome.seconds:.3f}"
    is_failure = outcome.status == "unsolved"
    counts = {
        "tests": "1",
        "failures": str(int(is_failure)),
        "errors": str(int(failed and not is_failure)),
        "time": seconds,
    }
    root = ElementTree.Element("testsuites", counts)
    stamp = made.isoformat(timespec="seconds")
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": "captcha-agent", "timestamp": stamp, **counts}
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("model", outcome.model), ("policy", outcome.policy)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": plain(value)})
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {"classname": "captcha-agent.solve", "name": plain(outcome.url), "time": seconds},
    )
    told = describe(outcome.attempts)
    if failed:
        kind = "failure" if is_failure else "error"
        told_by = {"type": outcome.status, "message": plain(outcome.reason)}
        ElementTree.SubElement(case, kind, told_by).text = told or plain(outcome.reason)
    else:
        ElementTree.SubElement(case, "system-out").text = told
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
