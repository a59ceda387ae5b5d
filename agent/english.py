"""An English instruction → Target, by the phrases of `instruction.yaml`.

The noun is what follows "containing" and the like, else what follows the verb; a noun that no
concept has is asked for as it stands, in singular.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from agent import concepts, phrases
from agent.data import Target

_LONGEST = 150  # characters; what is longer is no instruction
_ONE_TILE = re.compile(
    r"\b(?:the|one|an?|which) (?:\w+ )?(?:image|picture|photo|tile|icon|drawing)\b|\bone of these\b"
)
_SEVERAL = re.compile(
    r"\bwhich of (?:these|those|them) "
    r"(?:show|contain|have|feature|depict|include|display|are|do|don't)\b"
)
_CHOSEN_FROM = re.compile(r"\b(?:of|from|among) (?:these|those|the) \w+")  # "one of these five"
_AFTERWARDS = re.compile(r"\band (?:you|your|you're|you'll|we|we'll|i|it|it'll) [^.!?;:]*")
_OF_IT = re.compile(r"(?:it|this|they|these|your?)\b(?! (?:should|must|need|have to|has to|can))")
_ASIDE = re.compile(r" ?\([^()]*\)")
_CLAUSE_ENDS = re.compile(r"[.!?;,:()]")
_PARTS = re.compile(r",? by (?=\w+ing )| (?=please )|[.:;!?,\]\u2013\u2014\u2026] ")
# Who is asked, with or without a comma: "To prove that you are not a robot select ..."
_VISITOR = re.compile(
    r"(?:\bso (?:that )?we (?:know|can tell) (?:that )?|"
    r"\b(?:to )?(?:prove|verify|confirm|show|make sure|ensure|check) (?:us )?(?:that )?)?"
    r"\b(?:you|i)(?: are|'re| am|'m)?(?: not|n't)? (?:an? )?(?:real )?"
    r"(?:robot|bot|machine|computer|spammer|human being|human|person)\b"
    r"(?:,? (?:and )?not (?:an? )?(?:robot|bot|machine|computer)\b)?"
)
_FEW_WORDS = 5  # behind the verb
_BEFORE = 2  # words of a verb: "please do not click"
_MOST_WORDS = 3  # of a thing's name


def read(text: str, emphasis: Sequence[str] = ()) -> Target | None:
    """What a cleaned English `text` asks for; None where it names nothing.

    `emphasis` are the words that the page shows in bold.
    """
    sentence = _without_rest(_without_visitor(text.lower()))
    if phrases.has(sentence, "reference"):
        return Target("", text, reference=True)
    if _noun_phrase(outside := _without_asides(sentence))[0]:
        sentence = outside
    main, none_allowed = _without_none_clause(_asking(sentence) or sentence)
    bold = _from_emphasis(main, emphasis) or _from_emphasis(sentence, emphasis)
    if bold and bold[1] not in main and not _known(bold[0]):
        bold = None  # a heading, or a name
    phrase, before = bold or _noun_phrase(main)
    stands_for = phrases.has(main, "pronouns") and not _known(phrase)
    named = _named(sentence) if not phrase or stands_for else ("", "")
    if named[0]:
        phrase, before = named
        none_allowed |= phrases.has(sentence, "none")
    concept, count = _counted(phrase, before)
    if not concept:
        return None
    singular = phrases.singular(concept)
    squares = phrases.has(main if stands_for else before, "squares")
    every = phrases.has(before, "every") or phrases.has(sentence.partition(concept)[2], "every")
    every = every or phrases.has(before, "of_each")  # "Is there a cat in the picture?"
    every = every or (none_allowed and phrases.has(sentence, "repeated"))
    several = _SEVERAL.search(before) is not None
    rest = main.partition(concept)[2]
    # "Rocket choose the pictures"
    behind = not before.strip() and phrases.has(rest, "verbs") and _several_tiles(rest)
    # "Category: rabbit" says nothing of how many.
    labelled = before.rstrip().endswith(":") and not phrases.has(before, "verbs")
    many = _names_tiles(before) or every or several or behind or labelled or singular != concept
    if not squares and _ONE_TILE.search(before):
        many = every
    return Target(
        concept=singular,
        instruction=text,
        wanted=not phrases.has(_last_part(before), "negations"),
        many=many if count is None else count > 1,
        none_allowed=none_allowed,
        squares=squares and not _several_tiles(before),
        count=count,
    )


def likeness(text: str) -> float:
    """How much a cleaned text looks like an English instruction, in [0, 1]."""
    if len(text) > _LONGEST:
        return 0.0
    whole = _without_visitor(text.lower())
    sentence = _without_rest(whole)
    asking = _asking(sentence)
    chosen = sentence != whole and phrases.has(sentence, "every")  # "Feed every cat, not the rest"
    # "Two pictures show the same as the sample. Pick those two."
    compares = asking and _names_tiles(sentence) and phrases.has(sentence, "reference")
    hint = _hinted(sentence)
    if hint and chosen:
        hint += 0.3
    return max(_asked(asking), hint, 0.6 if compares else 0.0)


def _hinted(sentence: str) -> float:
    """The same of a text that asks in no words that are known, by the one thing that it names."""
    sentence = _AFTERWARDS.sub("", sentence)
    named, before = _named(sentence)
    if not named or _of_a_page(sentence) or phrases.has(sentence, "leads"):
        return 0.0
    tiles = _names_tiles(sentence)
    counted = _number().fullmatch(before.split()[-1]) if before.split() else None
    every = phrases.has(sentence, "every") or counted is not None
    verb = phrases.has(sentence, "verbs")
    # "Current category: rabbits"
    label = before.rstrip().endswith(":")
    labelled = label and sentence.rstrip(" .!").endswith(named)
    asks = "?" in sentence or verb or labelled or phrases.has(sentence, "just")
    passive = every and phrases.has(sentence, "passives")
    plainly = passive or (verb and phrases.has(sentence, "pronouns"))
    tasked = label and phrases.has(before, "tasks")
    hint = 0.2 + 0.1 * tiles + 0.1 * every + 0.3 * plainly + 0.2 * tasked
    return hint if tiles or every or asks else 0.0


def _asked(sentence: str) -> float:
    """The same of a text from the verb by which it asks."""
    if not sentence:
        return 0.0
    if phrases.has(sentence, "reference"):
        return 0.9
    if phrases.has(sentence, "unsupported"):
        return 0.6  # it is a captcha all the same: reading it says what is not supported
    phrase, before = _noun_phrase(_without_none_clause(sentence)[0])
    if _of_a_page(f"{before} {phrase}") or phrases.has(sentence, "leads"):
        return 0.0
    concept, _ = _counted(phrase, before)
    if not concept:
        return 0.0
    pictures = _names_tiles(sentence)
    known = _known(concept)
    containing = phrases.has(phrases.pattern("verbs").sub("", sentence, count=1), "containing")
    every = phrases.has(sentence, "every")
    score = 0.45 * pictures + 0.3 * known + 0.15 * every + 0.1 * containing
    # "Click the key": a known thing and hardly a word more.
    complete = pictures and (known or every or containing)
    clause = re.split(r"[.:;!?,] | and | to | below\b| above\b", sentence)[0]
    verb = phrases.pattern("verbs").match(clause)
    after = clause[verb.end() :] if verb else clause
    short = known and len(after.split()) <= _FEW_WORDS
    return min(score + (0.25 if complete or short else 0.0), 1.0)


def _known(phrase: str) -> bool:
    colour, _, noun = phrase.partition(" ")
    named = noun if noun and colour in phrases.data()["colours"] else phrase
    return concepts.is_known(phrases.singular(named))


def _of_a_page(sentence: str) -> bool:
    """Whether it asks as other pages do; a verb's own "your" says nothing of that, nor does that of
    "your task".
    """
    sentence = phrases.pattern("tasks").sub(" ", sentence)
    verb = phrases.pattern("verbs").search(sentence)
    own = range(verb.start(), verb.end()) if verb else range(0)
    found = phrases.pattern("interface").finditer(sentence)
    return any(match.start() not in own or match.end() - 1 not in own for match in found)


def unsupported(text: str) -> str:
    """The words by which `text` asks for something else than pictures of one thing, or ""."""
    found = phrases.pattern("unsupported").search(text.lower())
    return found.group() if found else ""


def begins_to_ask(text: str) -> bool:
    """Whether a cleaned text begins with the verb by which it asks."""
    return phrases.pattern("verbs").match(text.lower()) is not None


def wants_all(text: str) -> bool:
    """Whether a text asks for all of what it need not name: "Select all, then Post"."""
    return _all_of_it().search(text.lower()) is not None


@cache
def _all_of_it() -> re.Pattern[str]:
    return re.compile(f"{phrases.pattern('verbs').pattern} {phrases.pattern('every').pattern}")


def share(text: str) -> float:
    """The share of the words of `text` that English instructions are made of."""
    found = re.findall(r"[^\W\d_]+", text.lower())
    return sum(word in phrases.own_words() for word in found) / max(len(found), 1)


def _asking(sentence: str) -> str:
    """The sentence from where it asks: from the verb at the start of a part of it, else "".

    "To prove you are not a robot, select ..." is to say nothing about what is asked for.
    """
    parts = _PARTS.finditer(sentence)
    starts = [0, *(match.end() for match in parts)]
    courtesy = phrases.courtesy()
    asking = []
    for start in starts:
        polite = courtesy.match(sentence, start)
        if phrases.pattern("verbs").match(sentence, polite.end() if polite else start):
            asking.append(sentence[start:])
    first_part = (re.split(r"[.:;!,] ", part)[0] for part in asking)
    pictures = [_names_tiles(part) for part in first_part]
    return asking[pictures.index(True)] if True in pictures else (asking or [""])[0]


def _without_visitor(sentence: str) -> str:
    """The sentence without what it says of the one who reads it."""
    return _VISITOR.sub(",", sentence)


def _without_rest(sentence: str) -> str:
    """The sentence without what is to be done with all else: "and leave the rest lying"."""
    match = phrases.pattern("rest").search(sentence)
    if match is None:
        return sentence
    end = _CLAUSE_ENDS.search(sentence, match.end())
    return sentence[: match.start()].rstrip(" ,").removesuffix(" and") + (
        sentence[end.start() :] if end else ""
    )


def _without_asides(sentence: str) -> str:
    """The sentence without what it says in brackets that is not meant: "(not the computer's)"."""
    return _ASIDE.sub(
        lambda aside: "" if phrases.has(aside.group(), "negations") else aside.group(), sentence
    )


def _without_none_clause(sentence: str) -> tuple[str, bool]:
    match = phrases.pattern("none").search(sentence)
    if match is None:
        return sentence, False
    # "Click verify once there are none left" belongs to the clause, not to what is asked for.
    cut = max(sentence.rfind(mark, 0, match.start()) for mark in ".!;,:")
    return (sentence[: cut if cut > 0 else match.start()], True)


def _from_emphasis(sentence: str, emphasis: Sequence[str]) -> tuple[str, str] | None:
    for emphasised in emphasis:
        bold = _without_articles(emphasised.lower().strip(" .,:;!?"))
        at = sentence.find(bold) if bold else -1
        if at > 0 and not _only_function_words(bold):
            return bold, sentence[:at]
    return None


def _counted(phrase: str, before: str) -> tuple[str, int | None]:
    """The noun phrase without a number before it, and how many tiles are asked for.

    In "images with two dogs" the number is one of dogs, not of tiles; in "one of these five", of
    all tiles.
    """
    verb = phrases.pattern("verbs").search(before)
    asked = _CHOSEN_FROM.sub(" ", before[verb.start() if verb else 0 :])
    number = _number()
    tiles = _names_tiles(asked)
    at_start = None if tiles else number.match(phrase)
    if at_start is not None:
        phrase = phrase[at_start.end() :].strip()
    found = number.findall(asked) + ([at_start.group()] if at_start else [])
    if not found:  # "Two of these show a cat: click them"
        found = re.findall(rf"({number.pattern}) of (?:these|those|the)\b", before)
    if len(found) != 1 or phrases.has(asked, "least"):
        return phrase, None
    return phrase, int(phrases.data()["numbers"].get(found[0], found[0]))


@cache
def _number() -> re.Pattern[str]:
    """A number of tiles, from two on."""
    words = "|".join(phrases.data()["numbers"])
    return re.compile(rf"(?<![\w'-])(?:{words}|[2-9]|[12]\d|3[0-6])(?![\w'-])")


def _only_function_words(rest: str) -> bool:
    for kind in ("verbs", "tiles", "squares", "every", "articles", "negations", "containing"):
        rest = phrases.pattern(kind).sub(" ", rest)
    return not rest.strip()


def _noun_phrase(sentence: str) -> tuple[str, str]:
    """The noun phrase that is asked for (without article), and the text before it."""
    verb = phrases.pattern("verbs").search(sentence)
    if verb is None:
        return "", ""
    end = re.search(r"[.!?] ", sentence[verb.end() :])
    # What "do not click" the next sentence says is not what is asked for where this one names it.
    alone = _starts(sentence[: verb.end() + end.start()], verb.end()) if end else []
    # "Choose an icon. It is shown beside your name."
    goes_on = end is not None and _OF_IT.match(sentence, verb.end() + end.end())
    for start in alone if goes_on else (*alone, *_starts(sentence, verb.end())):
        rest = sentence[start:].lstrip(" :")  # "Click: FISH"
        phrase = re.split(r"[.!?;:,()\u2013\u2014\n]", rest)[0]
        stop = phrases.pattern("stops").search(phrase)
        phrase = phrase[: stop.start()] if stop else phrase
        phrase = _without_articles(_without_glue(_without_articles(phrase.strip())))
        pictured = (
            _names_tiles(sentence[verb.end() : start]) and phrase in phrases.data()["also_things"]
        )
        if phrase and (pictured or not _only_function_words(phrase)):
            return phrase, sentence[: sentence.index(phrase, start)]
    return "", ""


def _without_glue(phrase: str) -> str:
    """The phrase without what only ties it into its sentence: "where a bus can be seen" → "bus"."""
    if concepts.entry(phrases.singular(phrase)) is not None:
        return phrase
    glue, parts = phrases.data()["glue"], phrase.split()
    inside = [i for i, word in enumerate(parts) if word not in glue]
    return " ".join(parts[inside[0] : inside[-1] + 1]) if inside else phrase


def _named(sentence: str) -> tuple[str, str]:
    """The one thing of the vocabulary that a sentence names, and the text before it; else ""."""
    parts = list(re.finditer(r"[a-z]+(?:['-][a-z]+)*", sentence))
    found: dict[str, tuple[str, str]] = {}
    at = 0
    while at < len(parts):
        for count in range(min(_MOST_WORDS, len(parts) - at), 0, -1):
            start, end = parts[at].start(), parts[at + count - 1].end()
            thing = concepts.entry(phrases.singular(sentence[start:end]))
            if thing is not None and _is_thing(sentence[start:end]):
                found.setdefault(thing.name, (sentence[start:end], sentence[:start]))
                at += count - 1
                break
        at += 1
    meant = [name for name in concepts.meant(found) if name not in concepts.VISITORS]
    return found[meant[0]] if len(meant) == 1 else ("", "")


def _is_thing(phrase: str) -> bool:
    """Whether it is no word of the sentence's own: "can", "mark", "fish out"."""
    return phrase not in phrases.data()["glue"] and not _only_function_words(phrase)


def _several_tiles(sentence: str) -> bool:
    return any(match.group().endswith("s") for match in phrases.pattern("tiles").finditer(sentence))


def _names_tiles(sentence: str) -> bool:
    return phrases.has(sentence, "tiles") or phrases.has(sentence, "squares")


def _starts(sentence: str, verb_end: int) -> list[int]:
    """Where the noun phrase may start, the best guess first."""
    kinds = [*phrases.pattern("tiles").finditer(sentence, verb_end)]
    kinds += [*phrases.pattern("squares").finditer(sentence, verb_end)]
    first = min((match.end() for match in kinds), default=verb_end)
    containing = [match.end() for match in phrases.pattern("containing").finditer(sentence, first)]
    negated = [match.end() for match in phrases.pattern("negations").finditer(sentence, verb_end)]
    starts = [*containing[:1], *negated[-1:]] if containing or negated else []
    if containing and negated and negated[-1] > containing[0]:
        starts = [negated[-1], containing[0]]
    # "Select squares: traffic light"
    at_once = [first] if not kinds or sentence.startswith(":", first) else []
    return [*starts, *at_once, verb_end]


def _without_articles(phrase: str) -> str:
    while True:
        shorter = (
            phrases.pattern("articles").sub("", phrase, count=1)
            if phrases.pattern("articles").match(phrase)
            else phrase
        )
        shorter = re.sub(r"^[\s'-]+", "", shorter)
        for kind in ("tiles", "squares", "containing", "negations"):
            match = phrases.pattern(kind).match(shorter)
            if match and match.end() < len(shorter):
                shorter = shorter[match.end() :].strip()
        if shorter == phrase:
            return phrase.strip(" '-")
        phrase = shorter


def _last_part(before: str) -> str:
    """The part of a sentence that a noun stands in: what is "no bot" stands in another, what is
    "without an account, please mark" before the verb.
    """
    part = re.split(r"[.!?;:]|,? so | by (?=\w+ing )", before)[-1]
    verb = phrases.pattern("verbs").search(part)
    lead = part[: verb.start()].split()[-_BEFORE:] if verb else []
    return " ".join([*lead, part[verb.start() :]]) if verb else part
