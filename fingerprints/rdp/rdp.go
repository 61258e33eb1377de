// Package rdp derives fingerprints from the start of Remote Desktop
// connections: how the server negotiates, and who its NTLM challenge says it is.
package rdp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds, as in a fingerprint/1 line.
const (
	// Negotiation is the Connection Confirm PDU: what is selected of TLS,
	// CredSSP and neither, flags, or why nothing is; references and class.
	Negotiation = "rdp.negotiation"
	// NTLMNames are the names that the machine gives itself and its domain.
	NTLMNames = "rdp.ntlm_names"
	// NTLMPattern is NTLMNames with what is counted or drawn as '#'.
	NTLMPattern = "rdp.ntlm_pattern"
	// NTLMVersion is the build of the operating system, and what else of the
	// challenge is the same every time.
	NTLMVersion = "rdp.ntlm_version"
)

// Of derives the fingerprints of one answer, in the order of the kinds above.
func Of(r *record.RDP) []value.Pair {
	if r == nil {
		return nil
	}
	var out value.List
	out.Add(Negotiation, negotiation(r.Confirm))
	if c, ok := parseChallenge(r.Challenge); ok {
		out.Add(NTLMNames, c.names(func(s string) string { return s }))
		out.Add(NTLMPattern, c.names(pattern))
		out.Add(NTLMVersion, fmt.Sprintf("%s credssp=%d", c.version(), r.CredSSP))
	}
	return out
}

// negotiation reads "hybrid flags=1f refs=0000:1234 class=00", or "failure=5
// refs=..." or, of a server that knows no such thing, "none refs=...". What
// there is besides of the PDU follows in hex.
func negotiation(pdu []byte) string {
	const (
		header   = 11 // TPKT and the fixed part of the confirm
		size     = 8  // RDP_NEG_RSP, RDP_NEG_FAILURE
		response = 2
		failure  = 3
	)
	if len(pdu) < header {
		return ""
	}
	layout := fmt.Sprintf("refs=%x:%x class=%02x", pdu[6:8], pdu[8:10], pdu[10])
	rest := pdu[header:]
	said := "none"
	if len(rest) >= size && (rest[0] == response || rest[0] == failure) {
		code := binary.LittleEndian.Uint32(rest[4:])
		if said = fmt.Sprintf("%s flags=%02x", protocol(code), rest[1]); rest[0] == failure {
			said = fmt.Sprintf("failure=%d", code)
		}
		rest = rest[size:]
	}
	if len(rest) > 0 {
		layout += " rest=" + hex.EncodeToString(rest)
	}
	return said + " " + layout
}

// protocol names a selectedProtocol (MS-RDPBCGR 2.2.1.2.1).
func protocol(code uint32) string {
	switch code {
	case 0:
		return "rdp"
	case 1:
		return "ssl"
	case 2:
		return "hybrid"
	case 4:
		return "rdstls"
	case 8:
		return "hybrid_ex"
	}
	return fmt.Sprintf("0x%x", code)
}

// pattern is the scheme of a name. Windows Setup and images of clouds draw the
// part after a fixed word, letters and digits alike; elsewhere names count.
func pattern(name string) string {
	labels := strings.Split(name, ".")
	for i, label := range labels {
		word, drawn, _ := strings.Cut(label, "-")
		if n := drawnLength(strings.ToUpper(word)); n > 0 && len(drawn) == n && alphanumeric(drawn) {
			labels[i] = word + "-#"
		} else {
			labels[i] = value.Template(label)
		}
	}
	return strings.Join(labels, ".")
}

// drawnLength is how much is drawn after a word; 0 if nothing is.
func drawnLength(word string) int {
	switch word {
	case "WIN": // Windows Server
		return 11
	case "DESKTOP", "EC2AMAZ": // Windows 10; Amazon's images
		return 7
	case "LAPTOP":
		return 8
	}
	return 0
}

func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z')
	}) < 0
}
