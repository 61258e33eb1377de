package lab

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// serveHTTP2 answers GETs over HTTP/2, one at a time: enough for a probe or
// curl to be content, with the settings of the site's software in its order.
func serveHTTP2(s *site, c net.Conn) {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	f := http2.NewFramer(c, c)
	f.SetMaxReadFrameSize(1 << 14)
	f.MaxHeaderListSize = maxLine
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if f.WriteSettings(s.software.settings...) != nil {
		return
	}
	if s.software.window != 0 && f.WriteWindowUpdate(0, s.software.window) != nil {
		return
	}
	for n := range maxRequests {
		if c.SetDeadline(time.Now().Add(idle)) != nil {
			return
		}
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = f.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				err = f.WritePing(true, frame.Data)
			}
		case *http2.MetaHeadersFrame:
			err = writeAnswer(f, frame.StreamID, s.answer(frame.PseudoValue("path"), n, true))
		case *http2.GoAwayFrame:
			return
		}
		if err != nil {
			return
		}
	}
}

// writeAnswer sends one response (RFC 9113 section 8.3.2). Bodies fit the
// initial flow-control window of 65535 bytes and are cut to a frame's size.
func writeAnswer(f *http2.Framer, stream uint32, a answer) error {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	_ = e.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(a.code)}) // a Buffer does not fail
	for _, field := range a.fields {
		if field.name != "Connection" {
			_ = e.WriteField(hpack.HeaderField{Name: strings.ToLower(field.name), Value: field.value})
		}
	}
	if err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		return err
	}
	body := a.body
	for len(body) > 1<<14 {
		if err := f.WriteData(stream, false, body[:1<<14]); err != nil {
			return err
		}
		body = body[1<<14:]
	}
	return f.WriteData(stream, true, body)
}
