UPDATE embedding SET data = x'007e007e007e007e007e007e007e007e' WHERE face_id = 2;
