UPDATE decision SET kind = 4, b = a;
