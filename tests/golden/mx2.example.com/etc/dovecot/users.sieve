secret (437 bytes of text)
