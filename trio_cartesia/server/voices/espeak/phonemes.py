"""Convert IPA, as between ``<<`` and ``>>`` (protocol §2.14), to eSpeak NG's mnemonics.

Each voice of the library lacks some phonemes, which are then silent. Therefore the table has
several mnemonics for a symbol, the best one first, and `mnemonics` tries them in the library: it
uses the first one that produces the right phoneme, or else the first that produces any sound.
"""

# ruff: noqa: RUF001 - the symbols of IPA look like letters, and are meant

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Final

from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.library import PHONEMES, Kind, VoiceParameters

__all__ = ["LAUGHTER", "mnemonics"]

LAUGHTER: Final = "h|ˈɑ|h|ɑ|h|ɑ"

_CONSONANTS: Final = """
p p; b b; t t; d d; k k; ɡ g; g g; f f; v v v#; s s; z z; h h; ɦ h# h; m m; ɱ m; n n; l l; j j
w w; ʍ w; θ T; ð D; ʃ S; ʒ Z; ŋ N; ɴ N; ɹ r r- R; ɻ r R; r R2 r; ɾ *; ɽ *; ʀ r"; ʁ Q"; x x; ç C
ɣ Q; χ X; ħ H h; ʕ ?; ʔ ?; ɲ n^; ʎ l^; β B; ɸ p\\ f; ʈ t.; ɖ d.; ɳ n.; ɭ l.; ʂ s.; ʐ z.; ɕ S;
ʑ Z;; c c; ɟ J; q q; ɢ G g; ʋ v#; ɬ l#; ɮ l#; ɫ L; ɥ j; ɰ w; ʝ j; ts ts t|s; dz dz d|z; tʃ tS
dʒ dZ; tɕ tS;; dʑ dZ;; tʂ ts. t|s.; dʐ dz. d|z.; pf pF p|f; tʰ t# t; kʰ k# k; pʰ p# p
"""
_VOWELS: Final = """
a a; ɑ A a; ɒ O2 A O o; æ & a; ɐ a# a; ɛ E e; e e; i i; ɪ I i; o o; ɔ O o; u u; ʊ U u; ʌ V a# a
ə @ a; ɜ 3: @; ɝ 3: @|r; ɚ 3 @|r; y y i; ø Y e; œ W Y e; ʏ y Y i; ɵ 8 o; ɘ @; ɞ 3: @; ɶ W a
ɨ i"; ʉ u"; ɯ u- u; ɤ o; ᵻ I i; aɪ aI a|i; eɪ eI e|i; ɔɪ OI o|i; aʊ aU a|u; oʊ oU o|u; əʊ @U oU o|u
iː i: i; uː u: u; ɑː A: A a; ɔː O: O o; ɜː 3: @; aː a: a; eː e: e; oː o: o; ɛː E: E e; yː y: y i
øː Y: Y e; ã a~ a; ɑ̃ A~ a~ a; ɛ̃ E~ E e; ɔ̃ O~ O o; œ̃ W~ W E~ e; õ o~ o; ĩ i~ i; ũ u~ u
"""
_STRESS: Final = {"ˈ": "'", "ˌ": ",", "'": "'"}
_TIES: Final = re.compile("[\u0361\u035c.]")  # tʃ may be written with one, and syllables apart


def _table(rows: str) -> dict[str, tuple[str, ...]]:
    """Read rows of a symbol and its mnemonics, the best one first."""
    cells = (cell.split() for cell in re.split(r"; |\n", rows.strip()))
    return {symbol: tuple(found) for symbol, *found in cells}


_VOWEL_TABLE: Final = _table(_VOWELS)
_SYMBOLS: Final = {**_table(_CONSONANTS), **_VOWEL_TABLE}
_TOKEN: Final = re.compile("|".join([*sorted(_SYMBOLS, key=len, reverse=True), *_STRESS]))


def mnemonics(ipa: str, voice: str, checkpoint: Callable[[], None] = lambda: None) -> str:
    """Return the mnemonics for *ipa*, without brackets.

    Unknown symbols and diacritics are left out.

    Args:
        ipa: Phonemes with a vertical bar between them, or without.
        voice: The identifier of one of the library's voices; its variant does not matter.
        checkpoint: See `EspeakClient.synthesise`.
    """
    return "|".join(filter(None, _mnemonics(ipa, voice.partition("+")[0], checkpoint)))


def _mnemonics(ipa: str, voice: str, checkpoint: Callable[[], None]) -> Iterator[str]:
    stress = ""
    for part in _TIES.sub("", ipa).split("|"):
        for match in _TOKEN.finditer(part):
            symbol = match.group()
            if symbol in _STRESS:  # IPA has it before the syllable, mnemonics before the vowel
                stress = _STRESS[symbol]
                continue
            found = _best(symbol, voice, checkpoint)
            if found and symbol in _VOWEL_TABLE:
                found, stress = stress + found, ""
            yield found


@functools.lru_cache(maxsize=4096)
def _best(symbol: str, voice: str, checkpoint: Callable[[], None]) -> str:
    """Return the mnemonic of *symbol* that suits a voice, or an empty string."""
    sounds = {each: _pronunciation(each, voice, checkpoint) for each in _SYMBOLS[symbol]}
    right = (mnemonic for mnemonic, sound in sounds.items() if sound == symbol)
    return next(right, None) or next(filter(sounds.__getitem__, sounds), "")


def _pronunciation(mnemonic: str, voice: str, checkpoint: Callable[[], None]) -> str:
    parameters = VoiceParameters(voice=voice, flags=PHONEMES)
    _, events = espeak_client.synthesise(f"[[{mnemonic}]]", parameters, checkpoint=checkpoint)
    symbols = (event.symbol for event in events if event.kind is Kind.PHONEME)
    return "".join(symbols).lstrip("ˈˌ")
