package hugepage

import "testing"

func TestSlices(t *testing.T) {
	for _, capacity := range []int{0, 1, 1000, 1 << 20, 3<<20 + 5} {
		s := Make[uint64](capacity/2, capacity)
		if len(s) != capacity/2 || cap(s) < capacity {
			t.Fatalf("length %d and capacity %d, expected %d and %d", len(s), cap(s), capacity/2, capacity)
		}
		s = s[:capacity]
		for i := range s {
			if s[i] != 0 {
				t.Fatalf("element %d of a new slice is %d", i, s[i])
			}
			s[i] = uint64(i)
		}
		for i := range s {
			if s[i] != uint64(i) {
				t.Fatalf("element %d was lost: %d", i, s[i])
			}
		}
	}
}

func TestAppend(t *testing.T) {
	var s []uint32
	for i := range uint32(3 << 20) {
		s = Append(s, i)
	}
	for i := range s {
		if s[i] != uint32(i) {
			t.Fatalf("element %d became %d when the slice grew", i, s[i])
		}
	}
}
