"""`make bench`: what the product costs, each number with its goal and as a ratio of one run where it can be one."""
