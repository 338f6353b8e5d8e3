INSERT INTO operation(id, what, made) VALUES(9, 'x', 0); INSERT INTO undo_member VALUES(9, 1, 1, 999, 99, 9e999); INSERT INTO undo_person VALUES(9, 1, 1, NULL, NULL, NULL, NULL);
