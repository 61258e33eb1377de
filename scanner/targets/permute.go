package targets

// permutation is a keyed bijection of [0, n): a Feistel network over the
// smallest power of two that holds n, walked along its cycle until the value
// is below n. It needs no memory, any index can be asked for at any time, and
// since the domain is smaller than 2n the walk takes less than two steps on
// average. It spreads load; it is not cryptography.
type permutation struct {
	n           u128
	left, right uint // bits of the two halves, each at most 64
	keys        [rounds]uint64
}

// rounds is even: each half is changed equally often.
const rounds = 8

func newPermutation(n u128, key uint64) permutation {
	p := permutation{n: n}
	if n != (u128{}) {
		width := uint(n.prev().len())
		p.left, p.right = width/2, width-width/2
	}
	for i := range p.keys {
		key += 0x9e3779b97f4a7c15 // splitmix64 (Steele, Lea, Flood 2014)
		p.keys[i] = mix(key)
	}
	return p
}

// at is the element in place i, for i < n.
func (p *permutation) at(i u128) u128 {
	for {
		i = p.once(i)
		if i.less(p.n) {
			return i
		}
	}
}

// once changes one half by the other, in turns. Every turn undoes itself, so
// the whole is a bijection whatever the widths of the halves.
func (p *permutation) once(i u128) u128 {
	maskL, maskR := uint64(1)<<p.left-1, uint64(1)<<p.right-1
	r := i.lo & maskR
	l := i.shiftRight(p.right).lo & maskL
	for k := 0; k < rounds; k += 2 {
		l ^= mix(r+p.keys[k]) & maskL
		r ^= mix(l+p.keys[k+1]) & maskR
	}
	out := u128{lo: l}.shiftLeft(p.right)
	out.lo |= r
	return out
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// shiftRight and shiftLeft move by n <= 64 bits.
func (u u128) shiftRight(n uint) u128 { return u128{u.hi >> n, u.lo>>n | u.hi<<(64-n)} }
func (u u128) shiftLeft(n uint) u128  { return u128{u.hi<<n | u.lo>>(64-n), u.lo << n} }
