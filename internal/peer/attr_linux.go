package peer

import "syscall"

// procAttr lets the kernel end a server if the test ends without doing so, as it does after a panic or a time-out.
var procAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}

// initAttr does that, too, for a process whose end is that of all that it has started. It needs root.
var initAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Cloneflags: syscall.CLONE_NEWPID}
