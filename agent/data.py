"""The records that travel from the page to the outcome, and the actions that ask for them.

    Page ──look──▶ Snapshot ──find──▶ Widget ──capture──▶ Picture ──split──▶ Grid
                                        │ instruction                          │
                                        └───read────▶ Target ──────score───────┤
    Outcome ◀──── Attempt ◀──verify── clicks ◀──click── Decision ◀──decide── Probabilities

Every record is frozen; a stage is a function from one record to the next. Lengths end in `_px`
(pixels of a picture) or `_css` (CSS pixels of the page); times end in `_s`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: shape (height, width, 3), RGB."""

Probabilities = NDArray[np.float32]
"""One number a tile, shape (n,), each in [0, 1]."""

THRESHOLD = 0.5
"""A tile at least as likely as that is chosen, where no policy says otherwise."""

Kind = Literal["tiles", "picture", "reference"]
Result = Literal[
    "accepted", "next_round", "rejected", "expired", "blocked", "server_error", "navigation_lost",
    "unknown", "error", "reloaded",
]  # fmt: skip
"""What came of an answer; of a challenge that was exchanged unanswered, "reloaded"."""

Status = Literal["solved", "unsolved", "refused", "error"]
Rule = Literal["threshold", "count", "one", "likeliest", "none"]
"""What chose the tiles: all at or above the threshold; as many as the instruction says; the one
that it asks for; the likeliest, as something must match; none, as the instruction allows it."""
Step = Literal["submit", "reload", "stop"]
"""What follows a decision: its answer is given, another challenge is asked for, or neither."""

MOST_CONTRASTS = 3
"""Contrast concepts that are kept of each tile."""


def tile_numbers(tiles: Iterable[int]) -> str:
    """Tiles as people read them: counted from 1, in order."""
    return ", ".join(str(tile + 1) for tile in sorted(tiles)) or "none"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; left, top, width and height in one unit (CSS pixels or picture pixels)."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def center(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        return self.width * self.height

    def overlap(self, other: Box) -> float:
        """The area that both boxes cover."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(width, 0.0) * max(height, 0.0)

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def scaled(self, factor: float) -> Box:
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)

    def grown(self, margin: float) -> Box:
        """The box with `margin` more on each side, but not beyond the page's corner."""
        x, y = max(self.x - margin, 0.0), max(self.y - margin, 0.0)
        return Box(x, y, self.right + margin - x, self.bottom + margin - y)


# --- what the page shows ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Element:
    """One thing that the page shows; `box` in CSS pixels of the whole page (not the viewport).

    `role` is one of image, canvas, background, button, checkbox, radio, link, slider, audio,
    input, token, text, status. `id` and `frame` together name the element until the next look.
    `parent` is the id of the control around it. `checked` is the state of a checkbox or of the
    control around a picture; for a token (a hidden field) it says whether the field holds a
    value. A picture that is not `loaded` may still come, unless it has `failed`. `source` is a
    fingerprint of a picture's address, good only for telling that it changed. `layer` is 0 for
    what scrolls with the page, else the number of what lies over it; `covered` says that another
    layer lies over this element. `tone` is "good" for a text in green and "bad" for one in red.
    `submits` says that it is the button of a form, `form` in which form of the frame it stands (0:
    in none). `parts` are those that a widget file takes it for.
    """

    id: int
    frame: int
    role: str
    box: Box
    text: str = ""
    parent: int = -1
    checked: bool | None = None
    disabled: bool = False
    loaded: bool = True
    failed: bool = False
    clickable: bool = False
    submits: bool = False
    form: int = 0
    layer: int = 0
    covered: bool = False
    source: str = ""
    tone: str = ""
    bold: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the page: its address and where its content lies, in CSS pixels of the page.

    `number` is that of the elements in it; `keys` are the values of `data-…key` attributes and
    `scripts` the addresses of scripts, by which vendors' widgets are known.
    """

    url: str
    box: Box
    number: int = 0
    keys: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer of the site's server with HTTP status 429 or 5xx: to a page, or to what was sent.

    `path` is the address's; `retry_after_s` is how long it asks to wait, where it does.
    """

    status: int
    path: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look at the page saw: every visible element of every frame in reach.

    `matched` says whether the selector that the look was asked to try matches a visible element.
    `dialogs` is what the page's alerts have said since the look before; they are closed.
    `document` is another number for each document that was loaded, `status` its HTTP status (0
    where the browser does not tell). `failures` are all since the driver began. `pending` says
    whether calls that the last click or key had the page make are still unanswered. `grid` are
    rows and columns as a widget file gives them.
    """

    url: str
    title: str
    elements: tuple[Element, ...]
    frames: tuple[Frame, ...]
    width_css: float
    height_css: float
    scale: float = 1.0
    matched: bool = False
    dialogs: tuple[str, ...] = ()
    document: float = 0.0
    status: int = 0
    failures: tuple[Failure, ...] = ()
    pending: bool = field(default=False, compare=False)
    grid: tuple[int | None, int | None] = (None, None)

    def __hash__(self) -> int:
        # Asked for by each look-up of what was found in it, which all elements would slow down.
        return hash((self.url, self.document, len(self.elements)))


@dataclass(frozen=True, slots=True)
class Widget:
    """The captcha found in a Snapshot.

    `area` is the box of all tiles together. Where the page has single pictures, `tiles` are they,
    row by row, `rows` and `cols` their number; else `picture` is the one that holds them and they
    are known from pixels alone. `controls` are the checkboxes, radio buttons or buttons of the
    tiles, one each, or none. `emphasis` are the words of the instruction that the page shows in
    bold; `sample` is the picture that stands in the place of a word.
    """

    kind: Kind
    instruction: str
    area: Box
    tiles: tuple[Element, ...] = ()
    rows: int | None = None
    cols: int | None = None
    picture: Element | None = None
    controls: tuple[Element, ...] = ()
    emphasis: tuple[str, ...] = ()
    sample: Element | None = None
    submit: Element | None = None
    reload: Element | None = None
    skip: Element | None = None
    evidence: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Element, ...]:
        """All that must have loaded before it can be answered."""
        single = (element for element in (self.picture, self.sample) if element is not None)
        return (*self.tiles, *single)

    @property
    def anchors(self) -> tuple[Element, ...]:
        """What to scroll into view: the first and the last picture, and one in the middle."""
        if not self.tiles:
            return (self.picture,) if self.picture else ()
        return self.tiles[0], self.tiles[-1], self.tiles[len(self.tiles) // 2]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a page shows where a captcha is looked for, and why it is taken for that.

    `opener` is what is clicked to have the pictures shown; `solved` a captcha that was passed
    before; `unsupported` one of a kind that is not solved.
    """

    what: Literal["widget", "opener", "solved", "unsupported", "nothing"]
    reason: str = ""
    widget: Widget | None = None
    opener: Element | None = None

    @property
    def is_words(self) -> bool:
        """Whether the opener is but a text, which stays there when the captcha is solved."""
        return self.opener is not None and self.opener.role == "text"


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot of `box` (CSS pixels of the page) with `scale` picture pixels to a CSS pixel."""

    pixels: Pixels = field(repr=False, compare=False)
    box: Box
    scale: float

    def to_css(self, box_px: Box) -> Box:
        """Where a box of this picture lies on the page."""
        return box_px.scaled(1 / self.scale).moved(self.box.x, self.box.y)

    def from_css(self, box: Box) -> Box:
        """Where a box of the page lies in this picture, as far as the picture goes."""
        x, y = max(box.x, self.box.x), max(box.y, self.box.y)
        right, bottom = min(box.right, self.box.right), min(box.bottom, self.box.bottom)
        seen = Box(x, y, max(right - x, 0.0), max(bottom - y, 0.0))
        return seen.moved(-self.box.x, -self.box.y).scaled(self.scale)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a picture; `box` in pixels of the picture, `confidence` in [0, 1]."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of a picture: `boxes` row by row in picture pixels; `confidence` in [0, 1]."""

    rows: int
    cols: int
    boxes: tuple[Box, ...]
    confidence: float = 1.0
    gutter_px: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """What an instruction asks for.

    `concept` is the noun in singular ("fire hydrant"), empty when a reference picture is asked
    for; `wanted` is False for "everything except"; `many` is False for "click the key"; `count`
    is how many tiles the instruction asks for, where it says so.
    """

    concept: str
    instruction: str
    wanted: bool = True
    many: bool = True
    none_allowed: bool = False
    squares: bool = False
    reference: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """What a tile may show instead of what is asked for, and how likely that is.

    Over the whole vocabulary, these and the tile's own probability (seen alone) sum to 1.
    """

    concept: str
    probability: float


Contrasts = tuple[tuple[Contrast, ...], ...]
"""For each tile its likeliest contrast concepts, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How likely each tile matches, shape (n,), seen alone and with both cases equally likely.

    `judgements` (n,) says which of them stand or fall together: squares of one thing carry its
    number, every other tile a number of its own, and squares that show no thing at all -1.
    `contrasts` is empty where the scorer knows of none.
    """

    probabilities: Probabilities = field(compare=False)
    judgements: NDArray[np.int64] = field(compare=False)
    contrasts: Contrasts = ()

    @classmethod
    def apart(cls, probabilities: Probabilities, contrasts: Contrasts = ()) -> Scores:
        """Tiles that are judged one by one."""
        return cls(probabilities, np.arange(len(probabilities)), contrasts)


@dataclass(frozen=True, slots=True)
class Decision:
    """Which tiles to click. `confidence` is the estimated probability that all of it is right.

    `probabilities` (n,) are those of matching the concept, given all the other tiles; `alone` (n,)
    those of each tile by itself. `rule` says what chose.
    """

    probabilities: Probabilities = field(compare=False)
    selected: tuple[int, ...]
    confidence: float
    threshold: float
    target: Target | None = None
    rule: Rule = "threshold"
    alone: Probabilities | None = field(default=None, compare=False, repr=False)
    contrasts: Contrasts = field(default=(), repr=False)


# --- what is asked of the driver and of the scorer ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """Take a Snapshot, trying `selector` (CSS) where one is given. Answer: Snapshot."""

    selector: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """Screenshot a box of the page, scrolled into view. Answer: Picture."""

    box: Box


@dataclass(frozen=True, slots=True)
class Click:
    """Click a point of the page, given in CSS pixels, after scrolling it into view.

    With `element`, click that element itself (where a point did not do). Answer: None.
    """

    x_css: float
    y_css: float
    element: Element | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """Focus an element and press a key (`Space`, `Enter`) on it. Answer: None."""

    element: Element
    key: str


@dataclass(frozen=True, slots=True)
class Reveal:
    """Scroll so that the elements (of one frame) can be seen, where they can't be yet.

    The last one goes to the middle of the view. Answer: whether anything was scrolled.
    """

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Enlarge:
    """Make a window of less than `least_css` pixels as tall as `height_css`: what lies over the
    page and is taller than the window then fits.

    It gets its own size back in the end. Answer: whether it is taller now.
    """

    least_css: float
    height_css: float


@dataclass(frozen=True, slots=True)
class Describe:
    """Have a CSS selector for elements of one frame. Answer: str."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let `seconds` pass. Answer: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Visit:
    """Load an address of this site (again). Answer: None."""

    url: str


@dataclass(frozen=True, slots=True)
class Score:
    """Score tiles (or the squares of one picture) against a target, or against a sample.

    Answer: Scores.
    """

    picture: Picture
    grid: Grid
    target: Target
    sample: Picture | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Read what is painted into a picture. Answer: tuple[Line, ...], None where nothing reads."""

    picture: Picture


@dataclass(frozen=True, slots=True)
class Show:
    """Show whoever watches the browser what was decided, over the page. Answer: None.

    Without a decision, what was shown goes away.
    """

    picture: Picture | None = None
    grid: Grid | None = None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell whoever watches what is going on. Answer: None."""

    text: str


Action = (
    Look
    | Capture
    | Click
    | Press
    | Reveal
    | Enlarge
    | Describe
    | Wait
    | Visit
    | Score
    | Read
    | Show
    | Tell
)


@dataclass(frozen=True, slots=True)
class Request:
    """What the flow asks for: an action, to be cut short where it takes longer than `within_s`."""

    action: Action
    within_s: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What came of an action; `now_s` is a clock that only goes forward, `took_s` its cost.

    `error` is set, and `value` None, when the page did not let the action happen (an element
    that went away, a frame that was replaced), or it was cut short: that is data for the flow, not
    an exception.
    """

    value: Any
    now_s: float
    took_s: float = 0.0
    error: str = ""


# --- what came of it ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the page said after an answer, and by what it was known.

    One that is not `sure` holds only if the page goes on to say nothing else. `retry_after_s` is
    how long the site asks to wait, where it does.
    """

    result: Result
    reason: str
    sure: bool = True
    retry_after_s: float | None = None


STAGES = ("find", "capture", "split", "score", "click", "verify")


@dataclass(frozen=True, slots=True)
class Round:
    """What was shown and decided before other pictures took the places of those clicked."""

    picture: Picture = field(repr=False, compare=False)
    decision: Decision
    clicked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer, or one challenge that was exchanged for another instead of answered.

    `selected` are all tiles that were chosen; `decision` is the last one, on what `picture` shows,
    `rounds` are those before it. `widget` is what the finder took for the captcha, `sample` the
    picture that it asks for; `step` is what the policy had follow the decision.
    """

    instruction: str
    kind: Kind
    grid: tuple[int, int]
    boxes: tuple[Box, ...]
    probabilities: tuple[float, ...]
    selected: tuple[int, ...]
    threshold: float
    confidence: float
    result: Result
    reason: str
    seconds: dict[str, float]
    picture: Picture | None = field(default=None, repr=False, compare=False)
    after: Picture | None = field(default=None, repr=False, compare=False)
    sample: Picture | None = field(default=None, repr=False, compare=False)
    widget: Widget | None = field(default=None, repr=False)
    decision: Decision | None = field(default=None, repr=False)
    rounds: tuple[Round, ...] = field(default=(), repr=False)
    step: Step = "submit"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a solve went: the status, why, and every attempt.

    `rules` is the policy in force as plain data, every default filled in.
    """

    status: Status
    reason: str
    url: str
    seconds: float
    model: str
    policy: str
    attempts: tuple[Attempt, ...] = ()
    rules: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def solved(self) -> bool:
        return self.status == "solved"

    def save(self, folder: str) -> str:
        """Write the report (JSON, pictures, one HTML page) to `folder`; return the page's path."""
        from agent.report import save  # the report draws with Pillow, which solving does not need

        return str(save(self, folder))
