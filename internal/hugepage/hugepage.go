// Package hugepage makes large slices that the kernel should back with huge
// pages (Linux: transparent huge pages, see Documentation/admin-guide/mm/transhuge.rst).
// Lists of hundreds of megabytes that are read in no order cost less than half
// with them: one page fault where there were five hundred, and far fewer misses
// of the processor's address cache. Elsewhere they are ordinary slices.
package hugepage

import "unsafe"

// size is what a huge page of the common architectures takes; smaller slices gain nothing.
const size = 2 << 20

// Make is make([]T, length, capacity). Room that is never used is no memory yet.
func Make[T any](length, capacity int) []T {
	s := make([]T, length, capacity)
	if bytes := uintptr(capacity) * unsafe.Sizeof(*new(T)); bytes >= size {
		advise(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), bytes))
	}
	return s
}

// Append is append, growing by half.
func Append[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		s = append(Make[T](0, max(1<<10, cap(s)+cap(s)/2)), s...)
	}
	return append(s, v)
}
