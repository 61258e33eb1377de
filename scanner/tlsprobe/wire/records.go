// Package wire is the part of TLS that needs no cryptography: records cut out
// of a byte stream, handshake messages put together from records, Client
// Hellos built and Server Hellos read. A server may cut all of them anywhere.
package wire

import "errors"

// Content types of records (RFC 8446 section 5.1).
const (
	ChangeCipherSpec = 20
	Alert            = 21
	Handshake        = 22
	ApplicationData  = 23
)

// MaxRecord is the longest record body taken: RFC 5246 section 6.2.3 allows
// 2^14 + 2048 bytes, TLS 1.3 less.
const MaxRecord = 1<<14 + 2048

// maxEmpty bounds records without a body, which cost the sender nothing and
// bring the handshake no further.
const maxEmpty = 16

// What is wrong with a byte stream.
var (
	ErrNotTLS    = errors.New("wire: the first bytes are no TLS record")
	ErrMalformed = errors.New("wire: malformed TLS record or message")
	ErrTooLong   = errors.New("wire: handshake longer than allowed")
)

// Record is one TLS record. Its body is valid until the next call of Next.
type Record struct {
	Header [5]byte
	Body   []byte
}

// Type is the content type.
func (r Record) Type() uint8 { return r.Header[0] }

// Records cuts a byte stream into records. The zero value is ready.
type Records struct {
	buf   []byte // an incomplete record
	any   bool   // a whole header was seen
	used  bool   // buf is the record that Next returned last
	empty int
}

// Next takes bytes from in and returns the first whole record, if there is one
// (ok), and the bytes it did not need. ErrNotTLS comes at the first wrong byte
// of a stream that does not begin with TLS: rest is then in, and Pending holds
// what came before.
func (s *Records) Next(in []byte) (r Record, rest []byte, ok bool, err error) {
	if s.used {
		s.buf, s.used = s.buf[:0], false
	}
	if len(s.buf) == 0 && len(in) >= 5 { // nothing to copy when the record is whole
		n, err := s.length(in[:5])
		if err != nil {
			return r, in, false, err
		}
		if len(in) >= 5+n {
			copy(r.Header[:], in)
			r.Body = in[5 : 5+n]
			return r, in[5+n:], true, s.count(n)
		}
	}
	if len(s.buf) < 5 {
		take := min(5-len(s.buf), len(in))
		var header [5]byte
		have := append(append(header[:0], s.buf...), in[:take]...)
		if err := s.check(have); err != nil {
			return r, in, false, err
		}
		s.buf = append(s.buf, in[:take]...)
		in = in[take:]
		if len(s.buf) < 5 {
			return r, in, false, nil
		}
	}
	n, err := s.length(s.buf[:5])
	if err != nil {
		return r, in, false, err
	}
	take := min(5+n-len(s.buf), len(in))
	s.buf = append(s.buf, in[:take]...)
	in = in[take:]
	if len(s.buf) < 5+n {
		return r, in, false, nil
	}
	copy(r.Header[:], s.buf)
	r.Body, s.used = s.buf[5:], true
	return r, in, true, s.count(n)
}

// Begun reports whether the header of a first record was complete.
func (s *Records) Begun() bool { return s.any }

// Pending is what was taken of a record that is not whole yet.
func (s *Records) Pending() []byte {
	if s.used {
		return nil
	}
	return s.buf
}

// check judges the beginning of a header, one to five bytes.
func (s *Records) check(header []byte) error {
	bad := len(header) > 0 && (header[0] < ChangeCipherSpec || header[0] > ApplicationData) ||
		len(header) > 1 && header[1] != 3 ||
		len(header) > 4 && int(header[3])<<8+int(header[4]) > MaxRecord
	switch {
	case !bad:
		return nil
	case s.any:
		return ErrMalformed
	}
	return ErrNotTLS
}

func (s *Records) length(header []byte) (int, error) {
	if err := s.check(header); err != nil {
		return 0, err
	}
	s.any = true
	return int(header[3])<<8 + int(header[4]), nil
}

func (s *Records) count(n int) error {
	if n > 0 {
		return nil
	}
	if s.empty++; s.empty > maxEmpty {
		return ErrMalformed
	}
	return nil
}

// Messages puts handshake messages together from the bodies of records. Max
// bounds the bytes of all messages. Messages keep their bytes for ever: what
// Next returns stays valid.
type Messages struct {
	Max int
	buf []byte
	off int
}

// Add takes the body of one record. What goes beyond Max is dropped, with ErrTooLong.
func (m *Messages) Add(body []byte) error {
	if room := m.Max - len(m.buf); len(body) > room {
		m.buf = append(m.buf, body[:room]...)
		return ErrTooLong
	}
	m.buf = append(m.buf, body...)
	return nil
}

// Grow lets f append the body of one record to the buffer and adds it, as Add
// does: a decryption needs no second buffer.
func (m *Messages) Grow(f func(to []byte) ([]byte, error)) error {
	grown, err := f(m.buf)
	if err != nil {
		return err
	}
	m.buf = grown
	if len(m.buf) > m.Max {
		m.buf = m.buf[:m.Max]
		return ErrTooLong
	}
	return nil
}

// Next returns the next whole message with its 4-byte header, or nil.
func (m *Messages) Next() []byte {
	rest := m.Pending()
	if len(rest) < 4 {
		return nil
	}
	n := 4 + (int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3]))
	if len(rest) < n {
		return nil
	}
	m.off += n
	return rest[:n:n]
}

// Pending is the beginning of a message that is not whole yet.
func (m *Messages) Pending() []byte { return m.buf[m.off:len(m.buf):len(m.buf)] }
