UPDATE person SET name = CAST(x'fffe80' AS TEXT) WHERE id = 1;
