PRAGMA foreign_keys = 0; DELETE FROM face WHERE id > 1;
