PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 1000000 WHERE name = 'person';
