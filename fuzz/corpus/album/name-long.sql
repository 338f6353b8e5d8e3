UPDATE person SET name = hex(zeroblob(30000)) WHERE id = 1;
