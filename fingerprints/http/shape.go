package http

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/hostkin/hostkin/fingerprints/value"
)

// MaxDistance is up to where two shapes are pages of one template, in bits.
// TestShapeDistances measures what it and the length of the shingles do: 4 bits
// and shingles of 2 find as many pages of one template, but take twice as many
// pages for one that differ in a single class.
const MaxDistance = 5

const (
	minElements = 10   // a page of fewer has no structure to compare: an error page of nginx has eight
	maxElements = 4096 // of a page; what comes after is not looked at
	shingle     = 3    // elements in a row
)

// bodyShape is a similarity hash (simhash: Charikar, STOC 2002) of how a page is
// built: 64 bits in hexadecimal, near for pages of one template whatever their
// texts. Every run of up to three elements in a row votes once, however often it
// occurs, so that the length of a list counts little. "" is a page with too
// little structure.
func bodyShape(body []byte) string {
	all := elements(body)
	if len(all) < minElements {
		return ""
	}
	var votes [64]int
	seen := map[uint64]bool{}
	for i := range all {
		for n := 1; n <= shingle && i+n <= len(all); n++ {
			h := hashOf(all[i : i+n])
			if seen[h] {
				continue
			}
			seen[h] = true
			for b := range votes {
				votes[b] += int(h>>b&1)<<1 - 1
			}
		}
	}
	var shape uint64
	for b, v := range votes {
		if v > 0 {
			shape |= 1 << b
		}
	}
	return fmt.Sprintf("%016x", shape)
}

func hashOf(run []string) uint64 {
	h := fnv.New64a()
	for _, e := range run {
		h.Write([]byte(e))
		h.Write([]byte{0})
	}
	// FNV hardly mixes its high bits on short input: the finalizer of MurmurHash3 (public domain).
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// elements are the start tags of a page, in order.
func elements(body []byte) []string {
	var out []string
	z := html.NewTokenizer(bytes.NewReader(body))
	for kind := z.Next(); kind != html.ErrorToken && len(out) < maxElements; kind = z.Next() {
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			out = append(out, element(z))
		}
	}
	return out
}

// element is a tag with the names of its attributes, in order, and those values
// that a template gives and not its data: classes, and what a field is called.
func element(z *html.Tokenizer) string {
	name, more := z.TagName()
	var b strings.Builder
	b.Write(name)
	for more {
		var key, val []byte
		key, val, more = z.TagAttr()
		b.WriteByte(' ')
		b.Write(key)
		switch string(key) {
		case "class", "name", "type":
			b.WriteString("=" + value.Template(string(val)))
		}
	}
	return b.String()
}

// Shape is a value of BodyShape.
type Shape uint64

// ParseShape reads a value of BodyShape: 16 hexadecimal digits.
func ParseShape(v string) (Shape, bool) {
	x, err := strconv.ParseUint(v, 16, 64)
	return Shape(x), err == nil && len(v) == 16
}

// Distance counts the bits in which two shapes differ.
func (s Shape) Distance(t Shape) int { return bits.OnesCount64(uint64(s ^ t)) }

// Distance counts the bits in which two values of BodyShape differ. It is
// false if one of them is none.
func Distance(a, b string) (int, bool) {
	x, okX := ParseShape(a)
	y, okY := ParseShape(b)
	return x.Distance(y), okX && okY
}

// Bands are keys such that two shapes at most MaxDistance apart have one in
// common: the bits are cut in one band more than may differ.
func (s Shape) Bands() (keys [MaxDistance + 1]uint64) {
	for i := range keys {
		from, to := 64*i/len(keys), 64*(i+1)/len(keys)
		keys[i] = uint64(i)<<32 | uint64(s)>>from&(1<<(to-from)-1)
	}
	return keys
}
