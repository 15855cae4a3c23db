"""Audio for speech to text: recordings, and the microphone of this machine (extra ``play``)."""
