package hugepage

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// advise asks for huge pages for the whole pages of b. It may be refused, by
// kernels that have none: that only costs time.
func advise(b []byte) {
	page := uintptr(unix.Getpagesize())
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) % page
	if whole := (uintptr(len(b)) - skip) / page * page; whole > 0 {
		_ = unix.Madvise(b[skip:skip+whole], unix.MADV_HUGEPAGE)
	}
}
