PRAGMA foreign_keys = 0; DELETE FROM photo; DELETE FROM folder;
