package casefile

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A segment is a row of batches. A batch is a skippable frame (RFC 8878
// section 3.1.2), which every zstd reader passes over, and a frame of
// observation/1 lines behind it:
//
//	 0  4  magic 0x184D2A5B, little-endian like all numbers here
//	 4  4  bytes of the skippable frame after this number: 20 + length of the JSON
//	 8  4  "hkb1"
//	12  4  bytes of the frame of lines, 0 for none
//	16  4  bytes of the lines
//	20  4  CRC-32C of the JSON and the frame of lines
//	24  4  CRC-32C of the 24 bytes before
//	28  n  JSON: Progress
//
// Both are written at once, so a batch acknowledges its own lines. It stands
// before them because its end is then known without decompressing, and because
// a broken batch can be passed over.
const (
	batchMagic  = 0x184D2A5B
	batchTag    = "hkb1"
	batchFixed  = 28
	maxProgress = 2 << 20  // bytes of the JSON; 65536 open hosts take half of it
	maxFrame    = 96 << 20 // bytes of a frame of lines
	maxText     = 64 << 20 // bytes of the lines of a batch
)

// progressSchema names the format of Progress.
const progressSchema = "progress/1"

// Progress is how far a pass over the targets is once a batch is read: every
// target with an index below Next is done, but for those in Open. Open holds
// at most as many as there are workers, whatever the number of targets.
type Progress struct {
	Schema   string    `json:"schema"`
	Pass     int       `json:"pass"`               // from 1
	At       time.Time `json:"at"`                 // UTC
	Next     uint64    `json:"next"`               // index in the permuted order of targets
	Open     []uint64  `json:"open,omitempty"`     // Next - index, ascending
	Finished bool      `json:"finished,omitempty"` // nothing is left to do in this pass
	Lines    int       `json:"lines,omitempty"`    // of this batch
	Hosts    int       `json:"hosts,omitempty"`    // targets done with this batch, without those that are excluded
}

// Done is how many targets are done.
func (p Progress) Done() uint64 { return p.Next - uint64(len(p.Open)) }

// First is the lowest index that is not done.
func (p Progress) First() uint64 {
	if len(p.Open) == 0 {
		return p.Next
	}
	return p.Next - p.Open[len(p.Open)-1]
}

// check finds what no writer writes.
func (p Progress) check() error {
	switch {
	case p.Schema != progressSchema:
		return fmt.Errorf("schema %.40q; this hostkin reads %s", p.Schema, progressSchema)
	case p.Pass < 1 || p.Lines < 0 || p.Hosts < 0:
		return errors.New("a number is out of range")
	case p.Finished && len(p.Open) > 0:
		return errors.New("finished with open targets")
	}
	last := uint64(0)
	for _, back := range p.Open {
		if back <= last || back > p.Next {
			return errors.New("open targets are out of order")
		}
		last = back
	}
	return nil
}

func checksum(parts ...[]byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the library
	sum := uint32(0)
	for _, part := range parts {
		sum = crc32.Update(sum, table, part)
	}
	return sum
}

// appendBatch appends the batch of lines (each with its newline) to out.
func appendBatch(out []byte, z *zstd.Encoder, p Progress, lines []byte) ([]byte, error) {
	p.Schema = progressSchema
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var frame []byte
	if len(lines) > 0 {
		frame = z.EncodeAll(lines, nil)
	}
	if len(text) > maxProgress || len(lines) > maxText || len(frame) > maxFrame {
		return nil, fmt.Errorf("a batch of %d bytes of lines and %d of progress is too large", len(lines), len(text))
	}
	head := len(out)
	le := binary.LittleEndian
	out = le.AppendUint32(out, batchMagic)
	out = le.AppendUint32(out, uint32(batchFixed-8+len(text)))
	out = append(out, batchTag...)
	out = le.AppendUint32(out, uint32(len(frame)))
	out = le.AppendUint32(out, uint32(len(lines)))
	out = le.AppendUint32(out, checksum(text, frame))
	out = le.AppendUint32(out, checksum(out[head:]))
	return append(append(out, text...), frame...), nil
}

// header is the fixed part of a batch.
type header struct {
	progress, frame, text int64 // bytes
	sum                   uint32
}

// size is the length of the whole batch in bytes.
func (h header) size() int64 { return batchFixed + h.progress + h.frame }

// readHeader reads the fixed part; ok is false if b does not begin with one
// that is whole and within the bounds.
func readHeader(b []byte) (h header, ok bool) {
	le := binary.LittleEndian
	if len(b) < batchFixed || le.Uint32(b) != batchMagic || string(b[8:12]) != batchTag || le.Uint32(b[24:]) != checksum(b[:24]) {
		return h, false
	}
	h = header{int64(le.Uint32(b[4:])) - (batchFixed - 8), int64(le.Uint32(b[12:])), int64(le.Uint32(b[16:])), le.Uint32(b[20:])}
	return h, h.progress > 0 && h.progress <= maxProgress && h.frame <= maxFrame && h.text <= maxText && (h.frame == 0) == (h.text == 0)
}

// read checks the rest of a batch, body being what follows the fixed part, and
// returns its progress and its frame of lines.
func (h header) read(body []byte) (Progress, []byte, error) {
	var p Progress
	if checksum(body) != h.sum {
		return p, nil, errors.New("the checksum of a batch is wrong")
	}
	if err := json.Unmarshal(body[:h.progress], &p); err != nil {
		return p, nil, fmt.Errorf("the progress of a batch cannot be read: %w", err)
	}
	return p, body[h.progress:], p.check()
}

// newEncoder compresses batches in the caller's goroutine.
func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true), zstd.WithEncoderLevel(zstd.SpeedDefault))
}

// newDecoder decompresses no more than a batch may hold.
func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
}
