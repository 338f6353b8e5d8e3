UPDATE model SET dim = 4096;
