"""What labels of a belt's own items are worth to the model that serves there."""
