"""Small servers for peers that are libraries; each prints ``port N`` when it listens."""
