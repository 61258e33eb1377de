package baseline

import "math"

// Counts are kept as log2 in eighths, one byte each: up to 2^31.875, half of
// all IPv4 addresses; more counts as that. A step is 9 %, and an eighth of a
// bit of evidence.
const steps = 8

// encode rounds a count, at least 1, to the nearest step.
func encode(n uint64) byte {
	return byte(min(math.Round(steps*math.Log2(float64(n))), math.MaxUint8))
}

// decode is the whole number nearest to the step, and so the very count up to
// 11, where steps are smaller than one.
func decode(code byte) uint64 {
	return uint64(math.Round(math.Exp2(float64(code) / steps)))
}

// leastOf is the smallest count that is kept as code or more.
func leastOf(code int) uint64 {
	n := uint64(math.Exp2((float64(code) - .5) / steps))
	for n = max(n, 1); int(encode(n)) < code; n++ {
	}
	return n
}
