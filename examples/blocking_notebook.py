"""Speech in a notebook: the connection is opened in one cell and used in others.

Editors run the parts between ``# %%`` one by one; ``python blocking_notebook.py`` runs them all.
Without a key it uses a local service.
"""

# %% Open a connection. It stays open until the last cell: an ExitStack stands for the blocks.

import os
import wave
from contextlib import ExitStack

from trio_cartesia import RawOutputFormat
from trio_cartesia.blocking import Cartesia
from trio_cartesia.testing import service_in_thread

stack = ExitStack()
url = os.environ.get("CARTESIA_BASE_URL")
if not url and not os.environ.get("CARTESIA_API_KEY"):
    url = stack.enter_context(service_in_thread()).url
client = stack.enter_context(Cartesia(base_url=url))
connection = stack.enter_context(client.tts.websocket_connect())
settings = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": RawOutputFormat(encoding="pcm_s16le", sample_rate=24000),
}

# %% Speak a text. To stop it, interrupt the cell: the connection is still open afterwards.

with connection.speak("Each cell is a context of its own.", add_timestamps=True, **settings) as it:
    speech = it.collect()
print(f"{speech.duration_seconds:.2f} seconds: {' '.join(word.text for word in speech.words)}")

# %% Keep it, in a form that notebooks can play: IPython.display.Audio("speech.wav").

with wave.open("speech.wav", "wb") as file:
    file.setparams((1, 2, 24000, 0, "NONE", "NONE"))
    file.writeframes(speech.audio)

# %% See what the connection did.

print(connection.statistics())

# %% Close it. Whatever is open when the interpreter exits is closed, too, and named.

stack.close()
