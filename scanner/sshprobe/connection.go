package sshprobe

import (
	"bytes"
	"slices"
	"time"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	patience    = time.Second            // silence after which we identify ourselves first
	settle      = 200 * time.Millisecond // silence that ends the reading of what is not SSH
	maxRaw      = 512                    // bytes kept of what is not SSH
	maxLine     = 1024                   // RFC 4253 allows an identification of 255 bytes
	maxPreamble = 8 << 10                // bytes before the identification
	maxLines    = 64                     // lines before the identification
	maxReceived = 96 << 10               // bytes of a connection
	maxHostKey  = 16 << 10               // bytes of a host key blob
)

// connection is one connection: identification strings, KEXINITs, and the key
// exchange as far as the server's host key.
type connection struct {
	offer   record.KEXINIT // what our KEXINIT lists
	contact string         // comment of our identification; "" none
	eager   bool           // the offer leaves no choice: say everything at once

	buf        []byte // received, not yet read
	out        []byte // to send with the next step
	identified bool   // our identification is sent
	started    bool   // our KEXINIT is sent
	method     string // key exchange method agreed on
	skip       bool   // the server's next key exchange packet is a wrong guess
	junk       bool   // not SSH: collecting seen.Raw
	status     record.Status

	seen record.SSH     // preamble, banner, KEXINIT, raw
	key  record.HostKey // what was asked for and came
}

// Open implements conversation.Conversation.
func (c *connection) Open() conversation.Step {
	if c.eager {
		c.identify()
		c.start()
		c.method = c.offer.Kex[0]
		c.out = append(c.out, kexStart(c.method)...)
	}
	return c.step()
}

// Feed implements conversation.Conversation.
func (c *connection) Feed(in []byte) conversation.Step {
	c.out = nil
	c.buf = append(c.buf, in...)
	for c.status == "" && !c.junk && c.advance() {
	}
	if c.junk && len(c.buf) >= maxRaw {
		c.status = record.Malformed
	}
	return c.step()
}

// Quiet implements conversation.Conversation.
func (c *connection) Quiet() conversation.Step {
	c.out = nil
	if c.junk {
		c.status = record.Malformed
	} else {
		c.identify()
	}
	return c.step()
}

// End implements conversation.Conversation.
func (c *connection) End(why record.Status) record.Status {
	switch {
	case c.status != "":
	case c.junk:
		c.status = record.Malformed
	case why == record.Closed && c.seen.Banner == nil && c.saidOther():
		c.junk, c.status = true, record.Malformed
		c.buf = slices.Concat(append(c.seen.Preamble, c.buf)...)
		c.seen.Preamble = nil
	default:
		c.status = why
	}
	switch {
	case c.junk:
		c.seen.Raw = slices.Clone(c.buf[:min(maxRaw, len(c.buf))])
	case c.status == record.Truncated:
	case c.seen.Banner == nil && bytes.HasPrefix(c.buf, []byte("SSH-")):
		c.seen.Banner = slices.Clone(c.buf) // never ended, but said
	case c.seen.Banner == nil && len(c.buf) > 0:
		c.seen.Raw = slices.Clone(c.buf[:min(maxRaw, len(c.buf))]) // too little to tell, but not silence
	}
	c.buf = nil
	c.key.Status = c.status
	return c.status
}

func (c *connection) step() conversation.Step {
	s := conversation.Step{Send: c.out}
	switch {
	case c.status != "":
		s.Do = conversation.Done
	case c.junk:
		s.Gap = settle
	case !c.identified:
		s.Gap = patience
	}
	return s
}

func (c *connection) identify() {
	if !c.identified {
		c.identified = true
		c.out = append(c.out, identify(c.contact)...)
	}
}

func (c *connection) start() {
	if !c.started {
		c.started = true
		c.out = append(c.out, kexInitPacket(c.offer)...)
	}
}

// advance reads one line or packet; false: more bytes are needed.
func (c *connection) advance() bool {
	if c.seen.Banner == nil {
		return c.readLine()
	}
	payload, n, err := packet(c.buf)
	if err != nil {
		c.junk = true
		return false
	}
	if n == 0 {
		return false
	}
	if c.handle(payload); c.junk {
		return false // keep the packet: it is the evidence
	}
	c.buf = c.buf[n:]
	return true
}

// readLine reads one line of the server's greeting (RFC 4253 section 4.2).
func (c *connection) readLine() bool {
	window := c.buf[:min(maxLine, len(c.buf))]
	end := bytes.IndexByte(window, '\n') + 1
	if end > 0 {
		window = window[:end]
	}
	isSSH := bytes.HasPrefix(window, []byte("SSH-"))
	if !isSSH && otherProtocol(window, len(c.seen.Preamble) == 0) {
		c.junk = true
		return false
	}
	if end == 0 {
		if len(window) == maxLine {
			c.status = record.Truncated
			c.seen.Raw = slices.Clone(window[:maxRaw])
		}
		return false
	}
	line := slices.Clone(window)
	c.buf = c.buf[end:]
	if isSSH {
		c.greeted(line)
		return true
	}
	c.seen.Preamble = append(c.seen.Preamble, line)
	total := 0
	for _, l := range c.seen.Preamble {
		total += len(l)
	}
	if len(c.seen.Preamble) > maxLines || total > maxPreamble {
		c.status = record.Truncated
	}
	return true
}

func (c *connection) greeted(line []byte) {
	c.seen.Banner = line
	if !bytes.HasPrefix(line, []byte("SSH-2.")) && !bytes.HasPrefix(line, []byte("SSH-1.99-")) {
		c.status = record.Malformed // SSH 1 has no KEXINIT; the banner is kept
		return
	}
	c.identify()
	c.start()
}

// otherProtocol tells from the start of a line that a server does not speak
// SSH: it has bytes that no line of text has, or it is the first line and
// greets as another protocol does. Other text may be a preamble.
func otherProtocol(line []byte, first bool) bool {
	for i, b := range line {
		switch {
		case b >= 0x20 && b != 0x7f || b == '\t' || b == '\n' || b == 0x1b: // a preamble may be UTF-8 and coloured
		case b == '\r' && (i == len(line)-1 || line[i+1] == '\n' || line[i+1] == '\r'):
		default:
			return true
		}
	}
	if !first {
		return false
	}
	if len(line) > 0 && line[0] == 0xff { // telnet: IAC (RFC 854)
		return true
	}
	for _, greeting := range []string{"HTTP/", "<", "RFB ", "* OK", "* BYE", "+OK", "-ERR", "+PONG", "INFO {", "@RSYNCD"} {
		if bytes.HasPrefix(line, []byte(greeting)) {
			return true
		}
	}
	reply := len(line) >= 4 && (line[3] == ' ' || line[3] == '-') // FTP, SMTP, NNTP: a three-digit code
	return reply && isDigit(line[0]) && isDigit(line[1]) && isDigit(line[2])
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// saidOther tells, of a server that closed without identifying itself, whether
// it spoke another protocol. The lines with which OpenSSH and TCP wrappers turn
// a client away are an SSH server's, busy at the moment.
func (c *connection) saidOther() bool {
	if len(c.seen.Preamble) == 0 {
		return !bytes.HasPrefix([]byte("SSH-"), c.buf[:min(4, len(c.buf))])
	}
	line := c.seen.Preamble[0]
	return !bytes.HasPrefix(line, []byte("Exceeded MaxStartups")) && !bytes.HasPrefix(line, []byte("Not allowed at this time"))
}

// handle reads one message. Before the end of a key exchange few are allowed.
func (c *connection) handle(payload []byte) {
	switch m := payload[0]; {
	case m == msgDisconnect:
		c.status = record.Alert
	case m == msgIgnore || m == msgUnimplemented || m == msgDebug || m == msgExtInfo:
	case m == msgKexInit && c.seen.KEXINIT == nil:
		k, err := parseKexInit(payload)
		if err != nil {
			c.junk = true
			return
		}
		c.seen.KEXINIT = k
		c.negotiate(k)
	case m >= msgKexdhInit && m <= lastKexMessage && c.skip:
		c.skip = false
	case m == msgKexdhReply && isGex(c.method):
		c.out = append(c.out, frame(appendMpint([]byte{msgGexInit}, dhPublic()))...)
	case m == msgKexdhReply && c.method != "", m == msgGexReply && isGex(c.method):
		c.reply(payload)
	default:
		c.junk = true
	}
}

// negotiate finds what RFC 4253 section 7.1 makes of the two KEXINITs. Nothing
// in common ends the connection as a refusal: the server would disconnect.
func (c *connection) negotiate(k *record.KEXINIT) {
	method, algorithm := common(c.offer.Kex, k.Kex), common(c.offer.HostKey, k.HostKey)
	if method == "" || algorithm == "" {
		c.status = record.Alert
		return
	}
	c.key.Algorithm = algorithm
	if k.FirstKexFollows {
		c.skip = k.Kex[0] != c.offer.Kex[0] || k.HostKey[0] != c.offer.HostKey[0]
	}
	if c.method == "" {
		c.out = append(c.out, kexStart(method)...)
	}
	c.method = method
}

// reply takes the host key, the first field of every method's last answer.
func (c *connection) reply(payload []byte) {
	blob, _, ok := cutString(payload[1:])
	if _, _, named := cutString(blob); !ok || !named || len(blob) > maxHostKey || c.seen.KEXINIT == nil {
		c.junk = true
		return
	}
	c.key.Blob = slices.Clone(blob)
	c.status = record.OK
}
