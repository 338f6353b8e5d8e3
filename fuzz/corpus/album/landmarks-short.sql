UPDATE face SET kps = zeroblob(3) WHERE id = 1;
