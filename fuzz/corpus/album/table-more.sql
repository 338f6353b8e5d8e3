CREATE TABLE more(x);
