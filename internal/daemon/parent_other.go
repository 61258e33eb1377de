//go:build !linux

package daemon

import "syscall"

// dieWithParent needs Linux; elsewhere Close is the only end.
func dieWithParent() *syscall.SysProcAttr { return nil }
