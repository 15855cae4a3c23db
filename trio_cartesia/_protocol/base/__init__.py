"""What every protocol of the API shares: audio formats, addresses, credentials, error bodies."""
