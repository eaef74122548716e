"""Translation: what is this called in French? The names of emoji, English to French, word by word.

embedded: the names that Unicode's CLDR gives to emoji, as the package `emoji` holds them. They are
labels ("woman golfing dark skin tone"), not sentences, and half of them are one of five skin tones
of another. Names with two skin tones or more than eight words are left out, and of those that look
alike once rare words are replaced by "unknown" one is kept: 2,516 pairs. What differs in skin tone,
man, woman and the like alone is in one split, so no phrase of test stands in training in either
language. Little can be learned from so few: a sixth of the test's words never occur twice in
training, and 28 percent of its phrases have no such word. What can be is the frame ("face with
...", flags, skin tones): given the words before it, the default recipe says 37 percent of the words
right (learning rate 0.003: 50), the most frequent word at each place 17, the nearest training
phrase (TF-IDF) 0.153. From the English alone, word by word (`greedy`), 0.0 to 0.8 percent of
phrases come out right to the end (`exact_match`; nearest phrase 0.000): it is no translator.
full: the 20,000 shortest sentence pairs of Tatoeba, which `keras.utils.get_file` downloads.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence

import keras
import keras_tuner
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from suite import Data, Split, Task, Techniques
from suite.packaged import packaged
from suite.splits import Rows, reaching, three_way

Pairs = Sequence[tuple[str, str]]
"""English and French phrases in lower case."""

STEPS = 8  # words of a phrase; a longer one, in either language, is left out
PADDING, UNKNOWN, START, END = range(4)
FIRST = 4  # number of the most frequent word
VOCABULARY = {"embedded": 400, "full": 2000}  # numbers of a language, `FIRST` included

URL = "http://storage.googleapis.com/download.tensorflow.org/data/fra-eng.zip"
SENTENCES = 20_000

TONE = re.compile(r" (medium-)?(light|medium|dark) skin tone| peau .*")
PEOPLE = re.compile(r"\b(wo)?m[ae]n\b|\bperson\b|\bpeople\b|\bboy\b|\bgirl\b")
LARGEST = 30  # phrases of a group that may be held out


def embedded() -> Pairs:
    """Names of emoji; those with two skin tones, 380 variations of a dozen names, are left out."""
    english, french = (
        json.loads(packaged("emoji", f"emoji/unicode_codes/{file}").read_text(encoding="utf-8"))
        for file in ("emoji.json", "emoji_fr.json")
    )
    # Status 1 and 2 are components and fully qualified emoji; the others repeat their names.
    known = [code for code, entry in english.items() if entry["status"] <= 2 and code in french]
    pairs = [(spelled(english[code]["en"]), spelled(french[code])) for code in known]
    return [pair for pair in dict.fromkeys(pairs) if pair[0].count("skin tone") < 2]


def spelled(code: str) -> str:
    """The phrase in an emoji's short code, remarks in brackets dropped, apostrophes straightened.

    >>> spelled(":chanteur_(tous_genres):")
    'chanteur'
    """
    plain = code.strip(":").replace("_", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return re.sub(r" *\(.*?\)", "", plain).strip().lower()


def full() -> Pairs:
    """The 20,000 shortest sentences of at most eight words in both languages."""
    with reaching("English and French sentences with keras.utils.get_file"):
        path = keras.utils.get_file(origin=URL)
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("fra.txt").decode("utf-8").lower().splitlines()
    pairs = dict.fromkeys(tuple(line.split("\t")[:2]) for line in lines)
    short = [pair for pair in pairs if all(len(words_of(phrase)) <= STEPS for phrase in pair)]
    return sorted(short, key=lambda pair: len(pair[0]))[:SENTENCES]


SOURCES = {
    "embedded": (embedded, "Unicode CLDR short names, by way of emoji", "Unicode License v3"),
    "full": (full, "Tatoeba, by way of manythings.org", "CC BY 2.0 FR"),
}


def words_of(phrase: str) -> list[str]:
    """Words and punctuation; an article that is cut short is a word of its own.

    >>> words_of("médaille d'or")
    ['médaille', "d'", 'or']
    """
    return re.findall(r"\w+'|[\w-]+|[^\w\s]", phrase)


def groups_of(pairs: Pairs) -> np.ndarray:
    """A number for each pair, the same for pairs that share a phrase; shape (pairs,).

    Two phrases are one if they differ in skin tone and in man, woman, person and the like alone.
    """
    nodes: dict[tuple[int, str], int] = {}
    ends = [
        [nodes.setdefault((side, base(phrase)), len(nodes)) for side, phrase in enumerate(pair)]
        for pair in pairs
    ]
    one, other = np.array(ends).T
    graph = coo_array((np.ones(len(pairs)), (one, other)), shape=(len(nodes), len(nodes)))
    return connected_components(graph, directed=False)[1][one]


def base(phrase: str) -> str:
    """The phrase without skin tone and without man, woman and the like, if anything is left."""
    plain = TONE.sub("", phrase)
    return " ".join(PEOPLE.sub("", plain).split()) or plain


def split(pairs: Pairs) -> tuple[Rows, Rows, Rows]:
    """Row numbers (train, val, test), about 60, 20 and 20 percent of the groups, in random order.

    Variations (groups of several) are equally frequent in each. The largest groups, which would
    make up a good part of any held split, stand in train.
    """
    groups, sizes = np.unique(groups_of(pairs), return_inverse=True, return_counts=True)[1:]
    place = np.zeros(len(sizes), int)
    small = np.flatnonzero(sizes <= LARGEST)
    for number, chosen in enumerate(three_way(sizes[small] > 1)):
        place[small[chosen]] = number
    order = np.random.default_rng(0).permutation(len(pairs))
    train, val, test = (order[place[groups[order]] == number] for number in range(3))
    return train, val, test


def once(whole: Split, *splits: Rows) -> list[Rows]:
    """The splits without rows that equal an earlier one, in their own split or one before it.

    Different phrases do where most of their words are unknown.
    """
    rows = np.concatenate([whole.x["source"], whole.y], axis=1)
    order = np.concatenate(splits)
    _, first = np.unique(rows[order], axis=0, return_index=True)
    return [own[np.isin(own, order[first])] for own in splits]


def vocabulary(phrases: Iterable[list[str]], size: int) -> dict[str, int]:
    """The words that occur twice at least, numbered from 4, the most frequent one first."""
    counts = Counter(word for phrase in phrases for word in phrase)
    often = [word for word, count in counts.most_common(size - FIRST) if count > 1]
    return {word: FIRST + i for i, word in enumerate(often)}


def numbered(phrases: Iterable[list[str]], number: dict[str, int]) -> list[list[int]]:
    """Each word's number, or that of an unknown one."""
    return [[number.get(word, UNKNOWN) for word in phrase] for phrase in phrases]


def padded(phrases: Iterable[Sequence[int]]) -> np.ndarray:
    """The first eight numbers of each phrase, zeros behind fewer; (phrases, 8)."""
    return np.array(
        [[*numbers[:STEPS], *[PADDING] * (STEPS - len(numbers))] for numbers in phrases], "int32"
    )


def likeliest(outputs: np.ndarray) -> np.ndarray:
    """The likeliest word or end at each place (rows, 8); (rows, 8, words) are probabilities.

    That the word is an unknown one is no answer.
    """
    return outputs[..., END:].argmax(axis=-1) + END


def token_accuracy(y: np.ndarray, outputs: np.ndarray) -> float:
    """Share of words, end included, that are said right, the right ones before them given.

    A word outside the vocabulary counts as missed.

    Args:
        y: word numbers (rows, 8), 0 behind the end.
        outputs: a probability a word (rows, 8, words).
    """
    return float((likeliest(outputs) == y)[y != PADDING].mean())


def exact_match(y: np.ndarray, said: np.ndarray) -> float:
    """Share of phrases that are right from the first word to the end; both (rows, 8).

    A phrase with a word outside the vocabulary counts as missed.
    """
    right = ((said == y) & (y != UNKNOWN)) | (y == PADDING)
    return float(right.all(axis=1).mean())


def greedy(model: keras.Model, source: np.ndarray) -> np.ndarray:
    """Translations of `source` (rows, 8), each word the likeliest after those said; (rows, 8).

    Unlike in training, nothing of the right translation is given.
    """
    previous = np.full_like(source, PADDING)
    previous[:, 0] = START
    for step in range(STEPS):
        said = likeliest(model.predict({"source": source, "previous": previous}, verbose=0))
        previous[:, step + 1 : step + 2] = said[:, step : step + 1]
    return said.astype(source.dtype)


class Translation(Task):
    """What is this called in French? Names of emoji, English to French, with attention."""

    objective = "val_accuracy"
    metric = token_accuracy
    epochs = 20

    def data(self, source: str) -> Data:
        """Word numbers: x["source"], English, x["previous"], French one step late; y, French.

        All (rows, 8), 0 is padding. An end follows each phrase of fewer than eight words.
        Vocabularies are learned on train.
        """
        load, origin, licence = SOURCES[source]
        pairs = [pair for pair in load() if all(len(words_of(one)) <= STEPS for one in pair)]
        train, val, test = split(pairs)
        english, french = ([words_of(pair[side]) for pair in pairs] for side in (0, 1))
        read, target = (
            numbered(phrases, vocabulary([phrases[i] for i in train], VOCABULARY[source]))
            for phrases in (english, french)
        )
        previous = [[START, *numbers] for numbers in target]
        whole = Split(
            {"source": padded(read), "previous": padded(previous)},
            padded([*numbers, END] for numbers in target),
        )
        train, val, test = once(whole, train, val, test)
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            trivial=shares(whole.y[train], VOCABULARY[source]),
            trivial_name="most frequent known word at each place of the training phrases",
            name="translation",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """A GRU reads the English, another one writes the French and attends to the first.

        Outputs a probability a word (rows, 8, words). Padding is left out of the loss. In the
        logged metrics, which are per place and not per word, it counts as missed and as 0: Keras
        would mask them on one backend and not on another. `units` is the width of word vectors, of
        both GRUs and of the dense layer above them.
        """
        use = Techniques(hp)
        units = hp.Int("units", 16, 64, step=16, default=32)
        words = VOCABULARY[self.source]
        source, previous = (
            keras.Input((STEPS,), dtype="int32", name=name) for name in ("source", "previous")
        )
        reader = keras.layers.GRU(units, return_sequences=True, return_state=True, **use.kernel())
        writer = keras.layers.GRU(units, return_sequences=True, **use.kernel())
        read, state = reader(keras.layers.Embedding(words, units, mask_zero=True)(source))
        # No mask here: what stands behind the end has no say in what was written before it.
        written = writer(keras.layers.Embedding(words, units)(previous), initial_state=state)
        seen = keras.layers.Attention()([written, read])
        features = keras.layers.Concatenate()([written, seen])
        for layer in use.dense(units):
            features = layer(features)
        outputs = use.output(words, "softmax")(features)
        model = keras.Model({"source": source, "previous": previous}, outputs)
        model.compile(
            use.optimizer(),
            keras.losses.SparseCategoricalCrossentropy(ignore_class=PADDING),
            metrics=[
                "accuracy",
                keras.metrics.SparseCategoricalCrossentropy(ignore_class=PADDING),
            ],
        )
        return model


def shares(y: np.ndarray, words: int) -> np.ndarray:
    """How often each known word, or the end, stands at each place of `y` (rows, 8); (8, words)."""
    counts = np.array([np.bincount(place, minlength=words) for place in y.T], float)
    counts[:, :START] = 0
    return counts / counts.sum(axis=1, keepdims=True)
