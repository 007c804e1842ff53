"""Whether a lane's pictures and answers are as they were: the statistics, and the tests of them."""
