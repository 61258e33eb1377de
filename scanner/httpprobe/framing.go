package httpprobe

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/hostkin/hostkin/scanner/record"
)

// begin learns from a whole head what follows it (RFC 9112 section 6.3).
func (r *response) begin() {
	switch coding, length := tokens(fields(r.head, "Transfer-Encoding")), fields(r.head, "Content-Length"); {
	case r.code < 200 && r.code != 101: // interim: the answer is still to come
		if r.interim++; r.interim > maxInterim {
			r.fail(record.Malformed)
			return
		}
		r.head = nil
	case r.code < 200 || r.code == 204 || r.code == 304 || r.bodiless:
		r.status, r.reusable = record.OK, r.persists() && r.code >= 200
	case len(coding) > 0 && coding[len(coding)-1] == "chunked":
		// With a Content-Length beside it the message may be an attack on
		// whatever stands between: it is read, but nothing is sent after it.
		r.framing, r.reusable = byChunks, r.persists() && len(length) == 0
	case len(coding) > 0 || len(length) == 0:
		r.framing = byClose
	default:
		n, ok := contentLength(length)
		if !ok {
			r.fail(record.Malformed)
			return
		}
		r.framing, r.left, r.reusable = byLength, n, r.persists()
		r.endOfLength()
	}
}

// persists tells whether the server keeps the connection (RFC 9112 section 9.3).
func (r *response) persists() bool {
	options := tokens(fields(r.head, "Connection"))
	if slices.Contains(options, "close") {
		return false
	}
	return !bytes.HasPrefix(r.head, []byte("HTTP/1.0")) || slices.Contains(options, "keep-alive")
}

// contentLength reads digits only; several fields must agree (RFC 9110 section
// 8.6). More than an int64 holds is as good as endless.
func contentLength(values []string) (int64, bool) {
	all := tokens(values)
	if len(all) == 0 {
		return 0, false
	}
	for _, v := range all {
		if v != all[0] {
			return 0, false
		}
		for _, c := range []byte(v) {
			if !isDigit(c) {
				return 0, false
			}
		}
	}
	n, err := strconv.ParseInt(all[0], 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

const (
	maxChunkLine = 1 << 10 // bytes of a chunk-size with its extensions
	maxTrailers  = 8 << 10 // bytes of the trailer section
)

var errChunk = errors.New("chunked coding is broken")

// chunked undoes the chunked coding (RFC 9112 section 7.1).
type chunked struct {
	stage    stage
	left     int64 // bytes of the chunk to come
	line     []byte
	trailers int
}

type stage uint8

const (
	inSize    stage = iota // in a chunk-size line
	inData                 // in chunk-data
	afterData              // in the line end after it
	inTrailer              // after the last chunk
	atEnd
)

func (c *chunked) done() bool { return c.stage == atEnd }

// cut reads one element off b: a line or a piece of data.
func (c *chunked) cut(b []byte) (payload, rest []byte, err error) {
	if c.stage == inData {
		n := min(int64(len(b)), c.left)
		if c.left -= n; c.left == 0 {
			c.stage = afterData
		}
		return b[:n], b[n:], nil
	}
	n := bytes.IndexByte(b, '\n') + 1
	ended := n > 0
	if !ended {
		n = len(b)
	}
	if len(c.line)+n > maxChunkLine {
		return nil, nil, errChunk
	}
	c.line = append(c.line, b[:n]...)
	if !ended {
		return nil, nil, nil
	}
	line := bytes.TrimSuffix(c.line[:len(c.line)-1], []byte("\r"))
	c.line = c.line[:0]
	return nil, b[n:], c.endLine(line)
}

func (c *chunked) endLine(line []byte) error {
	switch c.stage {
	case inSize:
		n, ok := chunkSize(line)
		if !ok {
			return errChunk
		}
		if c.left, c.stage = n, inData; n == 0 {
			c.stage = inTrailer
		}
	case afterData:
		if len(line) > 0 {
			return errChunk
		}
		c.stage = inSize
	case inTrailer:
		if c.trailers += len(line) + 1; c.trailers > maxTrailers {
			return errChunk
		}
		if len(line) == 0 {
			c.stage = atEnd
		}
	}
	return nil
}

// chunkSize reads up to 15 hex digits, then nothing, blanks or an extension.
func chunkSize(line []byte) (int64, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		switch {
		case isDigit(c):
			n = n<<4 | int64(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
