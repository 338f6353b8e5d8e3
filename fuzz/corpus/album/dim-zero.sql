UPDATE model SET dim = 0;
