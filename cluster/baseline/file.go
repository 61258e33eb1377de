package baseline

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hostkin/hostkin/fingerprints"
)

// The head of a file.
const (
	magic  = "\x89hkb" // the first byte is no text in any usual encoding
	format = 1
)

// What Read finds wrong with a file, beside what it says.
var (
	ErrNoBaseline = errors.New("not a baseline (.hkb)")
	ErrTorn       = errors.New("the file is torn or damaged; fetch or build it again")
)

// rowSize is the size of a value in a file: hash and code.
const rowSize = 8 + 1

// Write writes the file. The same baseline always gives the same bytes.
func (b *Baseline) Write(w io.Writer) error {
	sum := crc32.NewIEEE()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	head := append([]byte(magic), format)
	head = binary.BigEndian.AppendUint64(head, b.hosts)
	head = binary.BigEndian.AppendUint64(head, uint64(b.date))
	head = binary.BigEndian.AppendUint64(head, b.least)
	out.Write(append(head, byte(len(b.kinds))))
	for _, s := range b.kinds {
		head := append([]byte{byte(len(s.kind))}, s.kind...)
		head = binary.BigEndian.AppendUint16(head, uint16(s.version))
		head = binary.BigEndian.AppendUint64(head, s.answered)
		out.Write(binary.BigEndian.AppendUint32(head, uint32(len(s.hashes))))
		for i, h := range s.hashes {
			out.Write(append(binary.BigEndian.AppendUint64(out.AvailableBuffer(), h), s.codes[i]))
		}
	}
	if err := out.Flush(); err != nil { // of any Write before
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// Read reads a file to its end. What it allocates is bounded by what there is
// to read. The error is, or wraps, ErrNoBaseline, ErrTorn, a fault of what the
// file says, or that of r.
func Read(r io.Reader) (*Baseline, error) {
	sum := crc32.NewIEEE()
	in := bufio.NewReaderSize(r, 64<<10)
	d := &decoder{in: io.TeeReader(in, sum)}
	if string(d.bytes(len(magic))) != magic {
		if d.err != nil && !errors.Is(d.err, ErrTorn) {
			return nil, d.err
		}
		return nil, ErrNoBaseline
	}
	if v := d.uint(1); v != format && d.err == nil {
		return nil, fmt.Errorf("a baseline of format version %d; this hostkin reads version %d", v, format)
	}
	b := &Baseline{hosts: d.uint(8), date: int64(d.uint(8)), least: d.uint(8)}
	for range d.uint(1) {
		b.kinds = append(b.kinds, d.section())
	}
	want := sum.Sum32()
	if got := d.uint(4); d.err == nil && uint32(got) != want {
		d.err = fmt.Errorf("%w: its checksum is wrong", ErrTorn)
	}
	if d.err != nil {
		return nil, d.err
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return nil, fmt.Errorf("%w: it goes on after its end", ErrTorn)
	case err != io.EOF:
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("the file is whole, but no baseline can be like it: %w", err)
	}
	return b, nil
}

// decoder reads numbers; after the first error only zeros.
type decoder struct {
	in     io.Reader
	buf    [4096 * rowSize]byte
	values uint64 // so far
	err    error
}

// bytes reads n bytes, at most len(buf); good until the next call.
func (d *decoder) bytes(n int) []byte {
	if d.err == nil {
		_, d.err = io.ReadFull(d.in, d.buf[:n])
		if d.err == io.EOF || d.err == io.ErrUnexpectedEOF {
			d.err = fmt.Errorf("%w: it ends too early", ErrTorn)
		}
	}
	if d.err != nil {
		clear(d.buf[:n])
	}
	return d.buf[:n]
}

// uint reads a big-endian number of n bytes.
func (d *decoder) uint(n int) uint64 {
	var v uint64
	for _, c := range d.bytes(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (d *decoder) section() section {
	kind := string(d.bytes(int(d.uint(1)))) // copied, before the next call
	s := section{kind: fingerprints.Kind(kind), version: int(d.uint(2)), answered: d.uint(8)}
	n := d.uint(4)
	if d.values += n; d.values > maxValues && d.err == nil {
		d.err = fmt.Errorf("a baseline of more than %d values is not read", maxValues)
	}
	for n > 0 && d.err == nil {
		rows := d.bytes(rowSize * int(min(n, uint64(len(d.buf)/rowSize))))
		for ; len(rows) > 0; rows = rows[rowSize:] {
			s.hashes = append(s.hashes, binary.BigEndian.Uint64(rows))
			s.codes = append(s.codes, rows[rowSize-1])
			n--
		}
	}
	return s
}
