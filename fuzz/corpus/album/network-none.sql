DELETE FROM setting;
