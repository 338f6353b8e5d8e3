UPDATE face SET age = 9223372036854775807, gender = -9, pitch = 9e999, yaw = 1, roll = 1;
