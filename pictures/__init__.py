"""What a picture file is to the trainer and to the line: the same pixels, or refused by both.

It imports neither of them.
"""
