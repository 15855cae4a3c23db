"""The commands that manage what an account has: voices, dictionaries, tokens, usage."""
