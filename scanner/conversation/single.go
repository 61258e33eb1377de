package conversation

import (
	"cmp"

	"github.com/hostkin/hostkin/scanner/record"
)

// Single is the run of a probe that makes one connection.
type Single struct {
	At    record.Endpoint
	Conv  Conversation         // nil: there is nothing to ask
	Bytes int64                // see Limits
	Write func(*record.Answer) // writes what Conv brought; called if the connection was asked for

	asked  bool
	status record.Status
}

var _ Run = (*Single)(nil)

// Next fills in the connection, once.
func (s *Single) Next(x *Exchange) bool {
	if s.asked || s.Conv == nil {
		return false
	}
	s.asked = true
	x.Addr, x.Conv, x.Limits.Bytes = s.At.AddrPort(), s.Conv, s.Bytes
	return true
}

// Ended keeps the verdict on the connection.
func (s *Single) Ended(x *Exchange) { s.status = x.Status }

// Fold is that verdict, OK where there was nothing to ask.
func (s *Single) Fold(a *record.Answer) record.Status {
	switch {
	case s.Conv == nil:
		return record.OK
	case s.asked:
		s.Write(a)
	}
	return cmp.Or(s.status, record.Cancelled)
}
