"""What an account keeps."""
