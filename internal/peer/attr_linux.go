package peer

import "syscall"

// procAttr lets the kernel end a server if the test ends without doing so, as it does after a panic or a time-out.
var procAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
