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

// Distance counts the bits in which two values of BodyShape differ. It is
// false if one of them is none.
func Distance(a, b string) (int, bool) {
	x, okX := shapeBits(a)
	y, okY := shapeBits(b)
	return bits.OnesCount64(x ^ y), okX && okY
}

func shapeBits(v string) (uint64, bool) {
	x, err := strconv.ParseUint(v, 16, 64)
	return x, err == nil && len(v) == 16
}

// Bands are keys of a value of BodyShape such that two values at most
// MaxDistance apart have one in common: the bits are cut in one band more than
// may differ.
func Bands(v string) []string {
	x, ok := shapeBits(v)
	if !ok {
		return nil
	}
	const bands = MaxDistance + 1
	out := make([]string, bands)
	for i := range out {
		from, to := 64*i/bands, 64*(i+1)/bands
		out[i] = fmt.Sprintf("%d:%x", i, x>>from&(1<<(to-from)-1))
	}
	return out
}
