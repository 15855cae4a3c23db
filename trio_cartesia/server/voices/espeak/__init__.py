"""The voice ``espeak``: eSpeak NG in a child process."""
