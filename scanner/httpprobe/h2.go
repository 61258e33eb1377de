package httpprobe

import (
	"bytes"
	"encoding/binary"
	"time"

	"golang.org/x/net/http2"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	// h2Pause is the silence after the server's SETTINGS that says that no
	// WINDOW_UPDATE belongs to them.
	h2Pause     = 200 * time.Millisecond
	maxH2Frame  = 16 << 10 // RFC 9113 section 4.2: the size that needs no agreement
	maxH2Frames = 8        // frames read before giving up
	frameHeader = 9
)

// preface is one HTTP/2 connection, only as far as the server's connection
// preface (RFC 9113 section 3.4).
type preface struct {
	buf    []byte
	frames int
	got    *record.H2
	status record.Status
	opened bool
}

// Open implements conversation.Conversation.
func (p *preface) Open() conversation.Step {
	p.opened = true
	return conversation.Step{Send: frames([]byte(http2.ClientPreface), func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	})}
}

// Feed implements conversation.Conversation.
func (p *preface) Feed(in []byte) conversation.Step {
	p.buf = append(p.buf, in...)
	for p.status == "" && len(p.buf) >= frameHeader {
		length := int(binary.BigEndian.Uint32(append([]byte{0}, p.buf[:3]...)))
		if length > maxH2Frame || p.frames == 0 && p.buf[3] != byte(http2.FrameSettings) {
			p.status = record.Malformed
			break
		}
		if len(p.buf) < frameHeader+length {
			break
		}
		f, err := http2.NewFramer(nil, bytes.NewReader(p.buf[:frameHeader+length])).ReadFrame()
		p.buf = p.buf[frameHeader+length:]
		if p.frames++; err != nil {
			p.status = record.Malformed
			break
		}
		p.read(f)
	}
	switch {
	case p.status != "":
		return p.bye()
	case p.got != nil:
		return conversation.Step{Gap: h2Pause}
	}
	return conversation.Step{}
}

// read takes one frame. The preface is over with the WINDOW_UPDATE of the
// connection, or with whatever is not part of it.
func (p *preface) read(f http2.Frame) {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			break // of ours; the WINDOW_UPDATE may come after it
		}
		if p.got != nil {
			p.status = record.OK
			break
		}
		p.got = &record.H2{Settings: []record.H2Setting{}}
		for i := range min(f.NumSettings(), 64) {
			s := f.Setting(i)
			p.got.Settings = append(p.got.Settings, record.H2Setting{ID: uint16(s.ID), Value: s.Val})
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			p.got.WindowUpdate, p.status = f.Increment, record.OK
		}
	case *http2.GoAwayFrame:
		p.status = record.OK
	}
	if p.status == "" && p.frames >= maxH2Frames {
		p.status = record.OK
	}
	if p.got == nil { // the first frame is a SETTINGS, but an acknowledgement
		p.status = record.Malformed
	}
}

// bye acknowledges and goes away, as a client that leaves does.
func (p *preface) bye() conversation.Step {
	s := conversation.Step{Do: conversation.Done}
	if p.got != nil {
		s.Send = frames(nil, func(f *http2.Framer) error {
			if err := f.WriteSettingsAck(); err != nil {
				return err
			}
			return f.WriteGoAway(0, http2.ErrCodeNo, nil)
		})
	}
	return s
}

// frames are the bytes that write makes, after those of before.
func frames(before []byte, write func(*http2.Framer) error) []byte {
	b := bytes.NewBuffer(before)
	if err := write(http2.NewFramer(b, nil)); err != nil {
		return nil // a buffer does not fail, and the frames are our own
	}
	return b.Bytes()
}

// Quiet implements conversation.Conversation.
func (p *preface) Quiet() conversation.Step {
	p.status = record.OK
	return p.bye()
}

// End implements conversation.Conversation. A server that closes after its
// SETTINGS has said what there is to say.
func (p *preface) End(why record.Status) record.Status {
	switch {
	case p.status != "":
	case p.got != nil && (why == record.Closed || why == record.Reset || why == record.Timeout):
		p.status = record.OK
	default:
		p.status = why
	}
	p.buf = nil
	return p.status
}
