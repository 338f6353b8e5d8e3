PRAGMA foreign_keys = 0; UPDATE member SET person_id = -5, how = 99, score = 9e999;
