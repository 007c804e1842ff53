"""Models and data on their way to and from folders, web servers and the Hugging Face hub."""
