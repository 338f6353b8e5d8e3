UPDATE photo SET orientation = -7, width = -1, height = 9223372036854775807, taken = -9223372036854775808, changed = 9223372036854775807;
