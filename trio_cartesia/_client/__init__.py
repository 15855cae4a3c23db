"""`Cartesia`, and its text-to-speech connections and pools."""
