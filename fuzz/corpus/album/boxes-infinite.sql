UPDATE face SET x1 = 9e999, x2 = -9e999; UPDATE anchor SET x1 = 9e999;
