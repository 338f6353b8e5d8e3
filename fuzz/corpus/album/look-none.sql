UPDATE photo SET look = x'', phash = NULL;
