"""Sample encodings, WAV and MP3."""
