UPDATE person SET name = 'An' || char(0) || 'na' WHERE id = 1;
