"""Corrections by hand of ``term_table``, made after reading picks."""

from __future__ import annotations

# Common in the whole field, or for every topic: 3 if a phrase may contain them, 5 if they are
# shown alone when there is nothing better.
HEADS = frozenset(
    [
        "actions",
        "answer",
        "answers",
        "bench",
        "benchmark",
        "chunks",
        "channels",
        "character",
        "discovery",
        "language",
        "languages",
        "load",
        "manner",
        "mixture",
        "artifacts",
        "behavior",
        "behaviors",
        "computer",
        "context",
        "contexts",
        "decision",
        "environment",
        "environments",
        "evaluation",
        "evidence",
        "experience",
        "exploration",
        "family",
        "feature",
        "features",
        "frame",
        "frames",
        "generation",
        "head",
        "humans",
        "hypothesis",
        "intelligence",
        "knowledge",
        "label",
        "labels",
        "learning",
        "loss",
        "machine",
        "management",
        "memory",
        "model",
        "models",
        "network",
        "networks",
        "noise",
        "objects",
        "papers",
        "pipeline",
        "point",
        "points",
        "prediction",
        "predictions",
        "problem",
        "problems",
        "quality",
        "question",
        "questions",
        "relation",
        "representation",
        "representations",
        "resolution",
        "response",
        "responses",
        "review",
        "science",
        "series",
        "skill",
        "skills",
        "solving",
        "survey",
        "systems",
        "text",
        "texts",
        "theory",
        "time",
        "times",
        "token",
        "tokens",
        "training",
        "user",
        "users",
        "view",
        "views",
        "word",
        "words",
        "world",
        "attention",
        "search",
        "structure",
        "structures",
    ]
)
MODIFIERS = frozenset(
    [
        "accumulative",
        "conditional",
        "decoupled",
        "early",
        "long",
        "high-fidelity",
        "quality-controlled",
        "academic",
        "active",
        "adaptive",
        "ai",
        "artificial",
        "cross",
        "deep",
        "digital",
        "dynamic",
        "generative",
        "global",
        "human",
        "interactive",
        "intra",
        "local",
        "neural",
        "online",
        "physical",
        "pre",
        "scientific",
        "semantic",
        "structured",
        "text-based",
    ]
)
SECOND = frozenset(
    [
        "attention",
        "chain",
        "chains",
        "cot",
        "linear",
        "llm",
        "llms",
        "search",
        "semantic",
        "sparse",
        "vision",
        "visual",
    ]
)
NEVER = frozenset(
    [
        "don",
        "didn",
        "doesn",
        "isn",
        "wild",
        "large",
        "aha",
        "plug",
        "let",
        "lets",
        "etc",
        "via",
        "ie",
        "eg",
        "vs",
        "al",
    ]
)
PARTICULAR = frozenset(
    ["anomaly", "assembly", "fly", "gpu", "gpus", "table", "variable", "seed", "feed", "speed"]
)
# Names of a topic that papers on other topics mention in passing.
TOPICS = frozenset(["experts", "moe"])
LEAST_OF_TOPIC = 8


def corrected(word: str, grade: int, kind: str) -> tuple[int, str]:
    """Return the corrected grade and kind of a word."""
    if word in NEVER:
        return 0, "never"
    if word in HEADS or word in MODIFIERS:
        grade, kind = min(grade, 3), "head" if word in HEADS else "modifier"
    if word in TOPICS:
        return max(grade, LEAST_OF_TOPIC), "head"
    return (5 if word in SECOND else grade), kind
