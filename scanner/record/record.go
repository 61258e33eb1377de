// Package record is hostkin's stable data format: what one probe saw at one
// endpoint at one time. Records are raw (bytes, lists in wire order), never
// derived and never rewritten, so that a later algorithm can be run over old
// ones. One record is one line of JSON (schema "observation/1").
//
// The package imports the standard library only and is imported by everything.
package record

import (
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
}

// Detect is what an unknown service said on its own and to a ClientHello.
type Detect struct {
	Protocol string `json:"protocol"`         // "ssh", "tls", "http", or "" if none of them
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

// TLS is one handshake with a ClientHello of hostkin's own (see tlsprobe).
type TLS struct {
	SNI                string      `json:"sni,omitempty"` // server_name sent
	Version            uint16      `json:"version,omitempty"`
	Suite              uint16      `json:"suite,omitempty"`
	ServerHello        []byte      `json:"server_hello,omitempty"`         // handshake message, with its 4-byte header
	HelloRetry         []byte      `json:"hello_retry,omitempty"`          // likewise, when one came first
	Extensions         []Extension `json:"extensions,omitempty"`           // of the ServerHello, in wire order
	Encrypted          []Extension `json:"encrypted_extensions,omitempty"` // of TLS 1.3 EncryptedExtensions
	ALPN               string      `json:"alpn,omitempty"`                 // protocol selected by the server
	Certificates       [][]byte    `json:"certificates,omitempty"`         // DER, as sent, leaf first
	KeyExchange        []byte      `json:"server_key_exchange,omitempty"`  // TLS 1.2 and below, body
	CertificateRequest []byte      `json:"certificate_request,omitempty"`  // body
	SignatureScheme    uint16      `json:"signature_scheme,omitempty"`     // of CertificateVerify
	Messages           []uint8     `json:"messages,omitempty"`             // handshake types received, in wire order
	Alerts             []TLSAlert  `json:"alerts,omitempty"`
	Raw                []byte      `json:"raw,omitempty"` // first bytes of an answer that is not TLS
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
	Raw     []byte `json:"raw,omitempty"` // first bytes of an answer that is not HTTP
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

// Merge fills a with what b knows and a does not.
func (a *Answer) Merge(b Answer) {
	fill(&a.Detect, b.Detect)
	fill(&a.TCP, b.TCP)
	fill(&a.TLS, b.TLS)
	fill(&a.JARM, b.JARM)
	switch {
	case a.SSH == nil:
		a.SSH = b.SSH
	case b.SSH != nil:
		merged := *a.SSH
		fill(&merged.KEXINIT, b.SSH.KEXINIT)
		merged.HostKeys = append(append([]HostKey(nil), merged.HostKeys...), b.SSH.HostKeys...)
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
		a.HTTP = &merged
	}
}

func fill[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}
