"""Converts a title to search words, and these to the address of a web search."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from urllib.parse import quote

from larkpost.domain import PLACEHOLDER
from larkpost.text.markup import plain_latex
from larkpost.text.normalize import squash
from larkpost.text.urls import encode_url

# Google Scholar takes 256 characters; the beginning of a title finds the paper as well.
LONGEST_PHRASE = 200  # characters
# A Chinese character takes nine octets when encoded, and every message and feed has the link.
LONGEST_ENCODED = 480  # octets

# The content of these is no part of the title.
_ASIDE = re.compile(
    r"\\(?:cite[a-z]{0,20}|footnote(?:mark)?|thanks|label|ref)(?![A-Za-z])\s?\{[^{}]{0,500}+\}"
)
_FORMATTING = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|rm|sf|normal)?|emph|math(?:rm|bf|it|cal|bb|sf|tt|frak)|boldsymbol"
    r"|left|right|mbox|operatorname|ensuremath|bf|it|rm|em|sc|tt)(?![A-Za-z])\s*"
)
_COMMAND = re.compile(r"\\([A-Za-z]++)")
# Search results show these as words, and mathematical letters as printed.
_GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega",
))  # fmt: skip  # the alphabet reads better in rows
_FUNCTIONS = frozenset((
    "arg", "argmax", "argmin", "cos", "det", "dim", "exp", "gcd", "inf", "ker", "lim", "ln", "log",
    "max", "min", "mod", "sin", "sup", "tan", "tanh",
))  # fmt: skip  # as above
_LETTERS = {"ell": "\u2113", "hbar": "ħ", "infty": "∞"}
_LATEX = re.compile(r"[\\{}^]")
_LATEX_FORMULA = re.compile(r"[\\${}^_]")
# The syntax of search engines: phrases, wildcards, groups, fields ("author:"), regular expressions
# and boolean signs (https://lucene.apache.org/core/2_9_4/queryparsersyntax.html, and Google
# Scholar's help). Other engines ignore such marks anyway.
_SYNTAX = re.compile('["\u201c-\u201f\u00ab\u00bb`*?!:;()\\[\\]<>~|=/,…]+')
_OPERATORS = frozenset(("AND", "OR", "NOT", "ANDNOT", "NEAR", "TO"))
_LEADING = "+-\u2010\u2011\u2012\u2013\u2014\u2212&@'."
_TRAILING = "-\u2010\u2011\u2012\u2013\u2014\u2212&@'."


def search_words(title: str) -> str:
    """Return the words of a title without the syntax of search engines; may be empty.

    At most 200 characters, and 480 octets when percent-encoded, cut at the end of a word if there
    is one: the result may be put between quotation marks.
    """
    plain = _ASIDE.sub("", plain_latex(squash(title)))
    plain = _COMMAND.sub(_word_of, _FORMATTING.sub("", plain)).replace("}{", "} {")
    plain = (_LATEX_FORMULA if "$" in title else _LATEX).sub("", plain)
    words = (_plain_word(word) for word in _SYNTAX.sub(" ", plain).split())
    return _cut(" ".join(word for word in words if word))


@lru_cache(4096)
def search_url(template: str, title: str) -> str:
    """Fill the title into ``https://example.org/search?q={title}``; empty if it has no words.

    Everything but letters, digits and ``-._~`` is percent-encoded (RFC 3986, section 2.3), so a
    title cannot change the rest of the address.
    """
    words = search_words(title)
    return encode_url(template.replace(PLACEHOLDER, quote(words, safe=""))) if words else ""


def _word_of(command: re.Match[str]) -> str:
    """Return the printed form of a LaTeX command, if searchable; unknown ones separate words."""
    name = command[1]
    if name.removeprefix("var").lower() in _GREEK:
        return name.removeprefix("var")
    return f" {name} " if name in _FUNCTIONS else _LETTERS.get(name, " ")


def _plain_word(word: str) -> str:
    """Remove the marks that make a word an operator: ``-word`` excludes it, ``OR`` joins."""
    bare = word.lstrip(_LEADING).rstrip(_TRAILING)
    return bare.lower() if bare in _OPERATORS else bare


def _cut(words: str) -> str:
    octets = accumulate(len(quote(character, safe="")) for character in words[:LONGEST_PHRASE])
    end = sum(count <= LONGEST_ENCODED for count in octets)
    if end == len(words):
        return words
    head, space, _ = words[: end + 1].rpartition(" ")
    return head if space and len(head) > end // 2 else words[:end]
