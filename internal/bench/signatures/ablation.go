package main

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"github.com/hostkin/hostkin/scanner/record"
)

// ablation takes one thing that the signature reads out of a record.
type ablation struct {
	name  string
	strip func(*record.TLS) *record.TLS
}

func ablations() []ablation {
	return []ablation{
		{"no extension values", each(func(a *record.TLSAnswer) {
			a.Extensions, a.Encrypted = bare(a.Extensions), bare(a.Encrypted)
			a.HelloRetry = bareHello(a.HelloRetry)
		})},
		{"no encrypted flight", each(noEncrypted)},
		{"no key exchange detail", each(func(a *record.TLSAnswer) { a.KeyExchange = nil })},
		{"no alerts", each(func(a *record.TLSAnswer) { a.Alerts = nil })},
		{"no client certificate request", each(func(a *record.TLSAnswer) {
			a.CertificateRequest = nil
			a.Messages = slices.DeleteFunc(slices.Clone(a.Messages), func(m uint8) bool { return m == 13 })
		})},
	}
}

// each changes a copy of a record, answer by answer.
func each(change func(*record.TLSAnswer)) func(*record.TLS) *record.TLS {
	return func(t *record.TLS) *record.TLS {
		copied := *t
		copied.Others = slices.Clone(t.Others)
		for a := range copied.Answers() {
			change(a)
		}
		return &copied
	}
}

func bare(list []record.Extension) []record.Extension {
	var out []record.Extension
	for _, e := range list {
		out = append(out, record.Extension{Type: e.Type})
	}
	return out
}

// bareHello is a ServerHello message without the values of its extensions. Its
// length fields are not mended but those of the extensions.
func bareHello(msg []byte) []byte {
	s := cryptobyte.String(msg)
	var id, block cryptobyte.String
	if !s.Skip(4+2+32) || !s.ReadUint8LengthPrefixed(&id) || !s.Skip(3) {
		return nil
	}
	b := cryptobyte.NewBuilder(slices.Clone(msg[:len(msg)-len(s)]))
	if !s.ReadUint16LengthPrefixed(&block) {
		return nil
	}
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
		for !block.Empty() {
			var kind uint16
			var data cryptobyte.String
			if !block.ReadUint16(&kind) || !block.ReadUint16LengthPrefixed(&data) {
				return
			}
			b.AddUint16(kind)
			b.AddUint16(0)
		}
	})
	return b.BytesOrPanic()
}

// noEncrypted leaves of an answer of TLS 1.3 what comes in the clear, and a
// Finished, without which the answer would not be whole.
func noEncrypted(a *record.TLSAnswer) {
	if a.Version != 0x0304 {
		return
	}
	const finished = 20
	clear := slices.DeleteFunc(slices.Clone(a.Messages), func(m uint8) bool { return m != 2 })
	if slices.Contains(a.Messages, finished) {
		clear = append(clear, finished)
	}
	a.Messages, a.Encrypted, a.CertificateRequest, a.SignatureScheme = clear, nil, nil, 0
}
