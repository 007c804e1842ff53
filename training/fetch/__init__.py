"""Published sets of pictures: where they are, what is in them, how they are brought and checked."""
