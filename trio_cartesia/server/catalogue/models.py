"""The known API versions, models, languages and emotions."""

from __future__ import annotations

import re
from typing import Final

CURRENT_VERSION: Final = "2026-08-14"
STRUCTURED_VERSIONS: Final = frozenset({"2026-03-01", "2026-04-03", "2026-08-14"})  # protocol §1.2

# Versions whose differences from the current one are known (protocol §1.2).
EMBEDDING_VERSIONS: Final = frozenset({"2024-06-10", "2024-11-13"})
UNBUFFERED_VERSIONS: Final = EMBEDDING_VERSIONS | {"2025-04-16"}
LEGACY_VERSIONS: Final = UNBUFFERED_VERSIONS | {"2025-11-04"}  # before structured errors
MODE_VERSIONS: Final = LEGACY_VERSIONS | {"2026-03-01", "2026-04-03"}  # of voices: "mode": "id"

# protocol §1.9. Dated and named models of a family ("sonic-3.5-2026-05-04") are accepted, too.
FAMILIES: Final = (
    *("sonic-3.6", "sonic-3.5", "sonic-3", "sonic-2", "sonic-turbo"),
    *("sonic-latest", "sonic-english", "sonic-multilingual", "sonic-preview"),
)
# The models that a fine-tune can start from (protocol §1.9).
FINE_TUNE_MODELS: Final = ("sonic-3-2026-01-12", "sonic-3-2025-10-27")
# The models that support generation_config (protocol §2.2.1).
_EXPRESSIVE: Final = re.compile(r"sonic-(3|3\.5|3\.6|latest)(-.*)?")
_LANGUAGES: Final = """
en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi bn th
he ka id te gu kn ml mr pa or ur
"""
_EMOTIONS: Final = """
neutral happy excited enthusiastic elated euphoric triumphant amazed surprised flirtatious curious
content peaceful serene calm grateful affectionate trust sympathetic anticipation mysterious angry
mad outraged frustrated agitated threatened disgusted contempt envious sarcastic ironic sad dejected
melancholic disappointed hurt guilty bored tired rejected nostalgic wistful apologetic hesitant
insecure confused resigned anxious panicked alarmed scared proud confident distant skeptical
contemplative determined
"""
LANGUAGES: Final = frozenset(_LANGUAGES.split())
# Languages of ink-whisper (protocol §1.9).
_TRANSCRIBED: Final = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr
bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn
yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su
yue
"""
TRANSCRIBED_LANGUAGES: Final = frozenset(_TRANSCRIBED.split())
EMOTIONS: Final = frozenset(_EMOTIONS.split())  # protocol §2.2.1
NO_VOICE: Final = "00000000-0000-0000-0000-000000000000"  # the one id that no voice has

# Models of speech to text (protocol §1.9, §6a E11); of each family there may be dated ones.
_INK: Final = re.compile(r"ink-(?:2|preview)(-[\w.-]{1,64})?")
_WHISPER: Final = re.compile(r"ink-whisper(-[\w.-]{1,64})?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOCALE: Final = re.compile(r"([a-z]{2})(?:-(?:[A-Za-z]{2}|[0-9]{3}))?")


def is_model(model_id: str) -> bool:
    """Return whether *model_id* is the id of a speech model, current or old."""
    families = (model_id == name or model_id.startswith(f"{name}-") for name in FAMILIES)
    return model_id == "sonic" or any(families)


def is_expressive(model_id: str) -> bool:
    """Return whether the model supports speed, volume and emotion (``generation_config``)."""
    return _EXPRESSIVE.fullmatch(model_id) is not None


def is_ink(model_id: str) -> bool:
    """Return whether the model of speech to text is of the family ``ink-2``, which has turns."""
    return _INK.fullmatch(model_id) is not None


def is_whisper(model_id: str) -> bool:
    """Return whether the model of speech to text is of the family ``ink-whisper``."""
    return _WHISPER.fullmatch(model_id) is not None


def is_voice_id(voice_id: str) -> bool:
    """Return whether *voice_id* is a valid id of a voice; `NO_VOICE` is not."""
    return _UUID.fullmatch(voice_id) is not None and voice_id != NO_VOICE


def is_language(tag: str) -> bool:
    """Return whether *tag* is a supported language, such as ``en`` or, with a region, ``en-GB``."""
    match = _LOCALE.fullmatch(tag)
    return match is not None and match[1] in LANGUAGES
