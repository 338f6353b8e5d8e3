UPDATE file SET name = 'a' || char(0) WHERE id = 1; UPDATE root SET path = '' || char(0);
