"""What commands read beside settings: pictures of items, labels."""
