// Package record is hostkin's stable data format: what one probe saw at one
// endpoint at one time. Records are raw (bytes, lists in wire order), never
// derived and never rewritten, so that a later algorithm can be run over old
// ones. One record is one line of JSON (schema "observation/1").
//
// The package imports the standard library only and is imported by everything.
package record

import (
	"iter"
	"net/netip"
	"time"
)

// Schema names the format of an Observation line.
const Schema = "observation/1"

// Host is one machine to look at. Name is the DNS name it was given by, or
// empty; it is what a TLS client sends as SNI.
type Host struct {
	IP   netip.Addr `json:"ip"`
	Name string     `json:"name"`
}

// String is the address, which identifies a host everywhere in hostkin.
func (h Host) String() string { return h.IP.String() }

// Endpoint is one TCP port of a host.
type Endpoint struct {
	Host Host
	Port uint16
}

// AddrPort is where to connect to.
func (e Endpoint) AddrPort() netip.AddrPort { return netip.AddrPortFrom(e.Host.IP, e.Port) }

// Status says how a connection, or a whole probe, ended. The vocabulary is
// closed: a silent server and a broken answer never look alike.
type Status string

// The statuses. Exactly these appear in records.
const (
	OK          Status = "ok"          // the probe got the answer that it wanted
	Refused     Status = "refused"     // RST instead of SYN-ACK
	Unreachable Status = "unreachable" // no route, or ICMP says so
	Timeout     Status = "timeout"     // silence until the deadline, before or after connecting
	Reset       Status = "reset"       // RST after the connection was established
	Closed      Status = "closed"      // FIN before the answer was whole
	Alert       Status = "alert"       // the server refused in its protocol's own words (TLS alert, SSH disconnect)
	Malformed   Status = "malformed"   // bytes that are not the protocol, or break it
	Truncated   Status = "truncated"   // the byte cap was hit before the answer was whole
	Excluded    Status = "excluded"    // an exclusion or a special-purpose range forbids the address
	Cancelled   Status = "cancelled"   // the scan was stopped
)

// Statuses is the whole vocabulary, in the order of the constants.
func Statuses() []Status {
	return []Status{OK, Refused, Unreachable, Timeout, Reset, Closed, Alert, Malformed, Truncated, Excluded, Cancelled}
}

// Connected reports whether a connection was established before s was reached,
// as far as s alone can tell: Timeout is counted as not connected.
func (s Status) Connected() bool {
	switch s {
	case Refused, Unreachable, Timeout, Excluded, Cancelled:
		return false
	}
	return true
}

// Observation is one probe of one endpoint.
type Observation struct {
	Schema      string    `json:"schema"`
	Host        Host      `json:"host"`
	Port        uint16    `json:"port"`
	Probe       string    `json:"probe"`
	Status      Status    `json:"status"`
	At          time.Time `json:"at"`                    // start of the first connection, UTC
	Ms          float64   `json:"ms"`                    // from At to the end of the last connection
	Connections int       `json:"connections,omitempty"` // connections attempted by this probe
	Answer
}

// Answer holds what a server said, one pointer a protocol. It is the payload
// of an Observation and, merged over the probes of one endpoint, what later
// probes of that endpoint may look at.
type Answer struct {
	Detect *Detect `json:"detect,omitempty"`
	TCP    *TCP    `json:"tcp,omitempty"`
	TLS    *TLS    `json:"tls,omitempty"`
	JARM   *JARM   `json:"jarm,omitempty"`
	SSH    *SSH    `json:"ssh,omitempty"`
	HTTP   *HTTP   `json:"http,omitempty"`

	SMTP     *Lines    `json:"smtp,omitempty"`
	FTP      *Lines    `json:"ftp,omitempty"`
	IMAP     *Lines    `json:"imap,omitempty"`
	POP3     *Lines    `json:"pop3,omitempty"`
	RDP      *RDP      `json:"rdp,omitempty"`
	MySQL    *MySQL    `json:"mysql,omitempty"`
	Postgres *Postgres `json:"postgres,omitempty"`
	Redis    *Redis    `json:"redis,omitempty"`
}

// Detect is what an unknown service said on its own and to a ClientHello.
type Detect struct {
	Protocol string `json:"protocol"`         // what a port's hint would say, or "" if not recognised
	Banner   []byte `json:"banner,omitempty"` // unprompted bytes
	Reply    []byte `json:"reply,omitempty"`  // bytes after our ClientHello
}

// TCP is what the operating system of the server shows in the handshake of a
// connection that was made anyway. SYNACK needs a capture (CAP_NET_RAW);
// without one Info is what the kernel's TCP_INFO tells.
type TCP struct {
	SYN    []byte   `json:"syn,omitempty"`     // our own SYN, IP and TCP header, when captured: only answers to equal SYNs compare
	SYNACK []byte   `json:"syn_ack,omitempty"` // IP and TCP header of the answer, no link layer
	Info   *TCPInfo `json:"info,omitempty"`
}

// TCPInfo is the part of Linux's struct tcp_info (linux/tcp.h) that the peer decides.
type TCPInfo struct {
	Options   uint8  `json:"options"`    // TCPI_OPT_* bits: 1 timestamps, 2 SACK, 4 window scale, 8 ECN
	SndWscale uint8  `json:"snd_wscale"` // the peer's window scale
	SndMSS    uint32 `json:"snd_mss"`    // bytes
	SndWnd    uint32 `json:"snd_wnd"`    // the peer's advertised window, bytes, scaled
}

// TLS is what a server answers to ClientHellos of hostkin's own (see
// tlsprobe). The embedded answer is the one of the highest version, the first
// of them if there are several.
type TLS struct {
	SNI string `json:"sni,omitempty"` // server_name sent
	TLSAnswer
	Others []TLSAnswer `json:"others,omitempty"` // to the other hellos, in the order in which they are asked
}

// TLSAnswer is the answer to one ClientHello.
type TLSAnswer struct {
	Hello              string      `json:"hello,omitempty"` // which: "c", "a", "d", "e" or "b"; "" is one that is not of tls.server
	Status             Status      `json:"status,omitempty"`
	Version            uint16      `json:"version,omitempty"`
	Suite              uint16      `json:"suite,omitempty"`
	ServerHello        []byte      `json:"server_hello,omitempty"`         // handshake message, with its 4-byte header
	HelloRetry         []byte      `json:"hello_retry,omitempty"`          // likewise, when one came first
	Extensions         []Extension `json:"extensions,omitempty"`           // of the ServerHello, in wire order
	Encrypted          []Extension `json:"encrypted_extensions,omitempty"` // of TLS 1.3 EncryptedExtensions
	ALPN               string      `json:"alpn,omitempty"`                 // protocol selected by the server
	Certificates       [][]byte    `json:"certificates,omitempty"`         // DER, as sent, leaf first; among TLS.Others only a chain that the embedded answer does not have
	KeyExchange        []byte      `json:"server_key_exchange,omitempty"`  // TLS 1.2 and below, body
	CertificateRequest []byte      `json:"certificate_request,omitempty"`  // body
	SignatureScheme    uint16      `json:"signature_scheme,omitempty"`     // of CertificateVerify
	Messages           []uint8     `json:"messages,omitempty"`             // handshake types received, in wire order
	Alerts             []TLSAlert  `json:"alerts,omitempty"`
	After              *TLSAfter   `json:"after,omitempty"` // what came of a stimulus
	Raw                []byte      `json:"raw,omitempty"`   // first bytes of an answer that is not TLS
}

// TLSAfter is how a server takes what does not belong at that point of a
// handshake, sent once its flight was over and it was quiet.
type TLSAfter struct {
	Sent     string     `json:"sent"`               // "ccs": an early ChangeCipherSpec
	Messages []uint8    `json:"messages,omitempty"` // handshake types received after it, in wire order
	Alerts   []TLSAlert `json:"alerts,omitempty"`
	End      Status     `json:"end"` // Closed: FIN; Reset: RST; Timeout: it stayed open
}

// Answers yields the answers to all hellos, the embedded one first.
func (t *TLS) Answers() iter.Seq[*TLSAnswer] {
	return func(yield func(*TLSAnswer) bool) {
		if t == nil || !yield(&t.TLSAnswer) {
			return
		}
		for i := range t.Others {
			if !yield(&t.Others[i]) {
				return
			}
		}
	}
}

// Extension is one TLS extension (RFC 8446 section 4.2).
type Extension struct {
	Type uint16 `json:"type"`
	Data []byte `json:"data,omitempty"`
}

// TLSAlert is one alert record (RFC 8446 section 6).
type TLSAlert struct {
	Level uint8 `json:"level"`
	Code  uint8 `json:"code"`
}

// JARM is the ten answers to the Client Hellos of salesforce/jarm, in order.
type JARM struct {
	SNI     string       `json:"sni"` // server_name sent: the target as given, an IP literal included
	Answers []JARMAnswer `json:"answers"`
}

// JARMAnswer is one of the ten. Status OK has a ServerHello, Alert and Closed
// are answers too (an empty component); Timeout makes the hash partial.
type JARMAnswer struct {
	Status      Status `json:"status"`
	ServerHello []byte `json:"server_hello,omitempty"` // handshake message, with its 4-byte header
}

// SSH is the cleartext start of SSH connections (RFC 4253).
type SSH struct {
	Preamble [][]byte  `json:"preamble,omitempty"` // lines before the identification string, with their endings
	Banner   []byte    `json:"banner,omitempty"`   // identification string with its line ending
	KEXINIT  *KEXINIT  `json:"kexinit,omitempty"`
	HostKeys []HostKey `json:"host_keys,omitempty"` // one an offered key type that was asked
	Raw      []byte    `json:"raw,omitempty"`       // first bytes of an answer that is not SSH
	Odd      []SSHOdd  `json:"odd,omitempty"`
}

// SSHOdd is how a server takes an identification string that it should refuse.
type SSHOdd struct {
	Sent   string `json:"sent"`            // "version": of a protocol version that does not exist; "http": a request line
	Status Status `json:"status"`          // Closed: FIN; Reset: RST; Timeout: it stayed open; Truncated: it said too much
	Reply  []byte `json:"reply,omitempty"` // what came after it, its own identification string left out
}

// KEXINIT is the server's SSH_MSG_KEXINIT (RFC 4253 section 7.1), lists in wire order.
type KEXINIT struct {
	Kex             []string `json:"kex"`
	HostKey         []string `json:"host_key"`
	EncC2S          []string `json:"enc_c2s"`
	EncS2C          []string `json:"enc_s2c"`
	MacC2S          []string `json:"mac_c2s"`
	MacS2C          []string `json:"mac_s2c"`
	CompC2S         []string `json:"comp_c2s"`
	CompS2C         []string `json:"comp_s2c"`
	LangC2S         []string `json:"lang_c2s"`
	LangS2C         []string `json:"lang_s2c"`
	FirstKexFollows bool     `json:"first_kex_follows,omitempty"`
}

// HostKey is the public key blob (RFC 4253 section 6.6) sent for one host key
// algorithm, or how asking for it ended.
type HostKey struct {
	Algorithm string `json:"algorithm"`
	Status    Status `json:"status"`
	Blob      []byte `json:"blob,omitempty"`
}

// HTTP is what a web server answers. Nil pages were not asked.
type HTTP struct {
	TLS     bool   `json:"tls,omitempty"`
	SNI     string `json:"sni,omitempty"`
	Host    string `json:"host,omitempty"` // Host field sent: name or address, with the port unless it is the scheme's own
	Root    *Page  `json:"root,omitempty"`
	Favicon *Page  `json:"favicon,omitempty"`
	Missing *Page  `json:"missing,omitempty"` // a path that no server has
	H2      *H2    `json:"h2,omitempty"`
	Plain   *Page  `json:"plain,omitempty"` // plain HTTP spoken to a TLS port
	Odd     []Odd  `json:"odd,omitempty"`
	Raw     []byte `json:"raw,omitempty"` // first bytes of an answer that is not HTTP
}

// Odd is the answer to a request that servers take differently.
type Odd struct {
	Request string `json:"request"` // "version", "method", "lf" or "coding", see httpprobe
	Page
}

// Page is one response to a GET, bytes as they came. The body is de-chunked
// (RFC 9112 section 7.1), still content-encoded, and cut at the probe's cap.
type Page struct {
	Path      string `json:"path"`
	Status    Status `json:"status"`
	Code      int    `json:"code,omitempty"`
	Head      []byte `json:"head,omitempty"` // status line and fields with the empty line
	Body      []byte `json:"body,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
}

// H2 is the server's HTTP/2 connection preface (RFC 9113 section 3.4).
type H2 struct {
	Settings     []H2Setting `json:"settings"`                // wire order
	WindowUpdate uint32      `json:"window_update,omitempty"` // of stream 0, sent with the preface
}

// H2Setting is one parameter (RFC 9113 section 6.5).
type H2Setting struct {
	ID    uint16 `json:"id"`
	Value uint32 `json:"value"`
}

// Lines is the start of a protocol of lines (SMTP, FTP, IMAP, POP3): what the
// server says before anybody logs in. What TLS it speaks after an upgrade
// stands in Answer.TLS.
type Lines struct {
	TLS      bool    `json:"tls,omitempty"`      // inside TLS from the start
	Greeting []byte  `json:"greeting,omitempty"` // with line endings
	Replies  []Reply `json:"replies,omitempty"`
	Raw      []byte  `json:"raw,omitempty"` // first bytes of an answer that is not the protocol
}

// Reply is the answer to one command.
type Reply struct {
	Command string `json:"command"` // as sent, without its line ending
	Status  Status `json:"status"`
	Text    []byte `json:"text,omitempty"` // all its lines, with line endings
}

// RDP is the connection sequence of MS-RDPBCGR up to the TLS handshake, whose
// certificate stands in Answer.TLS, and of MS-CSSP up to the NTLM challenge.
type RDP struct {
	Confirm   []byte `json:"confirm,omitempty"`    // X.224 Connection Confirm PDU, with its TPKT header
	CredSSP   int    `json:"credssp,omitempty"`    // version of the server's TSRequest (MS-CSSP 2.2.1)
	ErrorCode uint32 `json:"error_code,omitempty"` // NTSTATUS in it, when it refuses NTLM
	Challenge []byte `json:"challenge,omitempty"`  // NTLM CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2)
	Raw       []byte `json:"raw,omitempty"`        // first bytes of an answer that is not RDP or, inside TLS, not CredSSP
}

// MySQL is the first packet of a MySQL or MariaDB server, without its 4-byte
// header: HandshakeV10 or ERR.
type MySQL struct {
	Greeting []byte `json:"greeting,omitempty"`
	Raw      []byte `json:"raw,omitempty"`
}

// Postgres is what PostgreSQL answers before a user is named.
type Postgres struct {
	SSL   string `json:"ssl,omitempty"`   // answer to SSLRequest: "S", "N", or the type of another message
	Error []byte `json:"error,omitempty"` // ErrorResponse to a protocol version that does not exist, body
	Raw   []byte `json:"raw,omitempty"`
}

// Redis is the answer to PING, or the error that came without it.
type Redis struct {
	Reply []byte `json:"reply,omitempty"` // line with its ending
	Raw   []byte `json:"raw,omitempty"`
}

// Merge fills a with what b knows and a does not.
func (a *Answer) Merge(b Answer) {
	fill(&a.Detect, b.Detect)
	fill(&a.TCP, b.TCP)
	if a.TLS == nil || b.TLS != nil && len(b.TLS.Others) > len(a.TLS.Others) {
		a.TLS = b.TLS // a later look at the same server repeats what the first one brought
	}
	fill(&a.JARM, b.JARM)
	fill(&a.SMTP, b.SMTP)
	fill(&a.FTP, b.FTP)
	fill(&a.IMAP, b.IMAP)
	fill(&a.POP3, b.POP3)
	fill(&a.RDP, b.RDP)
	fill(&a.MySQL, b.MySQL)
	switch {
	case a.Postgres == nil:
		a.Postgres = b.Postgres
	case b.Postgres != nil:
		merged := *a.Postgres
		if merged.SSL == "" {
			merged.SSL = b.Postgres.SSL
		}
		if merged.Error == nil {
			merged.Error = b.Postgres.Error
		}
		a.Postgres = &merged
	}
	fill(&a.Redis, b.Redis)
	switch {
	case a.SSH == nil:
		a.SSH = b.SSH
	case b.SSH != nil:
		merged := *a.SSH
		fill(&merged.KEXINIT, b.SSH.KEXINIT)
		merged.HostKeys = append(append([]HostKey(nil), merged.HostKeys...), b.SSH.HostKeys...)
		if merged.Odd == nil {
			merged.Odd = b.SSH.Odd
		}
		a.SSH = &merged
	}
	switch {
	case a.HTTP == nil:
		a.HTTP = b.HTTP
	case b.HTTP != nil:
		merged := *a.HTTP
		fill(&merged.Root, b.HTTP.Root)
		fill(&merged.Favicon, b.HTTP.Favicon)
		fill(&merged.Missing, b.HTTP.Missing)
		fill(&merged.H2, b.HTTP.H2)
		fill(&merged.Plain, b.HTTP.Plain)
		if merged.Odd == nil {
			merged.Odd = b.HTTP.Odd
		}
		a.HTTP = &merged
	}
}

func fill[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}
