"""Chat completions: the same requests and answers in other words."""
