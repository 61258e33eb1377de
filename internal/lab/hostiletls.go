package lab

import (
	"bytes"
	"encoding/binary"
	"net"
	"slices"
)

// record is a TLS record (RFC 8446 section 5.1).
func record(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(body))), body...)
}

// serverHello is a TLS 1.2 ServerHello without extensions (RFC 5246 section
// 7.4.1.3) that selects ECDHE-RSA with AES-128-GCM.
func serverHello() []byte {
	body := append([]byte{3, 3}, make([]byte, 32)...)
	body = append(body, 0, 0xc0, 0x2f, 0)
	return append([]byte{2, 0, 0, byte(len(body))}, body...)
}

// longChain is a ServerHello and a Certificate message (RFC 5246 section 7.4.2)
// that holds der n times, in full records. It is made once: a handshake with
// such a chain for every client would keep this machine busy, not the client.
func longChain(der []byte, n int) []byte {
	list := bytes.Repeat(append(uint24(len(der)), der...), n)
	body := append(uint24(len(list)), list...)
	flight := slices.Concat(serverHello(), []byte{11}, uint24(len(body)), body)
	var out []byte
	for part := range slices.Chunk(flight, 1<<14) {
		out = append(out, record(22, part)...)
	}
	return out
}

// uint24 is a length as TLS writes it.
func uint24(n int) []byte { return []byte{byte(n >> 16), byte(n >> 8), byte(n)} }

// lyingHello is a ServerHello whose session id reaches beyond its end.
func lyingHello() []byte {
	hello := serverHello()
	hello[4+2+32] = 0xff
	return record(22, hello)
}

// twoGiB sends a ServerHello and then certificate messages of 16 MiB, 2 GiB in
// all, in records as large as they may be.
func twoGiB(c net.Conn) {
	if _, err := c.Write(record(22, serverHello())); err != nil {
		return
	}
	first := record(22, append([]byte{11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9}, make([]byte, 1<<14-10)...))
	more := record(22, make([]byte, 1<<14))
	for sent := 0; sent < 2<<30; sent += 1 << 14 {
		block := more
		if sent%(1<<24) == 0 {
			block = first
		}
		if _, err := c.Write(block); err != nil {
			return
		}
	}
	discard(c)
}
