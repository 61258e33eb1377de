package main

import "os"

// hangups never tells: Windows has no SIGHUP.
func hangups(bool) (came <-chan os.Signal, stop func()) { return nil, func() {} }
