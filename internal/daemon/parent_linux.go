package daemon

import "syscall"

// dieWithParent makes a server end with this process, however that ends.
// SIGTERM, because a killed apache2 or sshd leaves children behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
