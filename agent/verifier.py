"""What came of an answer: compares the page before and after it was submitted."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from agent import finder, instruction, matching, recognizer, words
from agent.data import Element, Result, Snapshot, Verdict, Widget
from agent.errors import UsageError
from agent.grids import PICTURES, gap

_REACH_CSS = 360.0  # how far from the captcha lies what is said of it
_SAME_FORM = 0.5  # of the controls of a page are there again
_MOSTLY = 0.25  # share of a text far from it that must say so
_WHOLLY = 0.9  # the same where the captcha still stands there
_RESULTS: tuple[words.Verdict, ...] = ("blocked", "expired", "rejected", "next_round", "accepted")
_ALIKE = 0.1  # of a picture's side, by which another that is as large may differ
_LEAST_START = 12  # characters that two texts begin with by no accident
CLEARED = Verdict("rejected", "the captcha has taken back what was chosen", sure=False)
_USES = {"button": "pressed", "input": "filled in"}
_REMARK = re.compile(r"[\w.' -]{1,30} \([\w ]+\)")  # of a person: "Jane (not verified)"
_DIGITS = re.compile(r"\d+")
_CLAUSE_ENDS = re.compile(r"[,.;:!?]")
_COUNTER = re.compile(r"(?<!\d)(\d{1,2})\s*(?:of|/)\s*(\d{1,2})(?!\d)")


def check_success(spec: str) -> str:
    """Return `spec` where it is empty or one that `judge` understands, else raise UsageError."""
    kind, _, value = spec.partition(":")
    if spec and (kind not in ("selector", "text", "url") or not value):
        raise UsageError(
            f"success {spec!r}: must be selector:CSS, text:WORDS or url:GLOB, "
            "for instance 'text:Thank you'"
        )
    return spec


def selector_of(success: str) -> str:
    """The CSS selector that a success specification asks to look for, or nothing."""
    kind, _, value = success.partition(":")
    return value if kind == "selector" else ""


def judge(before: Snapshot, after: Snapshot, widget: Widget, success: str = "") -> Verdict | None:
    """The page's verdict on an answer to `widget`, or None while it has not said anything.

    `before` was seen just before the answer was submitted. `success` is what the user says that
    success looks like; where it is given, nothing else counts as success.
    """
    if success and _succeeded(after, success):
        return Verdict("accepted", f"the page matches {success!r}")
    seen = finder.find_all(before)
    beside = matching.others(widget, seen)
    now = matching.successor(widget, finder.find_all(after), beside)
    if now is not None and _was_there(before, now, widget):
        now = None
    renewed = now is not None and matching.exchanged(widget, now)
    verdict = _said(before, after, now or widget, gone=now is None, renewed=renewed)
    failure = _failed(before, after)
    if verdict is not None and not (success and verdict.result == "accepted"):
        return replace(verdict, retry_after_s=failure.retry_after_s if failure else None)
    if renewed and _progressed(before, after):
        return Verdict("next_round", "the page counts one round more")
    if renewed:
        return Verdict("rejected", "the page shows another challenge instead of moving on")
    if failure is not None or success:
        return failure
    return (
        _changed_state(before, after, gone=now is None, own=widget.submit)
        or _coloured(before, after, now or widget)
        or (_cleared(matching.successor(widget, seen), now) if now is not None else None)
        or (_taken_over(before, after, widget) if now is None else None)
    )


def _coloured(before: Snapshot, after: Snapshot, widget: Widget) -> Verdict | None:
    """The verdict of words that are not known, by the colour in which they are said."""
    controls = {e.text for e in after.elements if e.role in ("button", "link")}
    for element in _new_texts(before, after):
        near = gap(element.box, widget.area) <= _REACH_CSS
        said = _is_said(element.text) and element.text not in controls
        if near and said and element.tone and not _marks(element, widget):
            if element.tone == "bad":
                return Verdict("rejected", f"the page says {element.text!r} in red", sure=False)
            return Verdict("accepted", f"the page says {element.text!r} in green", sure=False)
    return None


def _is_said(text: str) -> bool:
    """Whether a text has words, not only a number or a sign, and says more than to wait."""
    letters = 2 * sum(map(str.isalpha, text)) > len(text.replace(" ", ""))
    return letters and not words.share(text, "loading")


def _marks(text: Element, widget: Widget) -> bool:
    """Whether a text stands on a single tile: it says that this one is chosen. What lies over the
    page does not.
    """
    return any(
        text.layer == tile.layer and text.box.overlap(tile.box) > 0.5 * text.box.area
        for tile in widget.tiles
    )


def _failed(before: Snapshot, after: Snapshot) -> Verdict | None:
    """What the site's server failed to answer since, or refused for being asked too often."""
    for failure in reversed(after.failures[len(before.failures) :]):
        result: Result = "blocked" if failure.status == 429 else "server_error"
        reason = f"the site answered {failure.path} with HTTP status {failure.status}"
        return Verdict(result, reason, sure=False, retry_after_s=failure.retry_after_s)
    return None


def _taken_over(before: Snapshot, after: Snapshot, widget: Widget) -> Verdict | None:
    """Words that are not known, where captcha or form were and are no more: they gave way to it."""
    sight = recognizer.recognize(after)
    other = sight.widget is None or not _was_there(before, sight.widget, widget)
    shown = sight.what != "nothing" and other and not sight.is_words
    if shown or before.document != after.document:
        return None
    if any(_stands_for(e, widget) for e in after.elements):
        return None  # only its words are gone
    form_is_gone = _form_is_gone(before, after)
    for element in _new_texts(before, after):
        near = form_is_gone or gap(element.box, widget.area) <= _REACH_CSS
        said = near and element.role != "button" and _is_said(element.text)
        if said and not _asks(element.text):
            place = "form" if form_is_gone else "captcha"
            reason = f"the page says {element.text!r} in the {place}'s place"
            return Verdict("accepted", reason, sure=False)
    return None


def _asks(text: str) -> bool:
    """Whether it is another question, or opens one: that is no answer."""
    return words.share(text, "open") > 0 or instruction.begins_to_ask(text)


def _was_there(before: Snapshot, now: Widget, widget: Widget) -> bool:
    """Whether these pictures were on the page before, covered by the captcha or apart from it."""
    covered = {(e.role, e.source, e.text, e.box) for e in before.elements if e.covered}
    if now.tiles and {(e.role, e.source, e.text, e.box) for e in now.tiles} <= covered:
        return True
    shown, own = ({e.source for e in seen.pictures} for seen in (now, widget))
    known = {e.source for e in before.elements if e.source} - own
    return now.area.overlap(widget.area) == 0 and shown <= known


def _form_is_gone(before: Snapshot, after: Snapshot) -> bool:
    """Whether there were fields to fill in, and none of them is there any more."""
    old, new = ({e.text for e in seen.elements if e.role == "input"} for seen in (before, after))
    return bool(old) and old.isdisjoint(new)


def _stands_for(element: Element, widget: Widget) -> bool:
    """Whether it is a picture in the captcha's place: one of its own, or one as large."""
    area = widget.area
    if element.role not in PICTURES or element.box.overlap(area) <= 0.5 * element.box.area:
        return False
    shown = widget.pictures[0]
    sides = (shown.box.width - element.box.width, shown.box.height - element.box.height)
    alike = max(abs(side) for side in sides) <= _ALIKE * shown.box.height
    return alike or element.source in {each.source for each in widget.pictures if each.source}


def _cleared(old: Widget | None, now: Widget) -> Verdict | None:
    """The verdict of a captcha that stands as it was, but for the choice: it was taken back."""
    if old is None or not _any_chosen(old) or _any_chosen(now):
        return None
    return CLEARED


def _any_chosen(widget: Widget) -> bool:
    return any(element.checked for element in (*widget.tiles, *widget.controls))


def passed(before: Snapshot, after: Snapshot, success: str = "") -> Verdict | None:
    """Whether the page lets pass what was not even asked anything: by a token, a word, a state."""
    if success:
        matched = _succeeded(after, success)
        return Verdict("accepted", f"the page matches {success!r}") if matched else None
    for text in _new_texts(before, after):
        if words.share(text.text, "accepted") >= _MOSTLY:
            return Verdict("accepted", f"the page says {text.text!r}")
    verdict = _changed_state(before, after, gone=True)
    return verdict if verdict is not None and verdict.result == "accepted" else None


def _said(
    before: Snapshot, after: Snapshot, widget: Widget, *, gone: bool, renewed: bool
) -> Verdict | None:
    """The verdict in words: of a dialog, of what stands near the captcha, of the rest."""
    for text in after.dialogs:
        for result in _RESULTS:
            if words.share(text, result):
                return Verdict(result, f"a dialog says {text!r}")
    new = [
        e
        for e in _new_texts(before, after)
        if (gone or not _marks(e, widget)) and not _REMARK.fullmatch(e.text)
    ]
    near = [e for e in new if e.role == "status" or gap(e.box, widget.area) <= _REACH_CSS]
    controls = {e.text for e in after.elements if e.role in ("button", "link")}
    for texts, least in ((near, 0.0), (new, _MOSTLY)):
        found: dict[Result, Element] = {}
        for result in _RESULTS:
            if result == "next_round" and not renewed:
                continue
            # Far from a captcha that still stands there, "welcome" may mean anything.
            anything = result == "accepted" and texts is new and not gone
            for element in texts:
                says = words.share(element.text, result) > (_WHOLLY if anything else least)
                if says and result == "accepted" and _part_of(element.text) and not renewed:
                    found.setdefault("rejected", element)
                elif says and not (result == "accepted" and _counts_on(element.text, before)):
                    found.setdefault(result, element)
        # A link to try again may stand below every result.
        told = [each for each in found.items() if each[1].text not in controls] or [*found.items()]
        if told:
            verdict, element = told[0]
            return Verdict(verdict, f"the page says {element.text!r}")
    return None


def _part_of(text: str) -> bool:
    """Whether it says of how many so many are right: "You got 3/10 right!"."""
    return any(
        int(found[1]) < int(found[2])
        for clause in _CLAUSE_ENDS.split(text)
        if words.share(clause, "accepted") and (found := _COUNTER.search(clause))
    )


def _counts_on(text: str, before: Snapshot) -> bool:
    """Whether only a number in it is another one than before: "Taken: 1", then "Taken: 2"."""
    plain = _DIGITS.sub("", text)
    return any(_DIGITS.search(e.text) and _DIGITS.sub("", e.text) == plain for e in before.elements)


def _changed_state(
    before: Snapshot, after: Snapshot, *, gone: bool, own: Element | None = None
) -> Verdict | None:
    """The verdict without words: by a form field, a state, another page. `own` is the captcha's
    own button, which can be pressed as soon as something is chosen.
    """
    filled = _filled_tokens(after) - _filled_tokens(before)
    if not gone:
        return _changed_beside(before, after, filled, own.text if own else "")
    other = recognizer.recognize(after)
    if other.what == "unsupported" and other.reason != recognizer.not_solved(before):
        return Verdict("rejected", other.reason)
    # A widget that merely vanished is no success: something must tell, or it lay over the page.
    if filled:
        return Verdict("accepted", f"the hidden field {sorted(filled)[0]!r} was filled in")
    checked = _checked(after) - _checked(before)
    if checked:
        return Verdict("accepted", f"{sorted(checked)[0]!r} is checked now")
    if _path(before.url) != _path(after.url) or before.document != after.document:
        return _moved(before, after)
    return _unlocked(before, after) or _spent(before, after) or _uncovered(before, after)


def _changed_beside(
    before: Snapshot, after: Snapshot, filled: set[str], own: str
) -> Verdict | None:
    """The same of a page that leaves its captcha standing once it has passed."""
    tokens = sorted(name for name in filled if "token" in name.lower())
    if tokens:
        return Verdict("accepted", f"the hidden field {tokens[0]!r} was filled in", sure=False)
    unlocked = _unlocked(before, after, own)
    if unlocked is None or _locked(before, after):
        return unlocked
    return replace(unlocked, sure=False)


def _moved(before: Snapshot, after: Snapshot) -> Verdict | None:
    reason = trouble(after)
    if reason:
        result: Result = "server_error" if after.status >= 500 else "navigation_lost"
        return Verdict(result, reason, sure=False)
    if _is_closed(after):
        return Verdict("rejected", "the page starts over with a closed captcha", sure=False)
    if _path(before.url) != _path(after.url):
        return Verdict("accepted", f"the page moved on to {_path(after.url)}", sure=False)
    if _same_form(before, after):
        return None  # its captcha may still be loading
    return Verdict("accepted", "the page was loaded anew, without a captcha", sure=False)


def _same_form(before: Snapshot, after: Snapshot) -> bool:
    """Whether most of what could be filled in and pressed is there again."""
    old, new = (
        {(e.role, e.text) for e in seen.elements if e.role in ("input", "checkbox", "button")}
        for seen in (before, after)
    )
    return len(old & new) >= _SAME_FORM * len(old) > 0


def trouble(now: Snapshot) -> str:
    """Why a page is none of the site's own, or nothing where it may be one."""
    scheme = now.url.partition(":")[0]
    if scheme in ("about", "chrome-error"):
        return f"the page went to {now.url if scheme == 'about' else 'an error page'}"
    return f"the site answered with HTTP status {now.status}" if now.status >= 400 else ""


def _unlocked(before: Snapshot, after: Snapshot, own: str = "") -> Verdict | None:
    """A button or field that was disabled before and is not now; another may be called the same.

    The captcha's `own` button does not count.
    """
    was, now = (
        Counter(
            (e.role, e.text, e.disabled)
            for e in seen.elements
            if e.role == "input" or (e.role == "button" and e.text not in ("", own))
        )
        for seen in (before, after)
    )
    for (role, text, disabled), count in was.items():
        fewer = disabled and now[role, text, True] < count
        if fewer and now[role, text, False] > was[role, text, False]:
            name = repr(text) if text else "a field"
            return Verdict("accepted", f"{name} can be {_USES[role]} now")
    return None


def _spent(before: Snapshot, after: Snapshot) -> Verdict | None:
    """What the captcha was opened with is there again, and can't be pressed any more."""
    could = {e.text for e in _openers(before) if not e.disabled}
    spent = sorted(could & {e.text for e in _openers(after) if e.disabled})
    if not spent:
        return None
    return Verdict("accepted", f"{spent[0]!r} is not to be pressed any more", sure=False)


def _is_closed(snapshot: Snapshot) -> bool:
    """Whether a captcha can be opened; words that open one stay there when it is solved."""
    sight = recognizer.recognize(snapshot)
    return sight.what == "opener" and not sight.is_words


def _uncovered(before: Snapshot, after: Snapshot) -> Verdict | None:
    """The page below the captcha, where nothing lies over it any more: it was let through."""
    below = {(e.role, e.text) for e in before.elements if e.covered and e.text}
    states = {e.covered for e in after.elements if (e.role, e.text) in below}
    if states != {False}:
        return None
    if _is_closed(after):
        return Verdict("rejected", "the captcha is closed again", sure=False)
    return Verdict("accepted", "the captcha no longer lies over the page", sure=False)


def _locked(before: Snapshot, after: Snapshot) -> bool:
    """Whether the page has disabled buttons that could be pressed before."""
    open_before = {e.text for e in before.elements if e.role == "button" and not e.disabled}
    return any(e.disabled and e.role == "button" and e.text in open_before for e in after.elements)


def _progressed(before: Snapshot, after: Snapshot) -> bool:
    """Whether a counter such as "1 of 2" is one further."""
    old, new = (
        {match[2]: int(match[1]) for e in seen.elements if (match := _COUNTER.search(e.text))}
        for seen in (before, after)
    )
    return any(total in old and count == old[total] + 1 for total, count in new.items())


def _checked(snapshot: Snapshot) -> set[str]:
    return {e.text for e in _openers(snapshot) if e.role == "checkbox" and e.checked}


def _openers(snapshot: Snapshot) -> list[Element]:
    return [
        e
        for e in recognizer.labelled(snapshot.elements)
        if e.role in ("button", "checkbox") and recognizer.opens(e)
    ]


def _succeeded(snapshot: Snapshot, success: str) -> bool:
    kind, _, value = success.partition(":")
    if kind == "selector":
        return snapshot.matched
    if kind == "url":
        return fnmatch.fnmatchcase(snapshot.url, value)
    return any(value.lower() in element.text.lower() for element in snapshot.elements)


def _new_texts(before: Snapshot, after: Snapshot) -> list[Element]:
    """What can be read now and could not before, or not so often: two captchas may say the same.

    Of a text that goes on, as a log does, what it went on with. A part of what could be read as
    one text is nothing new: something else may have come between.
    """
    old, now = (Counter(element.text for element in seen.elements) for seen in (before, after))
    places = {(element.text, element.box) for element in before.elements}
    begun: dict[str, list[str]] = {}
    for text in old:
        if len(text) >= _LEAST_START:
            begun.setdefault(text[:_LEAST_START], []).append(f"{text} ")
    return [
        replace(e, text=_added(e.text, begun.get(e.text[:_LEAST_START], ())))
        for e in after.elements
        if e.role in ("text", "status", "button")
        and e.text
        and now[e.text] > old[e.text]
        and (e.text, e.box) not in places
        and not (len(e.text) >= _LEAST_START and any(e.text in text != e.text for text in old))
    ]


def _added(text: str, begun: Iterable[str]) -> str:
    """What a text says more than the longest of those that it begins with."""
    return text.removeprefix(max(filter(text.startswith, begun), key=len, default=""))


def _filled_tokens(snapshot: Snapshot) -> set[str]:
    return {
        element.text for element in snapshot.elements if element.role == "token" and element.checked
    }


def _path(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]
