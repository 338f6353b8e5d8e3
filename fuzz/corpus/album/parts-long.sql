UPDATE face SET parts = zeroblob(60000);
