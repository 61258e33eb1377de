package graph

// tally sums by label, for a few labels mostly and for very many at times. It
// is used again and again, and does not allocate once it is large enough.
type tally struct {
	list  []entry
	slots []uint32 // place in list and one, by a hash of the label; in use from few labels on
}

// entry is what was added for a label.
type entry struct {
	label, count uint32
	weight       uint64
}

const few = 12

func (t *tally) clear() { t.list = t.list[:0] }

func (t *tally) add(label, count uint32, weight uint64) {
	if len(t.list) <= few {
		for i := range t.list {
			if e := &t.list[i]; e.label == label {
				e.count += count
				e.weight += weight
				return
			}
		}
	} else {
		slot := t.slot(label)
		if i := t.slots[slot]; i > 0 {
			t.list[i-1].count += count
			t.list[i-1].weight += weight
			return
		}
		t.slots[slot] = uint32(len(t.list) + 1)
	}
	t.list = append(t.list, entry{label, count, weight})
	if n := len(t.list); n > few && (n == few+1 || 2*n > len(t.slots)) {
		t.index()
	}
}

// slot is where a label is, or where it belongs.
func (t *tally) slot(label uint32) uint32 {
	mask := uint32(len(t.slots) - 1)
	slot := label * 0x9e3779b1 >> 8 & mask
	for t.slots[slot] > 0 && t.list[t.slots[slot]-1].label != label {
		slot = (slot + 1) & mask
	}
	return slot
}

// index makes room for four times the labels.
func (t *tally) index() {
	size := 64
	for size < 4*len(t.list) {
		size *= 2
	}
	if size > cap(t.slots) {
		t.slots = make([]uint32, size)
	}
	t.slots = t.slots[:size]
	clear(t.slots)
	for i, e := range t.list {
		t.slots[t.slot(e.label)] = uint32(i + 1)
	}
}
