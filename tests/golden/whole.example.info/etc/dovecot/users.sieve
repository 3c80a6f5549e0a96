secret (197 bytes of text)
