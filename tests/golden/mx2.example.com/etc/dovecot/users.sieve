secret (503 bytes of text)
