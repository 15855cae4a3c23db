"""Patterns of Markdown; those named ``..._BEGINS`` match all that has come of what may be one."""

from __future__ import annotations

import re
from typing import Final

LINK_CHARACTERS: Final = 256  # of the text of a link

# -- at the start of a line

_BULLET: Final = r"[-+*\u2022\u2023\u25e6]"
_FOOTNOTE: Final = r"\[\^[^\[\]\s]{1,64}\]"
_LABEL: Final = rf"\[[^\[\]\n]{{1,{LINK_CHARACTERS}}}\]"

BLOCK: Final = re.compile(
    rf"""(?P<rule>([-*_=])(?:[ \t]*\2){{2,}}[ \t]*)(?=\n|\Z)
    | (?P<heading>\#{{1,6}}(?:[ \t]+|(?=\n|\Z)))
    | (?P<bullet>{_BULLET}[ \t]+(?:\[[ xX]\][ \t]+)?)
    | (?P<number>)(?=\d{{1,9}}[.)][ \t])
    | (?P<delimiter>\|[ \t:|-]*-[ \t:|-]*)(?=\n|\Z)
    | (?P<row>\|)
    | (?P<fence>`{{3,}}(?=[^`\n]*(?:\n|\Z))|~{{3,}})
    | (?P<definition>{_FOOTNOTE}:|{_LABEL}:[ \t]*<?(?:https?:|mailto:|www\.|[./\#]))
    """,
    re.VERBOSE,
)
BLOCK_BEGINS: Final = re.compile(
    rf"""(?:([-*_=])(?:[ \t]*\1)*[ \t]*
    | \#{{1,6}}[ \t]*
    | {_BULLET}(?:[ \t]+(?:\[(?:[ xX](?:\][ \t]*)?)?)?)?
    | \d{{1,9}}[.)]?
    | \|[ \t:|-]*
    | `{{1,2}} | `{{3,}}[^`\n]* | ~+
    | \[[^\[\]\n]{{0,{LINK_CHARACTERS}}}(?:\](?::[ \t]*<?[a-z]{{0,6}})?)?
    )\Z""",
    re.VERBOSE,
)
FENCE_CLOSES: Final = re.compile(r"[ \t>]*(`*|~*)[ \t]*(?=\n|\Z)")
FENCE_CLOSES_BEGINS: Final = re.compile(r"[ \t>]*(?:`*|~*)[ \t]*\Z")
REST_OF_LINE: Final = re.compile(r"[^\n]*\n?")

# -- in a line

_EMOJI: Final = (  # and pictures that look like them
    "\U0001f000-\U0001faff\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u25fd\u25fe\u2600-\u263f\u2648-\u2668"
    "\u2670-\u2775\u2794-\u27bf\u2b1b\u2b1c\u2b50\u2b55"
)
_SYMBOLS: Final = (  # emoji with a variation selector behind them, else text
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u2328\u23cf\u24c2\u25aa\u25ab\u25b6"
    "\u25c0\u25fb\u25fc\u2640\u2642\u2934\u2935\u2b05-\u2b07\u3030\u303d\u3297\u3299"
)
_SELECTORS: Final = "\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f"
EMOJI: Final = re.compile(
    rf"[{_EMOJI}]|[{_SYMBOLS}]\ufe0f|[{_SELECTORS}]|(?<=[{_EMOJI}{_SELECTORS}])\u200d"
)
SYMBOL_BEGINS: Final = re.compile(rf"[{_SYMBOLS}]\Z")

_SPECIAL: Final = rf"\\`*_~\[\]!<>&|{_EMOJI}{_SYMBOLS}{_SELECTORS}\u200d"
PLAIN: Final = re.compile(
    rf"(?:[^{_SPECIAL}\shw]|(?<=[^\W_])[hw]|h(?!ttps?://)|w(?!ww\.)| (?=[^{_SPECIAL}\s]))+"
)
BLANKS: Final = re.compile(r"[ \t\r]+")
CODE: Final = re.compile(r"[^`\n]+")
RUN: Final = re.compile(r"\*+|_+|~+|`+")
FOOTNOTE: Final = re.compile(_FOOTNOTE)

ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z][A-Za-z\d]{1,31});")
ENTITY_BEGINS: Final = re.compile(
    r"&(?:#(?:\d{0,7}|[xX][\da-fA-F]{0,6})|[A-Za-z][A-Za-z\d]{0,31})?\Z"
)

_TAG_NAMES: Final = (
    r"(?P<line>br|p|div|li|tr|hr|h[1-6]|ul|ol|table|blockquote|pre|details)"
    r"|a|b|code|del|em|i|img|ins|kbd|mark|s|small|span|strong|sub|summary|sup|t[dh]|tbody|thead|u"
)
_ATTRIBUTES: Final = r"""(?:\s+[a-z-]+=(?:"[^"<>]*"|'[^'<>]*'))*"""
HTML: Final = re.compile(rf"</?(?:{_TAG_NAMES}){_ATTRIBUTES}\s*/?>", re.IGNORECASE)
LESS_BEGINS: Final = re.compile(  # of what starts with "<" and is no markup of ours
    rf"""<(?:/?(?:[a-z][a-z\d]{{0,9}})?|!-?|https?:/?
    | /?(?:{_TAG_NAMES}){_ATTRIBUTES}(?:\s*/?|\s+[a-z-]+(?:=(?:"[^"<>]*|'[^'<>]*)?)?))\Z""",
    re.IGNORECASE | re.VERBOSE,
)

COMMENT: Final = re.compile(r"<!--")
COMMENT_CLOSES: Final = re.compile(r".*?-->", re.DOTALL)
COMMENT_GOES_ON: Final = re.compile(r".+(?=..\Z)", re.DOTALL)
AUTOLINK: Final = re.compile(r"<(?=https?://)")

_SCHEME: Final = r"(?:https?://(?:[^\s/?#@<>()\[\]\"]{1,64}@)?(?:www\.)?|www\.)"
URL: Final = re.compile(rf"(?P<scheme>{_SCHEME})(?P<host>[^\W_](?:[\w.-]*[^\W_])?)")
URL_BEGINS: Final = re.compile(r"(?:https?://[^\s/?#<>()\[\]\"]*|www\.[\w.-]*)\Z")
URL_SCHEME_BEGINS: Final = re.compile(r"(?<![^\W_])(?:ht{0,2}|http|https?:?/?|w{1,3})\Z")
URL_PATH: Final = re.compile(r"[#$%&+\-/0-9=@A-Z\\^a-z{}]+")
URL_GOES_ON: Final = re.compile(r"[#$%&+\-/0-9=@A-Z\\^a-z{}(]")
URL_MARKS: Final = re.compile(r"[.,;:!?'*_~]+")
