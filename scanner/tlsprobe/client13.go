package tlsprobe

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"io"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe/wire"
)

// handshake13 is what a TLS 1.3 handshake needs to be brought to its end.
type handshake13 struct {
	suite      suite
	transcript hash.Hash
	secret     []byte // handshake secret
	client     []byte // client_handshake_traffic_secret
	server     []byte // server_handshake_traffic_secret
	in         *protection
	last       uint8 // type of the message before
}

// changeCipherSpec is sent for middleboxes (RFC 8446 appendix D.4).
const changeCipherSpec = "\x14\x03\x03\x00\x01\x01"

// retry answers a HelloRetryRequest (RFC 8446 section 4.1.4), unless it is the
// answer that was wanted.
func (c *client) retry(msg []byte, h wire.ServerHello) {
	again := c.out.HelloRetry != nil
	c.out.HelloRetry = msg
	switch {
	case again:
		c.verdict = record.Malformed
	case c.out.Hello == helloB:
		c.finish()
	case c.keys != nil: // else the client that is watched answers
		c.retried(h)
	}
}

func (c *client) retried(h wire.ServerHello) {
	var group uint16
	if b, ok := wire.Find(h.Extensions, wire.ExtKeyShare); ok {
		if len(b) == 2 {
			group = binary.BigEndian.Uint16(b)
		}
		if group != groupP256 && group != groupP384 && group != groupP521 { // those without a share in the first hello
			c.verdict = record.Malformed
			return
		}
	}
	cookie, _ := wire.Find(h.Extensions, wire.ExtCookie)
	second := padded(c.keys.hello13(c.out.Hello, c.sni, group, cookie))
	if c.out.Hello != helloA && c.out.Hello != helloS || len(second) > wire.MaxRecord || group == 0 && cookie == nil {
		c.verdict = record.Malformed
		return
	}
	second[2] = 3 // the record of a second hello says TLS 1.2 (RFC 8446 section 5.1)
	c.retryHello = second[5:]
	c.send = append(c.send, changeCipherSpec...)
	c.send = append(c.send, second...)
}

// start13 derives the handshake keys from a ServerHello (RFC 8446 section 7.1).
func (c *client) start13(msg []byte, h wire.ServerHello) {
	c.verdict = record.Malformed // unless we come through
	s, known := suite13(h.Suite)
	if !known && (h.Suite == 0x1304 || h.Suite == 0x1305) { // AES-CCM, which the standard library has not
		c.verdict = record.OK
		return
	}
	group, key, ok := keyShare(h)
	if !known || !ok || len(c.messages.Pending()) > 0 {
		return
	}
	shared, err := c.keys.shared(group, key)
	if err != nil {
		return
	}
	v := &handshake13{suite: s, transcript: s.hash(), secret: s.handshakeSecret(shared), last: wire.TypeServerHello}
	v.transcript.Write(c.hello[5:])
	if c.retryHello != nil { // the first hello counts as its hash (RFC 8446 section 4.4.1)
		first := v.transcript.Sum(nil)
		v.transcript.Reset()
		v.transcript.Write([]byte{wire.TypeMessageHash, 0, 0, byte(len(first))})
		v.transcript.Write(first)
		v.transcript.Write(c.out.HelloRetry)
		v.transcript.Write(c.retryHello)
	}
	v.transcript.Write(msg)
	sum := v.transcript.Sum(nil)
	v.client = s.derive(v.secret, "c hs traffic", sum)
	v.server = s.derive(v.secret, "s hs traffic", sum)
	if v.in, err = s.protection(v.server); err != nil {
		return
	}
	c.v13, c.verdict = v, ""
}

// protected decrypts one record.
func (c *client) protected(r wire.Record) {
	if c.v13 == nil {
		c.verdict = record.Malformed
		return
	}
	var kind uint8
	var other []byte // content that is not a handshake message
	err := c.messages.Grow(func(to []byte) ([]byte, error) {
		out, k, err := c.v13.in.open(to, r)
		if err != nil || k == wire.Handshake {
			kind = k
			return out, err
		}
		kind, other = k, out[len(to):]
		return to, nil
	})
	switch {
	case err != nil && err != wire.ErrTooLong, kind != wire.Handshake && kind != wire.Alert:
		c.verdict = record.Malformed
	case kind == wire.Alert:
		c.alert(other)
	default:
		c.drain(err)
	}
}

// message13 reads the encrypted flight (RFC 8446 section 4.3 and 4.4).
func (c *client) message13(msg []byte) {
	v, body, ok := c.v13, msg[4:], false
	switch msg[0] {
	case wire.TypeEncryptedExtensions:
		s := cryptobyte.String(body)
		c.out.Encrypted, ok = wire.ParseExtensions(&s)
		ok = ok && s.Empty() && v.last == wire.TypeServerHello
		c.selectALPN(c.out.Encrypted)
	case wire.TypeCertificateRequest:
		if ok = v.last == wire.TypeEncryptedExtensions && len(body) > 0 && len(body) > int(body[0]); ok {
			c.out.CertificateRequest = body
		}
	case wire.TypeCertificate, wire.TypeCompressed:
		if msg[0] == wire.TypeCompressed {
			body = decompressed(body)
		}
		c.out.Certificates, ok = parseCertificates(body, true)
		ok = ok && (v.last == wire.TypeEncryptedExtensions || v.last == wire.TypeCertificateRequest)
	case wire.TypeCertificateVerify: // not verified: what matters is what the server shows
		if ok = len(body) >= 4 && (v.last == wire.TypeCertificate || v.last == wire.TypeCompressed); ok {
			c.out.SignatureScheme = binary.BigEndian.Uint16(body)
		}
	case wire.TypeFinished:
		ok = v.last == wire.TypeCertificateVerify &&
			hmac.Equal(body, v.suite.finished(v.server, v.transcript.Sum(nil)))
	}
	if !ok {
		c.verdict = record.Malformed
		return
	}
	v.last = msg[0]
	v.transcript.Write(msg)
	if msg[0] == wire.TypeFinished {
		c.finish13()
	}
}

// decompressed is the body of the Certificate message in a
// CompressedCertificate, as far as it can be had (RFC 8879 section 4).
func decompressed(body []byte) []byte {
	s := cryptobyte.String(body)
	var algorithm uint16
	var size uint32
	var packed cryptobyte.String
	if !s.ReadUint16(&algorithm) || algorithm != wire.CompressionZlib || !s.ReadUint24(&size) || size > maxHandshake ||
		!s.ReadUint24LengthPrefixed(&packed) || !s.Empty() {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
	if err != nil || len(out) != int(size) {
		return nil
	}
	return out
}

// finish13 sends what a client that wants nothing sends: an empty certificate
// if it was asked for one, Finished, and close_notify.
func (c *client) finish13() {
	c.verdict = record.OK
	v, s := c.v13, c.v13.suite
	traffic := s.derive(s.masterSecret(v.secret), "c ap traffic", v.transcript.Sum(nil))
	handshake, err := s.protection(v.client)
	application, err2 := s.protection(traffic)
	if err != nil || err2 != nil {
		return
	}
	var flight []byte
	if len(c.out.CertificateRequest) > 0 {
		context := c.out.CertificateRequest[:1+int(c.out.CertificateRequest[0])] // certificate_request_context
		flight = append(flight, wire.TypeCertificate, 0, 0, byte(len(context)+3))
		flight = append(append(flight, context...), 0, 0, 0)
		v.transcript.Write(flight)
	}
	verify := s.finished(v.client, v.transcript.Sum(nil))
	flight = append(append(flight, wire.TypeFinished, 0, 0, byte(len(verify))), verify...)
	if c.hello[5+4+2+32] > 0 && c.retryHello == nil { // a session id: compatibility mode
		c.send = append(c.send, changeCipherSpec...)
	}
	c.send = handshake.seal(c.send, wire.Handshake, flight)
	c.send = application.seal(c.send, wire.Alert, []byte{1, 0})
}
