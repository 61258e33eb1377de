//go:build !linux

package town

import "syscall"

// dieWithParent needs Linux; elsewhere Close is the only end.
func dieWithParent() *syscall.SysProcAttr { return nil }
