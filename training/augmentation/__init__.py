"""What training does to a picture so that the network does not learn the studio."""
