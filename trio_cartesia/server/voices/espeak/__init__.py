"""eSpeak NG, in processes of its own."""
