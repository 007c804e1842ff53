"""What promised purities are worth, on made-up scores and on those of photographs."""
