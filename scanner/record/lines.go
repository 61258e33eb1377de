package record

import (
	"bufio"
	"bytes"
)

// MaxLine is the longest line of JSON Lines that is read, in bytes.
const MaxLine = 16 << 20

// ReadLine appends one line to buf, without its end. A line that is too long
// is read to its end and dropped.
func ReadLine(r *bufio.Reader, buf []byte) (_ []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !long {
			buf = append(buf, part...)
		}
		if len(buf) > MaxLine {
			long, buf = true, buf[:0]
		}
		if err != bufio.ErrBufferFull {
			return bytes.TrimRight(buf, "\r\n"), long, err
		}
	}
}
