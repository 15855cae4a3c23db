"""Recognition of speech: recognisers by name, voice activity, and the decoding of their input."""
