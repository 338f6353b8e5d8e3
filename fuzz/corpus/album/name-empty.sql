UPDATE person SET name = '' WHERE id = 1;
