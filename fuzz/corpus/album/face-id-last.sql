PRAGMA foreign_keys = 0; UPDATE face SET id = 9223372036854775807 WHERE id = 6; UPDATE embedding SET face_id = 9223372036854775807 WHERE face_id = 6;
