UPDATE member SET person_id = 1, how = 3;
