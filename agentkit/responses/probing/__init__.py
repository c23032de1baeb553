"""What a server can do: the questions, what is heard, what follows."""
