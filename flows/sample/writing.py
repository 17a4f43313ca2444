"""From the phrase bank to texts. A text that repeats more than a third of an earlier one is not written at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from duluan.model import Sentiment
from flows.sample.grammar import Wordings, expand, some
from flows.sample.stories import Common, Story, TopicBank

LIMIT = 0.32  # containment; the product's reprint finder folds above .35, and counts on redacted text
TRIES = 40


@dataclass(frozen=True, slots=True)
class Draft:
    """Title (empty for posts and comments) and paragraphs."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The body, a line a paragraph."""
        return "\n".join(self.paragraphs)


class Writer:
    """Writes new texts; remembers all it has written."""

    def __init__(self, common: Common, topics: dict[str, TopicBank], rng: Random) -> None:
        self._common, self._topics, self._rng = common, topics, rng
        self._said = Wordings()
        self._unsaid: dict[tuple[str, Sentiment], list[str]] = {}

    def news(self, story: Story) -> Draft | None:
        """An article; None where all that the bank can say of the story has been said."""
        return self._fresh(lambda: self._article(story))

    def post(self, story: Story) -> Draft | None:
        """A Page's post."""
        return self._fresh(lambda: self._post(story))

    def comment(self, story: Story, tone: Sentiment) -> Draft | None:
        """What a reader answers."""
        return self._fresh(lambda: self._comment(story, tone))

    def reprint(self, story: Story, *, part: int | None = None) -> Draft:
        """The story's one text as an agency would send it; `part` keeps only the first paragraphs."""
        paragraphs = (story.lead[0], *story.news)
        return Draft(story.title[0], paragraphs[:part])

    def _fresh(self, write: Callable[[], Draft]) -> Draft | None:
        for _ in range(TRIES):
            draft = write()
            whole = f"{draft.title}\n{draft.text}"
            if self._said.overlap(whole) <= LIMIT:
                self._said.add(whole)
                return draft
        return None

    def _article(self, story: Story) -> Draft:
        rng = self._rng
        title = self._say(story, rng.choice(story.title))
        body = [rng.choice(story.lead), *some(story.news, rng.choice((1, 2, 2, 3)), rng)]
        body += some(
            (*self._topics[story.topic].press, *self._common.report.of(story.tone)), rng.choice((1, 1, 2)), rng
        )
        return Draft(title, tuple(self._say(story, sentence) for sentence in body))

    def _post(self, story: Story) -> Draft:
        rng = self._rng
        own = [*some(story.post, rng.choice((1, 1, 2)), rng)]
        # A Page speaks up only where somebody has to answer; of other bad news it just tells.
        shared = self._common.page.of("neu" if story.tone == "neg" and not story.grievance else story.tone)
        roll = rng.random()
        parts = own if roll < 0.5 else [rng.choice(own), rng.choice(shared)] if roll < 0.75 else [rng.choice(shared)]
        if rng.random() < 0.5:
            parts = [*parts, rng.choice(self._common.ask)]
        if story.role != "everyday" or rng.random() < 0.75:  # Pages of local news open with a headline
            headline = self._say(story, rng.choice(story.title))
            parts = [headline if headline[-1] in "?!" else f"{headline}.", *parts]
        return Draft("", (" ".join(self._say(story, part) for part in parts),))

    def _comment(self, story: Story, tone: Sentiment) -> Draft:
        rng, parts = self._rng, self._core(story, tone)
        glad_of_bad_news = tone == "pos" and story.tone == "neg"  # "Vui lây!" would not do
        if rng.random() < 0.22 and not glad_of_bad_news:
            parts = [rng.choice(self._common.opener.of(tone)), *parts]
        if rng.random() < 0.22 and not glad_of_bad_news:
            parts = [*parts, rng.choice(self._common.closer.of(tone))]
        return Draft("", (_as_typed(" ".join(self._say(story, part) for part in parts), rng),))

    def _core(self, story: Story, tone: Sentiment) -> list[str]:
        """The matter itself: a sentence of the story or one that fits any story of its kind, or two of them."""
        rng = self._rng
        own, shared = story.voices.of(tone), self._shared(story, tone)
        first = rng.choice(own if rng.random() < 0.62 or not shared else shared)
        if rng.random() < 0.2:
            second = rng.choice(own)
            return [first, second] if second != first else [first]
        return [first]

    def _shared(self, story: Story, tone: Sentiment) -> tuple[str, ...]:
        """Sentences for any story of this kind: grievances and good news have their own."""
        common = self._common
        if tone == "neg" and story.grievance:
            return common.grievance.neg + common.voice.neg[:2]
        if tone == "pos":  # of bad news only its own good sides are praised
            return common.voice.pos + common.praise.pos if story.tone == "pos" else ()
        return common.voice.of(tone)

    def _say(self, story: Story, phrase: str) -> str:
        return expand(phrase, {**story.slots(), "vat": self._rng.choice(story.about)}, self._rng)


def _as_typed(text: str, rng: Random) -> str:
    """Some people type without capitals or a full stop, a few shorten "không"."""
    roll = rng.random()
    if roll < 0.12:
        text = text[:1].lower() + text[1:]
    if roll < 0.25:
        text = text.removesuffix(".")
    if roll < 0.05:
        text = text.replace(" không ", " ko ").replace(" được ", " đc ")
    return text
