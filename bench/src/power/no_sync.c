/* What a server would be that forgets to sync: put before the C library, it makes syncing do nothing. The test has to catch it. */
int fsync(int file) { (void)file; return 0; }
int fdatasync(int file) { (void)file; return 0; }
