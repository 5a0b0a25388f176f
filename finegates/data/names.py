"""Names by which columns are known: texts, second texts, labels."""

import re

_TEXTS = (
    "text sentence sentence1 review content message comment body document premise question "
    "question1 text1 text_a query title comment_text tweet utterance description abstract"
)
PAIR_NAMES = {
    "sentence1": "sentence2",
    "premise": "hypothesis",
    "question1": "question2",
    "question": "sentence passage context answer",
    "text1": "text2",
    "text_a": "text_b",
    "query": "document passage",
}
_LABELS = (
    "label labels gold_label class category intent department topic target score rating stars "
    "sentiment emotion is_duplicate similarity kategorie klasse y"
)
_PROMPTS = "prompt instruction question query input user request source"
_ANSWERS = "answer response completion output reply assistant target chosen"
TEXT_NAMES, LABEL_NAMES = _TEXTS.split(), _LABELS.split()
PROMPT_NAMES, ANSWER_NAMES = _PROMPTS.split(), _ANSWERS.split()
MESSAGES_NAMES = ["messages", "conversations", "conversation", "chat", "dialog"]
"""The likeliest first; in `PAIR_NAMES` as well, parted by blanks."""
SPLIT_NAMES = ("split", "set", "fold", "partition", "subset", "part", "dataset")
OTHER_NAMES = ("id", "idx", "index", "uuid", "date", "name", "url", "lang", "language", "source")
TEXT_WORDS = {*TEXT_NAMES}
LABEL_WORDS = {*LABEL_NAMES, "dept", "tag", "type", "kind", "genre", "polarity", "price", "grade"}
SECOND_NAMES = {name for names in PAIR_NAMES.values() for name in names.split()}
KNOWN = {*TEXT_NAMES, *LABEL_NAMES, *SPLIT_NAMES, *OTHER_NAMES, *SECOND_NAMES}
"""Cells of a first row that say that it is a header."""


def name_words(name: object) -> set[str]:
    """The words in a column's name, in small letters: ``IssueType_id`` is issue, type and id."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", str(name))
    return {*re.split(r"[\W_]+", parted.lower())} - {""}
