INSERT INTO operation(id, what, made) VALUES(9, 'a' || char(0), 0); INSERT INTO undo_decision VALUES(9, 1, 1, NULL, 7, NULL, NULL, NULL, NULL);
