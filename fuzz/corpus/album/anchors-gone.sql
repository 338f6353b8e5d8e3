PRAGMA foreign_keys = 0; DELETE FROM anchor;
