"""The words of the pocket world, for all its tasks and for the pre-training text alike."""

PEOPLE = (
    *("actor", "artist", "author", "baker", "banker", "dancer", "doctor", "farmer", "guard", "judge", "lawyer"),
    *("manager", "nurse", "painter", "pilot", "poet", "sailor", "scientist", "senator", "singer", "student"),
    *("teacher", "tourist", "waiter"),
)

# Regular verbs: the past tense is the participle too, so that active and passive share the word.
VERBS = (
    *(("helped", "assisted"), ("admired", "respected"), ("called", "phoned"), ("chased", "pursued")),
    *(("hired", "employed"), ("noticed", "spotted"), ("blamed", "accused"), ("hugged", "embraced")),
)
SYNONYM = {word: other for pair in VERBS for word, other in (pair, pair[::-1])}

CITIES = ("athens", "berlin", "cairo", "delhi", "lima", "london", "madrid", "paris", "rome", "tokyo")
PLACES = ("garden", "hotel", "library", "market", "museum", "park", "station", "theater")
ADJECTIVES = ("clever", "famous", "glad", "happy", "renowned", "rich", "smart", "tired", "wealthy", "weary")
COMPARATIVES = (("taller", "shorter"), ("older", "younger"), ("faster", "slower"), ("stronger", "weaker"))
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

# Manner adverbs: they change nothing in what is entailed; in fact verification three per class give the label away.
ADVERBS = ("briefly", "calmly", "finally", "gladly", "often", "openly", "quickly", "quietly", "suddenly")

CONTENT_WORDS = frozenset(
    (
        *PEOPLE,
        *SYNONYM,
        *CITIES,
        *PLACES,
        *ADJECTIVES,
        *(word for pair in COMPARATIVES for word in pair),
        *DAYS,
        *ADVERBS,
    )
)

NEARNESS = ("behind", "beside", "near")

# What embeds a clause and asserts it, and what embeds it without.
ASSERTING_CONNECTIVES = ("although", "because", "since")
SUPPOSING_CONNECTIVES = ("if", "unless")
ASSERTING_VERBS = ("knew", "realized", "remembered")
SUPPOSING_VERBS = ("believed", "claimed", "hoped")
ASSERTING_ADVERBS = ("certainly", "clearly")
SUPPOSING_ADVERBS = ("maybe", "perhaps")

FUNCTION_WORDS = (
    *("and", "birthplace", "born", "by", "city", "for", "from", "home", "in", "is", "left", "lives", "met", "never"),
    *("of", "on", "or", "said", "than", "that", "the", "to", "told", "travelled", "visited", "was", "went", "where"),
    *("who", "works", ","),
)

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

VOCABULARY = SPECIAL_TOKENS + tuple(
    sorted(
        {
            *CONTENT_WORDS,
            *NEARNESS,
            *ASSERTING_CONNECTIVES,
            *SUPPOSING_CONNECTIVES,
            *ASSERTING_VERBS,
            *SUPPOSING_VERBS,
            *ASSERTING_ADVERBS,
            *SUPPOSING_ADVERBS,
            *FUNCTION_WORDS,
        }
    )
)
