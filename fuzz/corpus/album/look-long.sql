UPDATE photo SET look = zeroblob(60000), phash = -1;
