UPDATE decision SET kind = 77, source = -1, b = NULL, person_id = NULL;
