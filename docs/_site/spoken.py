"""Speak a text with the service at ``CARTESIA_BASE_URL``, and return the speech with its words."""

import trio

from trio_cartesia import Cartesia, RawOutputFormat


async def words(text):
    for word in text.split():
        yield f"{word} "
        await trio.sleep(0.01)


async def speak(text):
    async with Cartesia() as client, client.tts.websocket_connect() as connection:
        async with connection.speak(
            words(text),
            model_id="sonic-latest",
            voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
            output_format=RawOutputFormat(encoding="pcm_s16le", sample_rate=24000),
            add_timestamps=True,
        ) as context:
            return await context.collect()


if __name__ == "__main__":
    speech = trio.run(speak, "Each word has its time.")
    for word in speech.words:
        print(f"{word.start:.2f} to {word.end:.2f} s: {word.text}")
