secret (131 bytes of text)
