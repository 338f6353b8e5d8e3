UPDATE photo SET hash = x'01' WHERE id = 1;
